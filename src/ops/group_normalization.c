/*
 * groupNormalization: each sample by the statistics of groups of neighbouring channels, over all its cells (Wu and He
 * 2018; Keras GroupNormalization, PyTorch GroupNorm). A group for each channel is instance normalisation. The kernels
 * are batch normalisation's, with the cells of one sample as rows.
 */
#include <math.h>

#include "../kernels/norm.h"
#include "../kernels/reduce.h"
#include "../op.h"
#include "../size.h"

enum { GROUPS, EPSILON, CENTER, SCALE, AXIS };

/* -1 groups: one for each channel. */
static const tg_attribute attributes[] = {{"groups", 32, -1, TG_MAX_SIZE, 1},
                                          {"epsilon", 1e-3, 1e-12, 1e6, 0},
                                          {"center", 1, 0, 1, 1},
                                          {"scale", 1, 0, 1, 1},
                                          {"axis", -1, -TG_MAX_RANK, TG_MAX_RANK, 1}};

static uint32_t channels_of(const tg_node *node) { return node->shape.dims[node->shape.rank - 1]; }
static uint32_t groups_of(const tg_node *node) {
  return node->attributes[GROUPS] < 0 ? channels_of(node) : tg_attribute_u32(node, GROUPS);
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  uint32_t channels = channels_of(node), groups = groups_of(node);
  if (groups == 0 || channels % groups)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': groups is %u, it must divide the input's %u channels",
                   node->name, groups, channels);
  tg_shape own = {1, {channels, 1, 1, 1}};
  tg_status status = tg_graph_require_last_axis(graph, node, AXIS);
  if (!status && tg_attribute_u32(node, SCALE))
    status = tg_graph_add_tensor(graph, node, "gamma", own, TG_INIT_ONES, 1, 1);
  if (!status && tg_attribute_u32(node, CENTER))
    status = tg_graph_add_tensor(graph, node, "beta", own, TG_INIT_ZEROS, 1, 1);
  return status;
}

/* Vectors of a sample that both passes read, and beta behind them for all. Those of the backward pass: the sums of its
 * kernel in one block, so that all samples' can be added up, slopes and offsets in another. */
enum { MEAN, INVERSE, FACTOR, SAVED };
enum { PLAIN, WEIGHTED, SUMS };

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  uint64_t n = channels_of(node);
  needs->forward = tg_mul(samples, n);
  needs->saved = tg_mul(SAVED * (uint64_t)samples + 1, n);
  needs->backward = tg_mul(2 * SUMS * (uint64_t)samples + SUMS, n);
}

typedef struct {
  const tg_buffers *b;
  const tg_real *gamma;
  tg_real *shift;
  double epsilon;
  size_t cells;
  uint32_t n, groups, samples;
} job;

static job make_job(const tg_run *run, const tg_node *node, const tg_buffers *b) {
  uint32_t n = channels_of(node);
  return (job){.b = b,
               .gamma = tg_attribute_u32(node, SCALE) ? b->w : NULL,
               .shift = b->saved + (size_t)SAVED * run->samples * n,
               .epsilon = node->attributes[EPSILON],
               .cells = (size_t)(node->elements / n),
               .n = n,
               .groups = groups_of(node),
               .samples = run->samples};
}

/* A tile is one sample. */
static void forward_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t n = j->n, size = n / j->groups;
  const size_t at = sample * j->cells * n;
  tg_real *mean = j->b->saved + (size_t)SAVED * sample * n, *inverse = mean + INVERSE * n, *factor = mean + FACTOR * n;
  tg_real *squares = j->b->scratch + (size_t)sample * n;
  tg_norm_statistics(mean, squares, j->b->x[0] + at, j->cells, n);
  for (uint32_t first = 0; first < n; first += size) {
    double center = 0, sum = 0;
    for (uint32_t c = first; c < first + size; c++) center += (double)mean[c];
    center /= size;
    for (uint32_t c = first; c < first + size; c++) {
      double away = (double)mean[c] - center;
      sum += (double)squares[c] + away * away * (double)j->cells;
    }
    tg_real own = (tg_real)(1 / sqrt(sum / ((double)j->cells * size) + j->epsilon));
    for (uint32_t c = first; c < first + size; c++) {
      mean[c] = (tg_real)center;
      inverse[c] = own;
      factor[c] = j->gamma ? j->gamma[c] * own : own;
    }
  }
  tg_norm(j->b->y + at, j->b->x[0] + at, mean, factor, j->shift, j->cells, n, j->b->relu);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  const tg_real *beta = tg_attribute_u32(node, CENTER) ? buffers->w + (j.gamma ? j.n : 0) : NULL;
  for (uint32_t c = 0; c < j.n; c++) j.shift[c] = beta ? beta[c] : 0;
  tg_pool_run(run->pool, run->samples, forward_sample, &j);
}

static void backward_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t n = j->n, size = n / j->groups;
  const size_t at = sample * j->cells * n;
  const tg_real *mean = j->b->saved + (size_t)SAVED * sample * n, *inverse = mean + INVERSE * n;
  const tg_real *factor = mean + FACTOR * n, *x = j->b->x[0] + at, *dy = j->b->dy + at;
  tg_real *sums = j->b->scratch + (size_t)SUMS * sample * n, *weighted = sums + WEIGHTED * n;
  tg_real *slope = sums + (size_t)SUMS * j->samples * n, *offset = slope + n;
  tg_norm_backward_sums(sums, dy, x, mean, factor, j->shift, j->cells, n, j->b->relu);
  for (uint32_t first = 0; first < n; first += size) {
    double plain = 0, product = 0, own = (double)inverse[first], count = (double)j->cells * size;
    for (uint32_t c = first; c < first + size; c++) {
      weighted[c] *= inverse[c];
      plain += (double)factor[c] * (double)sums[c];
      product += (double)factor[c] * (double)weighted[c];
    }
    for (uint32_t c = first; c < first + size; c++) {
      slope[c] = (tg_real)(own * product / count);
      offset[c] = (tg_real)(plain / count);
    }
  }
  if (j->b->dx[0])
    tg_norm_backward(j->b->dx[0] + at, dy, x, mean, factor, j->shift, slope, offset, j->cells, n, j->b->relu);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, run->samples, backward_sample, &j);
  if (!node->trainable) return;
  tg_real *totals = buffers->scratch + (size_t)2 * SUMS * run->samples * j.n;
  tg_sum_rows(totals, buffers->scratch, run->samples, SUMS * j.n);
  for (uint32_t c = 0; c < j.n; c++) {
    if (j.gamma) buffers->dw[c] = totals[WEIGHTED * j.n + c];
    if (tg_attribute_u32(node, CENTER)) buffers->dw[(j.gamma ? j.n : 0) + c] = totals[c];
  }
}

const tg_op tg_op_group_normalization = {.name = "groupNormalization",
                                         .attributes = attributes,
                                         .n_attributes = sizeof attributes / sizeof *attributes,
                                         .n_inputs = 1,
                                         .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_TAKES_ROUNDED,
                                         .infer = infer,
                                         .plan = plan,
                                         .forward = forward,
                                         .backward = backward};
