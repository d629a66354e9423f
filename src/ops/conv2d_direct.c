#include "conv2d_direct.h"

#include "../size.h"

/* Work below this many multiply-accumulates is not worth a tile of its own (about 5 µs at the kernel's speed). */
enum { TILE_MACS = 100000 };

uint32_t tg_conv2d_tile_rows(uint32_t rows, uint32_t samples, uint32_t width, uint64_t macs) {
  if (samples >= 4 * width || width == 1) return rows;
  uint64_t strips = tg_min(tg_ceil_div(4 * width, samples), (uint32_t)(macs / TILE_MACS) + 1);
  return tg_ceil_div(rows, tg_min((uint32_t)strips, rows));
}

/* One parallel section. Each use fills what its tiles read; a pass reads `from` and writes `to`. */
typedef struct {
  const tg_convolution *c;
  const tg_real *from, *other, *w, *bias;
  tg_real *to, *packed, *scratch;
  size_t packed_size, scratch_size; /* of one group, of one thread */
  uint32_t samples, rows, strips;   /* rows of a strip, strips of an image */
  uint32_t panels;                  /* of a group */
  uint32_t parts, tiles_a_part;     /* of a group's filter gradient */
  int relu;
} job;

/* NULL where the pass needs none. */
static tg_real *scratch_of(const job *j, uint32_t thread) {
  return j->scratch_size ? j->scratch + thread * j->scratch_size : NULL;
}

uint64_t tg_conv2d_direct_packed(const tg_convolution *c) { return tg_mul(c->groups, tg_conv2d_packed_size(&c->s)); }
uint64_t tg_conv2d_direct_input_packed(const tg_convolution *c) {
  return tg_mul(c->groups, tg_conv2d_input_gradient_packed_size(&c->s));
}
uint64_t tg_conv2d_direct_forward_needs(const tg_convolution *c, uint32_t threads) {
  return tg_mul(threads, tg_conv2d_forward_scratch(&c->s, c->s.out_h));
}
uint64_t tg_conv2d_direct_input_needs(const tg_convolution *c, uint32_t threads) {
  return tg_mul(threads, tg_conv2d_input_gradient_scratch(&c->s, c->s.in_h));
}
uint64_t tg_conv2d_direct_filter_needs(const tg_convolution *c, uint32_t threads) {
  return tg_mul(threads, tg_conv2d_filter_gradient_scratch(&c->s));
}

/* ---- weights ---- */

static void pack_panel(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t group = tile / j->panels, panel = tile % j->panels;
  tg_conv2d_pack(j->packed + group * j->packed_size, j->w + (size_t)group * j->c->s.out_c, &j->c->s, panel, panel + 1);
}

void tg_conv2d_direct_pack(tg_pool *pool, tg_real *packed, const tg_real *w, const tg_convolution *c) {
  job j = {.c = c, .w = w, .packed = packed, .packed_size = tg_conv2d_packed_size(&c->s)};
  j.panels = tg_conv2d_panels(&c->s);
  tg_pool_run(pool, c->groups * j.panels, pack_panel, &j);
}

static void pack_input_panel(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t group = tile / j->panels, panel = tile % j->panels;
  tg_conv2d_input_gradient_pack(j->packed + group * j->packed_size, j->w + (size_t)group * j->c->s.out_c, &j->c->s,
                                panel, panel + 1);
}

void tg_conv2d_direct_input_pack(tg_pool *pool, tg_real *packed, const tg_real *w, const tg_convolution *c) {
  job j = {.c = c, .w = w, .packed = packed, .packed_size = tg_conv2d_input_gradient_packed_size(&c->s)};
  j.panels = tg_conv2d_input_gradient_panels(&c->s);
  tg_pool_run(pool, c->groups * j.panels, pack_input_panel, &j);
}

/* ---- forward, and gradient of the input ---- */

/* A tile is a strip of one group of one image. */
typedef struct {
  uint32_t image, group, first, end; /* rows */
} strip;

static strip strip_of(const job *j, uint32_t tile, uint32_t rows) {
  const uint32_t first = tile % j->strips * j->rows, rest = tile / j->strips;
  return (strip){rest / j->c->groups, rest % j->c->groups, first, tg_min(first + j->rows, rows)};
}

