/*
 * attention: softmax(q k' / sqrt(d)) v for each head (Vaswani et al. 2017), over queries (steps, heads · d), keys
 * (other steps, heads · d) and values (other steps, heads · e): (steps, heads · e). Heads are columns side by side, as
 * dense layers give them. A tile is one head of one sample. The weights stay for the backward pass; dropout of them is
 * drawn again.
 */
#include "../kernels/attention.h"

#include <math.h>

#include "../kernels/elementwise.h"
#include "../kernels/gemm.h"
#include "../op.h"
#include "../rng.h"
#include "../size.h"

enum { NUM_HEADS, CAUSAL, DROPOUT };
enum { QUERIES, KEYS, VALUES };

static const tg_attribute attributes[] = {
    {"numHeads", TG_REQUIRED, 1, TG_MAX_SIZE, 1}, {"causal", 0, 0, 1, 1}, {"dropout", 0, 0, 1 - 1e-7, 0}};

static tg_status check_shapes(tg_graph *graph, const tg_node *node) {
  for (uint32_t k = 0; k < 3; k++) {
    const tg_node *input = tg_graph_input(graph, node, k);
    const tg_shape *in = &input->shape;
    const uint32_t heads = tg_attribute_u32(node, NUM_HEADS);
    if (in->rank != 2)
      return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': '%s' has %u dimensions, it must have 2 (steps, features)",
                     node->name, input->name, in->rank);
    if (in->dims[1] % heads)
      return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': numHeads is %u, it must divide the %u features of '%s'",
                     node->name, heads, in->dims[1], input->name);
  }
  if (tg_graph_input(graph, node, QUERIES)->shape.dims[1] != tg_graph_input(graph, node, KEYS)->shape.dims[1])
    return tg_graph_shapes_differ(graph, node, KEYS, "queries and keys must have as many features");
  if (tg_graph_input(graph, node, KEYS)->shape.dims[0] != tg_graph_input(graph, node, VALUES)->shape.dims[0])
    return tg_graph_shapes_differ(graph, node, VALUES, "there must be a value for each key");
  return TG_OK;
}

/* Of one head: steps of queries and of keys, features of both and of values. */
typedef struct {
  const tg_buffers *b;
  const tg_run *run;
  const tg_node *node;
  uint32_t heads, queries, keys, features, value_features;
  tg_real scale;
} job;

static job describe(const tg_graph *graph, const tg_node *node) {
  const uint32_t heads = tg_attribute_u32(node, NUM_HEADS);
  const tg_shape *q = &tg_graph_input(graph, node, QUERIES)->shape, *v = &tg_graph_input(graph, node, VALUES)->shape;
  return (job){.node = node,
               .heads = heads,
               .queries = q->dims[0],
               .keys = v->dims[0],
               .features = q->dims[1] / heads,
               .value_features = v->dims[1] / heads,
               .scale = (tg_real)(1 / sqrt((double)(q->dims[1] / heads)))};
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = check_shapes(graph, node);
  if (status) return status;
  const job j = describe(graph, node);
  node->shape = (tg_shape){2, {j.queries, j.heads * j.value_features, 1, 1}};
  node->macs = tg_mul(tg_mul(j.queries, j.keys), (uint64_t)j.heads * (j.features + j.value_features));
  return TG_OK;
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)want_dx;
  const job j = describe(graph, node);
  const uint64_t head = tg_mul(j.queries, j.keys), all = tg_mul(threads, head);
  const int drops = node->attributes[DROPOUT] > 0;
  needs->saved = tg_mul(tg_mul(samples, j.heads), head);
  needs->forward = drops ? all : 0;
  needs->backward = tg_mul(drops ? 2 : 1, all);
}

/* The part of an input, or of its gradient, that is head `tile`'s. */
static size_t head_of(const job *j, uint32_t tile, uint32_t steps, uint32_t features) {
  return (size_t)(tile / j->heads) * steps * j->heads * features + (size_t)(tile % j->heads) * features;
}

static size_t weights_of(const job *j, uint32_t tile) { return (size_t)tile * j->queries * j->keys; }

/* y = p after dropout; the backward pass is the same on gradients. */
static void drop(const job *j, tg_real *y, const tg_real *p, uint32_t tile) {
  const double rate = j->node->attributes[DROPOUT];
  tg_dropout(y, p, (size_t)j->queries * j->keys, (uint32_t)weights_of(j, tile), (uint32_t)(rate * 4294967296.0),
             (tg_real)(1 / (1 - rate)), j->run->seed, TG_STREAM_DROPOUT + j->node->index, j->run->step);
}

