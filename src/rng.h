/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A number is a function of (key, counter), so any thread can draw element i, in any order, and the
 * same seed gives the same bits everywhere. There is no state to save: a resumed run continues by counting on.
 */
#ifndef TG_RNG_H
#define TG_RNG_H

#include <stdint.h>

/* What a draw is for; one word of the counter, so that no two uses share numbers. */
enum {
  TG_STREAM_INIT = 0x1000000,
  TG_STREAM_SHUFFLE = 0x2000000,
  TG_STREAM_DROPOUT = 0x3000000,
  TG_STREAM_AUGMENT = 0x4000000,
  TG_STREAM_MIXUP = 0x5000000
};

/* out (4) = Philox4x32-10 of `key` at counter (c0, c1, c2, c3). */
static inline void tg_philox(uint32_t out[4], uint64_t key, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c0 = n0;
    c1 = (uint32_t)p1;
    c2 = n2;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* A sequence of words for serial use (initialisation, shuffling). */
typedef struct {
  uint64_t key, step;
  uint32_t stream, block, words[4];
  unsigned used;
} tg_rng;

/* Starts the sequence of (key, stream, step) at its beginning. */
tg_rng tg_rng_start(uint64_t key, uint32_t stream, uint64_t step);
uint32_t tg_rng_next(tg_rng *rng);
/* Uniform in [0, 1) with 24 bits, exact in float. */
double tg_rng_uniform(tg_rng *rng);
/* Uniform in 0…bound-1 without bias (Lemire, "Fast random integer generation in an interval", 2019). */
uint32_t tg_rng_below(tg_rng *rng, uint32_t bound);
/* Standard normal, from uniforms in the unit disc (Marsaglia's polar method, which needs no sine and no cosine). */
double tg_rng_normal(tg_rng *rng);
/* order (n) = a permutation of first…first+n-1 (Fisher-Yates). */
void tg_rng_shuffle(tg_rng *rng, uint32_t *order, uint32_t first, uint32_t n);

#endif
