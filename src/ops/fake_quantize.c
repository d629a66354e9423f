/*
 * Rounds a value as inference in 8 bits will, and passes gradients through (straight-through estimator), so that
 * training sees what the bytes will make of it: Jacob et al. 2018, arXiv:1712.05877, section 3. The range of the bytes
 * follows the least and the largest value of the batches as a moving average, which is the node's state.
 */
#include <math.h>

#include "../kernels/fake_quantize.h"
#include "../op.h"
#include "../size.h"
#include "elementwise.h"

enum { MOMENTUM };
static const tg_attribute attributes[] = {[MOMENTUM] = {"momentum", 0.99, 0, 1, 0}};

/* Reals of a tile: 64 KiB. */
enum { TILE = 16384 };

static uint64_t tiles_of(uint64_t reals) { return (reals + TILE - 1) / TILE; }

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  return tg_graph_add_state(graph, node, "range", (tg_shape){1, {2, 1, 1, 1}}, TG_INIT_ZEROS);
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  needs->saved = 2;
  needs->forward = tg_mul(2, tiles_of(tg_mul(samples, node->elements)));
}

typedef struct {
  tg_real *ranges;
  const tg_real *x;
  uint64_t reals;
} job;

static void range_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint64_t first = (uint64_t)tile * TILE, rest = j->reals - first;
  tg_find_range(j->ranges + 2 * (size_t)tile, j->x + first, (size_t)(rest < TILE ? rest : TILE));
}

/* Moves the average on by this batch. */
static void follow(const tg_run *run, const tg_node *node, const tg_buffers *b) {
  job j = {b->scratch, b->x[0], run->samples * node->elements};
  const uint32_t tiles = (uint32_t)tiles_of(j.reals);
  tg_pool_run(run->pool, tiles, range_tile, &j);
  double ends[2] = {(double)j.ranges[0], (double)j.ranges[1]};
  for (uint32_t t = 1; t < tiles; t++) {
    ends[0] = fmin(ends[0], (double)j.ranges[2 * (size_t)t]);
    ends[1] = fmax(ends[1], (double)j.ranges[2 * (size_t)t + 1]);
  }
  /* A range that nobody has given or met yet is that of the first batch. */
  const double momentum = b->state[0] == 0 && b->state[1] == 0 ? 0 : node->attributes[MOMENTUM];
  for (int e = 0; e < 2; e++) b->next_state[e] = (tg_real)((double)b->state[e] * momentum + ends[e] * (1 - momentum));
}

/* Zero is a whole step from both ends, as in web/lib/quantize.js. */
static tg_byte_scale scale_of(const tg_real range[2]) {
  const double low = fmin((double)range[0], 0);
  const float scale = (float)((fmax((double)range[1], 0) - low) / 255);
  if (!(scale >= 1e-35f)) return (tg_byte_scale){1, 0};
  return (tg_byte_scale){(tg_real)scale, (tg_real)fmin(fmax(floor(-low / (double)scale + 0.5), 0), 255)};
}

static tg_byte_scale saved_scale(const tg_buffers *b) { return (tg_byte_scale){b->saved[0], b->saved[1]}; }

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_fake_quantize(b->y + first, b->x[0] + first, n, saved_scale(b));
}

static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_fake_quantize_backward(b->dx[0] + first, b->dy + first, b->x[0] + first, n, saved_scale(b));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  (void)graph;
  const int moves = run->training && !run->as_inference && !b->frozen;
  if (moves) follow(run, node, b);
  const tg_byte_scale scale = scale_of(moves ? b->next_state : b->state);
  b->saved[0] = scale.scale;
  b->saved[1] = scale.zero;
  tg_run_ranges(run, node, b, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  (void)graph;
  if (b->dx[0]) tg_run_ranges(run, node, b, backward_range);
}

const tg_op tg_op_fake_quantize = {.name = "fakeQuantize",
                                   .attributes = attributes,
                                   .n_attributes = sizeof attributes / sizeof *attributes,
                                   .n_inputs = 1,
                                   .traits = TG_OP_BACKWARD_READS_X | TG_OP_TAKES_ROUNDED,
                                   .infer = infer,
                                   .plan = plan,
                                   .forward = forward,
                                   .backward = backward};
