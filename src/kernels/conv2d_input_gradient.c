#include "kernels/conv2d_planar.h"

/*
 * dx at (ih, iw) sums dy at (oh, ow) times the tap (kh, kw) for which oh * stride_h + kh * dilation_h - pad_top =
 * ih, likewise in width. Two ways, with the same packed weights and, padding apart, the same additions in the same
 * order (taps from the last to the first, output channels within):
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
    tg_range oh = tg_outputs_of_tap(0, s->in_h, kh * (s->skip_h + 1), s->pad_top, 1, s->out_h);
    for (uint32_t kw = 0; kw < s->kernel_w; kw++) {
      tg_range ow = tg_outputs_of_tap(0, s->in_w, kw * (s->skip_w + 1), s->pad_left, 1, s->out_w);
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
  const size_t reach_h = tg_reach_h(s), reach_w = tg_reach_w(s);
  return (tg_image_window){(int64_t)row_first + s->pad_top - (int64_t)reach_h, (int64_t)s->pad_left - (int64_t)reach_w,
                           rows + reach_h, s->in_w + reach_w};
}

/* Windows that hang over the border, or whose pixels' channels are not neighbours, are copied first. */
static int copies_dy(const tg_conv2d_shape *s) {
  const tg_image_window w = dy_window(s, 0, s->in_h);
  return s->skip_out || !tg_window_inside(w.first_row, w.rows, s->out_h) ||
         !tg_window_inside(w.first_column, w.columns, s->out_w);
}

uint32_t tg_conv2d_input_gradient_panels(const tg_conv2d_shape *s) { return tg_gemm_panels(s->in_c); }

size_t tg_conv2d_input_gradient_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_input_gradient_panels(s) * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
}

void tg_conv2d_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                                   uint32_t panel_end) {
  /* packed (panels, taps from the last to the first, out_c, 8 of in_c), w (taps, in_c, out_c of out_pixel) */
  const size_t taps = (size_t)s->kernel_h * s->kernel_w;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    for (size_t tap = 0; tap < taps; tap++) {
      const tg_real *from = w + ((taps - 1 - tap) * s->in_c + (size_t)panel * TG_TILE_COLUMNS) * tg_out_pixel(s);
      tg_real *to = packed + (panel * taps + tap) * s->out_c * TG_TILE_COLUMNS;
      tg_pack_panel_transposed(to, from, s->out_c, tg_panel_columns(s->in_c, panel), tg_out_pixel(s));
    }
  }
}

size_t tg_conv2d_input_gradient_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  if (tg_goes_by_planes(s, s->in_c)) return tg_by_planes.input_gradient_scratch(s, rows);
  if (rows == 0 || goes_by_taps(s) || !copies_dy(s)) return 0;
  const tg_image_window w = dy_window(s, 0, rows);
  return w.rows * w.columns * s->out_c + TG_OVERREAD_REALS;
}

/* dx (in_h, in_w, in_c), columns of one panel, += the pixels oh x ow of dy (out_h, out_w, out_c) times b (out_c, 8);
 * the tap is kh rows and kw columns from the first. */
static void add_tap(tg_real *dx, const tg_real *dy, const tg_real *b, const tg_conv2d_shape *s, uint32_t kh,
                    uint32_t kw, tg_range oh, tg_range ow, size_t columns) {
  const size_t width = ow.end - ow.first, pixels = (oh.end - oh.first) * width;
  const size_t dy_pixel = tg_out_pixel(s), dy_row = s->out_w * dy_pixel;
  const size_t dx_pixel = tg_in_pixel(s), dx_row = s->in_w * dx_pixel;
  tg_cursor from = {oh.first * dy_row + ow.first * dy_pixel, 0};
  tg_cursor to = {((size_t)oh.first * s->stride_h + kh - s->pad_top) * dx_row +
                      ((size_t)ow.first * s->stride_w + kw - s->pad_left) * dx_pixel,
                  0};
  for (size_t pixel = 0; pixel < pixels; pixel += TG_TILE_ROWS) {
    const size_t rows = pixels - pixel < TG_TILE_ROWS ? pixels - pixel : TG_TILE_ROWS;
    const tg_real *dy_at[4];
    tg_real *dx_at[4];
    for (size_t r = 0; r < 4; r++) {
      dy_at[r] = dy + from.offset;
      dx_at[r] = dx + to.offset;
      if (r + 1 < rows || rows == 4) {
        tg_cursor_next(&from, width, dy_pixel, dy_row);
        tg_cursor_next(&to, width, s->stride_w * dx_pixel, s->stride_h * dx_row);
      }
    }
    tg_tile t = tg_tile_load(dx_at, columns);
    tg_tile_rows(&t, dy_at, b, s->out_c);
    tg_tile_store(dx_at, &t, rows, columns);
  }
}

