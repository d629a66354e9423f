#include "kernels/global_pool2d.h"
#include "kernels/norm.h"
#include "kernels/ref/ref.h"
#include "test.h"

/* Features far from zero by `offset` and of their own spread. */
static tg_real *features(size_t rows, uint32_t n, double offset) {
  tg_real *x = test_filled(rows * n, 0, 0);
  for (size_t i = 0; i < rows * n; i++)
    x[i] = (tg_real)((double)x[i] * (1 + (double)(i % n)) + offset * (1 - (double)(i % n % 3)));
  return x;
}

static void test_statistics(size_t rows, size_t chunk_rows, uint32_t n, double offset) {
  tg_real *x = features(rows, n, offset), *mean = test_reals(n, 0), *variance = test_reals(n, 0);
  size_t chunks = (rows + chunk_rows - 1) / chunk_rows;
  tg_real *parts = test_reals(2 * chunks * n, 0);
  double *expected_mean = test_doubles(n), *expected = test_doubles(n);
  for (size_t c = 0; c < chunks; c++) {
    size_t first = c * chunk_rows, count = rows - first < chunk_rows ? rows - first : chunk_rows;
    tg_norm_statistics(parts + 2 * c * n, parts + (2 * c + 1) * n, x + first * n, count, n);
  }
  tg_norm_combine(mean, variance, parts, rows, chunk_rows, n);
  tg_ref_norm_statistics(expected_mean, expected, x, rows, n);
  for (uint32_t j = 0; j < n; j++) {
    double spread = 1 + j, size = fabs(expected_mean[j]) + spread;
    CHECK_CLOSE(mean[j], expected_mean[j], 20 * TEST_UNIT * size);
    /* A large mean costs no more than rounding x itself would: its square is nowhere in the bound. */
    CHECK_CLOSE(variance[j], expected[j], 40 * TEST_UNIT * spread * (spread + size));
  }
  test_free_blocks();
}

static void test_passes(size_t rows, uint32_t n, int relu) {
  tg_real *x = features(rows, n, 1), *dy = test_filled(rows * n, 0, 0), *y = test_reals(rows * n, 0);
  tg_real *dx = test_reals(rows * n, 0), *sums = test_reals(2 * n, 0);
  tg_real *mean = test_filled(n, 0, 0), *gamma = test_filled(n, 0, 0), *beta = test_filled(n, 0, 0);
  tg_real *variance = test_filled(n, 0, 0), *inverse = test_reals(n, 0), *scale = test_reals(n, 0);
  tg_real *shift = test_reals(n, 0), *slope = test_filled(n, 0, 0), *offset = test_filled(n, 0, 0);
  double *expected = test_doubles(rows * n + 2 * n), *magnitude = test_doubles(2 * n);
  for (uint32_t j = 0; j < n; j++) variance[j] *= variance[j];

  tg_norm_prepare(inverse, scale, shift, variance, NULL, NULL, (tg_real)1e-3, n);
  for (uint32_t j = 0; j < n; j++) {
    CHECK_CLOSE(inverse[j], 1 / sqrt((double)variance[j] + (double)(tg_real)1e-3), 2 * TEST_UNIT * (double)inverse[j]);
    CHECK(scale[j] == inverse[j] && shift[j] == 0);
  }
  tg_norm_prepare(inverse, scale, shift, variance, gamma, beta, (tg_real)1e-3, n);
  for (uint32_t j = 0; j < n; j++) CHECK(scale[j] == inverse[j] * gamma[j] && shift[j] == beta[j]);

  tg_norm(y, x, mean, scale, shift, rows, n, relu);
  tg_ref_norm(expected, x, mean, scale, shift, rows, n, relu);
  for (size_t i = 0; i < rows * n; i++) {
    double size = fabs((double)x[i]) + fabs((double)mean[i % n]);
    CHECK_CLOSE(y[i], expected[i], 4 * TEST_UNIT * (size * fabs((double)scale[i % n]) + 1));
  }
  const tg_real *mask = relu ? y : NULL;
  tg_norm_backward_sums(sums, dy, x, mean, scale, shift, rows, n, relu);
  tg_ref_norm_backward_sums(expected, magnitude, dy, x, mean, mask, rows, n);
  for (uint32_t j = 0; j < 2 * n; j++) CHECK_CLOSE(sums[j], expected[j], test_gamma((double)rows + 4) * magnitude[j]);
  tg_norm_backward(dx, dy, x, mean, scale, shift, slope, offset, rows, n, relu);
  tg_ref_norm_backward(expected, dy, x, mean, scale, slope, offset, mask, rows, n);
  for (size_t i = 0; i < rows * n; i++) {
    double size = fabs((double)scale[i % n]) + fabs((double)x[i]) + fabs((double)mean[i % n]) + 1;
    CHECK_CLOSE(dx[i], expected[i], 6 * TEST_UNIT * size);
  }
  tg_norm_backward(dy, dy, x, mean, scale, shift, slope, offset, rows, n, relu); /* in place */
  CHECK(test_same_bits(dx, dy, rows * n));
  test_free_blocks();
}

static void test_global_pool(size_t cells, uint32_t channels) {
  tg_real *x = test_filled(cells * channels, 0, 0), *y = test_reals(channels, 0), *dx = test_reals(cells * channels, 0);
  double *expected = test_doubles(cells * channels), *magnitude = test_doubles(channels);
  tg_global_average_pool2d(y, x, cells, channels);
  tg_ref_global_average_pool2d(expected, magnitude, x, cells, channels);
  for (uint32_t c = 0; c < channels; c++) CHECK_CLOSE(y[c], expected[c], test_gamma((double)cells + 2) * magnitude[c]);
  tg_global_average_pool2d_backward(dx, y, cells, channels);
  tg_ref_global_average_pool2d_backward(expected, y, cells, channels);
  for (size_t i = 0; i < cells * channels; i++) CHECK_CLOSE(dx[i], expected[i], 2 * TEST_UNIT * fabs(expected[i]));
  test_free_blocks();
}

int main(void) {
  static const uint32_t widths[] = {1, 3, 4, 5, 8, 13, 16, 64, 127};
  static const size_t rows[] = {1, 2, 63, 64, 65, 200};
  for (unsigned w = 0; w < sizeof widths / sizeof *widths; w++)
    for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
      for (int relu = 0; relu <= 1; relu++) test_passes(rows[r], widths[w], relu);
      for (size_t chunk = 1; chunk <= 128; chunk *= 8) {
        test_statistics(rows[r], chunk, widths[w], 0);
        test_statistics(rows[r], chunk, widths[w], 1000);
      }
      test_global_pool(rows[r], widths[w]);
    }
  return test_report();
}
