/* relu and sigmoid, element by element. */
#include "../kernels/elementwise.h"
#include "elementwise.h"

#define TG_ACTIVATION(name_, traits_)                                                                           \
  static void name_##_forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first,  \
                                    size_t n) {                                                                 \
    (void)run, (void)node;                                                                                      \
    tg_##name_(b->y + first, b->x[0] + first, n);                                                               \
  }                                                                                                             \
  static void name_##_backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, \
                                     size_t n) {                                                                \
    (void)run, (void)node;                                                                                      \
    tg_##name_##_backward(b->dx[0] + first, b->dy + first, b->y + first, n);                                    \
  }                                                                                                             \
  static void name_##_forward(const tg_run *run, const tg_graph *graph, const tg_node *node,                    \
                              const tg_buffers *buffers) {                                                      \
    (void)graph;                                                                                                \
    tg_run_ranges(run, node, buffers, name_##_forward_range);                                                   \
  }                                                                                                             \
  static void name_##_backward(const tg_run *run, const tg_graph *graph, const tg_node *node,                   \
                               const tg_buffers *buffers) {                                                     \
    (void)graph;                                                                                                \
    if (buffers->dx[0]) tg_run_ranges(run, node, buffers, name_##_backward_range);                              \
  }                                                                                                             \
  const tg_op tg_op_##name_ = {.name = #name_,                                                                  \
                               .n_inputs = 1,                                                                   \
                               .traits = TG_OP_BACKWARD_READS_Y | (traits_),                                    \
                               .infer = tg_infer_same_shape,                                                    \
                               .forward = name_##_forward,                                                      \
                               .backward = name_##_backward};

/* max(0, x). */
TG_ACTIVATION(relu, TG_OP_IS_RELU)
/* 1 / (1 + exp(-x)). */
TG_ACTIVATION(sigmoid, 0)
