#include "kernels/fake_quantize.h"
#include "kernels/lean.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_mask(size_t n) {
  tg_real *x = test_filled(n, 0, 0), *kept = test_reals(n, 0);
  uint8_t *mask = test_block((n + 7) / 8);
  for (size_t i = 0; i < (n + 7) / 8; i++) mask[i] = (uint8_t)test_random();
  x[0] = -0.5;
  for (size_t i = 0; i < n; i++) kept[i] = mask[i / 8] >> i % 8 & 1 ? x[i] : 0;
  tg_keep_masked(x, mask, n);
  CHECK(test_same_bits(x, kept, n)); /* zeros are +0 */
  test_free_blocks();
}

/* Rounding differs from the twin's by a unit of the quotient: where that is a half, by a whole step. */
static int near_half(double quotient) { return fabs(fabs(quotient - rint(quotient)) - 0.5) < 127 * 4 * TEST_UNIT; }

static void test_columns(size_t rows, size_t columns) {
  const size_t n = rows * columns;
  tg_real *w = test_filled(n, 0, 0), *y = test_reals(n, 0), *halves = test_reals(n, 0);
  double *expected = test_doubles(n);
  for (size_t r = 0; r < rows; r++) w[r * columns] = 0; /* a column without size */
  tg_ref_fake_quantize_columns(expected, w, rows, columns);
  tg_fake_quantize_columns(y, w, rows, columns, 0, columns);
  for (size_t c = 0; c < columns; c++) {
    double largest = 0;
    for (size_t r = 0; r < rows; r++) largest = fmax(largest, fabs((double)w[r * columns + c]));
    for (size_t i = c; i < n; i += columns) {
      const int half = largest > 0 && near_half((double)w[i] / largest * 127);
      CHECK_CLOSE(y[i], expected[i], 4 * TEST_UNIT + (half ? 1.01 * largest / 127 : 0));
    }
  }
  const size_t middle = columns / 2 / 64 * 64;
  tg_fake_quantize_columns(halves, w, rows, columns, middle, columns);
  tg_fake_quantize_columns(halves, w, rows, columns, 0, middle);
  CHECK(test_same_bits(halves, y, n));
  test_free_blocks();
}

/* The scale is a power of two, so that both round the same number. */
static void test_values(size_t n, double scale, double zero) {
  tg_real *x = test_filled(n, 0, 0), *dy = test_filled(n, 0, 0), *y = test_reals(n, 0), *dx = test_reals(n, 0);
  double *expected = test_doubles(n), *slope = test_doubles(n);
  for (size_t i = 0; i < n; i++)
    x[i] = (tg_real)(rint((double)x[i] * 1600) / 4 * scale); /* halves, and beyond both ends */
  tg_ref_fake_quantize(expected, slope, x, n, scale, zero);
  tg_fake_quantize(y, x, n, (tg_byte_scale){(tg_real)scale, (tg_real)zero});
  tg_fake_quantize_backward(dx, dy, x, n, (tg_byte_scale){(tg_real)scale, (tg_real)zero});
  for (size_t i = 0; i < n; i++) {
    CHECK_CLOSE(y[i], expected[i], 0);
    CHECK_CLOSE(dx[i], slope[i] * (double)dy[i], 0);
  }
  tg_real range[2];
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    low = fmin(low, (double)x[i]);
    high = fmax(high, (double)x[i]);
  }
  tg_find_range(range, x, n);
  CHECK((double)range[0] == low && (double)range[1] == high);
  test_free_blocks();
}

static void test_bfloat16(size_t n) {
  tg_real *x = test_reals(n, 0), *back = test_reals(n, 0), *again = test_reals(n, 0);
  uint16_t *bits = test_block(n * sizeof *bits);
  for (size_t i = 0; i < n; i++) x[i] = (tg_real)(float)ldexp(test_uniform(-1, 1), (int)test_below(250) - 124);
  static const double edges[] = {0,      -0.0,   1,       1.00390625, 1.01171875, -1.00390625,
                                 3.3e38, 3.4e38, -3.4e38, 1e-40,      5e-41,      INFINITY};
  for (size_t i = 0; i < n && i < sizeof edges / sizeof *edges; i++) x[i] = (tg_real)(float)edges[i];
  tg_store_bfloat16(bits, x, n);
  tg_load_bfloat16(back, bits, n);
  for (size_t i = 0; i < n; i++) {
    const double right = tg_ref_bfloat16((double)x[i]);
    CHECK_MESSAGE((double)back[i] == right && signbit((double)back[i]) == signbit(right), "%.9g became %.9g, not %.9g",
                  (double)x[i], (double)back[i], right);
  }
  tg_store_bfloat16(bits, back, n);
  tg_load_bfloat16(again, bits, n);
  CHECK(test_same_bits(back, again, n));
  for (size_t i = 0; i < n; i++) x[i] = (tg_real)NAN;
  tg_store_bfloat16(bits, x, n);
  tg_load_bfloat16(back, bits, n);
  for (size_t i = 0; i < n; i++) CHECK(isnan((double)back[i]));
  test_free_blocks();
}

int main(void) {
  static const size_t sizes[] = {1, 3, 4, 7, 8, 9, 64, 1001};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    test_mask(sizes[i]);
    test_bfloat16(sizes[i]);
    test_values(sizes[i], 0.25, 0);
    test_values(sizes[i], 0.03125, 128);
    test_values(sizes[i], 2, 255);
  }
  test_columns(1, 1);
  test_columns(9, 3);
  test_columns(27, 32);
  test_columns(40, 131);
  return test_report();
}
