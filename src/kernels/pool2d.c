#include "kernels/pool2d.h"

#include "kernels/simd.h"
#include "size.h"

/* The cells of one window that lie in the image. */
typedef struct {
  uint32_t row_first, row_end, column_first, column_end;
} window;

static uint32_t clip(int64_t value, uint32_t limit) {
  return value<0 ? 0 : value>(int64_t) limit ? limit : (uint32_t)value;
}

/* First and end of the cells that output i of `out` covers. */
static uint32_t adaptive_first(uint32_t i, uint32_t in, uint32_t out) { return (uint32_t)((uint64_t)i * in / out); }
static uint32_t adaptive_end(uint32_t i, uint32_t in, uint32_t out) {
  return (uint32_t)((((uint64_t)i + 1) * in + out - 1) / out);
}

static window window_at(const tg_pool2d_shape *s, uint32_t oh, uint32_t ow) {
  if (s->adaptive)
    return (window){adaptive_first(oh, s->in_h, s->out_h), adaptive_end(oh, s->in_h, s->out_h),
                    adaptive_first(ow, s->in_w, s->out_w), adaptive_end(ow, s->in_w, s->out_w)};
  int64_t row = (int64_t)oh * s->stride_h - s->pad_top, column = (int64_t)ow * s->stride_w - s->pad_left;
  return (window){clip(row, s->in_h), clip(row + s->pool_h, s->in_h), clip(column, s->in_w),
                  clip(column + s->pool_w, s->in_w)};
}

static size_t in_size(const tg_pool2d_shape *s) { return (size_t)s->in_h * s->in_w * s->channels; }

static size_t out_size(const tg_pool2d_shape *s) { return (size_t)s->out_h * s->out_w * s->channels; }

/* Where the cells of window w start in an image. */
static size_t window_start(const tg_pool2d_shape *s, const window *w) {
  return ((size_t)w->row_first * s->in_w + w->column_first) * s->channels;
}

/* A window takes so many vectors of four channels at once, whose chains of operations do not wait for each other; what
 * is left of the channels goes by single vectors. */
enum { ABREAST = 4 };

/* The last channels, when they fill no vector: once for all, being large. */
static __attribute__((noinline)) tg_v4 load_few(const tg_real *p, size_t n) { return tg_v4_load_part(p, n, 0); }
static __attribute__((noinline)) void store_few(tg_real *p, tg_v4 v, size_t n) { tg_v4_store_part(p, v, n); }

/* Vector v of `vectors` at p; of a single one `left` numbers are valid. */
TG_INLINE tg_v4 load_part(const tg_real *p, size_t v, size_t vectors, size_t left) {
  return vectors > 1 || left >= 4 ? tg_v4_load(p + 4 * v) : load_few(p, left);
}

TG_INLINE void store_part(tg_real *p, tg_v4 value, size_t v, size_t vectors, size_t left) {
  if (vectors > 1 || left >= 4)
    tg_v4_store(p + 4 * v, value);
  else
    store_few(p, value, left);
}

#define EACH_VECTOR for (size_t v = 0; v < vectors; v++)
/* All cells of window w, row by row: `at` is where one's channels are, counted from the first one's. */
#define EACH_CELL                                                                                   \
  for (size_t line = 0, width = (size_t)(w->column_end - w->column_first) * s->channels,            \
              step = (size_t)s->in_w * s->channels, lines_end = (w->row_end - w->row_first) * step; \
       line < lines_end; line += step)                                                              \
    for (size_t at = line; at < line + width; at += s->channels)
/* All channels of a window, by pieces of so many vectors. */
#define EACH_PIECE(take)                                                       \
  {                                                                            \
    size_t c = 0;                                                              \
    for (; c + 4 * ABREAST <= s->channels; c += 4 * ABREAST) take(ABREAST, 4); \
    for (; c < s->channels; c += 4) take(1, s->channels - c);                  \
  }

/* ---- winners ---- */

/* The winner of a window: the number of its cell among those in the image, from 1; 0 for none. A byte each, or a real
 * where windows are larger than a byte counts. */
static int is_wide(const tg_pool2d_shape *s) { return (uint64_t)s->pool_h * s->pool_w > UINT8_MAX; }

uint64_t tg_max_pool2d_winners(const tg_pool2d_shape *s, uint32_t images) {
  uint64_t n = tg_mul(images, out_size(s));
  return is_wide(s) ? n : n / sizeof(tg_real) + 1;
}

