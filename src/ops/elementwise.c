#include "elementwise.h"

#include "../size.h"

/* A tile of 64 KiB: about 10 µs at memory speed, so small arrays stay on one thread. */
enum { TILE_REALS = 16384 };

typedef struct {
  const tg_run *run;
  const tg_node *node;
  const tg_buffers *buffers;
  tg_range range;
  uint64_t elements;
} job;

static void tile_range(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint64_t first = (uint64_t)tile * TILE_REALS, rest = j->elements - first;
  j->range(j->run, j->node, j->buffers, (size_t)first, (size_t)(rest < TILE_REALS ? rest : TILE_REALS));
}

void tg_run_ranges(const tg_run *run, const tg_node *node, const tg_buffers *buffers, tg_range range) {
  job j = {run, node, buffers, range, (uint64_t)run->samples * node->elements};
  tg_pool_run(run->pool, (uint32_t)((j.elements + TILE_REALS - 1) / TILE_REALS), tile_range, &j);
}

tg_status tg_infer_same_shape(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  return TG_OK;
}

tg_status tg_infer_broadcast(tg_graph *graph, tg_node *node) {
  const tg_shape *a = &tg_graph_input(graph, node, 0)->shape, *b = &tg_graph_input(graph, node, 1)->shape;
  const uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
  node->shape = (tg_shape){rank, {1, 1, 1, 1}};
  for (uint32_t d = 0; d < rank; d++) {
    uint32_t m = tg_size_on(a, d, rank), n = tg_size_on(b, d, rank);
    if (m != n && m != 1 && n != 1)
      return tg_graph_shapes_differ(graph, node, 1, "its inputs must have one shape, or 1 where they differ");
    node->shape.dims[d] = m == 1 ? n : m;
  }
  return TG_OK;
}
