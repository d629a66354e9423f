#include "kernels/resize2d.h"

#include "kernels/pool2d.h"
#include "kernels/simd.h"

/* ---- each cell repeated ---- */

static void repeat_cells(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  const size_t C = s->channels, row = (size_t)s->in_w * s->size_w * C;
  for (uint32_t ih = 0; ih < s->in_h; ih++) {
    for (uint32_t iw = 0; iw < s->in_w; iw++, x += C)
      for (uint32_t times = 0; times < s->size_w; times++, y += C) tg_copy(y, x, C);
    for (uint32_t times = 1; times < s->size_h; times++, y += row) tg_copy(y, y - row, row);
  }
}

static void sum_cells(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  const tg_pool2d_shape windows = {.in_h = s->in_h * s->size_h,
                                   .in_w = s->in_w * s->size_w,
                                   .channels = s->channels,
                                   .out_h = s->in_h,
                                   .out_w = s->in_w,
                                   .pool_h = s->size_h,
                                   .pool_w = s->size_w,
                                   .stride_h = s->size_h,
                                   .stride_w = s->size_w,
                                   .sum = 1};
  tg_average_pool2d(dx, dy, &windows, 0, 1);
}

/* ---- bilinear: cell `at` of the output lies (2 at + 1 - size) parts after cell 0, of 2 size parts a cell ---- */

/* So many vectors of four channels at once share their weights; what is left of the channels goes by single vectors. */
enum { ABREAST = 4 };

static __attribute__((noinline)) tg_v4 load_few(const tg_real *p, size_t n) { return tg_v4_load_part(p, n, 0); }
static __attribute__((noinline)) void store_few(tg_real *p, tg_v4 v, size_t n) { tg_v4_store_part(p, v, n); }

TG_INLINE tg_v4 load_of(const tg_real *p, size_t v, size_t vectors, size_t left) {
  return vectors > 1 || left >= 4 ? tg_v4_load(p + 4 * v) : load_few(p, left);
}

TG_INLINE void store_of(tg_real *p, tg_v4 value, size_t v, size_t vectors, size_t left) {
  if (vectors > 1 || left >= 4)
    tg_v4_store(p + 4 * v, value);
  else
    store_few(p, value, left);
}

#define EACH_VECTOR for (size_t v = 0; v < vectors; v++)

TG_INLINE tg_v4 mix(tg_v4 a, tg_v4 b, tg_v4 weight) { return tg_v4_madd(tg_v4_sub(b, a), weight, a); }

/* `count` outputs that lie between two cells, C apart, the first one `part` parts after the left cell, of two rows. */
TG_INLINE void mix_between(tg_real *y, const tg_real *above, const tg_real *below, size_t right, tg_v4 down, size_t C,
                           uint32_t count, tg_real part, tg_real one_part, size_t vectors, size_t left) {
  tg_v4 from[ABREAST], to[ABREAST];
  EACH_VECTOR {
    from[v] = mix(load_of(above, v, vectors, left), load_of(below, v, vectors, left), down);
    to[v] = mix(load_of(above + right, v, vectors, left), load_of(below + right, v, vectors, left), down);
  }
  for (; count; count--, part += 2, y += C) {
    const tg_v4 weight = tg_v4_splat(part > 0 ? part * one_part : 0);
    EACH_VECTOR store_of(y, mix(from[v], to[v], weight), v, vectors, left);
  }
}

static void mix_row(tg_real *y, const tg_real *above, const tg_real *below, tg_real weight,
                    const tg_resize2d_shape *s) {
  const size_t C = s->channels;
  const int64_t cell = 2 * (int64_t)s->size_w;
  const tg_v4 down = tg_v4_splat(weight);
  int64_t part = 1 - (int64_t)s->size_w;
  uint32_t rest = s->in_w * s->size_w;
  for (uint32_t iw = 0; iw < s->in_w; iw++, above += C, below += C) {
    const int last = iw + 1 == s->in_w;
    const uint32_t count = last ? rest : (uint32_t)((cell - part + 1) / 2);
#define TAKE(vectors, left)                                                                                         \
  mix_between(y + c, above + c, below + c, last ? 0 : C, down, C, count, (tg_real)part, 1 / (tg_real)cell, vectors, \
              left)
    size_t c = 0;
    for (; c + 4 * ABREAST <= C; c += 4 * ABREAST) TAKE(ABREAST, 4);
    for (; c < C; c += 4) TAKE(1, C - c);
#undef TAKE
    y += count * C;
    rest -= count;
    part += 2 * (int64_t)count - cell;
  }
}

