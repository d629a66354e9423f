/*
 * batchNormalization over the last axis (Ioffe and Szegedy 2015; Keras BatchNormalization). Training normalises by mean
 * and biased variance of the batch, and moves the moving averages towards them; inference normalises by the averages.
 */
#include "../kernels/norm.h"
#include "../kernels/reduce.h"
#include "../op.h"
#include "../size.h"

enum { MOMENTUM, EPSILON, CENTER, SCALE, AXIS };

/* An epsilon of zero would let a constant feature divide by zero. */
static const tg_attribute attributes[] = {{"momentum", 0.99, 0, 1, 0},
                                          {"epsilon", 1e-3, 1e-12, 1e6, 0},
                                          {"center", 1, 0, 1, 1},
                                          {"scale", 1, 0, 1, 1},
                                          {"axis", -1, -TG_MAX_RANK, TG_MAX_RANK, 1}};

/* 32 KiB a chunk: the statistics read it twice out of the first-level cache. */
enum { CHUNK_REALS = 8192, LEAST_ROWS = 8 };

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  tg_shape features = {1, {node->shape.dims[node->shape.rank - 1], 1, 1, 1}};
  tg_status status = tg_graph_require_last_axis(graph, node, AXIS);
  if (!status && tg_attribute_u32(node, SCALE))
    status = tg_graph_add_tensor(graph, node, "gamma", features, TG_INIT_ONES, 1, 1);
  if (!status && tg_attribute_u32(node, CENTER))
    status = tg_graph_add_tensor(graph, node, "beta", features, TG_INIT_ZEROS, 1, 1);
  if (!status) status = tg_graph_add_state(graph, node, "moving_mean", features, TG_INIT_ZEROS);
  if (!status) status = tg_graph_add_state(graph, node, "moving_variance", features, TG_INIT_ONES);
  return status;
}

static uint32_t features_of(const tg_node *node) { return node->shape.dims[node->shape.rank - 1]; }
static uint32_t chunk_rows(uint32_t n) { return tg_max(LEAST_ROWS, CHUNK_REALS / n); }
static uint64_t chunks_of(uint64_t rows, uint32_t n) { return (rows + chunk_rows(n) - 1) / chunk_rows(n); }

/* The vectors of n that both passes read, in the saved array. */
enum { MEAN, INVERSE, FACTOR, SHIFT, SAVED };
/* What backward makes of its sums, behind them in its scratch. */
enum { SUMS, SLOPE = 2, OFFSET, TOTALS };

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  uint32_t n = features_of(node);
  uint64_t rows = tg_mul(samples, node->elements / n), parts = tg_mul(2, tg_mul(chunks_of(rows, n), n));
  needs->forward = tg_add(parts, n);
  needs->backward = tg_add(parts, TOTALS * (uint64_t)n);
  needs->saved = SAVED * (uint64_t)n;
}

typedef struct {
  const tg_buffers *b;
  tg_real *parts;
  const tg_real *slope, *offset;
  uint64_t rows;
  uint32_t n;
} job;

static job make_job(const tg_run *run, const tg_node *node, const tg_buffers *buffers) {
  uint32_t n = features_of(node);
  return (job){.b = buffers, .parts = buffers->scratch, .rows = run->samples * (node->elements / n), .n = n};
}

/* Where the chunk starts, in reals, and its rows. */
static size_t chunk_of(const job *j, uint32_t tile, size_t *rows) {
  uint64_t first = (uint64_t)tile * chunk_rows(j->n), rest = j->rows - first;
  *rows = (size_t)(rest < chunk_rows(j->n) ? rest : chunk_rows(j->n));
  return (size_t)(first * j->n);
}

static void statistics_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows, first = chunk_of(j, tile, &rows);
  tg_real *part = j->parts + 2 * (size_t)tile * j->n;
  tg_norm_statistics(part, part + j->n, j->b->x[0] + first, rows, j->n);
}

static void forward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows, first = chunk_of(j, tile, &rows);
  const tg_real *s = j->b->saved;
  tg_norm(j->b->y + first, j->b->x[0] + first, s + MEAN * j->n, s + FACTOR * j->n, s + SHIFT * j->n, rows, j->n,
          j->b->relu);
}

