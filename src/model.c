#include "model.h"

#include <math.h>
#include <string.h>

#include "initialize.h"
#include "kernels/conv2d.h"
#include "lean.h"
#include "op.h"
#include "regularize.h"
#include "rest.h"
#include "size.h"

/* Bytes a node: see tg_model.roles. */
enum { ROLES = 3 };

/* Whole numbers up to here are exact in a double. */
#define MAX_SEED 9007199254740991.0

tg_model *tg_model_new(tg_engine *engine, double seed) {
  if (!(seed >= 0 && seed <= MAX_SEED && seed == floor(seed))) {
    tg_fail(engine, TG_E_CONFIG, "model: seed is %g, it must be a whole number from 0 to %g", seed, MAX_SEED);
    return NULL;
  }
  tg_model *model = tg_allocate(engine, TG_BLOCK_MODEL, sizeof *model, 1, "model");
  if (!model) return NULL;
  model->graph.engine = engine;
  model->seed = (uint64_t)seed;
  return model;
}

static void free_vectors(tg_model *model) {
  tg_engine *engine = model->graph.engine;
  tg_release(engine, model->vectors.weights);
  tg_release(engine, model->vectors.gradients);
  tg_release(engine, model->vectors.next_state);
  tg_release(engine, model->vectors.seen);
  tg_release(engine, model->penalties);
  tg_optim_free(engine, &model->optim);
}

void tg_model_free(tg_model *model) {
  tg_engine *engine = model->graph.engine;
  tg_runner_free(engine, &model->training);
  tg_runner_free(engine, &model->inference);
  free_vectors(model);
  tg_release(engine, model->outputs);
  tg_release(engine, model->roles);
  tg_release(engine, model->targets);
  tg_release(engine, model->staged);
  tg_release(engine, model->order);
  tg_release(engine, model->eval_order);
  tg_release(engine, model->class_weights);
  tg_release(engine, model->mask);
  if (model->augment) tg_augment_free(engine, model->augment);
  tg_graph_free(&model->graph);
  tg_release(engine, model);
}

/* Rows of weights are read eight at a time, past the end of the last. */
tg_real *tg_model_new_vector(const tg_model *model, uint64_t reals, const char *what) {
  return tg_allocate(model->graph.engine, TG_BLOCK_PRIVATE, (reals + TG_OVERREAD_REALS) * sizeof(tg_real), 1, what);
}

static int is_output(const tg_model *model, uint32_t node) {
  for (uint32_t k = 0; k < model->n_outputs; k++)
    if (model->outputs[k] == node) return 1;
  return 0;
}

static tg_status read_outputs(tg_model *model, const int32_t *outputs, uint32_t n) {
  tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  if (n > graph->n_nodes) return tg_fail(engine, TG_E_GRAPH, "model: %u outputs of %u nodes", n, graph->n_nodes);
  for (uint32_t k = 0; k < n; k++) {
    if (outputs[k] < 0 || (uint32_t)outputs[k] >= graph->n_nodes)
      return tg_fail(engine, TG_E_GRAPH, "model: output %u is node %g of %u", k, (double)outputs[k], graph->n_nodes);
    const tg_node *node = &graph->nodes[outputs[k]];
    if (node->quantization.scale > 0)
      return tg_fail(engine, TG_E_GRAPH, "layer '%s': a model's output must be floats, not bytes", node->name);
    for (uint32_t j = 0; j < k; j++)
      if (outputs[j] == outputs[k])
        return tg_fail(engine, TG_E_GRAPH, "layer '%s': outputs %u and %u are the same", node->name, j, k);
    model->outputs[k] = (uint32_t)outputs[k];
  }
  model->n_outputs = n;
  return TG_OK;
}

static tg_status check_graph(tg_model *model) {
  tg_graph *graph = &model->graph;
  if (graph->nodes[0].op != &tg_op_input)
    return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': the first node must be an input, it is %s",
                   graph->nodes[0].name, graph->nodes[0].op->name);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    uint32_t used = (uint32_t)is_output(model, i);
    for (uint32_t c = i + 1; c < graph->n_nodes && !used; c++)
      for (uint32_t k = 0; k < graph->nodes[c].n_inputs; k++) used |= graph->nodes[c].inputs[k] == i;
    if (!used) return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': nothing reads its output", graph->nodes[i].name);
  }
  return TG_OK;
}

/* Gives back what tg_model_finish made of a model that it refuses. */
static tg_status refuse(tg_model *model, tg_status status) {
  tg_engine *engine = model->graph.engine;
  free_vectors(model);
  tg_release(engine, model->outputs);
  tg_release(engine, model->roles);
  model->vectors = (tg_vectors){0};
  model->penalties = NULL;
  model->outputs = NULL;
  model->roles = NULL;
  model->n_outputs = 0;
  return status;
}

