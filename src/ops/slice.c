/* slice and pad (Keras ops.slice, ops.pad): a window on a value, part of it or more, filled up. */
#include "../kernels/slice.h"

#include "../op.h"
#include "../size.h"

enum { RANK, START, SIZE = START + TG_MAX_RANK, STEP = SIZE + TG_MAX_RANK };
enum { BEFORE = START, BEHIND = SIZE };

#define REACH 268435456.0
#define FOUR(name, fallback, low, high)                                                                       \
  {name "1", fallback, low, high, 1}, {name "2", fallback, low, high, 1}, {name "3", fallback, low, high, 1}, \
      {name "4", fallback, low, high, 1}

#define FILLING {"outside", TG_OUTSIDE_CONSTANT, 0, TG_OUTSIDES - 1, 1}, {"value", 0, -3.5e38, 3.5e38, 0}

static const tg_attribute slice_attributes[] = {{"rank", TG_REQUIRED, 1, TG_MAX_RANK, 1},
                                                FOUR("start", 0, -REACH, REACH),
                                                FOUR("size", 1, 1, TG_MAX_SIZE),
                                                FOUR("step", 1, -REACH, REACH),
                                                FILLING};
static const tg_attribute pad_attributes[] = {{"rank", TG_REQUIRED, 1, TG_MAX_RANK, 1},
                                              FOUR("before", 0, -REACH, REACH),
                                              FOUR("behind", 0, -REACH, REACH),
                                              FILLING};

static int is_pad(const tg_node *node) { return node->op == &tg_op_pad; }

/* 64 KiB a tile. */
enum { TILE_REALS = 16384 };

static tg_slice_shape shape_of(const tg_graph *graph, const tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  const double *filling = node->attributes + node->op->n_attributes - 2;
  tg_slice_shape s = {.rank = in->rank, .outside = (tg_outside)filling[0], .value = (tg_real)filling[1]};
  for (uint32_t d = 0; d < s.rank; d++) {
    s.from[d] = in->dims[d];
    s.to[d] = node->shape.dims[d];
    s.start[d] = is_pad(node) ? -(int64_t)node->attributes[BEFORE + d] : (int64_t)node->attributes[START + d];
    s.step[d] = is_pad(node) ? 1 : (int64_t)node->attributes[STEP + d];
  }
  return s;
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  if (tg_attribute_u32(node, RANK) != in->rank)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (%s): %s names %u axes, its input has %u", node->name,
                   node->op->name, is_pad(node) ? "padding" : "size", tg_attribute_u32(node, RANK), in->rank);
  node->shape = (tg_shape){in->rank, {1, 1, 1, 1}};
  for (uint32_t d = 0; d < in->rank; d++) {
    const double before = node->attributes[BEFORE + d], behind = node->attributes[BEHIND + d];
    const double size = is_pad(node) ? in->dims[d] + before + behind : node->attributes[SIZE + d];
    if (size < 1 || size > TG_MAX_SIZE)
      return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (pad): padding makes %g cells of %u on axis %u", node->name,
                     size, in->dims[d], d + 1);
    node->shape.dims[d] = (uint32_t)size;
  }
  return TG_OK;
}

typedef struct {
  const tg_buffers *b;
  tg_slice_shape s;
  uint64_t in, out; /* elements of a sample */
  uint32_t rows, rows_a_tile, tiles;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = {.b = buffers, .s = shape_of(graph, node), .out = node->elements};
  const uint32_t n = j.s.to[j.s.rank - 1];
  j.in = tg_graph_input(graph, node, 0)->elements;
  j.rows = (uint32_t)(j.out / n);
  j.rows_a_tile = tg_max(1, TILE_REALS / n);
  j.tiles = tg_ceil_div(j.rows, j.rows_a_tile);
  return j;
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t sample = tile / j->tiles, first = tile % j->tiles * j->rows_a_tile;
  const uint32_t end = tg_min(first + j->rows_a_tile, j->rows);
  const size_t start = (size_t)(sample * j->out) + (size_t)first * j->s.to[j->s.rank - 1];
  tg_slice(j->b->y + start, j->b->x[0] + (size_t)(sample * j->in), &j->s, first, end);
}

/* A tile is one sample: what is outside may be read again and again. */
static void backward_sample(void *context, uint32_t sample, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_slice_backward(j->b->dx[0] + (size_t)(sample * j->in), j->b->dy + (size_t)(sample * j->out), &j->s);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  tg_pool_run(run->pool, run->samples * j.tiles, forward_tile, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, backward_sample, &j);
}

#define TG_SLICE(id, attributes_)                                                     \
  const tg_op tg_op_##id = {.name = #id,                                              \
                            .attributes = attributes_,                                \
                            .n_attributes = sizeof attributes_ / sizeof *attributes_, \
                            .n_inputs = 1,                                            \
                            .infer = infer,                                           \
                            .forward = forward,                                       \
                            .backward = backward};

TG_SLICE(slice, slice_attributes)
TG_SLICE(pad, pad_attributes)
