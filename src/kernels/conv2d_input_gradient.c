#include "kernels/conv2d_windows.h"

/*
 * dx at (ih, iw) sums dy at (oh, ow) times the tap (kh, kw) for which oh * stride_h + kh - pad_top = ih, likewise in
 * width. Two ways, with the same packed weights and, padding apart, the same additions in the same order (taps from
 * the last to the first, output channels within):
 *   - as a convolution of zero-padded dy with the flipped kernel: one chain a pixel, but the border multiplies zeros;
 *   - tap by tap: dy's pixels against one tap, added into dx where they belong. No product is wasted and any stride
 *     works, but tiles are loaded from and stored to dx once a tap.
 * A term of the padding is a zero times a weight, which changes no sum of finite numbers: both give the same values.
 */

/* What loading and storing a tile costs, in steps of the micro-kernel. Measured: 6 to 9 in Node and natively. */
enum { TILE_OVERHEAD = 8 };

static uint64_t tiles_of(uint64_t pixels) { return (pixels + TG_TILE_ROWS - 1) / TG_TILE_ROWS; }

/* 1 when tap by tap costs less (or is the only way). By shape alone: rows and threads never change the choice. */
static int goes_by_taps(const tg_conv2d_shape *s) {
  if (s->stride_h > 1 || s->stride_w > 1) return 1;
  uint64_t by_taps = 0;
  for (uint32_t kh = 0; kh < s->kernel_h; kh++) {
    tg_range oh = tg_outputs_of_tap(0, s->in_h, kh, s->pad_top, 1, s->out_h);
    for (uint32_t kw = 0; kw < s->kernel_w; kw++) {
      tg_range ow = tg_outputs_of_tap(0, s->in_w, kw, s->pad_left, 1, s->out_w);
      uint64_t pixels = (uint64_t)(oh.end - oh.first) * (ow.end - ow.first);
      by_taps += tiles_of(pixels) * (s->out_c + TILE_OVERHEAD);
    }
  }
  uint64_t padded =
      tiles_of((uint64_t)s->in_h * s->in_w) * ((uint64_t)s->kernel_h * s->kernel_w * s->out_c + TILE_OVERHEAD);
  return by_taps < padded;
}

/* The window of dy under rows row_first… of dx, for strides of 1. */
static tg_image_window dy_window(const tg_conv2d_shape *s, uint32_t row_first, size_t rows) {
  return (tg_image_window){(int64_t)row_first + s->pad_top - (s->kernel_h - 1),
                           (int64_t)s->pad_left - (s->kernel_w - 1), rows + s->kernel_h - 1,
                           (size_t)s->in_w + s->kernel_w - 1};
}

static int dy_is_padded(const tg_conv2d_shape *s) {
  const tg_image_window w = dy_window(s, 0, s->in_h);
  return !tg_window_inside(w.first_row, w.rows, s->out_h) || !tg_window_inside(w.first_column, w.columns, s->out_w);
}

uint32_t tg_conv2d_input_gradient_panels(const tg_conv2d_shape *s) { return tg_gemm_panels(s->in_c); }

size_t tg_conv2d_input_gradient_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_input_gradient_panels(s) * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
}

void tg_conv2d_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                                   uint32_t panel_end) {
  /* packed (panels, taps from the last to the first, out_c, 8 of in_c), w (taps, in_c, out_c) */
  const size_t taps = (size_t)s->kernel_h * s->kernel_w;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    for (size_t tap = 0; tap < taps; tap++) {
      const tg_real *from = w + ((taps - 1 - tap) * s->in_c + (size_t)panel * TG_TILE_COLUMNS) * s->out_c;
      tg_real *to = packed + (panel * taps + tap) * s->out_c * TG_TILE_COLUMNS;
      tg_pack_panel_transposed(to, from, s->out_c, tg_panel_columns(s->in_c, panel), s->out_c);
    }
  }
}

size_t tg_conv2d_input_gradient_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  if (rows == 0 || goes_by_taps(s) || !dy_is_padded(s)) return 0;
  const tg_image_window w = dy_window(s, 0, rows);
  return w.rows * w.columns * s->out_c + TG_OVERREAD_REALS;
}