tg_status tg_model_finish(tg_model *model, const int32_t *outputs, uint32_t n_outputs) {
  const tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  const int32_t last = (int32_t)graph->n_nodes - 1;
  if (model->built) return tg_fail(engine, TG_E_STATE, "model: it is built already");
  if (graph->n_nodes < 2)
    return tg_fail(engine, TG_E_CONFIG, "model: it has %u nodes, it needs an input and at least one layer",
                   graph->n_nodes);
  uint64_t nodes = graph->n_nodes;
  model->outputs = tg_allocate(engine, TG_BLOCK_PRIVATE, nodes * sizeof *model->outputs, 1, "outputs");
  if (model->outputs) model->roles = tg_allocate(engine, TG_BLOCK_PRIVATE, ROLES * nodes, 1, "roles");
  if (!model->roles) return refuse(model, engine->status);
  tg_status status = read_outputs(model, n_outputs ? outputs : &last, n_outputs ? n_outputs : 1);
  if (!status) status = check_graph(model);
  if (status) return refuse(model, status);
  tg_vectors *v = &model->vectors;
  v->weights = tg_model_new_vector(model, tg_graph_parameters(graph), "weights");
  if (v->weights) v->gradients = tg_model_new_vector(model, graph->trainable, "gradients");
  if (v->gradients) v->next_state = tg_model_new_vector(model, graph->state, "state");
  if (!v->next_state) return refuse(model, engine->status);
  if (tg_sees_rounded(graph)) {
    v->seen = tg_model_new_vector(model, graph->trainable, "weights in 8 bits");
    if (!v->seen) return refuse(model, engine->status);
  }
  const uint64_t room = tg_penalty_room(graph);
  if (room) {
    model->penalties = tg_allocate(engine, TG_BLOCK_PRIVATE, room * sizeof(double), 1, "penalties");
    if (!model->penalties) return refuse(model, engine->status);
  }
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    status = tg_initialize(engine, v->weights + tg_graph_offset(graph, tensor), tensor, model->seed, i);
    if (status) return refuse(model, status);
  }
  for (uint32_t k = 0; k < model->n_outputs; k++) { /* a plan for training may be asked for before there is a loss */
    model->roles[model->outputs[k]] = TG_ROLE_SEEDED;
    model->roles[nodes + model->outputs[k]] = TG_ROLE_READ;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const tg_node *node = &graph->nodes[i];
    if (node->op->initialize && node->root == i)
      node->op->initialize(graph, node, v->weights + tg_graph_offset(graph, &graph->tensors[node->first_tensor]));
  }
  model->built = 1;
  return TG_OK;
}

/* ---- losses ---- */

static void free_targets(tg_model *model, tg_target **targets) {
  tg_release(model->graph.engine, *targets);
  *targets = NULL;
}

tg_status tg_model_stage_loss(tg_model *model, double output, tg_loss number, const char *names, const double *values,
                              uint32_t n) {
  const tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  if (!model->built) return tg_fail(engine, TG_E_STATE, "model: compiled before it is built");
  if (!(output >= 0 && output < model->n_outputs && output == floor(output)))
    return tg_fail(engine, TG_E_CONFIG, "loss: of output %g, the model has %u", output, model->n_outputs);
  const uint32_t k = (uint32_t)output, node = model->outputs[k];
  tg_target target = {.used = 1};
  /* The input of a final softmax that is an output itself has a gradient of its own. */
  const tg_node *last = &graph->nodes[node];
  const int may_absorb = last->n_inputs == 1 && !is_output(model, last->inputs[0]);
  tg_status status = tg_loss_make(&target.loss, graph, node, may_absorb, number, names, values, n);
  if (!status && !model->staged) {
    model->staged = tg_allocate(engine, TG_BLOCK_PRIVATE, model->n_outputs * sizeof(tg_target), 1, "losses");
    if (!model->staged) status = engine->status;
  }
  if (status)
    free_targets(model, &model->staged);
  else
    model->staged[k] = target;
  return status;
}

/* What losses make of the graph: whom they read, and whose weights are trained for them. `roles` is as the model's. */
static void give_roles(const tg_model *model, uint8_t *roles) {
  const tg_graph *graph = &model->graph;
  const uint32_t n = graph->n_nodes;
  uint8_t *training = roles, *inference = roles + n, *trained = roles + 2 * (size_t)n;
  for (uint32_t k = 0; k < model->n_outputs; k++) inference[model->outputs[k]] = TG_ROLE_READ;
  for (uint32_t k = 0; k < model->n_outputs; k++) {
    if (!model->staged[k].used) continue;
    training[model->staged[k].loss.node] = TG_ROLE_SEEDED;
    inference[model->staged[k].loss.node] = TG_ROLE_READ;
  }
  tg_plan_reach(graph, training, TG_ROLE_SEEDED, trained);
  for (uint32_t i = n; i-- > 0;) {
    const uint32_t root = graph->nodes[i].root;
    trained[root] = (trained[root] || trained[i]) && !graph->nodes[root].freeze; /* calls come after their root */
  }
}

