/*
 * dropout: in training each element is zero with probability `rate`, the others grow by 1/(1 - rate) (Keras Dropout;
 * Srivastava et al. 2014). At inference it is the identity. The mask is drawn again in the backward pass, not stored.
 */
#include "../kernels/elementwise.h"
#include "../rng.h"
#include "elementwise.h"

enum { RATE };

/* Up to but not including 1, where nothing would be left to scale. */
static const tg_attribute attributes[] = {{"rate", TG_REQUIRED, 0, 1 - 1e-7, 0}};

/* One mask for both passes: y from x, dx from dy. */
static void mask(const tg_run *run, const tg_node *node, tg_real *to, const tg_real *from, size_t first, size_t n) {
  double rate = node->attributes[RATE];
  uint32_t stream = TG_STREAM_DROPOUT + node->index; /* tells two dropouts of a model apart */
  tg_dropout(to + first, from + first, n, (uint32_t)first, (uint32_t)(rate * 4294967296.0), (tg_real)(1 / (1 - rate)),
             run->seed, stream, run->step);
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  mask(run, node, b->y, b->x[0], first, n);
}

static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  mask(run, node, b->dx[0], b->dy, first, n);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) tg_run_ranges(run, node, buffers, backward_range);
}

const tg_op tg_op_dropout = {.name = "dropout",
                             .attributes = attributes,
                             .n_attributes = 1,
                             .n_inputs = 1,
                             .traits = TG_OP_IDENTITY_AT_INFERENCE | TG_OP_LIVE,
                             .infer = tg_infer_same_shape,
                             .forward = forward,
                             .backward = backward};
