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

/* The rows of cells that row `at` of the output lies between, where each begins, and its part of the lower one. */
typedef struct {
  size_t above, below;
  tg_real part;
} between;

static between rows_of(const tg_resize2d_shape *s, uint32_t at) {
  const size_t row = (size_t)s->in_w * s->channels;
  const int64_t cell = 2 * (int64_t)s->size_h;
  int64_t parts = 2 * (int64_t)at + 1 - s->size_h;
  if (parts < 0) parts = 0;
  const size_t above = (size_t)(parts / cell);
  if (above + 1 == s->in_h) return (between){above * row, above * row, 0};
  return (between){above * row, (above + 1) * row, (tg_real)(parts % cell) / (tg_real)cell};
}

static void mix_cells(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  const size_t out_row = (size_t)s->in_w * s->channels * s->size_w;
  for (uint32_t oh = 0; oh < s->in_h * s->size_h; oh++, y += out_row) {
    const between rows = rows_of(s, oh);
    mix_row(y, x + rows.above, x + rows.below, rows.part, s);
  }
}

TG_INLINE void add_to(tg_real *p, tg_v4 value, size_t v, size_t vectors, size_t left) {
  store_of(p, tg_v4_add(load_of(p, v, vectors, left), value), v, vectors, left);
}

/* A row of dy, to the rows of dx that it lies between. What lies between two cells is summed once as it is and once by
 * parts of the right cell, which are not the left one's. */
TG_INLINE void share_row(tg_real *above, tg_real *below, const tg_real *dy, tg_real lower_part,
                         const tg_resize2d_shape *s, size_t vectors, size_t left) {
  const size_t C = s->channels;
  const int64_t cell = 2 * (int64_t)s->size_w;
  const tg_v4 down = tg_v4_splat(lower_part);
  int64_t part = 1 - (int64_t)s->size_w;
  uint32_t rest = s->in_w * s->size_w;
  tg_v4 from_left[ABREAST];
  EACH_VECTOR from_left[v] = tg_v4_zero();
  for (uint32_t iw = 0; iw < s->in_w; iw++, above += C, below += C) {
    const int last = iw + 1 == s->in_w;
    const uint32_t count = last ? rest : (uint32_t)((cell - part + 1) / 2);
    const tg_real one_part = last ? 0 : 1 / (tg_real)cell;
    tg_real at = (tg_real)part;
    tg_v4 all[ABREAST], right[ABREAST];
    EACH_VECTOR all[v] = right[v] = tg_v4_zero();
    for (uint32_t i = 0; i < count; i++, dy += C, at += 2) {
      const tg_v4 weight = tg_v4_splat(at > 0 ? at * one_part : 0);
      EACH_VECTOR {
        const tg_v4 d = load_of(dy, v, vectors, left);
        all[v] = tg_v4_add(all[v], d);
        right[v] = tg_v4_madd(d, weight, right[v]);
      }
    }
    EACH_VECTOR {
      const tg_v4 sum = tg_v4_add(from_left[v], tg_v4_sub(all[v], right[v])), lower = tg_v4_mul(sum, down);
      add_to(above, tg_v4_sub(sum, lower), v, vectors, left);
      add_to(below, lower, v, vectors, left);
      from_left[v] = right[v];
    }
    rest -= count;
    part += 2 * (int64_t)count - cell;
  }
}

static void share_cells(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  const size_t C = s->channels, in_row = s->in_w * C;
  tg_clear(dx, s->in_h * in_row);
  for (uint32_t oh = 0; oh < s->in_h * s->size_h; oh++, dy += in_row * s->size_w) {
    const between rows = rows_of(s, oh);
#define TAKE(vectors, left) share_row(dx + rows.above + c, dx + rows.below + c, dy + c, rows.part, s, vectors, left)
    size_t c = 0;
    for (; c + 4 * ABREAST <= C; c += 4 * ABREAST) TAKE(ABREAST, 4);
    for (; c < C; c += 4) TAKE(1, C - c);
#undef TAKE
  }
}

void tg_resize2d(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  (s->bilinear ? mix_cells : repeat_cells)(y, x, s);
}

void tg_resize2d_backward(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  (s->bilinear ? share_cells : sum_cells)(dx, dy, s);
}
