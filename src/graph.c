#include "graph.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "op.h"
#include "rest.h"
#include "size.h"

static const struct {
  const tg_op *op;
  int rest; /* in the engine's second file */
} ops[] = {
#define TG_OP(name) {&tg_op_##name, 1},
#define TG_FIRST_OP(name) {&tg_op_##name, 0},
#include "ops/ops.inc"
#undef TG_OP
};

/* The op of that name; NULL with the engine's error when there is none, or it is not loaded. */
static const tg_op *find_op(tg_engine *engine, const char *op, const char *layer) {
  size_t i = 0;
  while (i < sizeof ops / sizeof *ops && strcmp(ops[i].op->name, op)) i++;
  if (i == sizeof ops / sizeof *ops) {
    tg_fail(engine, TG_E_CONFIG, "layer '%s': there is no op '%s'", layer, op);
    return NULL;
  }
  return ops[i].rest && tg_need_rest(engine, op) ? NULL : ops[i].op;
}

/* Makes room for one more element of an array that doubles when full. The old array stays valid on failure. */
static void *grow(tg_engine *engine, void *array, uint32_t count, uint32_t *capacity, size_t element,
                  const char *what) {
  if (count < *capacity) return array;
  uint32_t larger = *capacity ? *capacity * 2 : 16;
  void *grown = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(larger, element), 1, what);
  if (!grown) return NULL;
  if (array) memcpy(grown, array, count * element);
  tg_release(engine, array);
  *capacity = larger;
  return grown;
}

/* A copy of the text a, a slash and b; without b, of a alone. */
static char *join(tg_engine *engine, const char *a, const char *b) {
  size_t length_a = strlen(a), length_b = b ? strlen(b) : 0;
  char *text = tg_allocate(engine, TG_BLOCK_PRIVATE, length_a + length_b + 2, 1, "name");
  if (!text) return NULL;
  memcpy(text, a, length_a);
  if (b) {
    text[length_a] = '/';
    memcpy(text + length_a + 1, b, length_b);
  }
  return text;
}

/* ---- attributes ---- */

/* `of` is what the attribute is of: "" or, where it is a tensor's, its name. */
static tg_status check_attribute(tg_engine *engine, const tg_node *node, const char *of, const tg_attribute *attribute,
                                 double value) {
  if (value >= attribute->min && value <= attribute->max && (!attribute->whole || value == floor(value))) return TG_OK;
  return tg_fail(engine, TG_E_CONFIG, "layer '%s': %s%s%s is %g, it must be a %snumber from %g to %g", node->name,
                 attribute->name, *of ? " of " : "", of, value, attribute->whole ? "whole " : "", attribute->min,
                 attribute->max);
}

/* The number of the attribute that is called the first `length` bytes of `name`; n when there is none. */
static uint32_t find_attribute(const tg_attribute *attributes, uint32_t n, const char *name, size_t length) {
  uint32_t i = 0;
  while (i < n && (strncmp(attributes[i].name, name, length) || attributes[i].name[length])) i++;
  return i;
}

static tg_status unknown_attribute(tg_engine *engine, const tg_node *node, const char *name, uint32_t number) {
  return tg_fail(engine, TG_E_CONFIG, "layer '%s': op %s has no attribute '%s' (number %u of the list)", node->name,
                 node->op->name, strcspn(name, ",") < 64 ? name : "…", number + 1);
}

static int is_setting(const char *name) { return name[strcspn(name, ",/")] == '/'; }

static const char *next_name(const char *name) {
  name += strcspn(name, ",");
  return name + (*name == ',');
}

/* An attribute that every op has: the node whose tensors this one uses. */
#define SHARES "sharesWith"

static int is_word(const char *at, size_t length, const char *word) {
  return strlen(word) == length && !strncmp(at, word, length);
}