TG_INLINE void store_winner(tg_real *winners, size_t at, int wide, tg_mask winner, size_t left) {
  if (wide) {
    tg_v4_store_part(winners + at, tg_count_real(winner), left);
  } else if (left >= 4) {
    tg_count_store_u8((uint8_t *)winners + at, winner);
  } else {
    tg_real lanes[4];
    tg_v4_store(lanes, tg_count_real(winner));
    for (size_t i = 0; i < left; i++) ((uint8_t *)winners)[at + i] = (uint8_t)lanes[i];
  }
}

/* ---- maximum ---- */

/* Whether there may be a NaN among what these are sums of: infinities of both signs make one, too. */
TG_INLINE int has_nan(tg_v4 sum) { return tg_mask_any(tg_v4_ne(sum, sum)); }

/* Which of four channels have a NaN in the window. */
static __attribute__((noinline)) tg_mask find_nan(const tg_real *x, const tg_pool2d_shape *s, const window *w,
                                                  size_t left) {
  tg_mask nan = tg_v4_lt(tg_v4_zero(), tg_v4_zero());
  EACH_CELL {
    const tg_v4 cell = load_part(x + at, 0, 1, left);
    nan = tg_mask_or(nan, tg_v4_ne(cell, cell));
  }
  return nan;
}

/* The maximum of a window that has a NaN. */
TG_INLINE void keep_nan(tg_v4 *best, tg_mask *winner, tg_mask nan) {
  *best = tg_v4_select(nan, tg_v4_splat((tg_real)NAN), *best);
  *winner = tg_mask_and_not(*winner, nan);
}

/* max(0, best), of which none is the winner where it is 0. */
TG_INLINE void keep_positive(tg_v4 *best, tg_mask *winner) {
  *winner = tg_count_keep(tg_v4_lt(tg_v4_zero(), *best), *winner);
  *best = tg_v4_max(*best, tg_v4_zero());
}

/* The usual pooling: windows of 2 x 2, or over steps of 2, side by side, all inside the image. */
static int is_by_twos(const tg_pool2d_shape *s) {
  return s->pool_w == 2 && s->stride_w == 2 && s->pool_h <= 2 && s->stride_h == s->pool_h && s->pad_top == 0 &&
         s->pad_left == 0 && s->out_h <= s->in_h / s->pool_h && s->out_w <= s->in_w / 2 && s->channels % 4 == 0;
}

/* From the first row of such windows to the second, which is the first once more where there is one. */
static size_t row_below(const tg_pool2d_shape *s) { return (s->pool_h - 1) * (size_t)s->in_w * s->channels; }

static void max_by_twos(tg_real *y, uint8_t *winners, const tg_real *x, const tg_pool2d_shape *s, int relu) {
  /* y (out_h, out_w, channels), winners as y or NULL, x (in_h, in_w, channels) */
  const size_t C = s->channels, below = row_below(s);
  const window w = {0, s->pool_h, 0, 2};
  for (size_t oh = 0; oh < s->out_h; oh++) {
    const tg_real *cell = x + oh * s->stride_h * s->in_w * C;
    for (size_t ow = 0; ow < s->out_w; ow++, cell += 2 * C, y += C) {
      for (size_t c = 0; c < C; c += 4) {
        const tg_v4 v0 = tg_v4_load(cell + c), v1 = tg_v4_load(cell + C + c);
        tg_v4 best = tg_v4_max(v0, v1), sum = tg_v4_add(v0, v1);
        tg_mask winner = tg_count_splat(1);
        if (below) {
          const tg_v4 v2 = tg_v4_load(cell + below + c), v3 = tg_v4_load(cell + below + C + c);
          best = tg_v4_max(best, tg_v4_max(v2, v3));
          sum = tg_v4_add(sum, tg_v4_add(v2, v3));
          winner = tg_count_on(tg_v4_ne(v1, best), tg_count_on(tg_v4_ne(v2, best), winner));
        }
        winner = tg_count_on(tg_v4_ne(v0, best), winner);
        if (has_nan(sum)) keep_nan(&best, &winner, find_nan(cell + c, s, &w, 4));
        if (relu) keep_positive(&best, &winner);
        tg_v4_store(y + c, best);
        if (winners) tg_count_store_u8(winners + c, winner);
      }
      if (winners) winners += C;
    }
  }
}

