/*
 * What the passes of a convolution share: pixels and their windows, images copied into frames of zeros, and the
 * convolution that remains once padding has been dealt with.
 */
#ifndef TG_KERNELS_CONV2D_WINDOWS_H
#define TG_KERNELS_CONV2D_WINDOWS_H

#include "kernels/conv2d.h"
#include "kernels/gemm.h"
#include "kernels/gemm_tile.h"

/* A pixel of the output and where its window starts in the input, moved along rows and over their ends. */
typedef struct {
  size_t offset, column;
} tg_cursor;

TG_INLINE void tg_cursor_next(tg_cursor *at, size_t columns, size_t column_step, size_t row_step) {
  at->offset += column_step;
  if (++at->column == columns) {
    at->column = 0;
    at->offset += row_step - columns * column_step;
  }
}

TG_INLINE size_t tg_panel_columns(uint32_t channels, uint32_t panel) {
  uint32_t left = channels - panel * TG_TILE_COLUMNS;
  return left < TG_TILE_COLUMNS ? left : TG_TILE_COLUMNS;
}

/* Rows and columns first…first+count-1 of an image; those outside it are zeros. */
typedef struct {
  int64_t first_row, first_column;
  size_t rows, columns;
} tg_image_window;

TG_INLINE int tg_window_inside(int64_t first, size_t count, uint32_t size) {
  return first >= 0 && first + (int64_t)count <= (int64_t)size;
}

/* Columns of a window that lie in an image, and how many zeros stand before them. */
typedef struct {
  size_t left, count;
} tg_inside;

TG_INLINE tg_inside tg_columns_inside(const tg_image_window *w, uint32_t width) {
  int64_t left = w->first_column < 0 ? -w->first_column : 0;
  if (left > (int64_t)w->columns) left = (int64_t)w->columns;
  int64_t count = (int64_t)width - (w->first_column + left);
  if (count > (int64_t)w->columns - left) count = (int64_t)w->columns - left;
  return (tg_inside){(size_t)left, count < 0 ? 0 : (size_t)count};
}

/* to (rows, columns, channels) = the window of image (height, width, the first `channels` of `pixel`). */
void tg_copy_window(tg_real *to, const tg_real *image, const tg_image_window *w, uint32_t height, uint32_t width,
                    uint32_t channels, size_t pixel);

/* Reals from a pixel of x, or of y, to the next. */
TG_INLINE size_t tg_in_pixel(const tg_conv2d_shape *s) { return (size_t)s->in_c + s->skip_in; }
TG_INLINE size_t tg_out_pixel(const tg_conv2d_shape *s) { return (size_t)s->out_c + s->skip_out; }

/* Rows and columns from the first tap to the last. */
TG_INLINE size_t tg_reach_h(const tg_conv2d_shape *s) { return (size_t)(s->kernel_h - 1) * (s->skip_h + 1); }
TG_INLINE size_t tg_reach_w(const tg_conv2d_shape *s) { return (size_t)(s->kernel_w - 1) * (s->skip_w + 1); }

TG_INLINE size_t tg_window_width(const tg_conv2d_shape *s) {
  return (size_t)(s->out_w - 1) * s->stride_w + tg_reach_w(s) + 1;
}

TG_INLINE size_t tg_window_height(const tg_conv2d_shape *s, size_t rows) {
  return (rows - 1) * s->stride_h + tg_reach_h(s) + 1;
}

TG_INLINE int tg_is_padded(const tg_conv2d_shape *s) {
  return !tg_window_inside(-(int64_t)s->pad_top, tg_window_height(s, s->out_h), s->in_h) ||
         !tg_window_inside(-(int64_t)s->pad_left, tg_window_width(s), s->in_w);
}

typedef struct {
  uint32_t first, end;
} tg_range;

/* The outputs o in 0…out-1 for which first <= o * stride + tap - pad < end; `tap` in rows or columns of the input. */
TG_INLINE tg_range tg_outputs_of_tap(uint32_t first, uint32_t end, uint32_t tap, uint32_t pad, uint32_t stride,
                                     uint32_t out) {
  int64_t low = (int64_t)first + pad - tap, high = (int64_t)end - 1 + pad - tap;
  if (high < 0) return (tg_range){0, 0};
  int64_t o_first = low <= 0 ? 0 : (low + stride - 1) / stride, o_end = high / stride + 1;
  if (o_end > (int64_t)out) o_end = out;
  if (o_first >= o_end) return (tg_range){0, 0};
  return (tg_range){(uint32_t)o_first, (uint32_t)o_end};
}

/* A convolution whose window never leaves the image `x`: what remains once padding has been dealt with. */
typedef struct {
  const tg_real *x;
  size_t pixel_step;        /* reals of x from an output pixel to its right neighbour */
  size_t row_step;          /* reals of x from an output row to the next */
  size_t lines, line_step;  /* rows of the kernel, reals of x from one to the next */
  size_t in_line, tap_step; /* segments in a row: 1, or with dilation one a tap; reals of x from one to the next */
  size_t segment;           /* neighbouring reals that a segment is */
  uint32_t out_w, out_c;
  size_t out_pixel; /* reals from a pixel of y to the next */
} tg_valid_conv;

/* Fills in the kernel's segments over pixels of `channels` reals, lines `line` reals apart. */
TG_INLINE void tg_set_segments(tg_valid_conv *v, const tg_conv2d_shape *s, size_t channels, size_t line) {
  const int apart = s->skip_w > 0;
  v->in_line = apart ? s->kernel_w : 1;
  v->lines = s->kernel_h;
  v->segment = apart ? channels : s->kernel_w * channels;
  v->tap_step = (s->skip_w + 1) * channels;
  v->line_step = (s->skip_h + 1) * line;
}

/* y (pixels, out_c of out_pixel), pixels in row-major order from the first of `v`. */
void tg_run_valid_conv(tg_real *y, const tg_valid_conv *v, const tg_real *packed, const tg_real *bias, size_t pixels,
                       int relu);

#endif