static tg_status read_root(tg_graph *graph, tg_node *node, double value) {
  tg_engine *engine = graph->engine;
  if (!(value >= 0 && value < graph->n_nodes && value == floor(value)))
    return tg_fail(engine, TG_E_GRAPH, "layer '%s': it shares the weights of node %g of %u", node->name, value,
                   graph->n_nodes);
  const tg_node *other = &graph->nodes[(uint32_t)value];
  if (other->op != node->op)
    return tg_fail(engine, TG_E_GRAPH, "layer '%s' (%s) cannot share the weights of '%s' (%s)", node->name,
                   node->op->name, other->name, other->op->name);
  node->root = other->root;
  node->first_tensor = graph->nodes[other->root].first_tensor;
  return TG_OK;
}

/* Fills the node's attributes from the names, joined by commas, and their values. */
static tg_status read_attributes(tg_graph *graph, tg_node *node, const char *names, const double *values,
                                 uint32_t n_values) {
  tg_engine *engine = graph->engine;
  const tg_op *op = node->op;
  uint32_t given = 0;
  const char *at = names;
  for (uint32_t i = 0; i < op->n_attributes; i++) node->attributes[i] = op->attributes[i].fallback;
  for (uint32_t v = 0; v < n_values; v++, at = next_name(at)) {
    if (is_setting(at)) continue; /* read_settings takes it, once the tensors are known */
    const size_t length = strcspn(at, ",");
    if (is_word(at, length, SHARES)) {
      tg_status status = read_root(graph, node, values[v]);
      if (status) return status;
      continue;
    }
    const uint32_t i = find_attribute(op->attributes, op->n_attributes, at, length);
    if (i == op->n_attributes) return unknown_attribute(engine, node, at, v);
    tg_status status = check_attribute(engine, node, "", &op->attributes[i], values[v]);
    if (status) return status;
    node->attributes[i] = values[v];
    given |= 1u << i;
  }
  for (uint32_t i = 0; i < op->n_attributes; i++)
    if (!(given >> i & 1) && isnan(op->attributes[i].fallback))
      return tg_fail(engine, TG_E_CONFIG, "layer '%s': %s is missing", node->name, op->attributes[i].name);
  return TG_OK;
}

/* ---- settings of tensors ---- */

/* What floats hold. */
#define MOST 1e30

static const tg_attribute settings[TG_SET_COUNT] = {
    [TG_SET_MEAN] = {"mean", 0, -MOST, MOST, 0},
    [TG_SET_STDDEV] = {"stddev", 0.05, 0, MOST, 0},
    [TG_SET_MINVAL] = {"minval", -0.05, -MOST, MOST, 0},
    [TG_SET_MAXVAL] = {"maxval", 0.05, -MOST, MOST, 0},
    [TG_SET_VALUE] = {"value", 0, -MOST, MOST, 0},
    [TG_SET_GAIN] = {"gain", 1, -MOST, MOST, 0},
    [TG_SET_SCALE] = {"scale", 1, 1e-30, MOST, 0},
    [TG_SET_MODE] = {"mode", 0, 0, 2, 1},
    [TG_SET_DISTRIBUTION] = {"distribution", 0, 0, 2, 1},
    [TG_SET_L1] = {"l1", 0, 0, MOST, 0},
    [TG_SET_L2] = {"l2", 0, 0, MOST, 0},
    [TG_SET_CONSTRAINT] = {"constraint", TG_FREE, 0, TG_CONSTRAINT_COUNT - 1, 1},
    [TG_SET_MIN_VALUE] = {"minValue", 0, 0, MOST, 0},
    [TG_SET_MAX_VALUE] = {"maxValue", 1, 0, MOST, 0},
    [TG_SET_RATE] = {"rate", 1, 0, 1, 0},
    [TG_SET_AXES] = {"axes", 1, 0, 255, 1},
    [TG_SET_INT8] = {"int8", 0, 0, 1, 1},
};

/* The node's tensor that a setting's name begins with, or NULL. */
static tg_tensor *tensor_named(const tg_graph *graph, const tg_node *node, const char *setting) {
  const size_t own = strlen(node->name) + 1, length = strcspn(setting, "/");
  for (uint32_t t = 0; t < node->n_tensors; t++) {
    const char *name = graph->tensors[node->first_tensor + t].name + own;
    if (!strncmp(name, setting, length) && !name[length]) return &graph->tensors[node->first_tensor + t];
  }
  return NULL;
}

