#include "kernels/noise.h"

#include "kernels/math.h"
#include "kernels/philox.h"

/* p(w) of the polynomial's coefficients, highest first. */
TG_INLINE tg_v4 horner(tg_v4 w, const float *coefficients) {
  tg_v4 p = tg_v4_splat((tg_real)coefficients[0]);
  for (int i = 1; i < 9; i++) p = tg_v4_add(tg_v4_mul(p, w), tg_v4_splat((tg_real)coefficients[i]));
  return p;
}

/*
 * z (n) = the standard normal numbers below which shares (1 + x) / 2 lie, x the words' uniform numbers: sqrt(2) times
 * the inverse of erf, by Giles ("Approximating the erfinv function", GPU Computing Gems 2, 2011), relative error below
 * 4e-7. No rejection, so that one word is one number. Two loops, since a processor looks ahead only so far: in one,
 * each vector's polynomials would wait for the logarithm before them.
 */
static void normal_quantiles(tg_real *z, const uint32_t *words, size_t n) {
  static const float near[] = {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f,
                               -0.00125372503f, -0.00417768164f, 0.246640727f,    1.50140941f};
  static const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                              -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
  const tg_v4 one = tg_v4_splat(1);
  for (size_t i = 0; i < n; i += 16) {
    tg_v4 v[4];
    for (int k = 0; k < 4; k++) {
      const tg_v4 x = tg_words_uniform(words + i + 4 * k);
      v[k] = tg_v4_mul(tg_v4_sub(one, x), tg_v4_add(one, x));
    }
    tg_v4_log_normal_each(v, 4);
    for (int k = 0; k < 4; k++) tg_v4_store(z + i + 4 * k, v[k]);
  }
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 x = tg_words_uniform(words + i), w = tg_v4_sub(tg_v4_zero(), tg_v4_load(z + i));
    tg_v4 p = horner(tg_v4_sub(w, tg_v4_splat((tg_real)2.5)), near);
    const tg_mask is_far = tg_v4_le(tg_v4_splat(5), w); /* one of 300 */
    if (tg_mask_any(is_far)) p = tg_v4_select(is_far, horner(tg_v4_sub(tg_v4_sqrt(w), tg_v4_splat(3)), far), p);
    tg_v4_store(z + i, tg_v4_mul(tg_v4_mul(p, x), tg_v4_splat((tg_real)1.41421356237309505)));
  }
}

/* Four elements, x, that meet the words or the normal numbers at z. */
TG_INLINE tg_v4 disturb(tg_v4 x, const uint32_t *words, const tg_real *z, const tg_noise *noise) {
  if (noise->normal) {
    const tg_v4 four = tg_v4_load(z), factor = tg_v4_mul(four, tg_v4_splat(noise->spread));
    return tg_v4_add(tg_v4_mul(x, tg_v4_add(tg_v4_splat(1), factor)), tg_v4_mul(four, tg_v4_splat(noise->summand)));
  }
  const tg_v4 kept = tg_v4_add(tg_v4_mul(x, tg_v4_splat(noise->factor)), tg_v4_splat(noise->shift));
  return tg_v4_select(tg_words_from(words, noise->threshold), kept, tg_v4_splat(noise->lost));
}

void tg_add_noise(tg_real *y, const tg_real *x, size_t n, uint64_t first, const tg_noise *noise, uint64_t key,
                  uint32_t stream, uint64_t step) {
  const tg_draw draw = {key, step, stream};
  const tg_noise own = *noise; /* which y does not overlap */
  uint32_t room[TG_WORDS + 4];
  const uint32_t *words;
  tg_real z[TG_WORDS];
  for (size_t i = 0, count; i < n; i += count) {
    count = tg_draw_words(room, &words, &draw, first + i, n - i);
    if (own.normal) normal_quantiles(z, words, count);
    for (size_t j = 0; j < count; j += 4) {
      const size_t left = count - j;
      if (left >= 4) {
        tg_v4_store(y + i + j, disturb(tg_v4_load(x + i + j), words + j, z + j, &own));
      } else {
        const tg_v4 four = tg_v4_load_part(x + i + j, left, 0);
        tg_v4_store_part(y + i + j, disturb(four, words + j, z + j, &own), left);
      }
    }
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
