#include "kernels/int8_tile.h"

static v128_t load_reals(const tg_real *p) {
#ifdef TG_DOUBLE
  return wasm_f32x4_make((float)p[0], (float)p[1], (float)p[2], (float)p[3]);
#else
  return wasm_v128_load(p);
#endif
}

/* Bytes 0…7 at p as two vectors of floats. */
TG_INLINE void load_floats(v128_t to[2], const uint8_t *p) {
  v128_t words = wasm_u16x8_load8x8(p);
  to[0] = wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(words));
  to[1] = wasm_f32x4_convert_i32x4(wasm_u32x4_extend_high_u16x8(words));
}

void tg_int8_quantize(uint8_t *y, const tg_real *x, size_t n, tg_quantization to) {
  const v128_t factor = wasm_f32x4_splat(1 / to.scale), offset = wasm_f32x4_splat((float)to.zero);
  for (size_t i = 0; i < n; i += 8) {
    v128_t low = tg_int8_scale(load_reals(x + i), factor, offset);
    v128_t high = tg_int8_scale(load_reals(x + i + 4), factor, offset);
    tg_int8_store(y + i, tg_int8_bytes(low, high), n - i);
  }
}

void tg_int8_dequantize(tg_real *y, const uint8_t *x, size_t n, tg_quantization from) {
  for (size_t i = 0; i < n; i++) y[i] = (tg_real)((float)(x[i] - from.zero) * from.scale);
}

void tg_int8_add(uint8_t *y, const uint8_t *a, const uint8_t *b, size_t n, const tg_quantization from[2],
                 tg_quantization to) {
  const float factor_a = from[0].scale / to.scale, factor_b = from[1].scale / to.scale;
  const float offset = (float)to.zero - (float)from[0].zero * factor_a - (float)from[1].zero * factor_b;
  const v128_t fa = wasm_f32x4_splat(factor_a), fb = wasm_f32x4_splat(factor_b), start = wasm_f32x4_splat(offset);
  for (size_t i = 0; i < n; i += 8) {
    v128_t va[2], vb[2];
    load_floats(va, a + i);
    load_floats(vb, b + i);
    for (int h = 0; h < 2; h++) va[h] = tg_int8_scale(va[h], fa, tg_int8_scale(vb[h], fb, start));
    tg_int8_store(y + i, tg_int8_bytes(va[0], va[1]), n - i);
  }
}

static uint32_t clip(int64_t value, uint32_t limit) {
  return value<0 ? 0 : value>(int64_t) limit ? limit : (uint32_t)value;
}

void tg_int8_max_pool2d(uint8_t *y, const uint8_t *x, const tg_pool2d_shape *s, uint32_t image_first,
                        uint32_t image_end) {
  /* y (images, out_h, out_w, channels), x (images, in_h, in_w, channels) */
  const size_t channels = s->channels, line = s->in_w * channels;
  y += (size_t)image_first * s->out_h * s->out_w * channels;
  x += (size_t)image_first * s->in_h * line;
  for (uint32_t image = image_first; image < image_end; image++, x += s->in_h * line) {
    for (uint32_t oh = 0; oh < s->out_h; oh++) {
      const int64_t top = (int64_t)oh * s->stride_h - s->pad_top;
      const uint32_t row_first = clip(top, s->in_h), row_end = clip(top + s->pool_h, s->in_h);
      for (uint32_t ow = 0; ow < s->out_w; ow++, y += channels) {
        const int64_t left = (int64_t)ow * s->stride_w - s->pad_left;
        const uint32_t first = clip(left, s->in_w), end = clip(left + s->pool_w, s->in_w);
        for (size_t c = 0; c < channels; c += 16) {
          v128_t best = wasm_i8x16_splat(0);
          for (uint32_t row = row_first; row < row_end; row++) {
            const uint8_t *cell = x + row * line + first * channels + c;
            for (uint32_t column = first; column < end; column++, cell += channels) {
              best = wasm_u8x16_max(best, wasm_v128_load(cell));
            }
          }
          if (channels - c >= 16) {
            wasm_v128_store(y + c, best);
          } else {
            tg_int8_store_part(y + c, best, channels - c);
          }
        }
      }
    }
  }
}
