/*
 * Layers that disturb their input in training and are the identity at inference (Keras GaussianNoise, GaussianDropout,
 * AlphaDropout, SpatialDropout1D, SpatialDropout2D).
 */
#include "../kernels/noise.h"

#include <math.h>
#include <string.h>

#include "../kernels/elementwise.h"
#include "../rng.h"
#include "../size.h"
#include "elementwise.h"

static const tg_attribute stddev_attributes[] = {{"stddev", TG_REQUIRED, 0, 1e6, 0}};
/* Up to but not including 1, where nothing would be left to scale. */
static const tg_attribute rate_attributes[] = {{"rate", TG_REQUIRED, 0, 1 - 1e-7, 0}};

enum { GAUSSIAN_NOISE, GAUSSIAN_DROPOUT, ALPHA_DROPOUT };

/* Where selu of a very negative number ends. */
#define SELU_FLOOR (-1.0507009873554804934193349852946 * 1.6732632423543772848170429916717)

static uint32_t threshold_of(double rate) { return (uint32_t)(rate * 4294967296.0); }
static uint32_t stream_of(const tg_node *node) { return TG_STREAM_DROPOUT + node->index; }

static tg_noise noise_of(const tg_node *node, int backward) {
  double amount = node->attributes[0];
  if (node->op->variant == GAUSSIAN_NOISE) return (tg_noise){.normal = 1, .summand = (tg_real)amount};
  /* As spread as dropout's factors are. */
  if (node->op->variant == GAUSSIAN_DROPOUT)
    return (tg_noise){.normal = 1, .spread = (tg_real)sqrt(amount / (1 - amount))};
  /* Scaled and shifted so that mean 0 and variance 1 stay (Klambauer et al. 2017). */
  double factor = 1 / sqrt((1 - amount) * (1 + amount * SELU_FLOOR * SELU_FLOOR));
  double shift = -factor * amount * SELU_FLOOR;
  return (tg_noise){.threshold = threshold_of(amount),
                    .factor = (tg_real)factor,
                    .shift = backward ? 0 : (tg_real)shift,
                    .lost = backward ? 0 : (tg_real)(factor * SELU_FLOOR + shift)};
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  tg_noise noise = noise_of(node, 0);
  tg_add_noise(b->y + first, b->x[0] + first, n, first, &noise, run->seed, stream_of(node), run->step);
}

/* Of a sum the gradient is dy, which may be dx already. */
static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  if (node->op->variant == GAUSSIAN_NOISE) {
    if (b->dx[0] != b->dy) memcpy(b->dx[0] + first, b->dy + first, n * sizeof(tg_real));
    return;
  }
  tg_noise noise = noise_of(node, 1);
  tg_add_noise(b->dx[0] + first, b->dy + first, n, first, &noise, run->seed, stream_of(node), run->step);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) tg_run_ranges(run, node, buffers, backward_range);
}

#define TG_NOISE(id, name_, variant_, attributes_, traits_)                                 \
  const tg_op tg_op_##id = {.name = name_,                                                  \
                            .attributes = attributes_,                                      \
                            .n_attributes = 1,                                              \
                            .n_inputs = 1,                                                  \
                            .variant = variant_,                                            \
                            .traits = TG_OP_IDENTITY_AT_INFERENCE | TG_OP_LIVE | (traits_), \
                            .infer = tg_infer_same_shape,                                   \
                            .forward = forward,                                             \
                            .backward = backward};

TG_NOISE(gaussian_noise, "gaussianNoise", GAUSSIAN_NOISE, stddev_attributes, TG_OP_PASSES_GRADIENT)
TG_NOISE(gaussian_dropout, "gaussianDropout", GAUSSIAN_DROPOUT, rate_attributes, 0)
TG_NOISE(alpha_dropout, "alphaDropout", ALPHA_DROPOUT, rate_attributes, 0)

/* ---- spatialDropout1d, spatialDropout2d: whole channels of a sample at once; the variant is the input's rank ---- */

static tg_status infer_spatial(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  const uint32_t rank = node->op->variant;
  return tg_graph_require_rank(graph, node, rank, rank == 2 ? "steps, features" : "height, width, channels");
}

static uint32_t channels_of(const tg_node *node) { return node->shape.dims[node->op->variant - 1]; }

static void plan_spatial(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                         tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  needs->forward = needs->backward = tg_mul(samples, channels_of(node));
}

typedef struct {
  tg_real *to;
  const tg_real *from, *mask;
  size_t cells;
  uint32_t channels;
} job;

/* A tile is one image. */
static void mask_image(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t at = image * j->cells * j->channels;
  tg_scale_columns(j->to + at, j->from + at, j->mask + (size_t)image * j->channels, j->cells, j->channels);
}

static void mask_images(const tg_run *run, const tg_node *node, tg_real *mask, tg_real *to, const tg_real *from) {
  double rate = node->attributes[0];
  uint32_t channels = channels_of(node);
  size_t n = (size_t)run->samples * channels;
  for (size_t i = 0; i < n; i++) mask[i] = 1;
  tg_dropout(mask, mask, n, 0, threshold_of(rate), (tg_real)(1 / (1 - rate)), run->seed, stream_of(node), run->step);
  job j = {to, from, mask, (size_t)(node->elements / channels), channels};
  tg_pool_run(run->pool, run->samples, mask_image, &j);
}

static void forward_spatial(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  (void)graph;
  mask_images(run, node, b->scratch, b->y, b->x[0]);
}

static void backward_spatial(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  (void)graph;
  if (b->dx[0]) mask_images(run, node, b->scratch, b->dx[0], b->dy);
}

#define TG_SPATIAL_DROPOUT(id, name_, rank)                                     \
  const tg_op tg_op_##id = {.name = name_,                                      \
                            .attributes = rate_attributes,                      \
                            .n_attributes = 1,                                  \
                            .n_inputs = 1,                                      \
                            .variant = rank,                                    \
                            .traits = TG_OP_IDENTITY_AT_INFERENCE | TG_OP_LIVE, \
                            .infer = infer_spatial,                             \
                            .plan = plan_spatial,                               \
                            .forward = forward_spatial,                         \
                            .backward = backward_spatial};

TG_SPATIAL_DROPOUT(spatial_dropout1d, "spatialDropout1d", 2)
TG_SPATIAL_DROPOUT(spatial_dropout2d, "spatialDropout2d", 3)
