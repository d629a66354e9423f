/*
 * Size arithmetic. Every size that depends on what a person typed goes through these: 64 bits, and a result that does
 * not fit becomes TG_SIZE_OVERFLOW, which stays so through further sums and products and exceeds every limit.
 */
#ifndef TG_SIZE_H
#define TG_SIZE_H

#include <stdint.h>

#define TG_SIZE_OVERFLOW UINT64_MAX

/* The most elements one array may have: 1 GiB of floats, so that an offset in it fits 32-bit pointers and int32. */
#define TG_MAX_ELEMENTS (UINT64_C(1) << 28)

static inline uint64_t tg_mul(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? TG_SIZE_OVERFLOW : product;
}

static inline uint64_t tg_add(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? TG_SIZE_OVERFLOW : sum;
}

/* Rounds up to a multiple of `unit`, a power of two. */
static inline uint64_t tg_align_up(uint64_t size, uint64_t unit) {
  uint64_t padded = tg_add(size, unit - 1);
  return padded == TG_SIZE_OVERFLOW ? TG_SIZE_OVERFLOW : padded & ~(unit - 1);
}

static inline uint32_t tg_ceil_div(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }
static inline uint32_t tg_min(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t tg_max(uint32_t a, uint32_t b) { return a > b ? a : b; }

#endif
