/* Copies chosen samples of a data set into a batch, normalised. */
#ifndef TG_KERNELS_GATHER_H
#define TG_KERNELS_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y (n, size) = samples[order[i]] * scale[c] + offset[c], c the channel, channels innermost; size is a multiple of
 * channels. scale, offset hold `channels` values; three more may be read. */
void tg_gather_u8(tg_real *y, const uint8_t *samples, const uint32_t *order, uint32_t n, size_t size, uint32_t channels,
                  const tg_real *scale, const tg_real *offset);
/* The same from floats. scale and offset both NULL: copied as they are. */
void tg_gather_f32(tg_real *y, const float *samples, const uint32_t *order, uint32_t n, size_t size, uint32_t channels,
                   const tg_real *scale, const tg_real *offset);

#endif
