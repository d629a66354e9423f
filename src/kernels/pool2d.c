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

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* ---- winners ---- */

/* The winner of a window: the number of its cell among those in the image, from 1; 0 for none. A byte each, or a real
 * where windows are larger than a byte counts. */
static int is_wide(const tg_pool2d_shape *s) { return (uint64_t)s->pool_h * s->pool_w > UINT8_MAX; }

uint64_t tg_max_pool2d_winners(const tg_pool2d_shape *s, uint32_t images) {
  uint64_t n = tg_mul(images, out_size(s));
  return is_wide(s) ? n : n / sizeof(tg_real) + 1;
}

TG_INLINE void store_winners(tg_real *winners, size_t at, int wide, tg_v4 v, size_t left) {
  if (wide) {
    tg_v4_store_part(winners + at, v, left);
  } else if (left >= 4) {
    tg_v4_store_u8((uint8_t *)winners + at, v);
  } else {
    tg_real lanes[4];
    tg_v4_store(lanes, v);
    for (size_t i = 0; i < left; i++) ((uint8_t *)winners)[at + i] = (uint8_t)lanes[i];
  }
}

TG_INLINE tg_v4 load_winners(const tg_real *winners, size_t at, int wide, size_t left) {
  if (wide) return load4(winners + at, left);
  const uint8_t *bytes = (const uint8_t *)winners + at;
  if (left >= 4) return tg_v4_load_u8(bytes);
  uint8_t part[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < left; i++) part[i] = bytes[i];
  return tg_v4_load_u8(part);
}

/* ---- maximum ---- */

/* y from the largest number of a window and a mask of windows that have a NaN; *winner becomes 0 where none wins. */
TG_INLINE tg_v4 finish_max(tg_v4 best, tg_mask nan, tg_v4 *winner, int relu) {
  const tg_v4 zero = tg_v4_zero();
  *winner = tg_v4_select(nan, zero, *winner);
  if (!relu) return tg_v4_select(nan, tg_v4_splat((tg_real)NAN), best);
  *winner = tg_v4_keep(tg_v4_lt(zero, best), *winner);
  return tg_v4_select(nan, tg_v4_splat((tg_real)NAN), tg_v4_max(best, zero));
}

/* The usual pooling: windows of 2 x 2 side by side, all inside the image. */
static int is_two_by_two(const tg_pool2d_shape *s) {
  return s->pool_h == 2 && s->pool_w == 2 && s->stride_h == 2 && s->stride_w == 2 && s->pad_top == 0 &&
         s->pad_left == 0 && s->out_h <= s->in_h / 2 && s->out_w <= s->in_w / 2 && s->channels % 4 == 0;
}

static void max_two_by_two(tg_real *y, uint8_t *winners, const tg_real *x, const tg_pool2d_shape *s, int relu) {
  /* y (out_h, out_w, channels), winners as y or NULL, x (in_h, in_w, channels) */
  const size_t C = s->channels, below = s->in_w * C;
  const tg_v4 one = tg_v4_splat(1), two = tg_v4_splat(2), three = tg_v4_splat(3), four = tg_v4_splat(4);
  for (size_t oh = 0; oh < s->out_h; oh++) {
    const tg_real *cell = x + 2 * oh * below;
    for (size_t ow = 0; ow < s->out_w; ow++, cell += 2 * C, y += C) {
      for (size_t c = 0; c < C; c += 4) {
        tg_v4 v0 = tg_v4_load(cell + c), v1 = tg_v4_load(cell + C + c);
        tg_v4 v2 = tg_v4_load(cell + below + c), v3 = tg_v4_load(cell + below + C + c);
        tg_v4 best = tg_v4_max(tg_v4_max(v0, v1), tg_v4_max(v2, v3));
        tg_mask nan =
            tg_mask_or(tg_mask_or(tg_v4_ne(v0, v0), tg_v4_ne(v1, v1)), tg_mask_or(tg_v4_ne(v2, v2), tg_v4_ne(v3, v3)));
        tg_v4 winner = tg_v4_select(tg_v4_eq(v2, best), three, four);
        winner = tg_v4_select(tg_v4_eq(v0, best), one, tg_v4_select(tg_v4_eq(v1, best), two, winner));
        tg_v4_store(y + c, finish_max(best, nan, &winner, relu));
        if (winners) tg_v4_store_u8(winners + c, winner);
      }
      if (winners) winners += C;
    }
  }
}

/* Four channels (`left` of them valid) of y. */
TG_INLINE tg_v4 max_of_window(const tg_real *x, const tg_pool2d_shape *s, const window *w, size_t left, tg_v4 *winner,
                              int relu) {
  const tg_v4 zero = tg_v4_zero(), one = tg_v4_splat(1);
  tg_v4 best = tg_v4_splat(-INFINITY), number = one;
  tg_mask nan = tg_v4_ne(zero, zero);
  *winner = zero;
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    const tg_real *cell = x + ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, cell += s->channels) {
      tg_v4 v = load4(cell, left);
      *winner = tg_v4_select(tg_mask_or(tg_v4_lt(best, v), tg_v4_eq(*winner, zero)), number, *winner);
      number = tg_v4_add(number, one);
      best = tg_v4_max(best, v);             /* drops a NaN in v … */
      nan = tg_mask_or(nan, tg_v4_ne(v, v)); /* … which is kept here */
    }
  }
  return finish_max(best, nan, winner, relu);
}

