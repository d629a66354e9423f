/*
 * The plan's memory, checked by running it on paper: every array an operator writes marks its bytes, and every array
 * one reads must still carry the mark of its writer. Random graphs with branches, in both modes.
 */
#include "plan.h"
#include "model.h"
#include "network.h"
#include "test.h"

/* What a piece of the arena holds: a node's value, gradient or saved array; 0 nothing. */
enum { VALUE = 1, GRADIENT, SAVED, TEMPORARY, PACKED, STORED, KINDS };
static uint32_t mark_of(uint32_t node, uint32_t kind) { return node * KINDS + kind; }

typedef struct {
  const tg_plan *plan;
  const tg_graph *graph;
  uint32_t *marks; /* one a real of the arena */
  uint32_t stored; /* values that went into 16 bits */
} paper;

static void put(paper *p, const tg_real *array, uint64_t reals, uint32_t mark) {
  uint64_t first = (uint64_t)(array - (tg_real *)p->plan->arena);
  CHECK((first + reals) * sizeof(tg_real) <= p->plan->arena_bytes);
  for (uint64_t i = 0; i < reals; i++) p->marks[first + i] = mark;
}

static void expect(paper *p, const tg_real *array, uint64_t reals, uint32_t mark, uint32_t reader) {
  uint64_t first = (uint64_t)(array - (tg_real *)p->plan->arena), wrong = 0;
  for (uint64_t i = 0; i < reals; i++) wrong += p->marks[first + i] != mark;
  CHECK_MESSAGE(wrong == 0, "'%s' (%s) reads %llu reals of %llu that are not node %u's", p->graph->nodes[reader].name,
                p->graph->nodes[reader].op->name, (unsigned long long)wrong, (unsigned long long)reals, mark / KINDS);
}

/* The node whose kernel writes this node's value. */
static uint32_t writer(const paper *p, uint32_t node) {
  while (p->plan->steps[node].skip) node = p->graph->nodes[node].inputs[0];
  return node;
}

/* The mark of a gradient: arrays that nodes share on purpose carry one. */
static uint32_t gradient_mark(const paper *p, uint32_t node) {
  const tg_real *dy = p->plan->steps[node].buffers.dy;
  for (uint32_t i = 0; i <= node; i++)
    if (p->plan->steps[i].buffers.dy == dy && writer(p, i) == writer(p, node)) return mark_of(writer(p, i), GRADIENT);
  return 0;
}

/* Samples first…first+count-1 of a batch: all, or a slice of those that two nodes take in turn. */
typedef struct {
  uint32_t first, count;
} part;

static part next_part(const paper *p, uint32_t i, part done) {
  const uint32_t slice = p->plan->steps[i].slice, first = done.first + done.count,
                 left = p->plan->request.samples - first;
  return (part){first, slice && slice < left ? slice : left};
}

/* Where a part lies in an array: one between the two nodes holds a slice alone. */
static const tg_real *piece(const tg_real *array, uint64_t elements, part s, int between) {
  return between ? array : array + s.first * elements;
}

static tg_needs needs_of(const paper *p, uint32_t i) {
  tg_needs needs = {0};
  const tg_node *node = &p->graph->nodes[i];
  const tg_step *step = &p->plan->steps[i];
  uint32_t threads = tg_pool_threads(p->graph->engine->pool);
  if (node->op->plan)
    node->op->plan(p->graph, node, step->slice ? step->slice : p->plan->request.samples, threads,
                   step->buffers.dx[0] || step->buffers.dx[1], &needs);
  if (!step->buffers.packed) {
    CHECK(!needs.packed || (p->plan->request.training && node->op->traits & TG_OP_PACKS_TO_PREDICT));
    needs.packed = 0;
  }
  return needs;
}

static tg_real *saved_of(const tg_step *step, part s) {
  return step->buffers.saved + (step->slice ? s.first / step->slice * step->saved_reals : 0);
}

static void forward_node(paper *p, uint32_t i, part s) {
  const tg_node *node = &p->graph->nodes[i];
  const tg_step *step = &p->plan->steps[i];
  tg_needs needs = needs_of(p, i);
  if (needs.packed && p->plan->request.training) put(p, step->buffers.packed, needs.packed, mark_of(i, PACKED));
  if (needs.forward) put(p, step->scratch_forward, needs.forward, 0);
  if (needs.packed) expect(p, step->buffers.packed, needs.packed, mark_of(i, PACKED), i);
  if (needs.saved) put(p, saved_of(step, s), needs.saved, mark_of(i, SAVED));
  put(p, piece(step->buffers.y, node->elements, s, step->slice && i == step->producer), s.count * node->elements,
      mark_of(i, VALUE));
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    const uint64_t elements = p->graph->nodes[node->inputs[k]].elements;
    expect(p, piece(step->buffers.x[k], elements, s, step->slice && i == step->reader), s.count * elements,
           mark_of(writer(p, node->inputs[k]), VALUE), i);
  }
}

