#include "kernels/row_norm.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_kind(tg_row_norm_kind kind, size_t rows, uint32_t n, int weights) {
  const size_t size = rows * n;
  const tg_real epsilon = (tg_real)(kind == TG_UNIT_NORM ? 1e-12 : 1e-3);
  tg_real *x = test_filled(size, 0, 0), *dy = test_filled(size, 0, 0), *y = test_reals(size, 0);
  tg_real *dx = test_reals(size, 0), *sums = test_reals(2 * n, 0), *mean = test_reals(rows, 0);
  tg_real *inverse = test_reals(rows, 0), *gamma = test_filled(n, 0, 0), *beta = test_filled(n, 0, 0);
  double *right = test_doubles(size), *right_sums = test_doubles(2 * n);
  if (!weights) gamma = beta = NULL;
  /* A mean far from zero, and a row of zeros. */
  for (size_t i = 0; i < size; i++) x[i] = i / n == 1 ? 0 : x[i] + (tg_real)(i / n % 3);
  tg_row_norm(kind, y, mean, inverse, x, gamma, beta, epsilon, rows, n);
  tg_ref_row_norm(kind, right, x, gamma, beta, epsilon, rows, n);
  /* Distances from the mean carry the mean's roundings, magnified by the inverse. */
  for (size_t i = 0; i < size; i++)
    CHECK_CLOSE(y[i], right[i], 16 * TEST_UNIT * (1 + fabs(right[i]) + (fabs(x[i]) + 1) * inverse[i / n]));
  tg_row_norm_backward(kind, dx, sums, dy, x, mean, inverse, gamma, epsilon, rows, n);
  tg_ref_row_norm_backward(kind, right, right_sums, dy, x, gamma, epsilon, rows, n);
  for (size_t i = 0; i < size; i++) {
    double magnified = inverse[i / n] * (1 + 4 * inverse[i / n]);
    if (i / n == 1) magnified = inverse[1];
    CHECK_CLOSE(dx[i], right[i], 32 * TEST_UNIT * (magnified + fabs(right[i])));
  }
  double largest = 0;
  for (size_t row = 0; row < rows; row++) largest = fmax(largest, row == 1 ? 0 : (double)inverse[row]);
  for (uint32_t j = 0; j < 2 * n; j++)
    CHECK_CLOSE(sums[j], right_sums[j],
                (test_gamma((double)rows + 16) + 16 * TEST_UNIT) * (double)rows * (1 + 4 * largest));
  tg_real *alone = test_reals(size, 0);
  tg_row_norm_backward(kind, alone, NULL, dy, x, mean, inverse, gamma, epsilon, rows, n);
  CHECK(test_same_bits(alone, dx, size));
  tg_row_norm_backward(kind, dy, NULL, dy, x, mean, inverse, gamma, epsilon, rows, n); /* in place */
  CHECK(test_same_bits(dy, dx, size));
  tg_row_norm(kind, x, mean, inverse, x, gamma, beta, epsilon, rows, n);
  CHECK(test_same_bits(x, y, size));
  test_free_blocks();
}

int main(void) {
  static const uint32_t widths[] = {1, 3, 4, 5, 15, 16, 17, 64, 127};
  for (int kind = 0; kind <= TG_UNIT_NORM; kind++)
    for (unsigned w = 0; w < sizeof widths / sizeof *widths; w++)
      for (size_t rows = 1; rows < 9; rows += 3)
        for (int weights = 0; weights <= 1; weights++) test_kind((tg_row_norm_kind)kind, rows, widths[w], weights);
  tg_real x[2] = {1, (tg_real)NAN}, y[2], mean[1], inverse[1];
  for (int kind = 0; kind <= TG_UNIT_NORM; kind++) {
    tg_row_norm((tg_row_norm_kind)kind, y, mean, inverse, x, NULL, NULL, (tg_real)1e-3, 1, 2);
    CHECK(isnan(y[0]) && isnan(y[1]));
  }
  return test_report();
}