/* Settings against the tensor's shape and each other; axes counted from the end become others. */
static tg_status check_settings(tg_engine *engine, const tg_node *node, tg_tensor *tensor) {
  double *s = tensor->settings;
  const int penalized = s[TG_SET_L1] || s[TG_SET_L2] || s[TG_SET_CONSTRAINT] != TG_FREE;
  if (penalized || s[TG_SET_INT8] || tensor->initializer == TG_INIT_ORTHOGONAL) {
    const tg_status missing = tg_need_rest(engine, "a penalty, a constraint, an orthogonal start or 8 bits");
    if (missing) return missing;
  }
  const uint32_t rank = tensor->shape.rank, axes = (uint32_t)s[TG_SET_AXES];
  uint32_t resolved = 0;
  for (uint32_t d = 0; d < TG_MAX_RANK; d++) {
    if ((axes >> d | axes >> (4 + d)) & 1 && d >= rank)
      return tg_fail(engine, TG_E_SHAPE, "layer '%s': axis %g of a constraint, %s has %u dimensions", node->name,
                     axes >> d & 1 ? (double)d : -1.0 - d, tensor->name, rank);
    resolved |= (axes >> d & 1) << d;
    if (axes >> (4 + d) & 1) resolved |= 1u << (rank - 1 - d);
  }
  s[TG_SET_AXES] = resolved;
  if (s[TG_SET_CONSTRAINT] == TG_NORMS && s[TG_SET_MIN_VALUE] > s[TG_SET_MAX_VALUE])
    return tg_fail(engine, TG_E_CONFIG, "layer '%s': minValue of a constraint is %g, its maxValue %g", node->name,
                   s[TG_SET_MIN_VALUE], s[TG_SET_MAX_VALUE]);
  if (tensor->initializer == TG_INIT_RANDOM_UNIFORM && s[TG_SET_MINVAL] > s[TG_SET_MAXVAL])
    return tg_fail(engine, TG_E_CONFIG, "layer '%s': minval of an initializer is %g, its maxval %g", node->name,
                   s[TG_SET_MINVAL], s[TG_SET_MAXVAL]);
  if (tensor->initializer == TG_INIT_IDENTITY && rank != 2)
    return tg_fail(engine, TG_E_SHAPE, "layer '%s': identity is for 2 dimensions, %s has %u", node->name, tensor->name,
                   rank);
  return TG_OK;
}

/* Fills the settings of the node's tensors from the names that hold a slash. */
static tg_status read_settings(tg_graph *graph, const tg_node *node, const char *names, const double *values,
                               uint32_t n_values) {
  tg_engine *engine = graph->engine;
  const char *at = names;
  for (uint32_t v = 0; v < n_values; v++, at = next_name(at)) {
    if (!is_setting(at)) continue;
    tg_tensor *tensor = tensor_named(graph, node, at);
    const char *name = at + strcspn(at, "/") + 1;
    const uint32_t i = find_attribute(settings, TG_SET_COUNT, name, strcspn(name, ","));
    if (!tensor || i == TG_SET_COUNT) return unknown_attribute(engine, node, at, v);
    tg_status status = check_attribute(engine, node, tensor->name, &settings[i], values[v]);
    if (status) return status;
    tensor->settings[i] = values[v];
  }
  for (uint32_t t = 0; t < node->n_tensors; t++) {
    tg_status status = check_settings(engine, node, &graph->tensors[node->first_tensor + t]);
    if (status) return status;
  }
  return TG_OK;
}

tg_status tg_graph_set_attribute(tg_graph *graph, uint32_t number, const char *name, double value) {
  tg_engine *engine = graph->engine;
  if (number >= graph->n_nodes)
    return tg_fail(engine, TG_E_CONFIG, "model: node %u, there are %u", number, graph->n_nodes);
  tg_node *node = &graph->nodes[number];
  const tg_op *op = node->op;
  tg_tensor *tensor = is_setting(name) ? tensor_named(graph, node, name) : NULL;
  const char *own = tensor ? name + strcspn(name, "/") + 1 : name;
  const tg_attribute *table = tensor ? settings : op->attributes;
  const uint32_t n = tensor ? TG_SET_COUNT : op->n_attributes, i = find_attribute(table, n, own, strlen(own));
  if (i == n) return unknown_attribute(engine, node, name, 0);
  if (!(tensor ? i == TG_SET_L1 || i == TG_SET_L2 : op->traits & TG_OP_LIVE))
    return tg_fail(engine, TG_E_CONFIG, "layer '%s': %s cannot change once the model is made", node->name, name);
  tg_status status = tensor && value ? tg_need_rest(engine, "a penalty") : TG_OK;
  if (!status) status = check_attribute(engine, node, tensor ? tensor->name : "", &table[i], value);
  if (!status) (tensor ? tensor->settings : node->attributes)[i] = value;
  return status;
}

