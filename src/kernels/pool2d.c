#include "kernels/pool2d.h"

#include "kernels/simd.h"

/* The cells of one window that lie in the image. */
typedef struct {
  uint32_t row_first, row_end, column_first, column_end;
} window;

static uint32_t clip(int64_t value, uint32_t limit) {
  return value<0 ? 0 : value>(int64_t) limit ? limit : (uint32_t)value;
}

static window window_at(const tg_pool2d_shape *s, uint32_t oh, uint32_t ow) {
  int64_t row = (int64_t)oh * s->stride_h - s->pad_top, column = (int64_t)ow * s->stride_w - s->pad_left;
  return (window){clip(row, s->in_h), clip(row + s->pool_h, s->in_h), clip(column, s->in_w),
                  clip(column + s->pool_w, s->in_w)};
}

static size_t in_size(const tg_pool2d_shape *s) { return (size_t)s->in_h * s->in_w * s->channels; }

static size_t out_size(const tg_pool2d_shape *s) { return (size_t)s->out_h * s->out_w * s->channels; }

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* Maximum over a window, four channels (`left` of them valid) of x; a NaN anywhere in the window is the result. */
TG_INLINE tg_v4 max_of_window(const tg_real *x, const tg_pool2d_shape *s, const window *w, size_t left) {
  tg_v4 best = tg_v4_splat(-INFINITY), nan = tg_v4_zero();
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    const tg_real *cell = x + ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, cell += s->channels) {
      tg_v4 v = load4(cell, left);
      best = tg_v4_max(best, v);                  /* drops a NaN in v … */
      nan = tg_v4_select(tg_v4_ne(v, v), v, nan); /* … which is kept here */
    }
  }
  return tg_v4_select(tg_v4_ne(nan, nan), nan, best);
}

/* The usual pooling: windows of 2 x 2 side by side, all inside the image. */
static int is_two_by_two(const tg_pool2d_shape *s) {
  return s->pool_h == 2 && s->pool_w == 2 && s->stride_h == 2 && s->stride_w == 2 && s->pad_top == 0 &&
         s->pad_left == 0 && s->out_h <= s->in_h / 2 && s->out_w <= s->in_w / 2 && s->channels % 4 == 0;
}

static void max_two_by_two(tg_real *y, const tg_real *x, const tg_pool2d_shape *s) {
  /* y (out_h, out_w, channels), x (in_h, in_w, channels) */
  const size_t C = s->channels, below = s->in_w * C;
  for (size_t oh = 0; oh < s->out_h; oh++) {
    const tg_real *cell = x + 2 * oh * below;
    for (size_t ow = 0; ow < s->out_w; ow++, cell += 2 * C, y += C) {
      for (size_t c = 0; c < C; c += 4) {
        tg_v4 v0 = tg_v4_load(cell + c), v1 = tg_v4_load(cell + C + c);
        tg_v4 v2 = tg_v4_load(cell + below + c), v3 = tg_v4_load(cell + below + C + c);
        tg_v4 best = tg_v4_max(tg_v4_max(v0, v1), tg_v4_max(v2, v3));
        tg_mask nan =
            tg_mask_or(tg_mask_or(tg_v4_ne(v0, v0), tg_v4_ne(v1, v1)), tg_mask_or(tg_v4_ne(v2, v2), tg_v4_ne(v3, v3)));
        tg_v4_store(y + c, tg_v4_select(nan, tg_v4_splat((tg_real)NAN), best));
      }
    }
  }
}

void tg_max_pool2d(tg_real *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first, uint32_t image_end) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
  for (uint32_t image = image_first; image < image_end; image++) {
    const tg_real *x_image = x + image * in_size(s);
    tg_real *y_cell = y + image * out_size(s);
    if (is_two_by_two(s)) {
      max_two_by_two(y_cell, x_image, s);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, y_cell += s->channels) {
        const window w = window_at(s, oh, ow);
        uint32_t c = 0;
        for (; c + 4 <= s->channels; c += 4) tg_v4_store(y_cell + c, max_of_window(x_image + c, s, &w, 4));
        if (c < s->channels) {
          tg_v4_store_part(y_cell + c, max_of_window(x_image + c, s, &w, s->channels - c), s->channels - c);
        }
      }
    }
  }
}

