#include <math.h>

#include "kernels/ref/ref.h"

/* Weight of cell `cell` of `in` in cell `at` of the output. */
static double weight(uint32_t cell, uint32_t at, uint32_t in, uint32_t size, int bilinear) {
  if (!bilinear) return cell == at / size;
  double center = (at + 0.5) / size - 0.5;
  center = fmin(fmax(center, 0), in - 1.0);
  return fmax(0, 1 - fabs(center - cell));
}

void tg_ref_resize2d(double *y, double *dx, const tg_real *x, const tg_real *dy, const tg_resize2d_shape *s) {
  uint32_t out_w = s->in_w * s->size_w, out_h = s->in_h * s->size_h, C = s->channels;
  for (uint32_t i = 0; i < out_h * out_w * C; i++) y[i] = 0;
  for (uint32_t i = 0; i < s->in_h * s->in_w * C; i++) dx[i] = 0;
  for (uint32_t oh = 0; oh < out_h; oh++)
    for (uint32_t ow = 0; ow < out_w; ow++)
      for (uint32_t ih = 0; ih < s->in_h; ih++)
        for (uint32_t iw = 0; iw < s->in_w; iw++) {
          double w = weight(ih, oh, s->in_h, s->size_h, s->bilinear) * weight(iw, ow, s->in_w, s->size_w, s->bilinear);
          for (uint32_t c = 0; c < C; c++) {
            y[(oh * out_w + ow) * C + c] += w * x[(ih * s->in_w + iw) * C + c];
            dx[(ih * s->in_w + iw) * C + c] += w * dy[(oh * out_w + ow) * C + c];
          }
        }
}
