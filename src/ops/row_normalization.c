/*
 * Normalisation of each sample over its last axes: layerNormalization (Ba, Kiros, Hinton 2016; Keras
 * LayerNormalization, PyTorch LayerNorm), rmsNormalization (Zhang and Sennrich 2019; Keras RMSNormalization),
 * unitNormalization to length 1 (Keras UnitNormalization).
 */
#include <string.h>

#include "../kernels/reduce.h"
#include "../kernels/row_norm.h"
#include "../op.h"
#include "../size.h"

enum { AXES, EPSILON, CENTER, SCALE };

/* axes: how many of the last ones are normalised together. An epsilon of zero would let a row of zeros divide by zero.
 */
#define AXES_ROW {"axes", 1, 1, TG_MAX_RANK, 1}
static const tg_attribute layer_attributes[] = {
    AXES_ROW, {"epsilon", 1e-3, 1e-12, 1e6, 0}, {"center", 1, 0, 1, 1}, {"scale", 1, 0, 1, 1}};
static const tg_attribute rms_attributes[] = {AXES_ROW, {"epsilon", 1e-6, 1e-12, 1e6, 0}};
static const tg_attribute unit_attributes[] = {AXES_ROW};

/* Keras's floor of a squared length. */
#define UNIT_EPSILON 1e-12

/* 64 KiB a chunk: rows are read twice, and each chunk leaves a row of sums. */
enum { CHUNK_REALS = 16384, LEAST_ROWS = 8 };

static int has_beta(const tg_node *node) {
  return node->op->variant == TG_LAYER_NORM && tg_attribute_u32(node, CENTER);
}
static int has_gamma(const tg_node *node) {
  return node->op->variant == TG_RMS_NORM || (node->op->variant == TG_LAYER_NORM && tg_attribute_u32(node, SCALE));
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape in = tg_graph_input(graph, node, 0)->shape;
  uint32_t axes = tg_attribute_u32(node, AXES);
  if (axes > in.rank)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': it normalises %u axes, its input has %u", node->name, axes,
                   in.rank);
  node->shape = in;
  tg_shape own = {axes, {1, 1, 1, 1}};
  for (uint32_t d = 0; d < axes; d++) own.dims[d] = in.dims[in.rank - axes + d];
  tg_status status = TG_OK;
  const char *gamma = node->op->variant == TG_RMS_NORM ? "scale" : "gamma";
  if (has_gamma(node)) status = tg_graph_add_tensor(graph, node, gamma, own, TG_INIT_ONES, 1, 1);
  if (!status && has_beta(node)) status = tg_graph_add_tensor(graph, node, "beta", own, TG_INIT_ZEROS, 1, 1);
  return status;
}

static uint32_t features_of(const tg_node *node) {
  uint32_t n = 1, rank = node->shape.rank;
  for (uint32_t d = rank - tg_attribute_u32(node, AXES); d < rank; d++) n *= node->shape.dims[d];
  return n;
}
static uint32_t chunk_rows(uint32_t n) { return tg_max(LEAST_ROWS, CHUNK_REALS / n); }

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  uint32_t n = features_of(node);
  uint64_t rows = tg_mul(samples, node->elements / n);
  needs->saved = tg_mul(2, rows);
  if (node->trainable) needs->backward = tg_mul(2 * (rows / chunk_rows(n) + 2), n);
}

typedef struct {
  const tg_buffers *b;
  const tg_real *gamma, *beta;
  tg_real *mean, *inverse, *parts; /* parts (chunks, 2, n); NULL: no weights */
  uint64_t rows;
  tg_real epsilon;
  tg_row_norm_kind kind;
  uint32_t n, chunks;
} job;

static job make_job(const tg_run *run, const tg_node *node, const tg_buffers *b) {
  uint32_t n = features_of(node);
  uint64_t rows = run->samples * (node->elements / n);
  tg_row_norm_kind kind = (tg_row_norm_kind)node->op->variant;
  return (job){.b = b,
               .gamma = has_gamma(node) ? b->w : NULL,
               .beta = has_beta(node) ? b->w + (has_gamma(node) ? n : 0) : NULL,
               .mean = b->saved,
               .inverse = b->saved + rows,
               .parts = node->trainable ? b->scratch : NULL,
               .rows = rows,
               .epsilon = (tg_real)(kind == TG_UNIT_NORM ? UNIT_EPSILON : node->attributes[EPSILON]),
               .kind = kind,
               .n = n,
               .chunks = (uint32_t)((rows + chunk_rows(n) - 1) / chunk_rows(n))};
}

/* First row of a chunk, and its rows. */
static uint64_t chunk_of(const job *j, uint32_t tile, size_t *rows) {
  uint64_t first = (uint64_t)tile * chunk_rows(j->n), rest = j->rows - first;
  *rows = (size_t)(rest < chunk_rows(j->n) ? rest : chunk_rows(j->n));
  return first;
}

static void forward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows;
  uint64_t first = chunk_of(j, tile, &rows), at = first * j->n;
  tg_row_norm(j->kind, j->b->y + at, j->mean + first, j->inverse + first, j->b->x[0] + at, j->gamma, j->beta,
              j->epsilon, rows, j->n);
}

static void backward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t rows;
  uint64_t first = chunk_of(j, tile, &rows), at = first * j->n;
  tg_row_norm_backward(j->kind, j->b->dx[0] ? j->b->dx[0] + at : NULL,
                       j->parts ? j->parts + 2 * (uint64_t)tile * j->n : NULL, j->b->dy + at, j->b->x[0] + at,
                       j->mean + first, j->inverse + first, j->gamma, j->epsilon, rows, j->n);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, j.chunks, forward_chunk, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, j.chunks, backward_chunk, &j);
  if (!j.parts) return;
  tg_real *sums = j.parts + 2 * (uint64_t)j.chunks * j.n;
  tg_sum_rows(sums, j.parts, j.chunks, 2 * j.n);
  if (j.gamma) memcpy(buffers->dw, sums, j.n * sizeof(tg_real));
  if (j.beta) memcpy(buffers->dw + (j.gamma ? j.n : 0), sums + j.n, j.n * sizeof(tg_real));
}

#define TG_ROW_NORM(id, name_, variant_, attributes_)                                 \
  const tg_op tg_op_##id = {.name = name_,                                            \
                            .attributes = attributes_,                                \
                            .n_attributes = sizeof attributes_ / sizeof *attributes_, \
                            .n_inputs = 1,                                            \
                            .variant = variant_,                                      \
                            .traits = TG_OP_BACKWARD_READS_X | TG_OP_TAKES_ROUNDED,   \
                            .infer = infer,                                           \
                            .plan = plan,                                             \
                            .forward = forward,                                       \
                            .backward = backward};

TG_ROW_NORM(layer_normalization, "layerNormalization", TG_LAYER_NORM, layer_attributes)
TG_ROW_NORM(rms_normalization, "rmsNormalization", TG_RMS_NORM, rms_attributes)
TG_ROW_NORM(unit_normalization, "unitNormalization", TG_UNIT_NORM, unit_attributes)