static int drops(const job *j) {
  return j->run->training && !j->run->as_inference && !j->b->frozen && j->node->attributes[DROPOUT] > 0;
}

/* c (rows, N) = a (rows, K) @ b (K, N), or its transpose. */
static void multiply(tg_real *c, size_t c_step, const tg_real *a, size_t a_step, const tg_real *b, size_t b_step,
                     uint32_t rows, uint32_t K, uint32_t N, int transposed) {
  const tg_gemm_part p = {c, a, b, NULL, c_step, a_step, b_step, K, N, 0, 0};
  tg_gemm_part_unpacked(&p, rows, 0, tg_gemm_panels(N), transposed);
}

static void forward_head(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const size_t row = (size_t)j->heads * j->features, value_row = (size_t)j->heads * j->value_features;
  const tg_real *q = j->b->x[QUERIES] + head_of(j, tile, j->queries, j->features);
  const tg_real *k = j->b->x[KEYS] + head_of(j, tile, j->keys, j->features);
  const tg_real *v = j->b->x[VALUES] + head_of(j, tile, j->keys, j->value_features);
  tg_real *p = j->b->saved + weights_of(j, tile);
  multiply(p, j->keys, q, row, k, row, j->queries, j->features, j->keys, 1);
  tg_attention_weights(p, j->queries, j->keys, j->scale, (int)tg_attribute_u32(j->node, CAUSAL));
  if (drops(j)) {
    tg_real *kept = j->b->scratch + weights_of(j, thread);
    drop(j, kept, p, tile);
    p = kept;
  }
  multiply(j->b->y + head_of(j, tile, j->queries, j->value_features), value_row, p, j->keys, v, value_row, j->queries,
           j->keys, j->value_features, 0);
}

static void backward_head(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const size_t row = (size_t)j->heads * j->features, value_row = (size_t)j->heads * j->value_features;
  const size_t queries = head_of(j, tile, j->queries, j->features), keys = head_of(j, tile, j->keys, j->features);
  const size_t values = head_of(j, tile, j->keys, j->value_features);
  const tg_real *dy = j->b->dy + head_of(j, tile, j->queries, j->value_features);
  const tg_real *p = j->b->saved + weights_of(j, tile), *kept = p;
  tg_real *const *dx = j->b->dx, *dp = j->b->scratch + weights_of(j, thread) * (drops(j) ? 2 : 1);
  if (drops(j)) {
    tg_real *dropped = dp + weights_of(j, 1);
    drop(j, dropped, p, tile);
    kept = dropped;
  }
  if (dx[VALUES])
    tg_gemm_part_transposed(dx[VALUES] + values, value_row, kept, j->keys, dy, value_row, j->queries, j->value_features,
                            0, j->keys);
  if (!dx[QUERIES] && !dx[KEYS]) return;
  multiply(dp, j->keys, dy, value_row, j->b->x[VALUES] + values, value_row, j->queries, j->value_features, j->keys, 1);
  if (drops(j)) drop(j, dp, dp, tile);
  tg_attention_weights_backward(dp, p, j->queries, j->keys, j->scale);
  if (dx[QUERIES])
    multiply(dx[QUERIES] + queries, row, dp, j->keys, j->b->x[KEYS] + keys, row, j->queries, j->keys, j->features, 0);
  if (dx[KEYS])
    tg_gemm_part_transposed(dx[KEYS] + keys, row, dp, j->keys, j->b->x[QUERIES] + queries, row, j->queries, j->features,
                            0, j->keys);
}

static void run_heads(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                      tg_task head) {
  job j = describe(graph, node);
  j.b = buffers;
  j.run = run;
  tg_pool_run(run->pool, run->samples * j.heads, head, &j);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  run_heads(run, graph, node, buffers, forward_head);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  run_heads(run, graph, node, buffers, backward_head);
}

const tg_op tg_op_attention = {.name = "attention",
                               .attributes = attributes,
                               .n_attributes = sizeof attributes / sizeof *attributes,
                               .n_inputs = 3,
                               .traits = TG_OP_BACKWARD_READS_X | TG_OP_TAKES_ROUNDED,
                               .infer = infer,
                               .plan = plan,
                               .forward = forward,
                               .backward = backward};
