#include "kernels/noise.h"

#include "kernels/math.h"
#include "rng.h"

/* p(w) of the polynomial's coefficients, highest first. */
TG_INLINE tg_v4 horner(tg_v4 w, const float *coefficients) {
  tg_v4 p = tg_v4_splat((tg_real)coefficients[0]);
  for (int i = 1; i < 9; i++) p = tg_v4_add(tg_v4_mul(p, w), tg_v4_splat((tg_real)coefficients[i]));
  return p;
}

/* The standard normal number below which a share (1 + x) / 2 lies, -1 < x < 1: sqrt(2) times the inverse of erf, by
 * Giles
 * ("Approximating the erfinv function", GPU Computing Gems 2, 2011), relative error below 4e-7. No rejection, so that
 * one word is one number. */
TG_INLINE tg_v4 normal_quantile(tg_v4 x) {
  static const float near[] = {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f,
                               -0.00125372503f, -0.00417768164f, 0.246640727f,    1.50140941f};
  static const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                              -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
  const tg_v4 one = tg_v4_splat(1);
  tg_v4 w = tg_v4_sub(tg_v4_zero(), tg_v4_log(tg_v4_mul(tg_v4_sub(one, x), tg_v4_add(one, x))));
  tg_v4 p_near = horner(tg_v4_sub(w, tg_v4_splat((tg_real)2.5)), near);
  tg_v4 p_far = horner(tg_v4_sub(tg_v4_sqrt(w), tg_v4_splat(3)), far);
  tg_v4 p = tg_v4_select(tg_v4_lt(w, tg_v4_splat(5)), p_near, p_far);
  return tg_v4_mul(tg_v4_mul(p, x), tg_v4_splat((tg_real)1.41421356237309505));
}

void tg_add_noise(tg_real *y, const tg_real *x, size_t n, uint64_t first, const tg_noise *noise, uint64_t key,
                  uint32_t stream, uint64_t step) {
  for (size_t i = 0; i < n;) {
    uint32_t words[4];
    tg_real factors[4], summands[4];
    uint64_t element = first + i;
    tg_philox(words, key, (uint32_t)(element / 4), stream, (uint32_t)step, (uint32_t)(step >> 32));
    for (int lane = 0; lane < 4; lane++) {
      const int kept = words[lane] >= noise->threshold;
      /* 24 bits and a half: an odd multiple of 2^-24, exact in float and never ±1. */
      factors[lane] = noise->normal
                          ? (tg_real)((int32_t)(words[lane] >> 8) * 2 - 16777215) * (tg_real)5.9604644775390625e-8
                      : kept ? noise->factor
                             : 0;
      summands[lane] = kept ? noise->shift : noise->lost;
    }
    if (noise->normal) {
      tg_v4 z = normal_quantile(tg_v4_load(factors));
      tg_v4_store(factors, tg_v4_add(tg_v4_splat(1), tg_v4_mul(z, tg_v4_splat(noise->spread))));
      tg_v4_store(summands, tg_v4_mul(z, tg_v4_splat(noise->summand)));
    }
    for (size_t lane = element % 4; lane < 4 && i < n; lane++, i++) y[i] = x[i] * factors[lane] + summands[lane];
  }
}

void tg_scale_columns(tg_real *y, const tg_real *x, const tg_real *factors, size_t rows, uint32_t n) {
  for (; rows; rows--, y += n, x += n)
    for (uint32_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      if (left >= 4) {
        tg_v4_store(y + j, tg_v4_mul(tg_v4_load(x + j), tg_v4_load(factors + j)));
      } else {
        for (size_t i = j; i < n; i++) y[i] = x[i] * factors[i];
      }
    }
}
