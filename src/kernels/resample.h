/* NHWC pictures made of another size, one axis after the other. One call does one picture. */
#ifndef TG_KERNELS_RESAMPLE_H
#define TG_KERNELS_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* Along an axis, cell i of the output is the sum of cells first[i] … first[i] + taps - 1, each times its weight; all of
 * them are cells of the input. */
typedef struct {
  uint32_t in, out, taps;
  uint32_t *first;  /* (out) */
  tg_real *weights; /* (out, taps) */
} tg_resample_axis;

/* y (rows->out, columns->out, channels) of x (rows->in, columns->in, channels), bytes rounded to the nearest, halves to
 * even. row: scratch of columns->in * channels reals, and four more. */
void tg_resample_u8(uint8_t *y, const uint8_t *x, const tg_resample_axis *rows, const tg_resample_axis *columns,
                    uint32_t channels, tg_real *row);
void tg_resample_f32(float *y, const float *x, const tg_resample_axis *rows, const tg_resample_axis *columns,
                     uint32_t channels, tg_real *row);

#endif
