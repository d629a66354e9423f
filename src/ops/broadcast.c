#include "broadcast.h"

#include "../kernels/elementwise.h"
#include "../kernels/simd.h"

tg_view tg_view_of_input(const tg_graph *graph, const tg_node *node, uint32_t input, uint32_t samples) {
  const tg_node *from = tg_graph_input(graph, node, input);
  const uint32_t rank = node->shape.rank;
  uint32_t sizes[TG_MAX_RANK + 1] = {samples};
  size_t strides[TG_MAX_RANK + 1] = {from->elements}, stride = 1;
  for (uint32_t d = rank; d-- > 0;) {
    const uint32_t own = tg_size_on(&from->shape, d, rank);
    sizes[d + 1] = node->shape.dims[d];
    strides[d + 1] = own == 1 ? 0 : stride;
    stride *= own;
  }
  return tg_view_make(sizes, strides, rank + 1);
}

typedef struct {
  const tg_buffers *b;
  tg_merge_kind kind;
  tg_real factor;
  tg_view views[2];
  uint32_t input;    /* whose gradient backward finds */
  uint64_t elements; /* of the output: of one sample, or of all */
} job;

enum { TILE = 64 * TG_CHUNK };

static job make_job(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                    tg_merge_kind kind, tg_real factor) {
  job j = {.b = buffers, .kind = kind, .factor = factor, .elements = run->samples * node->elements};
  for (uint32_t k = 0; k < 2; k++) j.views[k] = tg_view_of_input(graph, node, k, run->samples);
  return j;
}

/* Elements first…first+n-1 of an input, n at most TG_CHUNK: where they lie, or in `room`. */
static const tg_real *operand(const job *j, uint32_t k, tg_real *room, size_t first, size_t n) {
  if (tg_view_is_plain(&j->views[k])) return j->b->x[k] + first;
  tg_view_read(room, j->b->x[k], &j->views[k], first, n);
  return room;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_real rooms[2][TG_CHUNK];
  const size_t end = least((size_t)j->elements, ((size_t)tile + 1) * TILE);
  for (size_t first = (size_t)tile * TILE; first < end; first += TG_CHUNK) {
    const size_t n = least(TG_CHUNK, end - first);
    tg_real *y = j->b->y + first;
    tg_merge(j->kind, y, operand(j, 0, rooms[0], first, n), operand(j, 1, rooms[1], first, n), n, j->factor);
    if (j->b->relu) tg_relu(y, y, n);
  }
}

void tg_broadcast_forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                          tg_merge_kind kind, tg_real factor) {
  job j = make_job(run, graph, node, buffers, kind, factor);
  tg_pool_run(run->pool, (uint32_t)((j.elements + TILE - 1) / TILE), forward_tile, &j);
}

/* Writes elements first…first+n-1 of one input's gradient, as if it filled the output. */
static void gradient(const job *j, tg_real *to, size_t first, size_t n) {
  tg_real rooms[2][TG_CHUNK];
  const tg_real *dy = j->b->dy + first, *a = dy, *b = dy;
  if (tg_merge_reads(j->kind)) {
    a = operand(j, 0, rooms[0], first, n);
    b = operand(j, 1, rooms[1], first, n);
  }
  tg_merge_backward(j->kind, j->input ? NULL : to, j->input ? to : NULL, dy, a, b, n, j->factor);
}

/* An input that fills the output. */
static void whole_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const size_t end = least((size_t)j->elements, ((size_t)tile + 1) * TILE);
  for (size_t first = (size_t)tile * TILE; first < end; first += TG_CHUNK)
    gradient(j, j->b->dx[j->input] + first, first, least(TG_CHUNK, end - first));
}

/* One that is repeated: its gradient is the sum of what its repetitions get. A tile is one sample. */
static void repeated_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_real share[TG_CHUNK];
  const size_t start = (size_t)sample * j->elements;
  for (size_t at = 0; at < j->elements; at += TG_CHUNK) {
    const size_t n = least(TG_CHUNK, (size_t)j->elements - at);
    gradient(j, share, start + at, n);
    tg_view_fold(TG_FOLD_SUM, j->b->dx[j->input], share, &j->views[j->input], start + at, n);
  }
}

void tg_broadcast_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                           tg_merge_kind kind, tg_real factor) {
  for (uint32_t k = 0; k < 2; k++) {
    tg_real *dx = buffers->dx[k];
    if (!dx || dx == buffers->dy) continue;
    job j = make_job(run, graph, node, buffers, kind, factor);
    j.input = k;
    if (tg_view_is_plain(&j.views[k])) {
      tg_pool_run(run->pool, (uint32_t)((j.elements + TILE - 1) / TILE), whole_tile, &j);
      continue;
    }
    tg_clear(dx, run->samples * tg_graph_input(graph, node, k)->elements);
    j.elements = node->elements;
    tg_pool_run(run->pool, run->samples, repeated_sample, &j);
  }
}
