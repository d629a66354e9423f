#include "kernels/elementwise.h"
#include "kernels/philox.h"
#include "kernels/ref/ref.h"
#include "rng.h"
#include "test.h"

static void test_maps(size_t n) {
  tg_real *x = test_filled(n, 0, 0), *dy = test_filled(n, 0, 0), *y = test_reals(n, 0), *dx = test_reals(n, 0);
  double *expected = test_doubles(n);
  for (size_t i = 0; i < n; i++) x[i] *= 10;

  tg_relu(y, x, n);
  tg_ref_relu(expected, x, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], expected[i], 0);
  tg_relu_backward(dx, dy, y, n);
  tg_ref_relu_backward(expected, dy, y, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(dx[i], expected[i], 0);

  for (int relu = 0; relu <= 1; relu++) {
    tg_ref_add_arrays(expected, x, dy, n, relu);
    tg_add_arrays(dx, x, dy, n, relu);
    for (size_t i = 0; i < n; i++) CHECK_CLOSE(dx[i], (tg_real)expected[i], 0);
  }

  tg_ref_accumulate(expected, y, x, n);
  for (size_t i = 0; i < n; i++) expected[i] = (tg_real)expected[i];
  tg_accumulate(y, x, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], expected[i], 0);

  tg_relu(x, x, n); /* in place */
  for (size_t i = 0; i < n; i++) CHECK(x[i] >= 0);
  test_free_blocks();
}

static void test_split(void) {
  enum { N = 37 };
  tg_real *x = test_filled(N, 0, 0), *whole = test_reals(N, 0), *parts = test_reals(N, 0);
  tg_dropout(whole, x, N, 3, 0x40000000u, 2, 99, 1, 7);
  for (size_t i = 0; i < N; i += 5) {
    tg_dropout(parts + i, x + i, N - i < 5 ? N - i : 5, 3 + (uint32_t)i, 0x40000000u, 2, 99, 1, 7);
  }
  CHECK(test_same_bits(whole, parts, N));
  test_free_blocks();
}

static void test_not_finite(void) {
  tg_real special[3] = {(tg_real)NAN, (tg_real)INFINITY, (tg_real)-INFINITY}, y[3];
  tg_relu(y, special, 3);
  CHECK(isnan(y[0]) && isinf(y[1]) && y[2] == 0);
  for (size_t n = 1; n < 40; n++) {
    tg_real *x = test_filled(n, 0, 0);
    CHECK(tg_all_finite(x, n));
    for (size_t at = 0; at < n; at++) {
      tg_real kept = x[at];
      x[at] = special[at % 3];
      CHECK(!tg_all_finite(x, n) && !tg_ref_all_finite(x, n));
      x[at] = sizeof(tg_real) == 4 ? (tg_real)FLT_MAX : (tg_real)DBL_MAX;
      CHECK(tg_all_finite(x, n));
      x[at] = kept;
    }
  }
  CHECK(tg_all_finite(special, 0));
  test_free_blocks();
}

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 10 rounds). */
static void test_philox(void) {
  static const struct {
    uint32_t counter[4];
    uint64_t key;
    uint32_t words[4];
  } known[] = {{{0, 0, 0, 0}, 0, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
               {{~0u, ~0u, ~0u, ~0u}, ~(uint64_t)0, {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
               {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                0x299f31d0a4093822u,
                {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}}};
  for (size_t i = 0; i < 3; i++) {
    const uint32_t *c = known[i].counter;
    uint32_t words[4];
    tg_philox(words, known[i].key, c[0], c[1], c[2], c[3]);
    for (size_t j = 0; j < 4; j++) CHECK_MESSAGE(words[j] == known[i].words[j], "case %zu: %08x", i, words[j]);
  }
}

/* Words in bulk are those of one counter after the other, wherever the elements begin and end. */
static void test_words(uint64_t first, size_t n) {
  const tg_draw draw = {.key = 0x299f31d0a4093822u, .step = 0x0370734413198a2eu, .stream = 0x85a308d3u};
  uint32_t room[TG_WORDS + 4], right[4];
  const uint32_t *words;
  for (size_t i = 0, count; i < n; i += count) {
    count = tg_draw_words(room, &words, &draw, first + i, n - i);
    CHECK(count > 0 && count <= n - i && words + count <= room + TG_WORDS);
    for (size_t j = 0; j < count; j++) {
      const uint64_t at = first + i + j;
      tg_philox(right, draw.key, (uint32_t)(at / 4), draw.stream, 0x13198a2eu, 0x03707344u);
      CHECK_MESSAGE(words[j] == right[at % 4], "element %llu: %08x", (unsigned long long)at, words[j]);
    }
  }
}

static void test_dropout(size_t n, uint32_t first) {
  const uint32_t threshold = 0x40000000u; /* drops a quarter */
  tg_real *x = test_reals(n, 0), *y = test_reals(n, 0), *dx = test_reals(n, 0);
  double *expected = test_doubles(n);
  for (size_t i = 0; i < n; i++) x[i] = 3;
  tg_dropout(y, x, n, first, threshold, (tg_real)1.25, 42, 5, 0x100000007u);
  tg_ref_dropout(expected, x, n, first, threshold, (tg_real)1.25, 42, 5, 0x100000007u);
  tg_dropout(dx, x, n, first, threshold, 1, 42, 5, 0x100000007u);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    CHECK_CLOSE(y[i], expected[i], 0);
    CHECK((y[i] == 0) == (dx[i] == 0));
    kept += y[i] != 0;
  }
  /* Five standard deviations of a binomial distribution. */
  CHECK_CLOSE((double)kept, 0.75 * (double)n, 5 * sqrt(0.75 * 0.25 * (double)n) + 1);
  tg_dropout(x, x, n, first, threshold, (tg_real)1.25, 42, 5, 0x100000007u); /* in place */
  CHECK(test_same_bits(x, y, n));
  test_free_blocks();
}

int main(void) {
  for (size_t n = 0; n <= 40; n++) test_maps(n);
  test_split();
  test_not_finite();
  test_philox();
  for (uint64_t first = 0; first < 9; first++) {
    for (size_t n = 0; n < 70; n += n < 20 ? 1 : 7) test_words(first, n);
    test_words(0xfffffff0u + first, 3 * TG_WORDS + 1); /* past 2^32 elements */
    test_words(0x3fffffff0u + first, 100);             /* the first word of the counter begins again */
  }
  for (uint32_t first = 0; first < 5; first++) {
    for (size_t n = 0; n < 20; n++) test_dropout(n, first);
  }
  test_dropout(100000, 0xfffffff0u);
  return test_report();
}
