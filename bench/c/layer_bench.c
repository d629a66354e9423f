#include "layer_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/conv2d.h"
#include "model.h"
#include "op.h"

typedef struct {
  const tg_graph *graph;
  const tg_node *node;
  tg_run run;
  tg_buffers forward, backward;
  tg_real *kept; /* what forward saved, where backward writes over it; else NULL */
  size_t saved;
} job;

/* Ends the program with what the engine says. */
static void *refused(tg_engine *engine) {
  fprintf(stderr, "%s\n", tg_last_error(engine));
  exit(1);
}

static int32_t add(tg_model *model, const char *op, const int32_t *inputs, uint32_t n_inputs, const char *options) {
  tg_engine *engine = model->graph.engine;
  char label[40], names[200] = "";
  double values[TG_MAX_ATTRIBUTES];
  uint32_t n = 0;
  snprintf(label, sizeof label, "%s_%u", op, model->graph.n_nodes);
  for (const char *at = options; *at; n++) {
    const int length = (int)strcspn(at, "=");
    char *end;
    values[n] = strtod(at + length + 1, &end);
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.*s", n ? "," : "", length, at);
    at = *end ? end + 1 : end;
  }
  const int32_t node = tg_model_add(engine, model, op, label, inputs, n_inputs, names, values, n);
  if (node < 0) refused(engine);
  return node;
}

