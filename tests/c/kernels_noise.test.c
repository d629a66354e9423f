#include "kernels/noise.h"
#include "kernels/ref/ref.h"
#include "test.h"

static void test_noise(const tg_noise *noise, size_t n, uint64_t first) {
  tg_real *x = test_filled(n, 0, 0), *y = test_reals(n, 0), *parts = test_reals(n, 0);
  double *right = test_doubles(n);
  tg_add_noise(y, x, n, first, noise, 42, 5, 0x100000007u);
  tg_ref_add_noise(right, x, n, first, noise, 42, 5, 0x100000007u);
  /* Normal numbers are those of float's polynomials in both builds. */
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], right[i], 2e-6 * (1 + fabs(right[i])));
  for (size_t i = 0; i < n; i += 5)
    tg_add_noise(parts + i, x + i, n - i < 5 ? n - i : 5, first + i, noise, 42, 5, 0x100000007u);
  CHECK(test_same_bits(parts, y, n));
  tg_add_noise(x, x, n, first, noise, 42, 5, 0x100000007u); /* in place */
  CHECK(test_same_bits(x, y, n));
  test_free_blocks();
}

/* Mean, variance and third and fourth moments of many numbers, within five standard errors. */
static void test_moments(void) {
  enum { N = 200000 };
  const tg_noise noise = {.normal = 1, .summand = 1};
  tg_real *z = test_block(N * sizeof *z);
  tg_add_noise(z, z, N, 0, &noise, 7, 1, 2);
  double moments[5] = {0};
  for (size_t i = 0; i < N; i++)
    for (int k = 1; k < 5; k++) moments[k] += pow((double)z[i], k) / N;
  const double right[] = {0, 0, 1, 0, 3}, deviation[] = {0, 1, 1.42, 3.88, 9.8};
  for (int k = 1; k < 5; k++) CHECK_CLOSE(moments[k], right[k], 5 * deviation[k] / sqrt(N));
  test_free_blocks();
}

int main(void) {
  const tg_noise kinds[] = {{.normal = 1, .summand = (tg_real)0.3},
                            {.normal = 1, .spread = (tg_real)0.5},
                            {.threshold = 0x40000000u, .factor = (tg_real)1.25, .shift = (tg_real)0.2, .lost = -1}};
  for (unsigned k = 0; k < 3; k++)
    for (size_t n = 0; n < 30; n++) test_noise(&kinds[k], n, n % 7);
  test_noise(&kinds[0], 20000, 1);
  test_moments();
  for (uint32_t n = 1; n < 10; n++) {
    tg_real *x = test_filled(4 * n, 0, 0), *f = test_filled(n, 0, 0), *y = test_reals(4 * n, 0);
    tg_scale_columns(y, x, f, 4, n);
    for (uint32_t i = 0; i < 4 * n; i++) CHECK(y[i] == x[i] * f[i % n]);
    test_free_blocks();
  }
  return test_report();
}