/* ---- nodes ---- */

static tg_status check_name(tg_graph *graph, const char *name) {
  size_t length = strlen(name);
  if (length < 1 || length > TG_MAX_NAME)
    return tg_fail(graph->engine, TG_E_CONFIG, "a layer's name has %g bytes, it must have 1 to %u", (double)length,
                   (unsigned)TG_MAX_NAME);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (!strcmp(graph->nodes[i].name, name))
      return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': the name is taken by layer %u", name, i);
  return TG_OK;
}

static tg_status check_inputs(tg_graph *graph, tg_node *node, const int32_t *inputs, uint32_t n_inputs) {
  if (n_inputs != node->op->n_inputs)
    return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s' (%s) takes %u inputs, it is given %u", node->name,
                   node->op->name, node->op->n_inputs, n_inputs);
  for (uint32_t i = 0; i < n_inputs; i++) {
    if (inputs[i] < 0 || (uint32_t)inputs[i] >= graph->n_nodes)
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': input %u is node %g of %u", node->name, i,
                     (double)inputs[i], graph->n_nodes);
    node->inputs[i] = (uint32_t)inputs[i];
    const tg_node *input = &graph->nodes[inputs[i]];
    const int wanted = (node->op->traits & TG_OP_READS_INT8) != 0, found = input->quantization.scale > 0;
    if (wanted != found && !(node->op->traits & TG_OP_RENAMES))
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s' (%s) reads %s, '%s' gives %s", node->name, node->op->name,
                     wanted ? "bytes" : "floats", input->name, found ? "bytes" : "floats");
  }
  node->n_inputs = n_inputs;
  return TG_OK;
}

/* The shape's elements, checked before anything is sized by them. */
static tg_status count_elements(tg_graph *graph, tg_node *node) {
  node->elements = 1;
  for (uint32_t d = 0; d < TG_MAX_RANK; d++) node->elements = tg_mul(node->elements, node->shape.dims[d]);
  if (node->elements <= TG_MAX_ELEMENTS) return TG_OK;
  return tg_fail(graph->engine, TG_E_LIMIT, "layer '%s': its output has %g numbers a sample, the limit is %g",
                 node->name, (double)node->elements, (double)TG_MAX_ELEMENTS);
}

static void drop_tensors(tg_graph *graph, uint32_t keep) {
  while (graph->n_tensors > keep) {
    tg_tensor *tensor = &graph->tensors[--graph->n_tensors];
    *(tensor->trainable ? &graph->trainable : &graph->state) -= tensor->size;
    tg_release(graph->engine, tensor->name);
  }
}

