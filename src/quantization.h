/*
 * How a value is held in bytes: x = scale * (q - zero), q in 0…255. One pair for a whole array (per tensor, affine: the
 * "quint8" of PyTorch). A scale of 0 says that the value is not quantised: it is an array of tg_real.
 */
#ifndef TG_QUANTIZATION_H
#define TG_QUANTIZATION_H

#include <stdint.h>

typedef struct {
  float scale;
  int32_t zero; /* 0…255 */
} tg_quantization;

#endif