/* Adds dy to the first cell of the window that holds y, four channels (`left` of them valid). */
TG_INLINE void max_to_window(tg_real *dx, const tg_real *x, tg_v4 dy, tg_v4 y, const tg_pool2d_shape *s,
                             const window *w, size_t left) {
  tg_mask open = tg_v4_eq(y, y); /* lanes that still look for their cell; a NaN has none */
  for (uint32_t ih = w->row_first; ih < w->row_end; ih++) {
    size_t at = ((size_t)ih * s->in_w + w->column_first) * s->channels;
    for (uint32_t iw = w->column_first; iw < w->column_end; iw++, at += s->channels) {
      tg_mask here = tg_mask_and(open, tg_v4_eq(load4(x + at, left), y));
      open = tg_mask_and_not(open, here);
      tg_v4_store_part(dx + at, tg_v4_add(load4(dx + at, left), tg_v4_keep(here, dy)), left);
    }
  }
}

static void max_two_by_two_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                                    const tg_pool2d_shape *s) {
  /* dx (in_h, in_w, channels), dy (out_h, out_w, channels), x as dx, y as dy; every cell lies in one window at most */
  const size_t C = s->channels, below = s->in_w * C;
  for (size_t oh = 0; oh < s->out_h; oh++) {
    size_t at = 2 * oh * below;
    for (size_t ow = 0; ow < s->out_w; ow++, at += 2 * C, y += C, dy += C) {
      const size_t cell[4] = {at, at + C, at + below, at + below + C};
      for (size_t c = 0; c < C; c += 4) {
        tg_v4 best = tg_v4_load(y + c), d = tg_v4_load(dy + c);
        tg_mask here0 = tg_v4_eq(tg_v4_load(x + cell[0] + c), best);
        tg_mask here1 = tg_v4_eq(tg_v4_load(x + cell[1] + c), best);
        tg_mask here2 = tg_v4_eq(tg_v4_load(x + cell[2] + c), best);
        tg_mask here3 = tg_v4_eq(tg_v4_load(x + cell[3] + c), best);
        tg_mask taken = tg_mask_or(here0, here1);
        tg_v4_store(dx + cell[0] + c, tg_v4_keep(here0, d));
        tg_v4_store(dx + cell[1] + c, tg_v4_keep(tg_mask_and_not(here1, here0), d));
        tg_v4_store(dx + cell[2] + c, tg_v4_keep(tg_mask_and_not(here2, taken), d));
        tg_v4_store(dx + cell[3] + c, tg_v4_keep(tg_mask_and_not(here3, tg_mask_or(taken, here2)), d));
      }
    }
  }
}

void tg_max_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                            const tg_pool2d_shape *s, uint32_t image_first, uint32_t image_end) {
  /* dx (images, in_h, in_w, channels), dy (images, out_h, out_w, channels), x as dx, y as dy */
  for (uint32_t image = image_first; image < image_end; image++) {
    tg_real *dx_image = dx + image * in_size(s);
    const tg_real *x_image = x + image * in_size(s);
    size_t out = image * out_size(s);
    tg_clear(dx_image, in_size(s));
    if (is_two_by_two(s)) {
      max_two_by_two_backward(dx_image, dy + out, x_image, y + out, s);
      continue;
    }
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      for (uint32_t ow = 0; ow < s->out_w; ow++, out += s->channels) {
        const window w = window_at(s, oh, ow);
        uint32_t c = 0;
        for (; c + 4 <= s->channels; c += 4) {
          max_to_window(dx_image + c, x_image + c, tg_v4_load(dy + out + c), tg_v4_load(y + out + c), s, &w, 4);
        }
        if (c < s->channels) {
          const size_t left = s->channels - c;
          max_to_window(dx_image + c, x_image + c, load4(dy + out + c, left), load4(y + out + c, left), s, &w, left);
        }
      }
    }
  }
}

/* 1 / cells of the window; 0 for a window that lies in the padding alone. */
static tg_real window_weight(const window *w) {
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
        const tg_v4 weight = tg_v4_splat(window_weight(&w));
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
        const tg_v4 weight = tg_v4_splat(window_weight(&w));
        for (uint32_t c = 0; c < s->channels; c += 4) {
          const size_t left = s->channels - c;
          add_to_window(dx_image + c, tg_v4_mul(load4(dy_cell + c, left), weight), s, &w, left);
        }
      }
    }
  }
}
