/*
 * reduceSum, reduceAbs, reduceSquare, reduceMax, reduceMin, reduceProduct: axes of a sample folded into one number
 * (Keras ops.sum and its like). `mean` divides by how many there were.
 */
#include "../kernels/fold.h"

#include "../op.h"
#include "../size.h"

/* axes: bit d for axis d of the sample, from 0. */
enum { AXES, KEEP_DIMS, MEAN };

static const tg_attribute attributes[] = {
    {"axes", TG_REQUIRED, 1, (1 << TG_MAX_RANK) - 1, 1}, {"keepdims", 0, 0, 1, 1}, {"mean", 0, 0, 1, 1}};

static int is_folded(const tg_node *node, uint32_t axis) { return tg_attribute_u32(node, AXES) >> axis & 1; }

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  if (tg_attribute_u32(node, AXES) >> in->rank)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (%s): axis names axis %u, its input has %u", node->name,
                   node->op->name, 32 - (uint32_t)__builtin_clz(tg_attribute_u32(node, AXES)), in->rank);
  node->shape = (tg_shape){0, {1, 1, 1, 1}};
  for (uint32_t d = 0; d < in->rank; d++) {
    if (!is_folded(node, d))
      node->shape.dims[node->shape.rank++] = in->dims[d];
    else if (tg_attribute_u32(node, KEEP_DIMS))
      node->shape.rank++;
  }
  if (!node->shape.rank) node->shape.rank = 1;
  return TG_OK;
}

/* A unit is a part of the input that has results of its own: a sample, or, where its first axis stays, one step of it.
 */
typedef struct {
  const tg_buffers *b;
  tg_fold_kind kind;
  tg_view view;   /* of a unit's results, as its elements see them */
  size_t in, out; /* elements and results of a unit */
  uint32_t units, units_a_tile;
  tg_real factor;
} job;

enum { TILE_REALS = 16384 };

static job make_job(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_node *input = tg_graph_input(graph, node, 0);
  const tg_shape *in = &input->shape;
  uint32_t sizes[TG_MAX_RANK];
  size_t strides[TG_MAX_RANK], stride = 1;
  for (uint32_t d = in->rank; d-- > 0;) {
    sizes[d] = in->dims[d];
    strides[d] = is_folded(node, d) ? 0 : stride;
    if (!is_folded(node, d)) stride *= in->dims[d];
  }
  const uint32_t split = !is_folded(node, 0), parts = split ? in->dims[0] : 1;
  job j = {.b = buffers,
           .kind = (tg_fold_kind)node->op->variant,
           .view = tg_view_make(sizes + split, strides + split, in->rank - split),
           .in = (size_t)(input->elements / parts),
           .out = (size_t)(node->elements / parts),
           .units = run->samples * parts,
           .factor = 1};
  if (tg_attribute_u32(node, MEAN)) j.factor = (tg_real)((double)node->elements / (double)input->elements);
  j.units_a_tile = (uint32_t)(j.in < TILE_REALS ? TILE_REALS / j.in : 1);
  return j;
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t end = tg_min((tile + 1) * j->units_a_tile, j->units);
  for (uint32_t u = tile * j->units_a_tile; u < end; u++)
    tg_fold(j->kind, j->b->y + u * j->out, j->b->x[0] + u * j->in, &j->view, j->in, j->out, j->factor);
}

static void backward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t end = tg_min((tile + 1) * j->units_a_tile, j->units);
  for (uint32_t u = tile * j->units_a_tile; u < end; u++) {
    const size_t in = u * j->in, out = u * j->out;
    tg_fold_backward(j->kind, j->b->dx[0] + in, j->b->dy + out, j->b->x[0] + in, j->b->y + out, j->b->scratch + 2 * out,
                     &j->view, j->in, j->out, j->factor);
  }
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads;
  if (want_dx) needs->backward = tg_mul(2, tg_mul(samples, node->elements));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(run, graph, node, buffers);
  tg_pool_run(run->pool, tg_ceil_div(j.units, j.units_a_tile), forward_tile, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(run, graph, node, buffers);
  if (buffers->dx[0]) tg_pool_run(run->pool, tg_ceil_div(j.units, j.units_a_tile), backward_tile, &j);
}

#define TG_REDUCE(id, name_, variant_, traits_)                                     \
  const tg_op tg_op_##id = {.name = name_,                                          \
                            .attributes = attributes,                               \
                            .n_attributes = sizeof attributes / sizeof *attributes, \
                            .n_inputs = 1,                                          \
                            .variant = variant_,                                    \
                            .traits = traits_,                                      \
                            .infer = infer,                                         \
                            .plan = plan,                                           \
                            .forward = forward,                                     \
                            .backward = backward};

TG_REDUCE(reduce_sum, "reduceSum", TG_FOLD_SUM, 0)
TG_REDUCE(reduce_abs, "reduceAbs", TG_FOLD_ABS, TG_OP_BACKWARD_READS_X)
TG_REDUCE(reduce_square, "reduceSquare", TG_FOLD_SQUARE, TG_OP_BACKWARD_READS_X)
TG_REDUCE(reduce_max, "reduceMax", TG_FOLD_MAX, TG_OP_BACKWARD_READS_X | TG_OP_BACKWARD_READS_Y)
TG_REDUCE(reduce_min, "reduceMin", TG_FOLD_MIN, TG_OP_BACKWARD_READS_X | TG_OP_BACKWARD_READS_Y)
TG_REDUCE(reduce_product, "reduceProduct", TG_FOLD_PRODUCT, TG_OP_BACKWARD_READS_X)
