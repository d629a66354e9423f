#include <math.h>

#include "kernels/ref/ref.h"

/* The weight of cell `cell` in cell `at`: a tent around the centre of `at`, whose sum over the axis is 1. */
static double weight_of(uint32_t cell, uint32_t at, uint32_t in, uint32_t out, int antialias) {
  double scale = (double)in / out, reach = antialias ? fmax(scale, 1) : 1, centre = (at + 0.5) * scale, sum = 0;
  for (uint32_t i = 0; i < in; i++) sum += fmax(0, 1 - fabs(i + 0.5 - centre) / reach);
  return fmax(0, 1 - fabs(cell + 0.5 - centre) / reach) / sum;
}

void tg_ref_resample(double *y, const uint8_t *bytes, const float *floats, uint32_t in_h, uint32_t in_w, uint32_t out_h,
                     uint32_t out_w, uint32_t channels, int bilinear, int antialias) {
  for (uint32_t oy = 0; oy < out_h; oy++)
    for (uint32_t ox = 0; ox < out_w; ox++)
      for (uint32_t c = 0; c < channels; c++) {
        double sum = 0;
        for (uint32_t iy = 0; iy < in_h; iy++)
          for (uint32_t ix = 0; ix < in_w; ix++) {
            size_t at = ((size_t)iy * in_w + ix) * channels + c;
            double value = bytes ? bytes[at] : (double)floats[at];
            if (bilinear)
              sum += value * weight_of(iy, oy, in_h, out_h, antialias) * weight_of(ix, ox, in_w, out_w, antialias);
            else if (iy == (uint32_t)floor((oy + 0.5) * in_h / out_h) &&
                     ix == (uint32_t)floor((ox + 0.5) * in_w / out_w))
              sum = value;
          }
        y[((size_t)oy * out_w + ox) * channels + c] = sum;
      }
}