/* y from x, both of the first channel to take; winners as y, or NULL. */
TG_INLINE void max_of_window(tg_real *y, tg_real *winners, size_t to, const tg_real *x, const tg_pool2d_shape *s,
                             const window *w, int relu, size_t vectors, size_t left) {
  const uint32_t cells = (w->row_end - w->row_first) * (w->column_end - w->column_first);
  /* Cells are counted from the largest one on. */
  tg_mask winner[ABREAST];
  tg_v4 best[ABREAST], sum = tg_v4_zero();
  EACH_VECTOR {
    best[v] = tg_v4_splat(-INFINITY);
    winner[v] = tg_count_splat(0);
  }
  EACH_CELL {
    tg_v4 all = tg_v4_zero();
    EACH_VECTOR {
      const tg_v4 cell = load_part(x + at, v, vectors, left);
      winner[v] = tg_count_on(tg_v4_le(cell, best[v]), winner[v]);
      best[v] = tg_v4_max(best[v], cell); /* drops a NaN … */
      all = v ? tg_v4_add(all, cell) : cell;
    }
    sum = tg_v4_add(sum, all); /* … which is kept here */
  }
  EACH_VECTOR winner[v] = tg_count_sub(tg_count_splat(cells ? cells + 1 : 0), winner[v]);
  if (has_nan(sum)) EACH_VECTOR keep_nan(&best[v], &winner[v], find_nan(x + 4 * v, s, w, left));
  EACH_VECTOR {
    if (relu) keep_positive(&best[v], &winner[v]);
    store_part(y + to, best[v], v, vectors, left);
  }
  if (!winners) return;
  if (vectors == ABREAST && !is_wide(s)) {
    tg_count_store_u8x4((uint8_t *)winners + to, winner);
    return;
  }
  EACH_VECTOR store_winner(winners, to + 4 * v, is_wide(s), winner[v], left);
}

void tg_max_pool2d(tg_real *y, tg_real *winners, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                   uint32_t image_end, int relu) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
#define TAKE(vectors, left) max_of_window(y, winners, to + c, from + c, s, &w, relu, vectors, left)
  for (uint32_t image = image_first; image < image_end; image++) {
    size_t to = image * out_size(s);
    if (is_by_twos(s)) {
      max_by_twos(y + to, winners ? (uint8_t *)winners + to : NULL, x + image * in_size(s), s, relu);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, to += s->channels) {
        const window w = window_at(s, oh, ow);
        const tg_real *from = x + image * in_size(s) + window_start(s, &w);
        EACH_PIECE(TAKE)
      }
    }
  }
#undef TAKE
}

static void max_by_twos_backward(tg_real *dx, const tg_real *dy, const uint8_t *winners, const tg_pool2d_shape *s) {
  /* dx (in_h, in_w, channels), dy (out_h, out_w, channels), winners as dy; every cell lies in one window at most */
  const size_t C = s->channels, below = row_below(s);
  for (size_t oh = 0; oh < s->out_h; oh++) {
    tg_real *cell = dx + oh * s->stride_h * s->in_w * C;
    for (size_t ow = 0; ow < s->out_w; ow++, cell += 2 * C, dy += C, winners += C) {
      for (size_t c = 0; c < C; c += 4) {
        const tg_v4 d = tg_v4_load(dy + c), winner = tg_v4_load_u8(winners + c);
        tg_v4_store(cell + below + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(3)), d));
        tg_v4_store(cell + below + C + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(4)), d));
        tg_v4_store(cell + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(1)), d));
        tg_v4_store(cell + C + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(2)), d));
      }
    }
  }
}

/* Clears the rows of dx from *cleared on that windows of a line are the first to see, so that they are near when these
 * add to them; lines go down. */
static void clear_rows(tg_real *dx, const tg_pool2d_shape *s, uint32_t *cleared, uint32_t end) {
  if (end <= *cleared) return;
  const size_t row = (size_t)s->in_w * s->channels;
  tg_clear(dx + *cleared * row, (end - *cleared) * row);
  *cleared = end;
}

/* Adds dy (channels) of a window to its winning cells, which lie from dx on. */
static void add_to_winners(tg_real *dx, const tg_real *dy, const tg_real *winners, size_t first,
                           const tg_pool2d_shape *s, const window *w) {
  const uint32_t columns = w->column_end - w->column_first;
  for (size_t c = 0; c < s->channels; c++) {
    const uint32_t number = (uint32_t)winners[first + c];
    if (number) dx[((size_t)((number - 1) / columns) * s->in_w + (number - 1) % columns) * s->channels + c] += dy[c];
  }
}