int32_t tg_graph_add(tg_graph *graph, const char *op, const char *name, const int32_t *inputs, uint32_t n_inputs,
                     const char *attributes, const double *values, uint32_t n_attributes) {
  tg_engine *engine = graph->engine;
  tg_status status = check_name(graph, name);
  if (status) return -(int32_t)status;
  tg_node node = {.op = find_op(engine, op, name),
                  .index = graph->n_nodes,
                  .first_tensor = graph->n_tensors,
                  .root = graph->n_nodes};
  const uint32_t tensors = graph->n_tensors;
  if (!node.op) return -(int32_t)engine->status;
  if (graph->n_nodes == TG_MAX_NODES)
    return -(int32_t)tg_fail(engine, TG_E_LIMIT, "layer '%s': a model has at most %u nodes", name,
                             (unsigned)TG_MAX_NODES);
  tg_node *nodes = grow(engine, graph->nodes, graph->n_nodes, &graph->nodes_capacity, sizeof node, "layers");
  if (!nodes) return -(int32_t)engine->status;
  graph->nodes = nodes;
  node.name = join(engine, name, NULL);
  if (!node.name) return -(int32_t)engine->status;

  status = check_inputs(graph, &node, inputs, n_inputs);
  if (!status) status = read_attributes(graph, &node, attributes, values, n_attributes);
  if (!status) status = node.op->infer(graph, &node);
  if (!status) status = read_settings(graph, &node, attributes, values, n_attributes);
  if (!status) status = count_elements(graph, &node);
  if (!status && node.root != node.index && node.n_tensors != graph->nodes[node.root].n_tensors)
    status = tg_fail(engine, TG_E_SHAPE, "layer '%s' has %u weights, it shares %u with '%s'", name, node.n_tensors,
                     graph->nodes[node.root].n_tensors, graph->nodes[node.root].name);
  if (status) {
    drop_tensors(graph, tensors);
    tg_release(engine, node.name);
    return -(int32_t)status;
  }
  graph->nodes[graph->n_nodes] = node;
  graph->quantized |= node.quantization.scale > 0;
  return (int32_t)graph->n_nodes++;
}

void tg_graph_free(tg_graph *graph) {
  drop_tensors(graph, 0);
  for (uint32_t i = 0; i < graph->n_nodes; i++) tg_release(graph->engine, graph->nodes[i].name);
  tg_release(graph->engine, graph->nodes);
  tg_release(graph->engine, graph->tensors);
}

/* ---- for the shape rules of ops ---- */

tg_status tg_graph_require_rank(tg_graph *graph, const tg_node *node, uint32_t rank, const char *meaning) {
  uint32_t got = tg_graph_input(graph, node, 0)->shape.rank;
  if (got == rank) return TG_OK;
  return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (%s) needs an input of %u dimensions (%s), it gets %u",
                 node->name, node->op->name, rank, meaning, got);
}

/* A shape as text: "8 x 8 x 16". */
static const char *shape_text(char text[TG_MAX_RANK * 13], const tg_shape *shape) {
  char *at = text;
  for (uint32_t d = 0; d < shape->rank; d++) {
    char digits[10];
    int n = 0;
    for (uint32_t rest = shape->dims[d]; n == 0 || rest; rest /= 10) digits[n++] = (char)('0' + rest % 10);
    if (d) at = (char *)memcpy(at, " x ", 3) + 3;
    while (n) *at++ = digits[--n];
  }
  *at = 0;
  return text;
}

tg_status tg_graph_shapes_differ(tg_graph *graph, const tg_node *node, uint32_t input, const char *rule) {
  const tg_node *first = tg_graph_input(graph, node, 0), *other = tg_graph_input(graph, node, input);
  char a[TG_MAX_RANK * 13], b[TG_MAX_RANK * 13];
  return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (%s): %s, '%s' is %s, '%s' is %s", node->name, node->op->name,
                 rule, first->name, shape_text(a, &first->shape), other->name, shape_text(b, &other->shape));
}

tg_status tg_graph_axis(tg_graph *graph, const tg_node *node, uint32_t index, uint32_t *axis) {
  double value = node->attributes[index], rank = tg_graph_input(graph, node, 0)->shape.rank;
  *axis = (uint32_t)(value < 0 ? rank + value : value - 1);
  if (value && fabs(value) <= rank) return TG_OK;
  return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (%s): %s is %g, its input has axes 1 to %g (or -1 to %g)",
                 node->name, node->op->name, node->op->attributes[index].name, value, rank, -rank);
}

tg_status tg_graph_require_last_axis(tg_graph *graph, const tg_node *node, uint32_t index) {
  uint32_t axis, last = tg_graph_input(graph, node, 0)->shape.rank - 1;
  tg_status status = tg_graph_axis(graph, node, index, &axis);
  if (status || axis == last) return status;
  return tg_fail(graph->engine, TG_E_CONFIG,
                 "layer '%s' (%s): %s is %g, it must be the last, %u or -1 (permute moves axes)", node->name,
                 node->op->name, node->op->attributes[index].name, node->attributes[index], last + 1);
}

