#include <math.h>

#include "kernels/ref/ref.h"

/* In the default rounding mode nearbyint takes halves to the even number. */
uint8_t tg_ref_int8_round(float v) {
  if (!(v > 0)) return 0;
  return v >= 255 ? 255 : (uint8_t)nearbyint((double)v);
}

void tg_ref_int8_quantize(uint8_t *y, const tg_real *x, size_t n, tg_quantization to) {
  const float reciprocal = 1 / to.scale;
  for (size_t i = 0; i < n; i++) {
    float v = (float)x[i] * reciprocal;
    y[i] = tg_ref_int8_round(v + (float)to.zero);
  }
}

void tg_ref_int8_dequantize(tg_real *y, const uint8_t *x, size_t n, tg_quantization from) {
  for (size_t i = 0; i < n; i++) y[i] = (tg_real)(from.scale * (float)(x[i] - from.zero));
}

void tg_ref_int8_add(uint8_t *y, const uint8_t *a, const uint8_t *b, size_t n, const tg_quantization from[2],
                     tg_quantization to) {
  const float factor_a = from[0].scale / to.scale, factor_b = from[1].scale / to.scale;
  float offset = (float)to.zero - (float)from[0].zero * factor_a;
  offset -= (float)from[1].zero * factor_b;
  for (size_t i = 0; i < n; i++) {
    float v = (float)b[i] * factor_b;
    v += offset;
    y[i] = tg_ref_int8_round((float)a[i] * factor_a + v);
  }
}

void tg_ref_int8_max_pool2d(uint8_t *y, const uint8_t *x, const tg_pool2d_shape *s, uint32_t images) {
  const size_t n = (size_t)images * s->out_h * s->out_w * s->channels;
  for (size_t at = 0; at < n; at++) {
    const size_t c = at % s->channels, ow = at / s->channels % s->out_w;
    const size_t oh = at / s->channels / s->out_w % s->out_h, image = at / s->channels / s->out_w / s->out_h;
    y[at] = 0;
    for (uint32_t i = 0; i < s->pool_h; i++) {
      for (uint32_t j = 0; j < s->pool_w; j++) {
        const int64_t ih = (int64_t)oh * s->stride_h + i - s->pad_top, iw = (int64_t)ow * s->stride_w + j - s->pad_left;
        if (ih < 0 || iw < 0 || ih >= s->in_h || iw >= s->in_w) continue;
        const uint8_t v = x[((image * s->in_h + (size_t)ih) * s->in_w + (size_t)iw) * s->channels + c];
        if (v > y[at]) y[at] = v;
      }
    }
  }
}

void tg_ref_int8_conv2d(float *y, const uint8_t *x, const tg_real *w, const float *factor, const float *offset,
                        int32_t zero, const tg_conv2d_shape *s, uint32_t images) {
  const size_t n = (size_t)images * s->out_h * s->out_w * s->out_c;
  for (size_t at = 0; at < n; at++) {
    const size_t oc = at % s->out_c, ow = at / s->out_c % s->out_w;
    const size_t oh = at / s->out_c / s->out_w % s->out_h, image = at / s->out_c / s->out_w / s->out_h;
    int64_t sum = 0;
    for (uint32_t i = 0; i < s->kernel_h; i++) {
      for (uint32_t j = 0; j < s->kernel_w; j++) {
        const int64_t ih = (int64_t)oh * s->stride_h + i - s->pad_top, iw = (int64_t)ow * s->stride_w + j - s->pad_left;
        if (ih < 0 || iw < 0 || ih >= s->in_h || iw >= s->in_w) continue;
        const uint8_t *pixel = x + ((image * s->in_h + (size_t)ih) * s->in_w + (size_t)iw) * s->in_c;
        const tg_real *taps = w + (i * (size_t)s->kernel_w + j) * s->in_c * s->out_c + oc;
        for (uint32_t c = 0; c < s->in_c; c++) sum += (pixel[c] - zero) * (int32_t)taps[(size_t)c * s->out_c];
      }
    }
    const float v = (float)sum * factor[oc];
    y[at] = v + offset[oc];
  }
}
