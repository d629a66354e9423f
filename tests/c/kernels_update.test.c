/* Optimizer updates, row sums and the gathering of batches. */
#include "kernels/update.h"

#include "kernels/gather.h"
#include "kernels/reduce.h"
#include "kernels/ref/ref.h"
#include "test.h"

static void test_updates(size_t n) {
  tg_real *w0 = test_filled(n, 0, 0), *m0 = test_filled(n, 0, 0), *v0 = test_filled(n, 0, 0);
  tg_real *g = test_filled(n, 0, 0), *w = test_reals(n, 0), *m = test_reals(n, 0), *v = test_reals(n, 0);
  double *expected_w = test_doubles(n), *expected_m = test_doubles(n), *expected_v = test_doubles(n);
  const double bound = 16 * TEST_UNIT;
  for (size_t i = 0; i < n; i++) v0[i] *= v0[i];

  memcpy(w, w0, n * sizeof *w);
  tg_sgd_update(w, g, (tg_real)0.125, n);
  tg_ref_sgd_update(expected_w, w0, g, 0.125, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(w[i], expected_w[i], bound);

  for (int nesterov = 0; nesterov < 2; nesterov++) {
    memcpy(w, w0, n * sizeof *w);
    memcpy(m, m0, n * sizeof *m);
    tg_momentum_update(w, m, g, (tg_real)0.125, (tg_real)0.75, nesterov, n);
    tg_ref_momentum_update(expected_w, expected_m, w0, m0, g, 0.125, 0.75, nesterov, n);
    for (size_t i = 0; i < n; i++) {
      CHECK_CLOSE(w[i], expected_w[i], bound);
      CHECK_CLOSE(m[i], expected_m[i], bound);
    }
  }

  memcpy(w, w0, n * sizeof *w);
  memcpy(m, m0, n * sizeof *m);
  memcpy(v, v0, n * sizeof *v);
  tg_adam_update(w, m, v, g, (tg_real)0.001, 0.9, 0.999, (tg_real)1e-7, n);
  tg_ref_adam_update(expected_w, expected_m, expected_v, w0, m0, v0, g, 0.001, 0.9, 0.999, 1e-7, n);
  for (size_t i = 0; i < n; i++) {
    CHECK_CLOSE(m[i], expected_m[i], bound);
    CHECK_CLOSE(v[i], expected_v[i], bound);
    CHECK_CLOSE(w[i], expected_w[i], bound * (1 + fabs(expected_w[i] - (double)w0[i]) * 16));
  }

  /* In pieces: the same bits. */
  tg_real *pw = test_reals(n, 0), *pm = test_reals(n, 0), *pv = test_reals(n, 0);
  memcpy(pw, w0, n * sizeof *w);
  memcpy(pm, m0, n * sizeof *m);
  memcpy(pv, v0, n * sizeof *v);
  for (size_t i = 0; i < n; i += 3) {
    tg_adam_update(pw + i, pm + i, pv + i, g + i, (tg_real)0.001, 0.9, 0.999, (tg_real)1e-7, n - i < 3 ? n - i : 3);
  }
  CHECK(test_same_bits(w, pw, n) && test_same_bits(m, pm, n) && test_same_bits(v, pv, n));
  test_free_blocks();
}

/* Moments too small to move a weight become zero; NaN stays for the engine's checks to find. */
static void test_tiny_moments(void) {
  tg_real w[5] = {1, 1, 1, 1, 1}, g[5] = {0, 0, 0, 0, 0};
  tg_real m[5] = {(tg_real)1e-31, (tg_real)-1e-31, (tg_real)1e-20, (tg_real)NAN, (tg_real)1e-31};
  tg_real v[5] = {(tg_real)1e-32, (tg_real)1e-20, 1, 1, (tg_real)1e-32};
  tg_adam_update(w, m, v, g, (tg_real)0.001, 0.9, 0.999, (tg_real)1e-7, 5);
  CHECK(m[0] == 0 && m[1] == 0 && m[2] > 0 && isnan(m[3]) && m[4] == 0);
  CHECK(v[0] == 0 && v[1] > 0 && v[2] > 0 && v[3] > 0 && v[4] == 0);
  CHECK(w[0] == 1 && w[1] == 1 && w[2] == 1 && isnan(w[3]) && w[4] == 1);
}

static void test_sums(size_t rows, uint32_t n, int whole) {
  const size_t size = rows * n;
  tg_real *x = test_filled(size, 0, whole), *y = test_filled(size, 0, whole), *sum = test_reals(n, 0);
  tg_real *dy = test_reals(size, 0), *again = test_reals(n, 0);
  double *expected = test_doubles(n), *magnitude = test_doubles(n), *expected_dy = test_doubles(size);
  tg_sum_rows(sum, x, rows, n);
  tg_ref_sum_rows(expected, magnitude, x, rows, n);
  for (size_t j = 0; j < n; j++) CHECK_CLOSE(sum[j], expected[j], whole ? 0 : test_gamma((double)rows) * magnitude[j]);

  memcpy(dy, x, size * sizeof *dy);
  tg_relu_backward_sum_rows(dy, sum, y, rows, n);
  tg_ref_relu_backward(expected_dy, x, y, size);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dy[i], expected_dy[i], 0);
  tg_sum_rows(again, dy, rows, n);
  CHECK(test_same_bits(sum, again, n));
  test_free_blocks();
}

static void test_gather(uint32_t channels, size_t pixels) {
  enum { SAMPLES = 5, N = 4 };
  const size_t size = pixels * channels;
  const uint32_t order[N] = {4, 0, 3, 0};
  uint8_t *bytes = test_block(SAMPLES * size);
  float *floats = test_block(SAMPLES * size * sizeof *floats);
  tg_real *scale = test_filled(channels, 3, 0), *offset = test_filled(channels, 3, 0), *y = test_reals(N * size, 0);
  double *expected = test_doubles(N * size);
  for (size_t i = 0; i < SAMPLES * size; i++) {
    bytes[i] = (uint8_t)test_below(256);
    floats[i] = (float)test_uniform(-1, 1);
  }
  tg_gather_u8(y, bytes, order, N, size, channels, scale, offset);
  tg_ref_gather_u8(expected, bytes, order, N, size, channels, scale, offset);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 4 * 256 * TEST_UNIT);
  tg_gather_f32(y, floats, order, N, size, channels, scale, offset);
  tg_ref_gather_f32(expected, floats, order, N, size, channels, scale, offset);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 4 * TEST_UNIT);
  tg_gather_f32(y, floats, order, N, size, channels, NULL, NULL);
  tg_ref_gather_f32(expected, floats, order, N, size, channels, NULL, NULL);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 0);
  test_free_blocks();
}

int main(void) {
  test_tiny_moments();
  static const size_t row_counts[] = {1, 2, 3, 5, 63, 64, 65, 200};
  for (size_t n = 0; n <= 30; n++) test_updates(n);
  for (size_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++) {
    for (uint32_t n = 1; n <= 33; n += 1 + n / 6) {
      test_sums(row_counts[i], n, 0);
      test_sums(row_counts[i], n, 1);
    }
  }
  test_sums(0, 5, 0);
  for (uint32_t channels = 1; channels <= 17; channels++) {
    for (size_t pixels = 1; pixels <= 17; pixels += 3) test_gather(channels, pixels);
  }
  return test_report();
}