static void mix_cells(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  const size_t in_row = (size_t)s->in_w * s->channels, out_row = in_row * s->size_w;
  const int64_t cell = 2 * (int64_t)s->size_h;
  for (uint32_t oh = 0; oh < s->in_h * s->size_h; oh++, y += out_row) {
    int64_t parts = 2 * (int64_t)oh + 1 - s->size_h;
    if (parts < 0) parts = 0;
    const tg_real *above = x + (size_t)(parts / cell) * in_row;
    const int last = parts / cell + 1 == s->in_h;
    mix_row(y, above, last ? above : above + in_row, (tg_real)(parts % cell) / (tg_real)cell, s);
  }
}

/* The outputs along one axis that lie nearer than a cell to cell `at`: first…end-1. A weight is 1 less the distance,
 * which counts from `low` to `high` parts: beyond the cells at the edge it is 0. */
typedef struct {
  uint32_t first, end;
  tg_real part, low, high, one_part;
} reach;

static reach find_reach(uint32_t at, uint32_t in, uint32_t size) {
  const uint32_t half = size / 2;
  reach r = {.first = at ? at * size - half : 0, .end = at + 1 < in ? (at + 1) * size + half : in * size};
  r.part = (tg_real)(2 * ((int64_t)r.first - (int64_t)at * size) + 1 - (int64_t)size);
  r.low = at ? -2 * (tg_real)size : 0;
  r.high = at + 1 < in ? 2 * (tg_real)size : 0;
  r.one_part = 1 / (2 * (tg_real)size);
  return r;
}

TG_INLINE tg_v4 weight_of(const reach *r, tg_v4 part) {
  const tg_v4 distance = tg_v4_abs(tg_v4_min(tg_v4_max(part, tg_v4_splat(r->low)), tg_v4_splat(r->high)));
  return tg_v4_sub(tg_v4_splat(1), tg_v4_mul(distance, tg_v4_splat(r->one_part)));
}

TG_INLINE void gather(tg_real *dx, const tg_real *dy, size_t row, size_t C, const reach *down, const reach *across,
                      size_t vectors, size_t left) {
  const tg_v4 two = tg_v4_splat(2);
  tg_v4 sum[ABREAST], below = tg_v4_splat(down->part);
  EACH_VECTOR sum[v] = tg_v4_zero();
  for (uint32_t oh = down->first; oh < down->end; oh++, dy += row, below = tg_v4_add(below, two)) {
    const tg_v4 height = weight_of(down, below);
    const tg_real *cell = dy;
    tg_v4 right = tg_v4_splat(across->part);
    for (uint32_t ow = across->first; ow < across->end; ow++, cell += C, right = tg_v4_add(right, two)) {
      const tg_v4 weight = tg_v4_mul(height, weight_of(across, right));
      EACH_VECTOR sum[v] = tg_v4_madd(load_of(cell, v, vectors, left), weight, sum[v]);
    }
  }
  EACH_VECTOR store_of(dx, sum[v], v, vectors, left);
}

static void gather_cells(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  const size_t C = s->channels, row = (size_t)s->in_w * s->size_w * C;
  for (uint32_t ih = 0; ih < s->in_h; ih++) {
    const reach down = find_reach(ih, s->in_h, s->size_h);
    for (uint32_t iw = 0; iw < s->in_w; iw++, dx += C) {
      const reach across = find_reach(iw, s->in_w, s->size_w);
      const tg_real *from = dy + down.first * row + across.first * C;
#define TAKE(vectors, left) gather(dx + c, from + c, row, C, &down, &across, vectors, left)
      size_t c = 0;
      for (; c + 4 * ABREAST <= C; c += 4 * ABREAST) TAKE(ABREAST, 4);
      for (; c < C; c += 4) TAKE(1, C - c);
#undef TAKE
    }
  }
}

void tg_resize2d(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  (s->bilinear ? mix_cells : repeat_cells)(y, x, s);
}

void tg_resize2d_backward(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  (s->bilinear ? gather_cells : sum_cells)(dx, dy, s);
}
