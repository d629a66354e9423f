#include "kernels/merge.h"
#include "kernels/ref/ref.h"
#include "test.h"

static void test_kind(tg_merge_kind kind, size_t n) {
  const tg_real factor = (tg_real)(1.0 / 3);
  tg_real *a = test_filled(n, 0, 0), *b = test_filled(n, 0, 0), *dy = test_filled(n, 0, 0);
  tg_real *y = test_reals(n, 0), *da = test_reals(n, 0), *db = test_reals(n, 0);
  for (size_t i = 0; i < n; i += 3) b[i] = a[i]; /* ties */
  for (size_t i = 0; kind == TG_POWER && i < n; i++) {
    b[i] = i % 4 == 3 ? 4 * b[i] : (tg_real)((int)test_below(9) - 4); /* NaN where a fraction meets a negative number */
    if (i % 4 == 3) a[i] = (tg_real)fabs(a[i]);
  }
  tg_merge(kind, y, a, b, n, factor);
  tg_merge_backward(kind, da, db, dy, a, b, n, factor);
  for (size_t i = 0; i < n; i++) {
    double right = tg_ref_merge(kind, a[i], b[i], factor), slopes[2];
    tg_ref_merge_slopes(slopes, kind, a[i], b[i], factor);
    /* A power is off by what its logarithm, times the exponent, is. */
    const double roundings = kind == TG_POWER ? 12 + 4 * (fabs((double)b[i]) + 1) * fabs(log(fabs((double)a[i]))) : 6;
    CHECK_CLOSE(y[i], right, roundings * TEST_UNIT * (fabs(right) + factor));
    CHECK_CLOSE(da[i], dy[i] * slopes[0], roundings * TEST_UNIT * fabs(dy[i] * slopes[0]));
    CHECK_CLOSE(db[i], dy[i] * slopes[1], roundings * TEST_UNIT * fabs(dy[i] * slopes[1]));
  }
  tg_real *alone = test_reals(n, 0);
  tg_merge_backward(kind, NULL, alone, dy, a, b, n, factor);
  CHECK(test_same_bits(alone, db, n));
  tg_merge_backward(kind, alone, NULL, dy, a, b, n, factor);
  CHECK(test_same_bits(alone, da, n));
  for (size_t i = 0; i < n; i++) {
    tg_real one[1] = {1}, nan[1] = {(tg_real)NAN}, out[1];
    tg_merge(kind, out, i % 2 ? one : nan, i % 2 ? nan : one, 1, factor);
    CHECK(isnan(out[0]));
  }
  test_free_blocks();
}

static void test_rows(size_t rows, uint32_t n) {
  tg_real *a = test_filled(rows * n, 0, 0), *b = test_filled(rows * n, 0, 0), *y = test_reals(rows, 0);
  tg_real *scaled = test_reals(rows * n, 0);
  double *right = test_doubles(rows), *magnitude = test_doubles(rows);
  tg_dot_rows(y, a, b, rows, n);
  tg_ref_dot_rows(right, magnitude, a, b, rows, n);
  for (size_t i = 0; i < rows; i++) CHECK_CLOSE(y[i], right[i], test_gamma(n + 2) * magnitude[i]);
  tg_scale_rows(scaled, a, y, rows, n);
  for (size_t i = 0; i < rows * n; i++) CHECK(scaled[i] == a[i] * y[i / n]);
  test_free_blocks();
}

static void test_powers(void) {
  const struct {
    double a, b, y;
  } cases[] = {{-2, 3, -8},       {-2, 2, 4}, {-2, 0.5, NAN},  {0, 0, 1},           {0, 2, 0},
               {0, -1, INFINITY}, {-3, 0, 1}, {1e10, 3, 1e30}, {2, -149, 0x1p-149}, {-1, 16777217.0, -1}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (cases[i].b > 1e7 && sizeof(tg_real) == 4) continue; /* no odd numbers there */
    tg_real a = (tg_real)cases[i].a, b = (tg_real)cases[i].b, y;
    tg_merge(TG_POWER, &y, &a, &b, 1, 0);
    CHECK_CLOSE(y, cases[i].y, 1e-4 * fabs(cases[i].y) + (fabs(cases[i].y) < 1e-40 ? 1e-44 : 0));
  }
}

/* Numbers of all kinds give the same bits wherever they stand in an array. */
static void test_powers_apart(void) {
  enum { N = 999 };
  static const double kinds[] = {2, -0.5, 0, 1e-40, INFINITY, -3, NAN, -INFINITY, 0.7, -0.0, -1e-42, 1};
  tg_real *a = test_reals(N, 0), *b = test_reals(N, 0), *dy = test_filled(N, 0, 0), *whole = test_reals(3 * N, 0);
  tg_real *alone = test_reals(3 * N, 0);
  for (size_t i = 0; i < N; i++) {
    a[i] = (tg_real)(i < 300 ? 1.5 + (double)i : kinds[test_below(12)]);
    b[i] = (tg_real)(test_below(3) ? (double)test_below(7) - 3 : 0.37);
  }
  tg_merge(TG_POWER, whole, a, b, N, 0);
  tg_merge_backward(TG_POWER, whole + N, whole + 2 * N, dy, a, b, N, 0);
  for (size_t i = 0; i < N; i++) {
    tg_merge(TG_POWER, alone + i, a + i, b + i, 1, 0);
    tg_merge_backward(TG_POWER, alone + N + i, alone + 2 * N + i, dy + i, a + i, b + i, 1, 0);
  }
  for (size_t i = 0; i < 3 * N; i++) CHECK(isnan(whole[i]) ? isnan(alone[i]) : whole[i] == alone[i]);
  test_free_blocks();
}

int main(void) {
  test_powers();
  test_powers_apart();
  for (int kind = 0; kind < TG_MERGES; kind++)
    for (size_t n = 0; n < 40; n++) test_kind((tg_merge_kind)kind, n);
  for (uint32_t n = 1; n < 20; n++) test_rows(5, n);
  return test_report();
}
