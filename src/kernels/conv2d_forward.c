#include "kernels/conv2d_planar.h"

size_t tg_conv2d_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_panels(s) * s->kernel_h * s->kernel_w * s->in_c * TG_TILE_COLUMNS;
}

uint32_t tg_conv2d_panels(const tg_conv2d_shape *s) { return tg_gemm_panels(s->out_c); }

void tg_conv2d_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                    uint32_t panel_end) {
  /* packed (panels, K, 8), w (K, out_c): HWIO weights are that matrix already */
  const size_t K = (size_t)s->kernel_h * s->kernel_w * s->in_c;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    tg_pack_panel(packed + panel * K * TG_TILE_COLUMNS, w + (size_t)panel * TG_TILE_COLUMNS, K,
                  tg_panel_columns(s->out_c, panel), tg_out_pixel(s));
  }
}

/* Windows that hang over the border, or whose taps' channels are not neighbours, are copied first. */
static int copies_windows(const tg_conv2d_shape *s) { return s->skip_in || tg_is_padded(s); }

size_t tg_conv2d_forward_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  if (tg_goes_by_planes(s, s->out_c)) return tg_by_planes.forward_scratch(s, rows);
  if (!copies_windows(s) || rows == 0) return 0;
  return tg_window_height(s, rows) * tg_window_width(s) * s->in_c + TG_OVERREAD_REALS;
}

void tg_conv2d_forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                       const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end, int relu) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), packed (panels, K, 8), bias (out_c) */
  if (row_end <= row_first) return;
  if (tg_goes_by_planes(s, s->out_c)) {
    tg_by_planes.forward(y, x, packed, bias, scratch, s, image, row_first, row_end, relu);
    return;
  }
  const tg_real *x_image = x + (size_t)image * s->in_h * s->in_w * tg_in_pixel(s);
  tg_real *y_rows = y + ((size_t)image * s->out_h + row_first) * s->out_w * tg_out_pixel(s);
  const size_t rows = row_end - row_first;
  size_t line = (size_t)s->in_w * s->in_c;
  const tg_real *x_rows = x_image + (size_t)row_first * s->stride_h * line;
  if (copies_windows(s)) {
    const tg_image_window w = {(int64_t)row_first * s->stride_h - s->pad_top, -(int64_t)s->pad_left,
                               tg_window_height(s, rows), tg_window_width(s)};
    tg_copy_window(scratch, x_image, &w, s->in_h, s->in_w, s->in_c, tg_in_pixel(s));
    x_rows = scratch;
    line = w.columns * s->in_c;
  }
  tg_valid_conv v = {.x = x_rows,
                     .pixel_step = (size_t)s->stride_w * s->in_c,
                     .row_step = s->stride_h * line,
                     .out_w = s->out_w,
                     .out_c = s->out_c,
                     .out_pixel = tg_out_pixel(s)};
  tg_set_segments(&v, s, s->in_c, line);
  tg_run_valid_conv(y_rows, &v, packed, bias, rows * s->out_w, relu);
}
