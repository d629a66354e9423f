#include <math.h>

#include "kernels/ref/ref.h"

/* Steps along the picture, one by one, until it is inside again; -1: the filling. */
static int64_t walk(int64_t i, int64_t n, tg_fill fill) {
  while (i < 0 || i >= n) {
    if (fill == TG_FILL_CONSTANT) return -1;
    if (fill == TG_FILL_NEAREST) i += i < 0 ? 1 : -1;
    if (fill == TG_FILL_WRAP) i += i < 0 ? n : -n;
    if (fill == TG_FILL_REFLECT) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    if (fill == TG_FILL_MIRROR) i = n == 1 ? 0 : i < 0 ? -i : 2 * n - 2 - i;
  }
  return i;
}

static double pixel(const tg_picture *v, double row, double column, uint32_t c) {
  int64_t y = walk((int64_t)row, v->height, v->fill), x = walk((int64_t)column, v->width, v->fill);
  if (y < 0 || x < 0) return v->fill_value;
  int64_t at = (y * v->width + x) * v->channels + c;
  return v->bytes ? v->bytes[at] : (double)v->floats[at];
}

void tg_ref_draw_picture(double *y, const tg_picture *v) {
  for (uint32_t oy = 0; oy < v->out_height; oy++)
    for (uint32_t ox = 0; ox < v->out_width; ox++)
      for (uint32_t c = 0; c < v->channels; c++) {
        double row = v->row[0] * oy + v->row[2] + v->row[1] * ox;
        double column = v->column[0] * oy + v->column[2] + v->column[1] * ox;
        double value;
        if (v->nearest) {
          value = pixel(v, floor(row + 0.5), floor(column + 0.5), c);
        } else {
          double top = floor(row), left = floor(column), down = row - top, across = column - left;
          value = (1 - down) * ((1 - across) * pixel(v, top, left, c) + across * pixel(v, top, left + 1, c)) +
                  down * ((1 - across) * pixel(v, top + 1, left, c) + across * pixel(v, top + 1, left + 1, c));
        }
        if (v->scale) value = value * (double)v->scale[c] + (double)v->offset[c];
        y[((size_t)oy * v->out_width + ox) * v->channels + c] = value;
      }
}

void tg_ref_change_colors(double *y, size_t pixels, uint32_t channels, const tg_real *scale, const tg_real *offset,
                          const tg_colors *colors) {
  for (uint32_t c = 0; c < channels; c++) {
    double mean = 0, s = scale ? (double)scale[c] : 1, o = scale ? (double)offset[c] : 0;
    for (size_t i = 0; i < pixels; i++) mean += (y[i * channels + c] - o) / s / (double)pixels;
    for (size_t i = 0; i < pixels; i++) {
      double raw = (y[i * channels + c] - o) / s;
      raw = (raw - mean) * colors->contrast + mean + colors->brightness;
      y[i * channels + c] = fmin(fmax(raw, colors->low), colors->high) * s + o;
    }
  }
}
