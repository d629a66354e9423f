/* permute: the axes of a sample in another order (Keras Permute). */
#include "../kernels/copy.h"
#include "../op.h"

/* dimension k of the output is dimension dims[k] of the input, counted from 1. */
enum { RANK, DIMS };

static const tg_attribute attributes[] = {{"rank", TG_REQUIRED, 1, TG_MAX_RANK, 1},
                                          {"dims1", 1, 1, TG_MAX_RANK, 1},
                                          {"dims2", 2, 1, TG_MAX_RANK, 1},
                                          {"dims3", 3, 1, TG_MAX_RANK, 1},
                                          {"dims4", 4, 1, TG_MAX_RANK, 1}};

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  uint32_t rank = tg_attribute_u32(node, RANK), seen = 0;
  if (rank != in->rank)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': dims names %u axes, its input has %u", node->name, rank,
                   in->rank);
  node->shape = *in;
  for (uint32_t d = 0; d < rank; d++) {
    uint32_t axis = tg_attribute_u32(node, DIMS + d);
    if (axis > rank || seen >> axis & 1)
      return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': dims must name each of the axes 1 to %u once, %u is %s",
                     node->name, rank, axis, axis > rank ? "none of them" : "there twice");
    seen |= 1u << axis;
    node->shape.dims[d] = in->dims[axis - 1];
  }
  return TG_OK;
}

/* Two loops around a matrix that is copied or transposed; strides in both arrays. */
typedef struct {
  uint32_t size[3];
  size_t from[3], to[3];
  size_t columns, to_column; /* to_column: 0 when the last axis stays the last */
  const tg_real *x;
  tg_real *y;
  uint64_t elements;
} job;

/* order[d]: the axis of the input that becomes axis d. */
static job make_job(const uint32_t *in, const uint32_t order[TG_MAX_RANK], uint32_t rank) {
  job j = {.size = {1, 1, 1}, .elements = 1};
  size_t from[TG_MAX_RANK], to[TG_MAX_RANK], stride = 1;
  for (uint32_t d = rank; d-- > 0; stride *= in[d]) from[d] = stride;
  j.elements = stride;
  stride = 1;
  for (uint32_t d = rank; d-- > 0; stride *= in[order[d]]) to[order[d]] = stride;
  uint32_t last = rank - 1, row_axis = order[last] == last ? (last ? last - 1 : 0) : order[last], loop = 0;
  j.columns = in[last];
  j.to_column = order[last] == last ? 0 : to[last];
  for (uint32_t axis = 0; axis < last; axis++) {
    uint32_t slot = axis == row_axis ? 2 : loop++;
    j.size[slot] = in[axis];
    j.from[slot] = from[axis];
    j.to[slot] = to[axis];
  }
  return j;
}

/* A tile is one sample. */
static void permute_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  for (uint32_t a = 0; a < j->size[0]; a++)
    for (uint32_t b = 0; b < j->size[1]; b++) {
      const tg_real *from = j->x + sample * j->elements + a * j->from[0] + b * j->from[1];
      tg_real *to = j->y + sample * j->elements + a * j->to[0] + b * j->to[1];
      if (j->to_column)
        tg_transpose(to, j->to_column, from, j->from[2], j->size[2], j->columns);
      else
        tg_copy_rows(to, j->to[2], from, j->from[2], j->size[2], j->columns);
    }
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  uint32_t order[TG_MAX_RANK], rank = node->shape.rank;
  for (uint32_t d = 0; d < rank; d++) order[d] = tg_attribute_u32(node, DIMS + d) - 1;
  job j = make_job(tg_graph_input(graph, node, 0)->shape.dims, order, rank);
  j.x = buffers->x[0];
  j.y = buffers->y;
  tg_pool_run(run->pool, run->samples, permute_sample, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  uint32_t order[TG_MAX_RANK], rank = node->shape.rank;
  for (uint32_t d = 0; d < rank; d++) order[tg_attribute_u32(node, DIMS + d) - 1] = d;
  job j = make_job(node->shape.dims, order, rank);
  j.x = buffers->dy;
  j.y = buffers->dx[0];
  if (j.y) tg_pool_run(run->pool, run->samples, permute_sample, &j);
}

const tg_op tg_op_permute = {.name = "permute",
                             .attributes = attributes,
                             .n_attributes = sizeof attributes / sizeof *attributes,
                             .n_inputs = 1,
                             .infer = infer,
                             .forward = forward,
                             .backward = backward};