/* dx (in_h, in_w, in_c), columns of one panel, += the pixels oh x ow of dy (out_h, out_w, out_c) times b (out_c, 8). */
static void add_tap(tg_real *dx, const tg_real *dy, const tg_real *b, const tg_conv2d_shape *s, uint32_t kh,
                    uint32_t kw, tg_range oh, tg_range ow, size_t columns) {
  const size_t width = ow.end - ow.first, pixels = (oh.end - oh.first) * width;
  const size_t dy_row = (size_t)s->out_w * s->out_c, dx_row = (size_t)s->in_w * s->in_c;
  tg_cursor from = {oh.first * dy_row + (size_t)ow.first * s->out_c, 0};
  tg_cursor to = {((size_t)oh.first * s->stride_h + kh - s->pad_top) * dx_row +
                      ((size_t)ow.first * s->stride_w + kw - s->pad_left) * s->in_c,
                  0};
  for (size_t pixel = 0; pixel < pixels; pixel += TG_TILE_ROWS) {
    const size_t rows = pixels - pixel < TG_TILE_ROWS ? pixels - pixel : TG_TILE_ROWS;
    const tg_real *dy_at[4];
    tg_real *dx_at[4];
    for (size_t r = 0; r < 4; r++) {
      dy_at[r] = dy + from.offset;
      dx_at[r] = dx + to.offset;
      if (r + 1 < rows || rows == 4) {
        tg_cursor_next(&from, width, s->out_c, dy_row);
        tg_cursor_next(&to, width, (size_t)s->stride_w * s->in_c, s->stride_h * dx_row);
      }
    }
    tg_tile t = tg_tile_load(dx_at, columns);
    tg_tile_rows(&t, dy_at, b, s->out_c);
    tg_tile_store(dx_at, &t, rows, columns);
  }
}

static void input_gradient_by_taps(tg_real *dx, const tg_real *dy, const tg_real *packed, const tg_conv2d_shape *s,
                                   uint32_t row_first, uint32_t row_end) {
  const size_t dx_row = (size_t)s->in_w * s->in_c;
  tg_clear(dx + row_first * dx_row, (row_end - row_first) * dx_row);
  for (uint32_t panel = 0; panel < tg_gemm_panels(s->in_c); panel++) {
    const tg_real *b = packed + (size_t)panel * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
    for (uint32_t kh = s->kernel_h; kh-- > 0;) {
      tg_range oh = tg_outputs_of_tap(row_first, row_end, kh, s->pad_top, s->stride_h, s->out_h);
      for (uint32_t kw = s->kernel_w; kw-- > 0; b += (size_t)s->out_c * TG_TILE_COLUMNS) {
        tg_range ow = tg_outputs_of_tap(0, s->in_w, kw, s->pad_left, s->stride_w, s->out_w);
        add_tap(dx + (size_t)panel * TG_TILE_COLUMNS, dy, b, s, kh, kw, oh, ow, tg_panel_columns(s->in_c, panel));
      }
    }
  }
}

void tg_conv2d_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                              const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end) {
  /* dx (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c), packed (panels, K, 8) */
  if (row_end <= row_first) return;
  tg_real *dx_image = dx + (size_t)image * s->in_h * s->in_w * s->in_c;
  const tg_real *dy_image = dy + (size_t)image * s->out_h * s->out_w * s->out_c;
  if (goes_by_taps(s)) {
    input_gradient_by_taps(dx_image, dy_image, packed, s, row_first, row_end);
    return;
  }
  const size_t rows = row_end - row_first;
  const tg_image_window w = dy_window(s, row_first, rows);
  size_t line_step = (size_t)s->out_w * s->out_c;
  const tg_real *dy_rows;
  if (dy_is_padded(s)) {
    tg_copy_window(scratch, dy_image, &w, s->out_h, s->out_w, s->out_c);
    dy_rows = scratch;
    line_step = w.columns * s->out_c;
  } else {
    dy_rows = dy_image + ((size_t)w.first_row * s->out_w + (size_t)w.first_column) * s->out_c;
  }
  const tg_valid_conv v = {dy_rows, line_step, s->out_c, line_step, s->kernel_h, (size_t)s->kernel_w * s->out_c,
                           s->in_w, s->in_c};
  tg_run_valid_conv(dx_image + (size_t)row_first * s->in_w * s->in_c, &v, packed, NULL, rows * s->in_w, 0);
}
