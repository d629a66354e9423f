#include "kernels/conv2d.h"
#include "kernels/gemm.h"
#include "kernels/ref/ref.h"
#include "test.h"

static void check_products(const tg_real *actual, const double *expected, const double *magnitude, size_t n,
                           double terms, int whole) {
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(actual[i], expected[i], whole ? 0 : test_gamma(terms) * magnitude[i]);
}

static void test_gemm(uint32_t M, uint32_t K, uint32_t N, int with_bias, int relu, int whole) {
  const size_t mn = (size_t)M * N, packed_size = tg_gemm_packed_size(K, N);
  const uint32_t panels = tg_gemm_panels(N);
  tg_real *a = test_filled((size_t)M * K, TG_OVERREAD_REALS, whole), *b = test_filled((size_t)K * N, 0, whole);
  tg_real *bias = with_bias ? test_filled(N, 0, whole) : NULL;
  tg_real *packed = test_reals(packed_size, TG_OVERREAD_REALS), *c = test_reals(mn, 0);
  double *expected = test_doubles(mn), *magnitude = test_doubles(mn);
  tg_ref_gemm(expected, magnitude, a, b, bias, M, K, N, relu);

  tg_gemm_pack(packed, b, K, N, 0, panels);
  tg_gemm(c, a, packed, bias, K, N, 0, M, 0, panels, relu);
  check_products(c, expected, magnitude, mn, K + with_bias, whole);

  tg_real *bt = test_reals((size_t)K * N, TG_OVERREAD_REALS), *unpacked = test_reals(mn, 0);
  for (size_t k = 0; k < K; k++) {
    for (size_t n = 0; n < N; n++) bt[n * K + k] = b[k * N + n];
  }
  for (int transposed = 0; transposed < 2; transposed++) {
    for (size_t i = 0; i < mn; i++) unpacked[i] = 0;
    for (uint32_t panel = 0; panel < panels;) {
      uint32_t end = panel + 1 + test_below(5);
      if (end > panels) end = panels;
      tg_gemm_unpacked(unpacked, a, transposed ? bt : b, bias, M, K, N, panel, end, relu, transposed);
      panel = end;
    }
    CHECK_MESSAGE(test_same_bits(c, unpacked, mn), "%u x %u x %u unpacked, transposed %d", M, K, N, transposed);
  }

  tg_real *tiled = test_reals(mn, 0);
  for (uint32_t row = 0; row < M;) {
    uint32_t end = row + 1 + test_below(7);
    if (end > M) end = M;
    for (uint32_t panel = 0; panel < panels; panel++) {
      tg_gemm(tiled, a, packed, bias, K, N, row, end, panel, panel + 1, relu);
    }
    row = end;
  }
  CHECK_MESSAGE(test_same_bits(c, tiled, mn), "%u x %u x %u in tiles", M, K, N);
  test_free_blocks();
}

static void test_gemm_transposed(uint32_t M, uint32_t K, uint32_t N, int whole) {
  const size_t kn = (size_t)K * N;
  tg_real *a = test_filled((size_t)M * K, TG_OVERREAD_REALS, whole);
  tg_real *b = test_filled((size_t)M * N, TG_OVERREAD_REALS, whole);
  tg_real *c = test_reals(kn, 0), *tiled = test_reals(kn, 0);
  double *expected = test_doubles(kn), *magnitude = test_doubles(kn);
  tg_ref_gemm_transposed(expected, magnitude, a, b, M, K, N);
  tg_gemm_transposed(c, a, b, M, K, N, 0, K);
  check_products(c, expected, magnitude, kn, M, whole);
  for (uint32_t row = 0; row < K;) {
    uint32_t end = row + 1 + test_below(7);
    if (end > K) end = K;
    tg_gemm_transposed(tiled, a, b, M, K, N, row, end);
    row = end;
  }
  CHECK_MESSAGE(test_same_bits(c, tiled, kn), "%u x %u x %u in tiles", M, K, N);
  test_free_blocks();
}

/* A sum that may be a NaN is one, with ReLU as without. */
static void test_nan(void) {
  tg_real a[4] = {1, (tg_real)NAN, 2, 3}, b[4] = {1, 1, 1, 1}, packed[32], c[1];
  tg_gemm_pack(packed, b, 4, 1, 0, 1);
  tg_gemm(c, a, packed, NULL, 4, 1, 0, 1, 0, 1, 1);
  CHECK(isnan(c[0]));
}

int main(void) {
  static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 24, 33};
  enum { SIZES = sizeof sizes / sizeof sizes[0] };
  for (int m = 0; m < SIZES; m++) {
    for (int k = 0; k < SIZES; k++) {
      for (int n = 0; n < SIZES; n++) {
        test_gemm(sizes[m], sizes[k], sizes[n], (m + k) % 2, (k + n) % 2, (m + n) % 2);
        test_gemm_transposed(sizes[m], sizes[k], sizes[n], (m + n) % 2);
      }
    }
  }
  /* Past the cache blocks, in every direction. */
  test_gemm(101, 5, 17, 1, 1, 0);
  test_gemm(6, 512, 10, 1, 1, 0);
  test_gemm(6, 1030, 10, 1, 1, 0);
  test_gemm(100, 700, 12, 1, 1, 1);
  test_gemm(1, 600, 70, 1, 1, 0);
  test_gemm_transposed(256, 6, 10, 0);
  test_gemm_transposed(600, 7, 12, 0);
  test_gemm_transposed(600, 7, 12, 1);
  /* Rows of b 2 and 4 KB apart, whose columns are copied. */
  test_gemm_transposed(63, 7, 512, 1);
  test_gemm_transposed(64, 4, 512, 1);
  test_gemm_transposed(130, 37, 512, 0);
  test_gemm_transposed(97, 70, 1024, 1);
  test_nan();
  CHECK(tg_gemm_peak(2) > 0 && isfinite(tg_gemm_peak(2)));
  CHECK(tg_gemm_peak_flops(3) == 3 * tg_gemm_peak_flops(1));
  return test_report();
}