/* Unused dimensions are 1, so a shape is its rank and all its dimensions. */
static int same_shape(const tg_shape *a, const tg_shape *b) {
  return a->rank == b->rank && !memcmp(a->dims, b->dims, sizeof a->dims);
}

tg_status tg_graph_require_same_shapes(tg_graph *graph, const tg_node *node) {
  const tg_node *first = tg_graph_input(graph, node, 0);
  for (uint32_t k = 1; k < node->n_inputs; k++) {
    const tg_node *other = tg_graph_input(graph, node, k);
    if (same_shape(&first->shape, &other->shape)) continue;
    return tg_graph_shapes_differ(graph, node, k, "its inputs must have one shape");
  }
  return TG_OK;
}

/* The node's next tensor is the next of its root. */
static tg_status share_tensor(tg_graph *graph, tg_node *node, const char *suffix, const tg_shape *shape) {
  const tg_node *root = &graph->nodes[node->root];
  const tg_tensor *tensor = &graph->tensors[root->first_tensor + node->n_tensors];
  if (node->n_tensors == root->n_tensors || !same_shape(shape, &tensor->shape)) {
    char a[TG_MAX_RANK * 13], b[TG_MAX_RANK * 13];
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' shares weights: its %s is %s, that of '%s' is %s", node->name,
                   suffix, shape_text(a, shape), root->name,
                   node->n_tensors == root->n_tensors ? "missing" : shape_text(b, &tensor->shape));
  }
  *(tensor->trainable ? &node->trainable : &node->state) += tensor->size;
  node->n_tensors++;
  return TG_OK;
}

static tg_status add_tensor(tg_graph *graph, tg_node *node, const char *suffix, tg_shape shape,
                            tg_initializer initializer, uint64_t fan_in, uint64_t fan_out, int trainable) {
  tg_engine *engine = graph->engine;
  if (node->root != node->index) return share_tensor(graph, node, suffix, &shape);
  uint64_t size = 1;
  for (uint32_t d = 0; d < TG_MAX_RANK; d++) size = tg_mul(size, shape.dims[d]);
  uint64_t before = tg_graph_parameters(graph);
  if (tg_add(before, size) > TG_MAX_ELEMENTS)
    return tg_fail(engine, TG_E_LIMIT, "layer '%s': %s of %g numbers makes a model of %g, the limit is %g", node->name,
                   suffix, (double)size, (double)before + (double)size, (double)TG_MAX_ELEMENTS);
  tg_tensor *tensors =
      grow(engine, graph->tensors, graph->n_tensors, &graph->tensors_capacity, sizeof(tg_tensor), "tensors");
  if (!tensors) return engine->status;
  graph->tensors = tensors;
  char *name = join(engine, node->name, suffix);
  if (!name) return engine->status;
  graph->tensors[graph->n_tensors++] = (tg_tensor){.node = graph->n_nodes,
                                                   .initializer = initializer,
                                                   .fan_in = (uint32_t)fan_in,
                                                   .fan_out = (uint32_t)fan_out,
                                                   .shape = shape,
                                                   .offset = trainable ? graph->trainable : graph->state,
                                                   .size = size,
                                                   .trainable = trainable,
                                                   .name = name};
  for (int i = 0; i < TG_SET_COUNT; i++) graph->tensors[graph->n_tensors - 1].settings[i] = settings[i].fallback;
  *(trainable ? &graph->trainable : &graph->state) += size;
  *(trainable ? &node->trainable : &node->state) += size;
  node->n_tensors++;
  return TG_OK;
}

tg_status tg_graph_add_tensor(tg_graph *graph, tg_node *node, const char *suffix, tg_shape shape,
                              tg_initializer initializer, uint64_t fan_in, uint64_t fan_out) {
  return add_tensor(graph, node, suffix, shape, initializer, fan_in, fan_out, 1);
}

tg_status tg_graph_add_state(tg_graph *graph, tg_node *node, const char *suffix, tg_shape shape,
                             tg_initializer initializer) {
  return add_tensor(graph, node, suffix, shape, initializer, 1, 1, 0);
}