/* Else by the moving averages, which then stay as they are. */
static int normalises_by_batch(const tg_run *run, const tg_buffers *buffers) {
  return run->training && !run->as_inference && !buffers->frozen;
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  uint32_t n = j.n, chunks = (uint32_t)chunks_of(j.rows, n);
  tg_real *saved = buffers->saved;
  const tg_real *moving = buffers->state, *variance = moving + n;
  if (normalises_by_batch(run, buffers)) {
    tg_real *batch_variance = buffers->scratch + 2 * (size_t)chunks * n;
    tg_pool_run(run->pool, chunks, statistics_chunk, &j);
    tg_norm_combine(saved + MEAN * n, batch_variance, j.parts, (size_t)j.rows, chunk_rows(n), n);
    double momentum = node->attributes[MOMENTUM];
    for (uint32_t i = 0; i < n; i++) {
      double mean = (double)saved[MEAN * n + i], spread = (double)batch_variance[i];
      buffers->next_state[i] = (tg_real)((double)moving[i] * momentum + mean * (1 - momentum));
      buffers->next_state[n + i] = (tg_real)((double)moving[n + i] * momentum + spread * (1 - momentum));
    }
    variance = batch_variance;
  } else {
    for (uint32_t i = 0; i < n; i++) saved[MEAN * n + i] = moving[i];
  }
  uint32_t scaled = tg_attribute_u32(node, SCALE), centered = tg_attribute_u32(node, CENTER);
  tg_norm_prepare(saved + INVERSE * n, saved + FACTOR * n, saved + SHIFT * n, variance, scaled ? buffers->w : NULL,
                  centered ? buffers->w + scaled * n : NULL, (tg_real)node->attributes[EPSILON], n);
  tg_pool_run(run->pool, chunks, forward_chunk, &j);
}

static void sums_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows, first = chunk_of(j, tile, &rows);
  const tg_real *s = j->b->saved;
  tg_norm_backward_sums(j->parts + 2 * (size_t)tile * j->n, j->b->dy + first, j->b->x[0] + first, s + MEAN * j->n,
                        s + FACTOR * j->n, s + SHIFT * j->n, rows, j->n, j->b->relu);
}

static void backward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows, first = chunk_of(j, tile, &rows);
  const tg_real *s = j->b->saved;
  tg_norm_backward(j->b->dx[0] + first, j->b->dy + first, j->b->x[0] + first, s + MEAN * j->n, s + FACTOR * j->n,
                   s + SHIFT * j->n, j->slope, j->offset, rows, j->n, j->b->relu);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  uint32_t n = j.n, chunks = (uint32_t)chunks_of(j.rows, n);
  tg_pool_run(run->pool, chunks, sums_chunk, &j);
  tg_real *totals = j.parts + 2 * (size_t)chunks * n;
  tg_sum_rows(totals + SUMS * n, j.parts, chunks, 2 * n);

  uint32_t scaled = tg_attribute_u32(node, SCALE), centered = tg_attribute_u32(node, CENTER);
  /* The averages do not depend on the input. */
  const tg_real share = normalises_by_batch(run, buffers) ? 1 / (tg_real)j.rows : 0;
  const tg_real *inverse = buffers->saved + INVERSE * n, *factor = buffers->saved + FACTOR * n;
  for (uint32_t i = 0; i < n; i++) {
    tg_real sum = totals[i], gradient = totals[n + i] * inverse[i]; /* of beta and of gamma */
    if (scaled) buffers->dw[i] = gradient;
    if (centered) buffers->dw[scaled * n + i] = sum;
    totals[SLOPE * n + i] = factor[i] * inverse[i] * gradient * share;
    totals[OFFSET * n + i] = factor[i] * sum * share;
  }
  if (!buffers->dx[0]) return;
  j.slope = totals + SLOPE * n;
  j.offset = totals + OFFSET * n;
  tg_pool_run(run->pool, chunks, backward_chunk, &j);
}

const tg_op tg_op_batch_normalization = {.name = "batchNormalization",
                                         .attributes = attributes,
                                         .n_attributes = sizeof attributes / sizeof *attributes,
                                         .n_inputs = 1,
                                         .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_TAKES_ROUNDED,
                                         .infer = infer,
                                         .plan = plan,
                                         .forward = forward,
                                         .backward = backward};