static void clear_pixels(tg_real *dx, size_t pixels, const tg_conv2d_shape *s) {
  if (!s->skip_in)
    tg_clear(dx, pixels * s->in_c);
  else
    for (; pixels; pixels--, dx += tg_in_pixel(s)) tg_clear(dx, s->in_c);
}

static void input_gradient_by_taps(tg_real *dx, const tg_real *dy, const tg_real *packed, const tg_conv2d_shape *s,
                                   uint32_t row_first, uint32_t row_end) {
  clear_pixels(dx + row_first * s->in_w * tg_in_pixel(s), (size_t)(row_end - row_first) * s->in_w, s);
  for (uint32_t panel = 0; panel < tg_gemm_panels(s->in_c); panel++) {
    const tg_real *b = packed + (size_t)panel * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
    for (uint32_t i = s->kernel_h; i-- > 0;) {
      const uint32_t kh = i * (s->skip_h + 1);
      tg_range oh = tg_outputs_of_tap(row_first, row_end, kh, s->pad_top, s->stride_h, s->out_h);
      for (uint32_t k = s->kernel_w; k-- > 0; b += (size_t)s->out_c * TG_TILE_COLUMNS) {
        const uint32_t kw = k * (s->skip_w + 1);
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
  if (tg_goes_by_planes(s, s->in_c)) {
    tg_by_planes.input_gradient(dx, dy, packed, scratch, s, image, row_first, row_end);
    return;
  }
  tg_real *dx_image = dx + (size_t)image * s->in_h * s->in_w * tg_in_pixel(s);
  const tg_real *dy_image = dy + (size_t)image * s->out_h * s->out_w * tg_out_pixel(s);
  if (goes_by_taps(s)) {
    input_gradient_by_taps(dx_image, dy_image, packed, s, row_first, row_end);
    return;
  }
  const size_t rows = row_end - row_first;
  const tg_image_window w = dy_window(s, row_first, rows);
  size_t line = (size_t)s->out_w * s->out_c;
  const tg_real *dy_rows;
  if (copies_dy(s)) {
    tg_copy_window(scratch, dy_image, &w, s->out_h, s->out_w, s->out_c, tg_out_pixel(s));
    dy_rows = scratch;
    line = w.columns * s->out_c;
  } else {
    dy_rows = dy_image + ((size_t)w.first_row * s->out_w + (size_t)w.first_column) * s->out_c;
  }
  tg_valid_conv v = {.x = dy_rows,
                     .pixel_step = s->out_c,
                     .row_step = line,
                     .out_w = s->in_w,
                     .out_c = s->in_c,
                     .out_pixel = tg_in_pixel(s)};
  tg_set_segments(&v, s, s->out_c, line);
  tg_run_valid_conv(dx_image + row_first * s->in_w * tg_in_pixel(s), &v, packed, NULL, rows * s->in_w, 0);
}

void tg_conv2d_add_bias(tg_real *y, const tg_real *bias, size_t pixels, uint32_t n, int relu) {
  const tg_v4 least = tg_v4_splat(relu ? 0 : -INFINITY);
  for (; pixels; pixels--, y += n) {
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
      const tg_v4 b = bias ? tg_v4_load(bias + i) : tg_v4_zero();
      tg_v4_store(y + i, tg_v4_max(tg_v4_add(tg_v4_load(y + i), b), least));
    }
    for (; i < n; i++) {
      const tg_real v = bias ? y[i] + bias[i] : y[i];
      y[i] = relu && v < 0 ? 0 : v;
    }
  }
}