/* What so many numbers of 16 bits take, in reals. */
static uint64_t halves(uint64_t n) { return (n * sizeof(uint16_t) + sizeof(tg_real) - 1) / sizeof(tg_real); }

/* Values that go into their 16 bits after the turn of a node, and come back before it. */
static void store_values(paper *p, uint32_t i) {
  for (uint32_t k = p->plan->steps[i].store; k; k = p->plan->stored[k - 1].next_store) {
    const tg_stored *s = &p->plan->stored[k - 1];
    const uint64_t reals = p->plan->request.samples * s->elements;
    const uint32_t mark = p->marks[s->value - (tg_real *)p->plan->arena];
    CHECK(mark % KINDS == VALUE);
    expect(p, s->value, reals, mark, i);
    put(p, (tg_real *)s->bits, halves(reals), mark - VALUE + STORED);
    p->stored++;
  }
}

static void restore_values(paper *p, uint32_t i) {
  for (uint32_t k = p->plan->steps[i].restore; k; k = p->plan->stored[k - 1].next_restore) {
    const tg_stored *s = &p->plan->stored[k - 1];
    const uint64_t reals = p->plan->request.samples * s->elements;
    const uint32_t mark = p->marks[(tg_real *)s->bits - (tg_real *)p->plan->arena];
    CHECK(mark % KINDS == STORED);
    expect(p, (tg_real *)s->bits, halves(reals), mark, i);
    put(p, s->restored, reals, mark - STORED + VALUE);
  }
}

static void run_forward(paper *p) {
  for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
    const tg_step *step = &p->plan->steps[i];
    const int turn = step->needed && !step->skip && !(step->slice && i == step->producer);
    part s = {0, 0};
    while (turn && (s = next_part(p, i, s)).count > 0) {
      if (step->slice) forward_node(p, step->producer, s);
      forward_node(p, i, s);
    }
    store_values(p, i);
  }
}

static void backward_node(paper *p, uint32_t i, part s) {
  const tg_node *node = &p->graph->nodes[i];
  const tg_step *step = &p->plan->steps[i];
  const tg_buffers *b = &step->buffers;
  const int produces = step->slice && i == step->producer, reads = step->slice && i == step->reader;
  tg_needs needs = needs_of(p, i);
  expect(p, piece(b->dy, node->elements, s, produces), s.count * node->elements, gradient_mark(p, i), i);
  if (needs.backward) put(p, step->scratch_backward, needs.backward, 0);
  if (produces && s.first > 0) put(p, step->dw_part, node->trainable, 0);
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    if (!b->dx[k]) continue;
    const uint64_t elements = p->graph->nodes[node->inputs[k]].elements;
    uint32_t mark = gradient_mark(p, node->inputs[k]);
    /* A gradient that others have begun must be there still; this node's share stands apart from it. */
    if (step->sum[k]) expect(p, step->sum[k], p->plan->request.samples * elements, mark, i);
    CHECK(b->dx[k] != b->dy || node->op->traits & TG_OP_PASSES_GRADIENT);
    put(p, piece(b->dx[k], elements, s, reads), s.count * elements, step->sum[k] ? mark_of(i, TEMPORARY) : mark);
  }
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    const uint64_t elements = p->graph->nodes[node->inputs[k]].elements;
    if (node->op->traits & TG_OP_BACKWARD_READS_X)
      expect(p, piece(step->kept_x[k], elements, s, reads), s.count * elements,
             mark_of(writer(p, node->inputs[k]), VALUE), i);
    if (b->dx[k] && !step->sum[k])
      expect(p, piece(b->dx[k], elements, s, reads), s.count * elements, gradient_mark(p, node->inputs[k]), i);
  }
  if (node->op->traits & TG_OP_BACKWARD_READS_Y || (b->relu && !(node->op->traits & TG_OP_KEEPS_MASK)))
    expect(p, step->kept_y, s.count * node->elements, mark_of(i, VALUE), i);
  if (needs.saved) expect(p, saved_of(step, s), needs.saved, mark_of(i, SAVED), i);
}

