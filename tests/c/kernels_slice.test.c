#include "kernels/ref/ref.h"
#include "kernels/slice.h"
#include "kernels/softmax.h"
#include "test.h"

static void test_window(const tg_slice_shape *s) {
  size_t in = 1, rows = 1;
  for (uint32_t d = 0; d < s->rank; d++) in *= s->from[d];
  for (uint32_t d = 0; d + 1 < s->rank; d++) rows *= s->to[d];
  const uint32_t n = s->to[s->rank - 1];
  tg_real *x = test_filled(in, 0, 0), *dy = test_filled(rows * n, 0, 1), *y = test_reals(rows * n, 0),
          *dx = test_reals(in, 0);
  double *right = test_doubles(rows * n), *gradient = test_doubles(in);
  for (uint32_t row = 0; row < rows; row += 3)
    tg_slice(y + row * n, x, s, row, row + 3 < rows ? row + 3 : (uint32_t)rows);
  tg_slice_backward(dx, dy, s);
  tg_ref_slice(right, gradient, x, dy, s);
  for (size_t i = 0; i < rows * n; i++) CHECK(y[i] == right[i]);
  for (size_t i = 0; i < in; i++) CHECK(dx[i] == gradient[i]); /* whole numbers: exact */
  test_free_blocks();
}

static void test_random_windows(void) {
  for (int k = 0; k < 2000; k++) {
    tg_slice_shape s = {.rank = 1 + test_below(4), .outside = (tg_outside)test_below(TG_OUTSIDES), .value = 7};
    for (uint32_t d = 0; d < s.rank; d++) {
      s.from[d] = 1 + test_below(d + 1 == s.rank ? 12 : 4);
      s.to[d] = 1 + test_below(d + 1 == s.rank ? 14 : 5);
      s.start[d] = (int64_t)test_below(9) - 4;
      s.step[d] = (int64_t)test_below(6) - 2;
      if (test_below(2)) s.step[d] = 1;
    }
    test_window(&s);
  }
}

static void test_hardmax(uint32_t rows, uint32_t n) {
  tg_real *x = test_filled(rows * n, 0, 1), *y = test_reals(rows * n, 0), *dx = test_reals(rows * n, 0);
  double *right = test_doubles(rows * n);
  tg_hardmax(y, x, rows, n);
  tg_ref_hardmax(right, x, rows, n);
  for (uint32_t i = 0; i < rows * n; i++) CHECK(y[i] == right[i]);
  tg_hardmax_backward(dx, x, y, rows, n);
  for (uint32_t i = 0; i < rows * n; i++) CHECK(dx[i] == 0);
  test_free_blocks();
}

int main(void) {
  test_random_windows();
  for (uint32_t n = 1; n < 20; n++) test_hardmax(4, n);
  return test_report();
}
