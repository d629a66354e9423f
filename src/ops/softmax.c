/* softmax (Keras Softmax), its logarithm, and hardmax, over the last dimension. */
#include "../kernels/softmax.h"

#include "elementwise.h"

static uint32_t row_size(const tg_node *node) { return node->shape.dims[node->shape.rank - 1]; }

enum { SOFTMAX, LOG_SOFTMAX, HARDMAX };
static void (*const forwards[])(tg_real *, const tg_real *, uint32_t, uint32_t) = {tg_softmax, tg_log_softmax,
                                                                                   tg_hardmax};
static void (*const backwards[])(tg_real *, const tg_real *, const tg_real *, uint32_t, uint32_t) = {
    tg_softmax_backward, tg_log_softmax_backward, tg_hardmax_backward};

typedef struct {
  const tg_buffers *b;
  uint32_t rows, n;
  uint32_t variant;
} job;

/* A tile is one sample. */
static void forward_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t at = (size_t)sample * j->rows * j->n;
  forwards[j->variant](j->b->y + at, j->b->x[0] + at, j->rows, j->n);
}

static void backward_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t at = (size_t)sample * j->rows * j->n;
  backwards[j->variant](j->b->dx[0] + at, j->b->dy + at, j->b->y + at, j->rows, j->n);
}

static job make_job(const tg_node *node, const tg_buffers *buffers) {
  return (job){buffers, (uint32_t)(node->elements / row_size(node)), row_size(node), node->op->variant};
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(node, buffers);
  tg_pool_run(run->pool, run->samples, forward_sample, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(node, buffers);
  if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, backward_sample, &j);
}

#define TG_SOFTMAX(id, name_, variant_)                                             \
  const tg_op tg_op_##id = {.name = name_,                                          \
                            .n_inputs = 1,                                          \
                            .variant = variant_,                                    \
                            .traits = TG_OP_BACKWARD_READS_Y | TG_OP_TAKES_ROUNDED, \
                            .infer = tg_infer_same_shape,                           \
                            .forward = forward,                                     \
                            .backward = backward};

TG_SOFTMAX(softmax, "softmax", SOFTMAX)
TG_SOFTMAX(log_softmax, "logSoftmax", LOG_SOFTMAX)
TG_SOFTMAX(hardmax, "hardmax", HARDMAX)
