/* What every C test uses: checks that count and name their line, memory with exact ends, numbers from a seed. */
#ifndef TG_TEST_H
#define TG_TEST_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "real.h"

static int test_passed, test_failed;

/* Counts one check; the text says what was compared when it fails. */
#define CHECK_MESSAGE(condition, ...)                        \
  do {                                                       \
    if (condition) {                                         \
      test_passed++;                                         \
    } else if (++test_failed <= 20) {                        \
      printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      printf(__VA_ARGS__);                                   \
      printf("\n");                                          \
    }                                                        \
  } while (0)
#define CHECK(condition) CHECK_MESSAGE(condition, "failed")
/* |actual - expected| <= bound; two NaN are equal, and so are two equal infinities. */
#define CHECK_CLOSE(actual, expected, bound)                                                               \
  do {                                                                                                     \
    double test_a = (double)(actual), test_e = (double)(expected), test_b = (double)(bound);               \
    CHECK_MESSAGE(test_a == test_e || (isnan(test_a) && isnan(test_e)) || fabs(test_a - test_e) <= test_b, \
                  "%s is %.9g, expected %.9g within %.3g", #actual, test_a, test_e, test_b);               \
  } while (0)

/* The unit roundoff of tg_real: half the distance from 1 to the next number. */
#define TEST_UNIT ((sizeof(tg_real) == 4 ? (double)FLT_EPSILON : DBL_EPSILON) / 2)

/* The bound of Higham (3.5) on a sum of n products, whatever its order: gamma_n times the sum of their absolute values;
 * twice in the double build, where the reference rounds as the kernel does. */
static inline double test_gamma(double n) {
  double u = TEST_UNIT, reference = DBL_EPSILON / 2;
  return n * u / (1 - n * u) + n * reference / (1 - n * reference);
}

static uint64_t test_state = 0x9E3779B97F4A7C15u;
/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint32_t test_random(void) {
  uint64_t z = test_state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ (z >> 31)) >> 32);
}
static inline uint32_t test_below(uint32_t n) { return test_random() % n; }
static inline double test_uniform(double low, double high) {
  return low + (high - low) * (test_random() / 4294967296.0);
}

static void *test_blocks[256];
static int test_n_blocks;
/* A block that ends exactly where it says, so that a sanitizer sees the first byte beyond. */
static inline void *test_block(size_t bytes) {
  void *p = calloc(bytes ? bytes : 1, 1);
  if (!p || test_n_blocks == 256) abort();
  return test_blocks[test_n_blocks++] = p;
}
static inline void test_free_blocks(void) {
  while (test_n_blocks) free(test_blocks[--test_n_blocks]);
}
static inline void test_free_last(void) { free(test_blocks[--test_n_blocks]); }
/* n reals, and `beyond` more that may be read: all NaN, so that one used by mistake, or left unwritten, shows. */
static inline tg_real *test_reals(size_t n, size_t beyond) {
  tg_real *p = test_block((n + beyond) * sizeof *p);
  for (size_t i = 0; i < n + beyond; i++) p[i] = (tg_real)NAN;
  return p;
}
/* n uniform numbers in [-1, 1), or whole numbers -3…3, whose products and sums are exact. */
static inline tg_real *test_filled(size_t n, size_t beyond, int whole) {
  tg_real *p = test_reals(n, beyond);
  for (size_t i = 0; i < n; i++) p[i] = whole ? (tg_real)((int)test_below(7) - 3) : (tg_real)test_uniform(-1, 1);
  return p;
}
static inline double *test_doubles(size_t n) { return test_block(n * sizeof(double)); }

static inline int test_same_bits(const tg_real *a, const tg_real *b, size_t n) {
  return memcmp(a, b, n * sizeof *a) == 0;
}

static inline int test_report(void) {
  test_free_blocks();
  printf("%d passed, %d failed\n", test_passed, test_failed);
  return test_failed ? 1 : 0;
}

#endif
