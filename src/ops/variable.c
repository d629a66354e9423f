/* variable: a weight by itself, the same for every sample: what no layer has a place for. */
#include "../kernels/reduce.h"
#include "../kernels/simd.h"
#include "../op.h"

enum { RANK, SIZE, TRAINABLE = SIZE + TG_MAX_RANK, INITIALIZER };

static const tg_attribute attributes[] = {{"rank", TG_REQUIRED, 1, TG_MAX_RANK, 1},
                                          {"size1", 1, 1, TG_MAX_SIZE, 1},
                                          {"size2", 1, 1, TG_MAX_SIZE, 1},
                                          {"size3", 1, 1, TG_MAX_SIZE, 1},
                                          {"size4", 1, 1, TG_MAX_SIZE, 1},
                                          {"trainable", 1, 0, 1, 1},
                                          {"valueInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1}};

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->shape = (tg_shape){tg_attribute_u32(node, RANK), {1, 1, 1, 1}};
  for (uint32_t d = 0; d < node->shape.rank; d++) node->shape.dims[d] = tg_attribute_u32(node, SIZE + d);
  const tg_initializer initializer = (tg_initializer)tg_attribute_u32(node, INITIALIZER);
  if (!tg_attribute_u32(node, TRAINABLE)) return tg_graph_add_state(graph, node, "value", node->shape, initializer);
  const uint32_t last = node->shape.dims[node->shape.rank - 1];
  return tg_graph_add_tensor(graph, node, "value", node->shape, initializer, last, last);
}

typedef struct {
  const tg_real *from;
  tg_real *to;
  size_t n;
} job;

static void copy_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_copy(j->to + sample * j->n, j->from, j->n);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  const int trainable = tg_attribute_u32(node, TRAINABLE) != 0;
  job j = {trainable ? buffers->w : buffers->state, buffers->y, (size_t)node->elements};
  tg_pool_run(run->pool, run->samples, copy_sample, &j);
  if (run->training && !trainable) tg_copy(buffers->next_state, buffers->state, j.n);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (tg_attribute_u32(node, TRAINABLE)) tg_sum_rows(buffers->dw, buffers->dy, run->samples, (uint32_t)node->elements);
}

const tg_op tg_op_variable = {.name = "variable",
                              .attributes = attributes,
                              .n_attributes = sizeof attributes / sizeof *attributes,
                              .infer = infer,
                              .forward = forward,
                              .backward = backward};
