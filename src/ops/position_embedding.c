/* positionEmbedding: a trained vector for each step, added to (steps, features) (KerasHub PositionEmbedding). */
#include <string.h>

#include "../kernels/elementwise.h"
#include "../op.h"
#include "../size.h"
#include "bias_relu.h"

enum { SEQUENCE_LENGTH, TABLE_INIT };

/* sequenceLength: rows of the table, of which the first are read; 0: as many as there are steps. */
static const tg_attribute attributes[] = {{"sequenceLength", 0, 0, TG_MAX_SIZE, 1},
                                          {"embeddingsInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1}};

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 2, "steps, features");
  if (status) return status;
  node->shape = tg_graph_input(graph, node, 0)->shape;
  const uint32_t steps = node->shape.dims[0], n = node->shape.dims[1], given = tg_attribute_u32(node, SEQUENCE_LENGTH);
  const uint32_t length = given ? given : steps;
  if (length < steps)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': sequenceLength is %u, its input has %u steps", node->name,
                   length, steps);
  return tg_graph_add_tensor(graph, node, "embeddings", (tg_shape){2, {length, n, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, TABLE_INIT), length, n);
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  needs->backward = tg_bias_relu_scratch(samples, (uint32_t)node->elements);
}

typedef struct {
  const tg_buffers *b;
  size_t n;
} job;

/* A tile is one sample. */
static void add_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_add_arrays(j->b->y + sample * j->n, j->b->x[0] + sample * j->n, j->b->w, j->n, 0);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = {buffers, (size_t)node->elements};
  tg_pool_run(run->pool, run->samples, add_sample, &j);
}

static void pass_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  memcpy(j->b->dx[0] + sample * j->n, j->b->dy + sample * j->n, j->n * sizeof(tg_real));
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = {buffers, (size_t)node->elements};
  if (buffers->wants_dw) {
    tg_bias_relu_backward(run->pool, buffers->dw, buffers->dy, NULL, buffers->scratch, run->samples, (uint32_t)j.n, 0);
    memset(buffers->dw + j.n, 0, (size_t)(node->trainable - j.n) * sizeof(tg_real));
  }
  if (buffers->dx[0] && buffers->dx[0] != buffers->dy) tg_pool_run(run->pool, run->samples, pass_sample, &j);
}

const tg_op tg_op_position_embedding = {.name = "positionEmbedding",
                                        .attributes = attributes,
                                        .n_attributes = sizeof attributes / sizeof *attributes,
                                        .n_inputs = 1,
                                        .traits = TG_OP_PASSES_GRADIENT,
                                        .infer = infer,
                                        .plan = plan,
                                        .forward = forward,
                                        .backward = backward};
