/* concatenate: two values, one behind the other along an axis (Keras Concatenate); more are joined two by two. */
#include <string.h>

#include "../kernels/copy.h"
#include "../op.h"
#include "../size.h"

enum { AXIS };

static const tg_attribute attributes[] = {{"axis", -1, -TG_MAX_RANK, TG_MAX_RANK, 1}};

/* 64 KiB a tile. */
enum { TILE_REALS = 16384 };

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *a = &tg_graph_input(graph, node, 0)->shape, *b = &tg_graph_input(graph, node, 1)->shape;
  uint32_t axis;
  tg_status status = tg_graph_axis(graph, node, AXIS, &axis);
  if (status) return status;
  tg_shape rest = *b;
  rest.dims[axis] = a->dims[axis];
  if (a->rank != b->rank || memcmp(rest.dims, a->dims, sizeof rest.dims))
    return tg_graph_shapes_differ(graph, node, 1, "its inputs must agree but for the axis they are joined along");
  node->shape = *a;
  uint64_t joined = (uint64_t)a->dims[axis] + b->dims[axis];
  if (joined > TG_MAX_ELEMENTS)
    return tg_fail(graph->engine, TG_E_LIMIT, "layer '%s': %g numbers along an axis, the limit is %g", node->name,
                   (double)joined, (double)TG_MAX_ELEMENTS);
  node->shape.dims[axis] = (uint32_t)joined;
  return TG_OK;
}

/* Both inputs and the output as matrices of the same rows. */
typedef struct {
  const tg_buffers *b;
  uint64_t rows;
  uint32_t n[2], tile_rows;
  int backward;
} job;

static void tile(void *context, uint32_t number, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint64_t first = (uint64_t)number * j->tile_rows, rest = j->rows - first;
  size_t rows = (size_t)(rest < j->tile_rows ? rest : j->tile_rows), n = (size_t)j->n[0] + j->n[1];
  for (int k = 0; k < 2; k++) {
    const size_t part = first * j->n[k], whole = first * n + (k ? j->n[0] : 0);
    if (!j->backward)
      tg_copy_rows(j->b->y + whole, n, j->b->x[k] + part, j->n[k], rows, j->n[k]);
    else if (j->b->dx[k])
      tg_copy_rows(j->b->dx[k] + part, j->n[k], j->b->dy + whole, n, rows, j->n[k]);
  }
}

static void run_tiles(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                      int backward) {
  uint32_t axis;
  tg_graph_axis((tg_graph *)graph, node, AXIS, &axis); /* infer has seen it succeed */
  uint64_t rows = run->samples;
  for (uint32_t d = 0; d < axis; d++) rows *= node->shape.dims[d];
  job j = {.b = buffers, .rows = rows, .backward = backward};
  for (int k = 0; k < 2; k++)
    j.n[k] = (uint32_t)(tg_graph_input(graph, node, (uint32_t)k)->elements * run->samples / rows);
  j.tile_rows = tg_max(1, TILE_REALS / (j.n[0] + j.n[1]));
  tg_pool_run(run->pool, (uint32_t)((rows + j.tile_rows - 1) / j.tile_rows), tile, &j);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  run_tiles(run, graph, node, buffers, 0);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  run_tiles(run, graph, node, buffers, 1);
}

const tg_op tg_op_concatenate = {.name = "concatenate",
                                 .attributes = attributes,
                                 .n_attributes = 1,
                                 .n_inputs = 2,
                                 .infer = infer,
                                 .forward = forward,
                                 .backward = backward};
