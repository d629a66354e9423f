/* Samples as data sets hold them, bytes or floats: four numbers at a time. */
#ifndef TG_KERNELS_SAMPLES_H
#define TG_KERNELS_SAMPLES_H

#include "kernels/simd.h"

#ifdef TG_DOUBLE
TG_INLINE tg_v4 tg_v4_load_f32(const float *p) { return (tg_v4){p[0], p[1], p[2], p[3]}; }
#else
TG_INLINE tg_v4 tg_v4_load_f32(const float *p) { return tg_v4_load(p); }
#endif

/* Elements i…i+3 of bytes or, where those are NULL, of floats; `left` of them are there. */
TG_INLINE tg_v4 tg_load_sample(const uint8_t *bytes, const float *floats, size_t i, size_t left) {
  if (left >= 4) return bytes ? tg_v4_load_u8(bytes + i) : tg_v4_load_f32(floats + i);
  tg_real lanes[4] = {0, 0, 0, 0};
  for (size_t lane = 0; lane < left; lane++) lanes[lane] = bytes ? (tg_real)bytes[i + lane] : (tg_real)floats[i + lane];
  return tg_v4_load(lanes);
}

/* The nearest whole numbers, halves to even, of four in 0…255. */
TG_INLINE tg_v4 tg_v4_round_byte(tg_v4 v) {
  /* The sum has no room for a fraction. */
  const tg_v4 large = tg_v4_splat(sizeof(tg_real) == 4 ? (tg_real)8388608.0 : (tg_real)4503599627370496.0);
  return tg_v4_sub(tg_v4_add(v, large), large);
}

/* Writes the first `left` of four numbers as elements i… of bytes, rounded, or of floats. */
TG_INLINE void tg_store_sample(uint8_t *bytes, float *floats, size_t i, tg_v4 v, size_t left) {
  if (bytes && left >= 4) {
    tg_v4_store_u8(bytes + i, tg_v4_round_byte(v));
    return;
  }
  tg_real lanes[4];
  tg_v4_store(lanes, bytes ? tg_v4_round_byte(v) : v);
  for (size_t lane = 0; lane < (left < 4 ? left : 4); lane++) {
    if (bytes)
      bytes[i + lane] = (uint8_t)lanes[lane];
    else
      floats[i + lane] = (float)lanes[lane];
  }
}

#endif
