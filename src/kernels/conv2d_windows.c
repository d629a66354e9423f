#include "kernels/conv2d_windows.h"

#include "kernels/conv2d_planar.h"

int tg_goes_by_planes(const tg_conv2d_shape *s, uint32_t channels) {
  return (s->skip_in || s->skip_out) && channels <= 4 && s->stride_h == 1 && s->stride_w == 1;
}

static void copy_pixels(tg_real *to, const tg_real *from, size_t pixels, size_t channels, size_t pixel) {
  if (channels == pixel) {
    tg_copy(to, from, pixels * channels);
    return;
  }
  for (; pixels; pixels--, to += channels, from += pixel) tg_copy(to, from, channels);
}

void tg_copy_window(tg_real *to, const tg_real *image, const tg_image_window *w, uint32_t height, uint32_t width,
                    uint32_t channels, size_t pixel) {
  const tg_inside in = tg_columns_inside(w, width);
  const size_t before = in.left * channels, inside = in.count * channels;
  const size_t from = inside ? (size_t)(w->first_column + (int64_t)in.left) * pixel : 0;
  const size_t line = w->columns * channels;
  for (size_t r = 0; r < w->rows; r++, to += line) {
    int64_t row = w->first_row + (int64_t)r;
    if (row < 0 || row >= (int64_t)height) {
      tg_clear(to, line);
      continue;
    }
    tg_clear(to, before);
    copy_pixels(to + before, image + (size_t)row * width * pixel + from, in.count, channels, pixel);
    tg_clear(to + before + inside, line - before - inside);
  }
}

/*
 * Implicit GEMM: with NHWC images the kernel_w * in_c values under one row of the kernel are neighbours in memory, so
 * a row of the matrix A (one output pixel) is kernel_h segments read in place (kernel_h * kernel_w with dilation). The
 * four rows of a tile are any four pixels; tiles run over the ends of image rows, and the last one repeats a pixel and
 * does not store it.
 */

/* Bytes of packed weights that a tile of pixels goes through at once: together with its pixels they stay in the
 * first-level cache. Where a kernel is small, finding four pixels costs as much as multiplying them, and so it is done
 * once for several panels. */
enum { PANELS_BYTES = 12 * 1024 };

TG_INLINE void run(tg_real *y, const tg_valid_conv *v, const tg_real *packed, const tg_real *bias, size_t pixels,
                   int relu, size_t in_line) {
  const size_t b_step = in_line * v->segment * TG_TILE_COLUMNS, panel_reals = v->lines * b_step;
  const uint32_t panels = tg_gemm_panels(v->out_c);
  uint32_t together = (uint32_t)(PANELS_BYTES / (panel_reals * sizeof(tg_real)));
  if (together == 0) together = 1;
  for (uint32_t first = 0; first < panels; first += together) {
    const uint32_t end = panels - first < together ? panels : first + together;
    tg_cursor at = {0, 0};
    for (size_t pixel = 0; pixel < pixels; pixel += TG_TILE_ROWS) {
      const size_t rows = pixels - pixel < TG_TILE_ROWS ? pixels - pixel : TG_TILE_ROWS;
      const tg_real *x_at[4];
      tg_real *y_row[4];
      for (size_t r = 0; r < 4; r++) {
        x_at[r] = v->x + at.offset;
        y_row[r] = y + (pixel + (r < rows ? r : rows - 1)) * v->out_pixel + (size_t)first * TG_TILE_COLUMNS;
        if (r + 1 < rows || rows == 4) tg_cursor_next(&at, v->out_w, v->pixel_step, v->row_step);
      }
      const tg_real *b_panel = packed + first * panel_reals;
      for (uint32_t panel = first; panel < end; panel++) {
        const size_t columns = tg_panel_columns(v->out_c, panel);
        tg_tile t = tg_tile_start_bias(bias ? bias + (size_t)panel * TG_TILE_COLUMNS : NULL, columns);
        const tg_real *x_row[4] = {x_at[0], x_at[1], x_at[2], x_at[3]};
        for (size_t tap = 0;;) {
          const tg_real *b = b_panel + tap * v->segment * TG_TILE_COLUMNS;
          for (size_t line = v->lines; line; line--) {
            tg_tile_rows(&t, x_row, b, v->segment);
            b += b_step;
            for (size_t r = 0; r < 4; r++) x_row[r] += v->line_step;
          }
          if (++tap == in_line) break;
          for (size_t r = 0; r < 4; r++) x_row[r] = x_at[r] + tap * v->tap_step;
        }
        b_panel += panel_reals;
        if (relu) tg_tile_relu(&t);
        tg_tile_store(y_row, &t, rows, columns);
        for (size_t r = 0; r < 4; r++) y_row[r] += TG_TILE_COLUMNS;
      }
    }
  }
}

void tg_run_valid_conv(tg_real *y, const tg_valid_conv *v, const tg_real *packed, const tg_real *bias, size_t pixels,
                       int relu) {
  /* Compiled twice: where chains are short, a loop over taps that runs once costs 5 %. */
  if (v->in_line == 1)
    run(y, v, packed, bias, pixels, relu, 1);
  else
    run(y, v, packed, bias, pixels, relu, v->in_line);
}
