/* Random factors and summands, drawn again in the backward pass, never stored: see tg_dropout. */
#ifndef TG_KERNELS_NOISE_H
#define TG_KERNELS_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

typedef struct {
  int normal;
  uint32_t threshold;          /* of words, not normal: kept when the word >= threshold */
  tg_real factor, shift, lost; /* not normal: kept x * factor + shift, else `lost` */
  tg_real spread, summand;     /* normal: x * (1 + spread * z) + summand * z, z standard normal */
} tg_noise;

/* y (n) of x (n), elements first … first+n-1 of an array; words are those that tg_dropout draws. y may be x. */
void tg_add_noise(tg_real *y, const tg_real *x, size_t n, uint64_t first, const tg_noise *noise, uint64_t key,
                  uint32_t stream, uint64_t step);

/* y (rows, n) = x (rows, n) * factors (n). */
void tg_scale_columns(tg_real *y, const tg_real *x, const tg_real *factors, size_t rows, uint32_t n);

#endif
