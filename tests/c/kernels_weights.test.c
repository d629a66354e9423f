#include "kernels/weights.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_penalty(size_t n) {
  tg_real *w = test_filled(n, 0, 0), *g = test_filled(n, 0, 0);
  double *expected = test_doubles(n);
  if (n > 2) w[2] = 0;
  for (size_t i = 0; i < n; i++) expected[i] = g[i];
  const double l1 = 0.03, l2 = 0.4, right = tg_ref_penalty(expected, w, l1, l2, n);
  const double alone = tg_penalty(NULL, w, l1, l2, n), found = tg_penalty(g, w, l1, l2, n);
  CHECK(alone == found);
  CHECK_CLOSE(found, right, (double)n * TEST_UNIT * right + TEST_UNIT);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(g[i], expected[i], 8 * TEST_UNIT);
  test_free_blocks();
}

static void test_norms(const uint32_t dims[4], uint32_t axes, tg_norm_range range) {
  const size_t size = (size_t)dims[0] * dims[1] * dims[2] * dims[3];
  tg_real *w = test_filled(size, 0, 0), *halves = test_reals(size, 0);
  for (size_t i = 0; i < size; i++) halves[i] = w[i];
  double *expected = test_doubles(size);
  tg_ref_constrain_norms(expected, w, dims, axes, (double)range.min, (double)range.max, (double)range.rate);
  tg_constrain_norms(w, dims, axes, 0, dims[3], range);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(w[i], expected[i], 200 * TEST_UNIT * (1 + fabs(expected[i])));
  if (!(axes & 8)) { /* in two parts: the same bits */
    const uint32_t middle = dims[3] / 2 / 4 * 4;
    tg_constrain_norms(halves, dims, axes, middle, dims[3], range);
    tg_constrain_norms(halves, dims, axes, 0, middle, range);
    CHECK(test_same_bits(halves, w, size));
  }
  test_free_blocks();
}

static void test_orthogonal(size_t rows, size_t n) {
  tg_real *q = test_filled(rows * n, 0, 0);
  tg_orthogonalize(q, rows, n);
  double worst = 0;
  for (size_t a = 0; a < rows; a++)
    for (size_t b = 0; b <= a; b++) {
      double sum = 0;
      for (size_t i = 0; i < n; i++) sum += (double)q[a * n + i] * q[b * n + i];
      worst = fmax(worst, fabs(sum - (a == b)));
    }
  CHECK_MESSAGE(worst <= 64 * TEST_UNIT, "%d of %d: off by %g", (int)rows, (int)n, worst);
  test_free_blocks();
}

int main(void) {
  static const size_t sizes[] = {1, 3, 4, 7, 64, 1001};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) test_penalty(sizes[i]);
  static const uint32_t shapes[][4] = {{1, 1, 1, 5}, {1, 1, 9, 7}, {3, 2, 5, 6}, {1, 1, 6, 150}, {2, 3, 4, 1}};
  static const tg_norm_range ranges[] = {{0, 1, 1}, {1, 1, 1}, {(tg_real)0.5, 1, (tg_real)0.25}, {0, 100, 1}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (uint32_t axes = 0; axes < 16; axes++)
      for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) test_norms(shapes[s], axes, ranges[r]);
  tg_real none[8] = {0};
  tg_constrain_norms(none, (const uint32_t[4]){1, 1, 2, 4}, 4, 0, 4, (tg_norm_range){1, 1, 1});
  for (int i = 0; i < 8; i++) CHECK(none[i] == 0);
  tg_real mixed[5] = {-1, 2, -3, 4, -5};
  tg_constrain_positive(mixed, 5);
  CHECK(mixed[0] == 0 && mixed[1] == 2 && mixed[2] == 0 && mixed[3] == 4 && mixed[4] == 0);
  test_orthogonal(1, 1);
  test_orthogonal(5, 5);
  test_orthogonal(30, 64);
  test_orthogonal(67, 67);
  return test_report();
}
