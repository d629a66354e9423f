#include "kernels/softmax.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_softmax(uint32_t rows, uint32_t n) {
  const size_t size = (size_t)rows * n;
  tg_real *x = test_filled(size, 0, 0), *dy = test_filled(size, 0, 0), *y = test_reals(size, 0);
  tg_real *dx = test_reals(size, 0);
  double *expected = test_doubles(size);
  for (size_t i = 0; i < size; i++) x[i] *= 20;
  tg_softmax(y, x, rows, n);
  tg_ref_softmax(expected, x, rows, n);
  const double tolerance = (64 + n / 4) * TEST_UNIT;
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(y[i], expected[i], tolerance * expected[i]);
  tg_softmax_backward(dx, dy, y, rows, n);
  tg_ref_softmax_backward(expected, dy, y, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dx[i], expected[i], tolerance * (double)y[i]);
  tg_softmax(x, x, rows, n); /* in place */
  CHECK(test_same_bits(x, y, size));
  test_free_blocks();
}

static void test_log_softmax(uint32_t rows, uint32_t n) {
  const size_t size = (size_t)rows * n;
  tg_real *x = test_filled(size, 0, 0), *dy = test_filled(size, 0, 0), *y = test_reals(size, 0);
  tg_real *dx = test_reals(size, 0);
  double *expected = test_doubles(size);
  for (size_t i = 0; i < size; i++) x[i] *= 20;
  tg_log_softmax(y, x, rows, n);
  tg_ref_log_softmax(expected, x, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(y[i], expected[i], 64 * TEST_UNIT * (1 + fabs(expected[i])));
  tg_log_softmax_backward(dx, dy, y, rows, n);
  tg_ref_log_softmax_backward(expected, dy, y, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dx[i], expected[i], 64 * TEST_UNIT * (1 + exp((double)y[i]) * n));
  tg_log_softmax(x, x, rows, n); /* in place */
  CHECK(test_same_bits(x, y, size));
  test_free_blocks();
}

typedef void rows_kernel(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n);

/* A row's bits do not depend on the rows beside it, and a NaN spreads over its row alone. */
static void test_rows_apart(rows_kernel *kernel, uint32_t rows, uint32_t n) {
  const size_t size = (size_t)rows * n;
  tg_real *x = test_filled(size, 0, 0), *y = test_reals(size, 0), *alone = test_reals(size, 0);
  for (size_t row = 0; row < rows; row += 7) x[row * n + row % n] = (tg_real)NAN;
  kernel(y, x, rows, n);
  for (size_t row = 0; row < rows; row++) kernel(alone + row * n, x + row * n, 1, n);
  for (size_t i = 0; i < size; i++) CHECK(isnan(y[i]) ? i / n % 7 == 0 && isnan(alone[i]) : y[i] == alone[i]);
  for (size_t row = 0; row < rows; row += 7)
    for (size_t j = 0; j < n; j++) CHECK(isnan(y[row * n + j]));
  test_free_blocks();
}

int main(void) {
  tg_real x[3] = {1000, 0, -1000}, y[3];
  tg_softmax(y, x, 1, 3);
  CHECK(y[0] == 1 && y[1] == 0 && y[2] == 0);
  static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 10, 13, 33, 255, 256, 257, 511, 1023, 1024, 1025, 2500};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    for (uint32_t rows = 1; rows <= 3; rows++) {
      test_softmax(rows, sizes[i]);
      test_log_softmax(rows, sizes[i]);
    }
  static const uint32_t many[][2] = {{300, 10}, {1500, 1}, {9, 1023}, {8, 1024}, {700, 3}, {20, 128}, {10, 256}};
  for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
    test_softmax(many[i][0], many[i][1]);
    test_log_softmax(many[i][0], many[i][1]);
    test_rows_apart(tg_softmax, many[i][0], many[i][1]);
    test_rows_apart(tg_log_softmax, many[i][0], many[i][1]);
  }
  return test_report();
}
