/* Fewer weights and fewer bits: pruned weights, numbers rounded as 8-bit inference will round them, 16-bit storage. */
#ifndef TG_KERNELS_LEAN_H
#define TG_KERNELS_LEAN_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* x (n) stays where bit i % 8 of mask[i / 8] is 1 and becomes +0 where it is 0. */
void tg_keep_masked(tg_real *x, const uint8_t *mask, size_t n);

/*
 * y (rows, columns) = w as whole numbers -127…127 times a scale a column, which is the column's largest size / 127
 * (1 where that is below 1e-35); halves go to the even number. Columns first…end-1 only.
 */
void tg_fake_quantize_columns(tg_real *y, const tg_real *w, size_t rows, size_t columns, size_t first, size_t end);

/* A value as a byte: x = scale * (q - zero), q in 0…255. */
typedef struct {
  tg_real scale, zero;
} tg_byte_scale;

/* y (n) = x (n) rounded to what a byte holds, as tg_int8_quantize rounds it; y may be x. */
void tg_fake_quantize(tg_real *y, const tg_real *x, size_t n, tg_byte_scale to);
/* dx (n) = dy where x is not cut, else 0: the straight-through estimator. dx may be dy. */
void tg_fake_quantize_backward(tg_real *dx, const tg_real *dy, const tg_real *x, size_t n, tg_byte_scale to);
/* out[0] and out[1]: the least and the largest of x (n), n > 0. */
void tg_find_range(tg_real out[2], const tg_real *x, size_t n);

/* The upper 16 bits of floats, rounded to the nearest, halves to the even one: bfloat16. NaN and infinity stay what
 * they are; what rounds beyond the largest number becomes infinite. */
void tg_store_bfloat16(uint16_t *to, const tg_real *from, size_t n);
void tg_load_bfloat16(tg_real *to, const uint16_t *from, size_t n);

#endif