void tg_max_pool2d(tg_real *y, tg_real *winners, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                   uint32_t image_end, int relu) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    const tg_real *x_image = x + image * in_size(s);
    size_t at = image * out_size(s);
    if (is_two_by_two(s)) {
      max_two_by_two(y + at, winners ? (uint8_t *)winners + at : NULL, x_image, s, relu);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, at += s->channels) {
        const window w = window_at(s, oh, ow);
        for (uint32_t c = 0; c < s->channels; c += 4) {
          const size_t left = s->channels - c;
          tg_v4 winner;
          tg_v4_store_part(y + at + c, max_of_window(x_image + c, s, &w, left, &winner, relu), left);
          if (winners) store_winners(winners, at + c, is_wide(s), winner, left);
        }
      }
    }
  }
}

/* Adds dy to the winning cell of the window, four channels (`left` of them valid). */
TG_INLINE void max_to_window(tg_real *dx, tg_v4 dy, tg_v4 winner, const tg_pool2d_shape *s, const window *w,
                             size_t left) {
  tg_v4 number = tg_v4_splat(1);
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    tg_real *cell = dx + ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, cell += s->channels) {
      tg_v4_store_part(cell, tg_v4_add(load4(cell, left), tg_v4_keep(tg_v4_eq(winner, number), dy)), left);
      number = tg_v4_add(number, tg_v4_splat(1));
    }
  }
}

static void max_two_by_two_backward(tg_real *dx, const tg_real *dy, const uint8_t *winners, const tg_pool2d_shape *s) {
  /* dx (in_h, in_w, channels), dy (out_h, out_w, channels), winners as dy; every cell lies in one window at most */
  const size_t C = s->channels, below = s->in_w * C;
  for (size_t oh = 0; oh < s->out_h; oh++) {
    tg_real *cell = dx + 2 * oh * below;
    for (size_t ow = 0; ow < s->out_w; ow++, cell += 2 * C, dy += C, winners += C) {
      for (size_t c = 0; c < C; c += 4) {
        const tg_v4 d = tg_v4_load(dy + c), winner = tg_v4_load_u8(winners + c);
        tg_v4_store(cell + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(1)), d));
        tg_v4_store(cell + C + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(2)), d));
        tg_v4_store(cell + below + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(3)), d));
        tg_v4_store(cell + below + C + c, tg_v4_keep(tg_v4_eq(winner, tg_v4_splat(4)), d));
      }
    }
  }
}

void tg_max_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_real *winners, const tg_pool2d_shape *s,
                            uint32_t image_first, uint32_t image_end) {
  /* dx (images, in_h, in_w, channels), dy (images, out_h, out_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *dx_image = dx + image * in_size(s);
    size_t at = image * out_size(s);
    tg_clear(dx_image, in_size(s));
    if (is_two_by_two(s)) {
      max_two_by_two_backward(dx_image, dy + at, (const uint8_t *)winners + at, s);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, at += s->channels) {
        const window w = window_at(s, oh, ow);
        for (uint32_t c = 0; c < s->channels; c += 4) {
          const size_t left = s->channels - c;
          max_to_window(dx_image + c, load4(dy + at + c, left), load_winners(winners, at + c, is_wide(s), left), s, &w,
                        left);
        }
      }
    }
  }
}

/* ---- average ---- */

/* 1 / cells of the window; 0 for a window that lies in the padding alone. */
static tg_real window_weight(const tg_pool2d_shape *s, const window *w) {
  if (s->count_padding) return 1 / ((tg_real)s->pool_h * (tg_real)s->pool_w);
  uint32_t cells = (w->row_end - w->row_first) * (w->column_end - w->column_first);
  return cells ? 1 / (tg_real)cells : 0;
}

TG_INLINE tg_v4 sum_of_window(const tg_real *x, const tg_pool2d_shape *s, const window *w, size_t left) {
  tg_v4 sum = tg_v4_zero();
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    const tg_real *cell = x + ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, cell += s->channels) {
      sum = tg_v4_add(sum, load4(cell, left));
    }
  }
  return sum;
}

void tg_average_pool2d(tg_real *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                       uint32_t image_end) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    const tg_real *x_image = x + image * in_size(s);
    tg_real *y_cell = y + image * out_size(s);
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, y_cell += s->channels) {
        const window w = window_at(s, oh, ow);
        const tg_v4 weight = tg_v4_splat(window_weight(s, &w));
        for (uint32_t c = 0; c < s->channels; c += 4) {
          const size_t left = s->channels - c;
          tg_v4_store_part(y_cell + c, tg_v4_mul(sum_of_window(x_image + c, s, &w, left), weight), left);
        }
      }
    }
  }
}

TG_INLINE void add_to_window(tg_real *dx, tg_v4 share, const tg_pool2d_shape *s, const window *w, size_t left) {
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    tg_real *cell = dx + ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, cell += s->channels) {
      tg_v4_store_part(cell, tg_v4_add(load4(cell, left), share), left);
    }
  }
}

void tg_average_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_pool2d_shape *s, uint32_t image_first,
                                uint32_t image_end) {
  /* dx (images, in_h, in_w, channels), dy (images, out_h, out_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *dx_image = dx + image * in_size(s);
    const tg_real *dy_cell = dy + image * out_size(s);
    tg_clear(dx_image, in_size(s));
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, dy_cell += s->channels) {
        const window w = window_at(s, oh, ow);
        const tg_v4 weight = tg_v4_splat(window_weight(s, &w));
        for (uint32_t c = 0; c < s->channels; c += 4) {
          const size_t left = s->channels - c;
          add_to_window(dx_image + c, tg_v4_mul(load4(dy_cell + c, left), weight), s, &w, left);
        }
      }
    }
  }
}
