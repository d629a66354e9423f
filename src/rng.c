#include "rng.h"

#include <math.h>

#include "kernels/math.h"

tg_rng tg_rng_start(uint64_t key, uint32_t stream, uint64_t step) {
  return (tg_rng){.key = key, .step = step, .stream = stream, .used = 4};
}

uint32_t tg_rng_next(tg_rng *rng) {
  if (rng->used == 4) {
    tg_philox(rng->words, rng->key, rng->block++, rng->stream, (uint32_t)rng->step, (uint32_t)(rng->step >> 32));
    rng->used = 0;
  }
  return rng->words[rng->used++];
}

double tg_rng_uniform(tg_rng *rng) { return (tg_rng_next(rng) >> 8) * (1.0 / 16777216.0); }

uint32_t tg_rng_below(tg_rng *rng, uint32_t bound) {
  uint64_t product = (uint64_t)tg_rng_next(rng) * bound;
  if ((uint32_t)product < bound) {
    uint32_t threshold = -bound % bound;
    while ((uint32_t)product < threshold) product = (uint64_t)tg_rng_next(rng) * bound;
  }
  return (uint32_t)(product >> 32);
}

double tg_rng_normal(tg_rng *rng) {
  double x, square;
  do {
    double y = 2 * tg_rng_uniform(rng) - 1;
    x = 2 * tg_rng_uniform(rng) - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  return x * sqrt(-2 * (double)tg_log((tg_real)square) / square);
}

void tg_rng_shuffle(tg_rng *rng, uint32_t *order, uint32_t first, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) order[i] = first + i;
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = tg_rng_below(rng, i), other = order[i - 1];
    order[i - 1] = order[j];
    order[j] = other;
  }
}
