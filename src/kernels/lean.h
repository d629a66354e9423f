/* Fewer weights and fewer bits: pruned weights, 16-bit storage. */
#ifndef TG_KERNELS_LEAN_H
#define TG_KERNELS_LEAN_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* x (n) stays where bit i % 8 of mask[i / 8] is 1 and becomes +0 where it is 0. */
void tg_keep_masked(tg_real *x, const uint8_t *mask, size_t n);

/* The upper 16 bits of floats, rounded to the nearest, halves to the even one: bfloat16. NaN and infinity stay what
 * they are; what rounds beyond the largest number becomes infinite. */
void tg_store_bfloat16(uint16_t *to, const tg_real *from, size_t n);
void tg_load_bfloat16(tg_real *to, const uint16_t *from, size_t n);

#endif