static void run_strips(const tg_run *run, job *j, uint32_t rows, tg_task task) {
  j->rows = tg_conv2d_tile_rows(rows, run->samples, tg_pool_width(run->pool), j->c->macs / j->c->groups);
  j->strips = tg_ceil_div(rows, j->rows);
  tg_pool_run(run->pool, run->samples * j->c->groups * j->strips, task, j);
}

static void forward_strip(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const tg_conv2d_shape *s = &j->c->s;
  const strip t = strip_of(j, tile, s->out_h);
  const size_t in = (size_t)t.group * s->in_c, out = (size_t)t.group * s->out_c;
  tg_conv2d_forward(j->to + out, j->from + in, j->packed + t.group * j->packed_size, j->bias ? j->bias + out : NULL,
                    scratch_of(j, thread), s, t.image, t.first, t.end, j->relu);
}

void tg_conv2d_direct_forward(const tg_run *run, tg_real *y, const tg_real *x, const tg_real *packed,
                              const tg_real *bias, tg_real *scratch, const tg_convolution *c, int relu) {
  job j = {.c = c, .to = y, .from = x, .packed = (tg_real *)packed, .bias = bias, .scratch = scratch, .relu = relu};
  j.packed_size = tg_conv2d_packed_size(&c->s);
  j.scratch_size = tg_conv2d_forward_scratch(&c->s, c->s.out_h);
  run_strips(run, &j, c->s.out_h, forward_strip);
}

static void input_gradient_strip(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const tg_conv2d_shape *s = &j->c->s;
  const strip t = strip_of(j, tile, s->in_h);
  const size_t in = (size_t)t.group * s->in_c, out = (size_t)t.group * s->out_c;
  tg_conv2d_input_gradient(j->to + in, j->from + out, j->packed + t.group * j->packed_size, scratch_of(j, thread), s,
                           t.image, t.first, t.end);
  if (!j->bias && !j->relu) return;
  tg_real *rows = j->to + ((size_t)t.image * s->in_h + t.first) * s->in_w * s->in_c;
  tg_conv2d_add_bias(rows, j->bias, (size_t)(t.end - t.first) * s->in_w, s->in_c, j->relu);
}

void tg_conv2d_direct_input_gradient(const tg_run *run, tg_real *dx, const tg_real *dy, const tg_real *packed,
                                     const tg_real *bias, tg_real *scratch, const tg_convolution *c, int relu) {
  job j = {.c = c, .to = dx, .from = dy, .packed = (tg_real *)packed, .bias = bias, .scratch = scratch, .relu = relu};
  j.packed_size = tg_conv2d_input_gradient_packed_size(&c->s);
  j.scratch_size = tg_conv2d_input_gradient_scratch(&c->s, c->s.in_h);
  run_strips(run, &j, c->s.in_h, input_gradient_strip);
}

/* ---- gradient of the filter ---- */

static void filter_gradient_part(void *context, uint32_t part, uint32_t thread) {
  const job *j = context;
  const tg_conv2d_shape *s = &j->c->s;
  const uint32_t group = part / j->parts, first = part % j->parts * j->tiles_a_part;
  const size_t in = (size_t)group * s->in_c, out = (size_t)group * s->out_c;
  tg_conv2d_filter_gradient(j->to + out, j->from + in, j->other + out, scratch_of(j, thread), s, j->samples, first,
                            tg_min(first + j->tiles_a_part, tg_conv2d_filter_gradient_tiles(s)));
}

void tg_conv2d_direct_filter_gradient(const tg_run *run, tg_real *dw, const tg_real *x, const tg_real *dy,
                                      tg_real *scratch, const tg_convolution *c) {
  job j = {.c = c, .to = dw, .from = x, .other = dy, .scratch = scratch, .samples = run->samples};
  j.scratch_size = tg_conv2d_filter_gradient_scratch(&c->s);
  /* A part streams all images, so few are best; two a thread even out a noisy machine. */
  const uint32_t tiles = tg_conv2d_filter_gradient_tiles(&c->s), width = tg_pool_width(run->pool);
  const uint32_t wanted = width == 1 ? 1 : tg_ceil_div(2 * width, c->groups);
  j.tiles_a_part = tg_ceil_div(tiles, tg_min(wanted, tiles));
  j.parts = tg_ceil_div(tiles, j.tiles_a_part);
  tg_pool_run(run->pool, c->groups * j.parts, filter_gradient_part, &j);
}
