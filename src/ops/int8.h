/* What the operators on bytes share. */
#ifndef TG_OPS_INT8_H
#define TG_OPS_INT8_H

#include "../op.h"

/* The attributes of an output in bytes. */
#define TG_INT8_ATTRIBUTES(least_scale) {"scale", TG_REQUIRED, least_scale, 3e38, 0}, {"zeroPoint", 0, 0, 255, 1}
/* Smaller scales have no reciprocal in floats. */
#define TG_INT8_LEAST_SCALE 1e-37

/* Output quantization from attributes first (scale) and first + 1 (zeroPoint). */
static inline tg_quantization tg_int8_output(const tg_node *node, uint32_t first) {
  return (tg_quantization){(float)node->attributes[first], (int32_t)node->attributes[first + 1]};
}

#endif