tg_status tg_model_choose(tg_model *model, tg_optimizer optimizer, const char *names, const double *values,
                          uint32_t n) {
  tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  if (!model->staged) return tg_fail(engine, TG_E_STATE, "model: compiled without a loss");
  tg_optim optim;
  uint8_t *roles = tg_allocate(engine, TG_BLOCK_PRIVATE, ROLES * (uint64_t)graph->n_nodes, 1, "roles");
  tg_status status = roles ? TG_OK : engine->status;
  if (!status) {
    give_roles(model, roles);
    status = tg_optim_make(&optim, graph, roles + 2 * (size_t)graph->n_nodes, optimizer, names, values, n);
  }
  if (status) {
    tg_release(engine, roles);
    free_targets(model, &model->staged);
    return status;
  }
  /* Plans follow the roles. */
  tg_runner_free(engine, &model->training);
  tg_runner_free(engine, &model->inference);
  tg_optim_free(engine, &model->optim);
  tg_release(engine, model->roles);
  model->roles = roles;
  for (uint32_t i = 0; i < graph->n_nodes; i++) graph->nodes[i].frozen = graph->nodes[i].freeze;
  model->optim = optim;
  free_targets(model, &model->targets);
  model->targets = model->staged;
  model->staged = NULL;
  model->compiled = 1;
  return TG_OK;
}

tg_target *tg_model_first_target(const tg_model *model) {
  uint32_t k = 0;
  while (!model->targets[k].used) k++;
  return &model->targets[k];
}

tg_status tg_model_weigh_classes(tg_model *model, const tg_real *weights, double n) {
  tg_engine *engine = model->graph.engine;
  if (!model->compiled) return tg_fail(engine, TG_E_STATE, "model: it is not compiled");
  uint32_t losses = 0;
  for (uint32_t k = 0; k < model->n_outputs; k++) losses += model->targets[k].used != 0;
  if (n > 0 && losses > 1)
    return tg_fail(engine, TG_E_STATE, "classWeight: the model has %u losses, classes are weighed for one", losses);
  const double classes = tg_loss_classes(&tg_model_first_target(model)->loss);
  if (!(n >= 0 && n <= classes))
    return tg_fail(engine, TG_E_LABEL_RANGE, "classWeight: class %g, the model has classes 0 to %g", n - 1,
                   classes - 1);
  for (uint32_t i = 0; i < n; i++)
    if (!isfinite(weights[i]))
      return tg_fail(engine, TG_E_NON_FINITE, "classWeight: the weight of class %u is %g", i, (double)weights[i]);
  tg_real *copy = NULL;
  if (n > 0) {
    copy = tg_allocate(engine, TG_BLOCK_PRIVATE, (uint64_t)n * sizeof(tg_real), 0, "class weights");
    if (!copy) return engine->status;
    memcpy(copy, weights, (size_t)n * sizeof(tg_real));
  }
  tg_release(engine, model->class_weights);
  model->class_weights = copy;
  model->n_class_weights = (uint32_t)n;
  return TG_OK;
}

tg_status tg_model_augment(tg_model *model, const double *list, uint32_t n) {
  tg_engine *engine = model->graph.engine;
  if (n > 0 && tg_need_rest(engine, "augmentation")) return engine->status;
  tg_augment *augment = n > 0 ? tg_augment_make(engine, list, n) : NULL;
  if (n > 0 && !augment) return engine->status;
  if (model->augment) tg_augment_free(engine, model->augment);
  model->augment = augment;
  model->dataset = NULL; /* an epoch begun before does not know of it */
  return TG_OK;
}

uint64_t tg_model_output_size(const tg_model *model) {
  uint64_t size = 0;
  for (uint32_t k = 0; k < model->n_outputs; k++) size += model->graph.nodes[model->outputs[k]].elements;
  return size;
}

static int fits_input(const tg_graph *graph, const tg_node *input, const tg_dataset *dataset,
                      const tg_augment *augment) {
  const uint32_t from_height = augment ? augment->height : dataset->height;
  const uint32_t from_width = augment ? augment->width : dataset->width;
  const uint32_t rank = input->shape.rank, *dims = input->shape.dims;
  const uint32_t height = rank < 3 ? 1 : dims[0], width = rank < 2 ? 1 : dims[rank - 2], channels = dims[rank - 1];
  int same = rank == 1 ? channels == (uint64_t)from_height * from_width * dataset->channels
                       : height == from_height && width == from_width && channels == dataset->channels;
  if (same) return 1;
  tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': samples are %u x %u x %u, the model takes %u x %u x %u", input->name,
          from_height, from_width, dataset->channels, height, width, channels);
  return 0;
}

int tg_model_fits(const tg_model *model, const tg_dataset *dataset, const tg_augment *augment) {
  const tg_graph *graph = &model->graph;
  uint32_t inputs = 0, found = 0;
  for (uint32_t i = 0; i < graph->n_nodes; i++) inputs += graph->nodes[i].op == &tg_op_input;
  for (const tg_dataset *part = dataset; part; part = part->next) found += part->sample_type != TG_SAMPLES_NONE;
  if (found != inputs) {
    tg_fail(graph->engine, TG_E_SHAPE, "data set: it has samples for %u inputs, the model has %u", found, inputs);
    return 0;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    if (graph->nodes[i].op != &tg_op_input) continue;
    if (!fits_input(graph, &graph->nodes[i], dataset, augment)) return 0;
    dataset = dataset->next;
  }
  return 1;
}
