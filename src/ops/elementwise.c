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