static void run_backward(paper *p, const uint8_t *roles) {
  for (uint32_t i = p->graph->n_nodes; i-- > 0;) {
    const tg_node *node = &p->graph->nodes[i];
    const tg_step *step = &p->plan->steps[i];
    if (!step->has_gradient) continue;
    /* Whoever wants it looks at it now. */
    if (roles[i] & TG_ROLE_WANTED)
      expect(p, step->buffers.dy, p->plan->request.samples * node->elements, gradient_mark(p, i), i);
    for (uint32_t k = 0; k < node->n_inputs; k++)
      CHECK(step->skip || step->sum[k] || !step->buffers.dx[k] || !(roles[node->inputs[k]] & TG_ROLE_SEEDED));
    restore_values(p, i);
    if (step->skip || (step->slice && i == step->reader)) continue;
    part s = {0, 0};
    while ((s = next_part(p, i, s)).count > 0) {
      if (step->slice) backward_node(p, step->reader, s);
      backward_node(p, i, s);
    }
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      if (!step->sum[k]) continue;
      const uint64_t reals = p->plan->request.samples * p->graph->nodes[node->inputs[k]].elements;
      expect(p, step->buffers.dx[k], reals, mark_of(i, TEMPORARY), i);
      expect(p, step->sum[k], reals, gradient_mark(p, node->inputs[k]), i);
    }
  }
}

/* The plan's own words about what runs: what the roles depend on, and gradients on the way from a loss to weights. */
static void check_reach(const paper *p, const uint8_t *roles) {
  uint8_t *reach = test_block(p->graph->n_nodes);
  const int of_weights = p->plan->request.training && p->plan->request.weights != TG_NO_WEIGHTS;
  tg_plan_reach(p->graph, roles, ~0, reach);
  for (uint32_t i = 0; i < p->graph->n_nodes; i++) {
    const tg_step *step = &p->plan->steps[i];
    CHECK(step->needed == reach[i]);
    CHECK(!step->has_gradient || (p->plan->request.training && step->needed));
    if (of_weights && roles[i] & TG_ROLE_SEEDED) CHECK(step->has_gradient || !p->graph->nodes[i].trainable);
  }
}

static uint64_t stored_in_all;

/* Returns how many pairs of nodes take slices in turn. */
static int check_plan(tg_model *model, const tg_plan_request *request) {
  tg_plan plan;
  const tg_graph *graph = &model->graph;
  const uint8_t *roles = request->roles;
  const uint32_t samples = request->samples;
  CHECK(!tg_plan_make(&plan, graph, request, &model->vectors));
  paper p = {&plan, graph, test_block(plan.arena_bytes / sizeof(tg_real) * sizeof(uint32_t)), 0};
  check_reach(&p, roles);
  /* Predictions find the weights as the one before packed them. */
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (!request->training && plan.steps[i].buffers.packed)
      put(&p, plan.steps[i].buffers.packed, needs_of(&p, i).packed, mark_of(i, PACKED));
  run_forward(&p);
  if (!request->training) run_forward(&p);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (roles[i] & (TG_ROLE_READ | TG_ROLE_SEEDED))
      expect(&p, plan.steps[i].buffers.y, samples * graph->nodes[i].elements, mark_of(writer(&p, i), VALUE), i);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (roles[i] & TG_ROLE_SEEDED && plan.steps[i].has_gradient)
      put(&p, plan.steps[i].buffers.dy, samples * graph->nodes[i].elements, gradient_mark(&p, i));
  if (request->training) run_backward(&p, roles);
  CHECK(!p.stored || (request->training && request->rounds_stored));
  stored_in_all += p.stored;
  int sliced = 0;
  for (uint32_t i = 0; i < graph->n_nodes; i++) sliced += plan.steps[i].slice && plan.steps[i].reader == i;
  tg_plan_free(graph->engine, &plan);
  test_free_blocks();
  return sliced;
}

/* One plan as the model makes it, and one for roles that lie anywhere. Returns how many pairs take slices. */
static int check_plans(tg_model *model, uint32_t samples, int training) {
  const uint32_t n = model->graph.n_nodes;
  uint8_t roles[256] = {0};
  CHECK(n <= sizeof roles);
  tg_plan_request request = {.samples = samples, .training = training, .roles = model->roles + (training ? 0 : n)};
  int sliced = check_plan(model, &request);
  request.rounds_stored = 1;
  CHECK(check_plan(model, &request) == sliced);
  request.rounds_stored = training && test_below(2);
  for (uint32_t k = 1 + test_below(3); k > 0; k--) roles[test_below(n)] |= training ? TG_ROLE_SEEDED : TG_ROLE_READ;
  for (uint32_t k = test_below(4); k > 0; k--)
    roles[test_below(n)] |= training && test_below(2) ? TG_ROLE_READ | TG_ROLE_WANTED : TG_ROLE_READ;
  request.roles = roles;
  request.as_inference = training && test_below(2);
  request.weights = training ? (tg_which_weights)test_below(3) : TG_TRAINED_WEIGHTS;
  check_plan(model, &request);
  return sliced;
}

