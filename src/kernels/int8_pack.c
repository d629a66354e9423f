/* Weights of int8.h: once a model, not once a batch, so compiled for size. */
#include "kernels/int8_pack.h"

void tg_int8_factors(float *factor, float *offset, const tg_real *scale, const tg_real *bias, uint32_t out_c,
                     tg_quantization x, tg_quantization y) {
  const double unit = y.scale > 0 ? (double)y.scale : 1, start = y.scale > 0 ? y.zero : 0;
  for (uint32_t i = 0; i < tg_gemm_panels(out_c) * TG_TILE_COLUMNS; i++) {
    factor[i] = i < out_c ? (float)((double)x.scale * (double)scale[i] / unit) : 0;
    offset[i] = i < out_c ? (float)((bias ? (double)bias[i] / unit : 0) + start) : 0;
  }
}

size_t tg_int8_conv2d_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_panels(s) * s->kernel_h * tg_int8_pairs(s) * 2 * TG_TILE_COLUMNS;
}

void tg_int8_conv2d_pack(int16_t *packed, const tg_real *w, const tg_conv2d_shape *s) {
  const size_t segment = (size_t)s->kernel_w * s->in_c;
  for (uint32_t panel = 0; panel < tg_conv2d_panels(s); panel++) {
    for (uint32_t row = 0; row < s->kernel_h; row++) {
      for (size_t k = 0; k < 2 * tg_int8_pairs(s); k += 2) {
        for (uint32_t i = 0; i < 2 * TG_TILE_COLUMNS; i++) {
          const size_t at = k + i % 2, column = (size_t)panel * TG_TILE_COLUMNS + i / 2;
          const int inside = at < segment && column < s->out_c;
          *packed++ = inside ? tg_int8_weight(w[(row * segment + at) * s->out_c + column]) : 0;
        }
      }
    }
  }
}

size_t tg_int8_winograd_packed_size(const tg_winograd *g) { return TG_WINOGRAD_POSITIONS * tg_int8_winograd_plane(g); }

static void line_of_filter(int32_t to[TG_WINOGRAD_N], int32_t w0, int32_t w1, int32_t w2) {
  to[0] = w0;
  to[1] = w0 + w1 + w2;
  to[2] = w0 - w1 + w2;
  to[3] = w0 + 2 * w1 + 4 * w2;
  to[4] = w0 - 2 * w1 + 4 * w2;
  to[5] = w2;
}

void tg_int8_winograd_pack(int16_t *packed, const tg_real *w, const tg_winograd *g) {
  const tg_conv2d_shape *s = &g->s;
  const size_t plane = tg_int8_winograd_plane(g), tap = (size_t)s->in_c * s->out_c, width = tg_int8_width(s->in_c);
  for (size_t column = 0; column < tg_int8_width(s->out_c); column++) {
    for (size_t c = 0; c < width; c++) {
      const int inside = column < s->out_c && c < s->in_c;
      const tg_real *from = w + (inside ? c * s->out_c + column : 0);
      int32_t half[3][TG_WINOGRAD_N], line[TG_WINOGRAD_N];
      for (uint32_t i = 0; i < 3; i++) {
        const tg_real *taps = from + 3 * i * tap;
        line_of_filter(half[i], tg_int8_weight(taps[0]), tg_int8_weight(taps[tap]), tg_int8_weight(taps[2 * tap]));
      }
      int16_t *to = packed + (column / 8 * width + c / 2 * 2) * 8 + column % 8 * 2 + c % 2;
      for (uint32_t j = 0; j < TG_WINOGRAD_N; j++) {
        line_of_filter(line, half[0][j], half[1][j], half[2][j]);
        for (uint32_t i = 0; i < TG_WINOGRAD_N; i++)
          to[(i * TG_WINOGRAD_N + j) * plane] = inside ? (int16_t)line[i] : 0;
      }
    }
  }
}