/* The same where winners are bytes. */
static void add_to_byte_winners(tg_real *dx, const tg_real *dy, const uint8_t *winners, const tg_pool2d_shape *s,
                                const window *w) {
  tg_real nowhere = 0, *cells[UINT8_MAX + 1], **next = cells;
  EACH_CELL *++next = dx + at;
  for (size_t c = 0; c < s->channels; c++) {
    tg_real *to = winners[c] ? cells[winners[c]] + c : &nowhere;
    *to += dy[c];
  }
}

void tg_max_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_real *winners, const tg_pool2d_shape *s,
                            uint32_t image_first, uint32_t image_end) {
  /* dx (images, in_h, in_w, channels), dy (images, out_h, out_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *dx_image = dx + image * in_size(s);
    size_t at = image * out_size(s);
    uint32_t cleared = 0;
    if (is_by_twos(s)) {
      tg_clear(dx_image, in_size(s));
      max_by_twos_backward(dx_image, dy + at, (const uint8_t *)winners + at, s);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, at += s->channels) {
        const window w = window_at(s, oh, ow);
        tg_real *first = dx_image + window_start(s, &w);
        clear_rows(dx_image, s, &cleared, w.row_end);
        if (is_wide(s))
          add_to_winners(first, dy + at, winners, at, s, &w);
        else
          add_to_byte_winners(first, dy + at, (const uint8_t *)winners + at, s, &w);
      }
    }
    clear_rows(dx_image, s, &cleared, s->in_h);
  }
}

/* ---- average ---- */

/* 1 / cells of the window, or 1; 0 for a window that lies in the padding alone. */
static tg_real window_weight(const tg_pool2d_shape *s, const window *w) {
  if (s->sum) return 1;
  if (s->count_padding) return 1 / ((tg_real)s->pool_h * (tg_real)s->pool_w);
  uint32_t cells = (w->row_end - w->row_first) * (w->column_end - w->column_first);
  return cells ? 1 / (tg_real)cells : 0;
}

TG_INLINE void mean_of_window(tg_real *y, const tg_real *x, const tg_pool2d_shape *s, const window *w, tg_real weight,
                              size_t vectors, size_t left) {
  tg_v4 sum[ABREAST];
  EACH_VECTOR sum[v] = tg_v4_zero();
  EACH_CELL { EACH_VECTOR sum[v] = tg_v4_add(sum[v], load_part(x + at, v, vectors, left)); }
  EACH_VECTOR store_part(y, tg_v4_mul(sum[v], tg_v4_splat(weight)), v, vectors, left);
}

void tg_average_pool2d(tg_real *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                       uint32_t image_end) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
#define TAKE(vectors, left) mean_of_window(to + c, from + c, s, &w, weight, vectors, left)
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *to = y + image * out_size(s);
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, to += s->channels) {
        const window w = window_at(s, oh, ow);
        const tg_real weight = window_weight(s, &w), *from = x + image * in_size(s) + window_start(s, &w);
        EACH_PIECE(TAKE)
      }
    }
  }
#undef TAKE
}

TG_INLINE void add_to_window(tg_real *dx, const tg_real *dy, const tg_pool2d_shape *s, const window *w, tg_real weight,
                             size_t vectors, size_t left) {
  tg_v4 share[ABREAST];
  EACH_VECTOR share[v] = tg_v4_mul(load_part(dy, v, vectors, left), tg_v4_splat(weight));
  EACH_CELL {
    EACH_VECTOR store_part(dx + at, tg_v4_add(load_part(dx + at, v, vectors, left), share[v]), v, vectors, left);
  }
}

void tg_average_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_pool2d_shape *s, uint32_t image_first,
                                uint32_t image_end) {
  /* dx (images, in_h, in_w, channels), dy (images, out_h, out_w, channels) */
#define TAKE(vectors, left) add_to_window(to + c, from + c, s, &w, weight, vectors, left)
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *dx_image = dx + image * in_size(s);
    const tg_real *from = dy + image * out_size(s);
    uint32_t cleared = 0;
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, from += s->channels) {
        const window w = window_at(s, oh, ow);
        const tg_real weight = window_weight(s, &w);
        tg_real *to = dx_image + window_start(s, &w);
        clear_rows(dx_image, s, &cleared, w.row_end);
        EACH_PIECE(TAKE)
      }
    }
    clear_rows(dx_image, s, &cleared, s->in_h);
  }
#undef TAKE
}