static void add_same(tg_chain *chain, double channels) {
  switch (test_below(9)) {
    case 0:
    case 1:
      chain_add(chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", channels, 3.0, 3.0, 1.0);
      break;
    case 2:
      chain_add(chain, "batchNormalization", "");
      break;
    case 3:
    case 4:
      chain_add(chain, "relu", "");
      break;
    case 5:
      chain_add(chain, "dropout", "rate", 0.5);
      break;
    case 6:
      chain_add(chain, "sigmoid", "");
      break;
    case 7:
      chain_add(chain, "dense", "units", channels);
      break;
    default:
      chain_add(chain, "maxPooling2d", "strideHeight,strideWidth,samePadding", 1.0, 1.0, 1.0);
  }
}

/* A graph of one shape whose every loose end is added up, then the end of a classifier. */
static tg_chain random_graph(tg_engine *engine) {
  enum { MOST = 24 };
  int32_t values[MOST * 2] = {0};
  int read[MOST * 2] = {0}, n = 1;
  tg_chain chain = chain_start(engine, 1, 4, 3, 2);
  for (int layer = 2 + (int)test_below(MOST - 2); layer > 0; layer--) {
    int from = test_below(3) ? n - 1 : (int)test_below((uint32_t)n), other = (int)test_below((uint32_t)n);
    chain.last = values[from];
    read[from] = 1;
    if (test_below(3)) {
      add_same(&chain, 2);
    } else {
      chain_join(&chain, "add", values[other]);
      read[other] = 1;
    }
    values[n++] = chain.last;
  }
  int32_t sum = chain.last;
  for (int i = n - 2; i >= 0; i--) {
    if (read[i]) continue;
    chain_join(&chain, "add", values[i]);
    sum = chain.last;
  }
  if (test_below(2)) {
    chain_add(&chain, "flatten", "");
    int32_t flat = chain.last;
    chain.last = sum;
    chain_add(&chain, "flatten", "");
    chain_join(&chain, "add", flat);
  } else {
    chain_add(&chain, "globalAveragePooling2d", "");
  }
  chain_add(&chain, "dense", "units", 3.0);
  if (test_below(2)) chain_add(&chain, test_below(2) ? "softmax" : "relu", "");
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 0, TG_OPTIMIZER_SGD, 0));
  return chain;
}

/* Values of more than 4 MB a sample, of which a batch of three is taken in slices of two: in a chain, beside a shortcut
 * that reads the same input, and not where anybody else reads what stands between. */
static void test_slices(tg_engine *engine) {
  for (int shortcut = 0; shortcut < 3; shortcut++) {
    tg_chain chain = chain_start(engine, 1, 512, 512, 2);
    chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 4.0, 3.0, 3.0, 1.0);
    const int32_t stem = chain.last;
    chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 4.0, 3.0, 3.0, 1.0);
    const int32_t between = chain.last;
    if (shortcut == 1) chain.last = stem;
    if (shortcut > 0) chain_add(&chain, "maxPooling2d", "");
    const int32_t other = chain.last;
    chain.last = between;
    chain_add(&chain, "relu", "");
    chain_add(&chain, "maxPooling2d", "");
    if (shortcut > 0) chain_join(&chain, "add", other);
    chain_add(&chain, "globalAveragePooling2d", "");
    chain_add(&chain, "dense", "units", 3.0);
    CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 0, TG_OPTIMIZER_SGD, 0));
    CHECK(check_plans(chain.model, 3, 1) == (shortcut < 2));
    CHECK(check_plans(chain.model, 2, 1) == 0);
    CHECK(check_plans(chain.model, 3, 0) == 0);
    tg_model_destroy(engine, chain.model);
  }
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  test_slices(engine);
  for (int i = 0; i < 500; i++) {
    tg_chain chain = random_graph(engine);
    if (chain.last < 0) continue; /* counted as failed */
    check_plans(chain.model, 1 + test_below(3), 1);
    check_plans(chain.model, 1 + test_below(3), 0);
    tg_model_destroy(engine, chain.model);
  }
  CHECK(stored_in_all > 1000);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
  return test_report();
}