/* The operator's node, behind an input for each value it reads. */
static const tg_node *make_node(tg_model *model, const char *op, uint32_t rank, const uint32_t size[3],
                                const char *options) {
  char shape[80];
  snprintf(shape, sizeof shape, "rank=%u,height=%u,width=%u,channels=%u", rank, size[0], size[1], size[2]);
  int32_t inputs[TG_MAX_INPUTS];
  for (int k = 0; k < TG_MAX_INPUTS; k++) inputs[k] = add(model, "input", NULL, 0, shape);
  uint32_t reads = 0;
#define TG_OP(id) \
  if (!strcmp(tg_op_##id.name, op)) reads = tg_op_##id.n_inputs;
#include "ops/ops.inc"
#undef TG_OP
  const int32_t node = add(model, op, inputs, reads, options);
  return &model->graph.nodes[node];
}

static void forward(const void *context) {
  const job *j = context;
  if (j->node->op->pack) j->node->op->pack(&j->run, j->graph, j->node, &j->forward);
  j->node->op->forward(&j->run, j->graph, j->node, &j->forward);
}

static void backward(const void *context) {
  const job *j = context;
  if (j->kept) memcpy(j->backward.saved, j->kept, j->saved * sizeof(tg_real));
  j->node->op->backward(&j->run, j->graph, j->node, &j->backward);
}

static size_t input_reals(const job *j, uint32_t k) {
  return (size_t)(j->run.samples * tg_graph_input(j->graph, j->node, k)->elements);
}

static size_t output_reals(const job *j) { return (size_t)(j->run.samples * j->node->elements); }

static void make_buffers(job *j) {
  const tg_node *node = j->node;
  const uint32_t end = node->op->index_end ? node->op->index_end(node) : 0;
  tg_needs needs = {0};
  if (node->op->plan) node->op->plan(j->graph, node, j->run.samples, 1, !end, &needs);
  tg_buffers *b = &j->forward;
  b->y = bench_filled(output_reals(j));
  b->dy = bench_filled(output_reals(j));
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    const size_t n = input_reals(j, k);
    tg_real *x = bench_filled(n);
    for (size_t i = 0; end && i < n; i++) x[i] = (tg_real)(i * 7919 % end);
    b->x[k] = x;
    /* As in a plan: the first input may have dy itself as its gradient. */
    const int same = k == 0 && node->op->traits & TG_OP_PASSES_GRADIENT;
    if (!end) b->dx[k] = same ? b->dy : bench_filled(n);
  }
  b->w = bench_filled((size_t)node->trainable);
  b->dw = bench_filled((size_t)node->trainable);
  b->state = bench_filled((size_t)node->state);
  b->next_state = bench_filled((size_t)node->state);
  b->packed = needs.packed ? bench_filled((size_t)needs.packed) : NULL;
  b->saved = bench_filled((size_t)needs.saved);
  b->wants_dw = 1;
  j->backward = *b;
  b->scratch = bench_filled((size_t)needs.forward);
  j->backward.scratch = bench_filled((size_t)needs.backward);

  j->saved = (size_t)needs.saved;
  forward(j);
  tg_real *kept = bench_filled(j->saved);
  memcpy(kept, b->saved, j->saved * sizeof(tg_real));
  if (node->op->backward) backward(j);
  if (memcmp(kept, b->saved, j->saved * sizeof(tg_real))) {
    j->kept = kept;
  } else {
    free(kept);
  }
}

static void free_buffers(job *j) {
  const tg_buffers *b = &j->forward;
  for (uint32_t k = 0; k < j->node->n_inputs; k++) {
    free((tg_real *)b->x[k]);
    if (b->dx[k] != b->dy) free(b->dx[k]);
  }
  tg_real *const all[] = {b->y,          b->dy,     b->dw,    (tg_real *)b->w, (tg_real *)b->state,
                          b->next_state, b->packed, b->saved, b->scratch,      j->backward.scratch,
                          j->kept};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* No more weights are read than there are outputs: a row of a table each. */
static double forward_bytes(const job *j) {
  size_t reals = output_reals(j);
  reals += j->node->trainable < reals ? (size_t)j->node->trainable : reals;
  for (uint32_t k = 0; k < j->node->n_inputs; k++) reals += input_reals(j, k);
  return (double)(reals * sizeof(tg_real));
}

/* 0: there is nothing to do, as the gradient of the input is that of the output. */
static double backward_bytes(const job *j) {
  const tg_buffers *b = &j->backward;
  const uint32_t traits = j->node->op->traits;
  size_t written = (size_t)j->node->trainable, read = output_reals(j);
  if (traits & TG_OP_BACKWARD_READS_Y) read += output_reals(j);
  for (uint32_t k = 0; k < j->node->n_inputs; k++) {
    if (traits & TG_OP_BACKWARD_READS_X) read += input_reals(j, k);
    if (b->dx[k] && b->dx[k] != b->dy) written += input_reals(j, k);
  }
  return written ? (double)((read + written) * sizeof(tg_real)) : 0;
}

void layer_bench(const char *op, uint32_t rank, const uint32_t size[3], uint32_t samples, const char *options,
                 bench_limit limit) {
  tg_engine *engine = tg_engine_create(1, 1);
  tg_model *model = engine ? tg_model_create(engine, 1) : refused(NULL);
  job j = {.graph = &model->graph, .node = make_node(model, op, rank, size, options)};
  j.run = (tg_run){.pool = engine->pool, .samples = samples, .training = 1, .weights = 1};
  make_buffers(&j);
  const double flop = 2.0 * (double)j.node->macs * samples;
  bench_pass passes[BENCH_PASSES] = {{forward, flop}, {backward, 2 * flop}};
  if (limit == BENCH_MEMORY) {
    passes[0].work = forward_bytes(&j);
    passes[1].work = backward_bytes(&j);
    if (passes[1].work == 0) passes[1].run = NULL;
  }
  bench_print_line("layer", 1, &j, passes, limit);
  free_buffers(&j);
  tg_model_destroy(engine, model);
  tg_engine_destroy(engine);
}

/* ---- optimizers ---- */

typedef struct {
  tg_model *model;
  tg_pool *pool;
  uint64_t *step;
} update;

static void run_update(const void *context) {
  const update *u = context;
  tg_optim_step(u->pool, &u->model->optim, u->model->vectors.weights, u->model->vectors.gradients, ++*u->step);
}

/* Five rounds of x x', its square, and that times x, on the smaller side. */
static double muon_flop(double rows, double columns) {
  const double low = rows < columns ? rows : columns, high = rows < columns ? columns : rows;
  return 5 * 2 * (2 * low * low * high + low * low * low);
}

void update_bench(uint32_t optimizer, uint32_t rows, uint32_t columns) {
  tg_engine *engine = tg_engine_create(1, 1);
  tg_model *model = engine ? tg_model_create(engine, 1) : refused(NULL);
  char size[40], units[40];
  snprintf(size, sizeof size, "rank=1,channels=%u", rows);
  snprintf(units, sizeof units, "units=%u,useBias=0", columns);
  const int32_t input = add(model, "input", NULL, 0, size);
  add(model, "dense", &input, 1, units);
  if (tg_model_build(engine, model, NULL, 0) ||
      tg_model_set_loss(engine, model, 0, TG_LOSS_MEAN_SQUARED_ERROR, "", NULL, 0) ||
      tg_model_compile(engine, model, (tg_optimizer)optimizer, "", NULL, 0))
    refused(engine);
  const size_t n = (size_t)rows * columns;
  tg_real *gradients = bench_filled(n);
  memcpy(model->vectors.gradients, gradients, n * sizeof(tg_real));
  free(gradients);
  double reals = 3.0 * (double)n; /* w is read and written, g is read */
  for (uint32_t slot = 0; slot < TG_SLOTS; slot++) {
    tg_shape shape;
    if (!model->optim.slots[slot]) continue;
    tg_optim_slot(&model->optim, slot, 0, &shape);
    double part = shape.rank ? 2 : 0;
    for (uint32_t d = 0; d < shape.rank; d++) part *= shape.dims[d];
    reals += part;
  }
  uint64_t step = 0;
  const update u = {model, engine->pool, &step};
  const int multiplies = optimizer == TG_OPTIMIZER_MUON;
  const bench_pass pass = {run_update, multiplies ? muon_flop(rows, columns) : reals * sizeof(tg_real)};
  bench_print_line("update", 1, &u, (bench_pass[BENCH_PASSES]){pass}, multiplies ? BENCH_ARITHMETIC : BENCH_MEMORY);
  tg_model_destroy(engine, model);
  tg_engine_destroy(engine);
}
