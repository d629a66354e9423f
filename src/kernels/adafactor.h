/*
 * Adafactor (Shazeer and Stern, 2018): the second moment of a matrix is kept as the means of its rows and of its
 * columns. In place of v = row mean * column mean / mean of row means stands 1 / sqrt(v) in two factors, so that a
 * dead row crossing a dead column gives no 0 / 0.
 */
#ifndef TG_KERNELS_ADAFACTOR_H
#define TG_KERNELS_ADAFACTOR_H

#include <stddef.h>

#include "real.h"

/* moments (n): moment += (mean over the rows of (g*g + epsilon) - moment) * take; rows of g are `stride` apart. */
void tg_adafactor_columns(tg_real *moments, const tg_real *g, size_t rows, size_t stride, size_t n, double take,
                          double epsilon);
/* roots (n) = 1 / sqrt(moments), which all rows of a matrix share. */
void tg_inverse_roots(tg_real *roots, const tg_real *moments, size_t n);
/* Sum of the squares of g * roots. */
double tg_adafactor_squares(const tg_real *g, const tg_real *roots, size_t n);
/* w -= rate * g * roots, all of n. */
void tg_adafactor_update(tg_real *w, const tg_real *g, const tg_real *roots, double rate, size_t n);

#endif
