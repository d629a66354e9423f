/* Copies, transpositions, images in images, larger images. */
#include "kernels/copy.h"
#include "kernels/ref/ref.h"
#include "kernels/resize2d.h"
#include "test.h"

static void test_copies(size_t rows, size_t n) {
  const size_t apart = n + 3;
  tg_real *from = test_filled(rows * apart, 0, 0), *to = test_reals(rows * n, 0), *back = test_reals(rows * n, 0);
  double *right = test_doubles(rows * n);
  tg_copy_rows(to, n, from, apart, rows, n);
  for (size_t i = 0; i < rows * n; i++) CHECK(to[i] == from[i / n * apart + i % n]);
  tg_transpose(back, rows, from, apart, rows, n);
  tg_ref_transpose(right, to, rows, n);
  for (size_t i = 0; i < rows * n; i++) CHECK((double)back[i] == right[i]);
  tg_transpose(to, n, back, rows, n, rows);
  for (size_t i = 0; i < rows * n; i++) CHECK(to[i] == from[i / n * apart + i % n]);
  test_free_blocks();
}

static void test_place(uint32_t channels) {
  uint32_t from_h = 1 + test_below(5), from_w = 1 + test_below(5), to_h = 1 + test_below(8), to_w = 1 + test_below(8);
  int64_t top = (int64_t)test_below(9) - 4, left = (int64_t)test_below(9) - 4;
  size_t n = (size_t)to_h * to_w * channels;
  tg_real *from = test_filled((size_t)from_h * from_w * channels, 0, 0), *to = test_reals(n, 0);
  double *right = test_doubles(n);
  tg_place_image(to, to_h, to_w, from, from_h, from_w, top, left, channels);
  tg_ref_place_image(right, to_h, to_w, from, from_h, from_w, top, left, channels);
  for (size_t i = 0; i < n; i++) CHECK((double)to[i] == right[i]);
  test_free_blocks();
}

static void test_resize(uint32_t channels, int bilinear) {
  tg_resize2d_shape s = {1 + test_below(5), 1 + test_below(5), channels,
                         1 + test_below(4), 1 + test_below(4), bilinear};
  size_t in = (size_t)s.in_h * s.in_w * channels, out = in * s.size_h * s.size_w;
  tg_real *x = test_filled(in, 0, 0), *dy = test_filled(out, 0, 0), *y = test_reals(out, 0), *dx = test_reals(in, 0);
  double *right_y = test_doubles(out), *right_dx = test_doubles(in);
  tg_resize2d(y, x, &s);
  tg_resize2d_backward(dx, dy, &s);
  tg_ref_resize2d(right_y, right_dx, x, dy, &s);
  for (size_t i = 0; i < out; i++) CHECK_CLOSE(y[i], right_y[i], bilinear ? 12 * TEST_UNIT : 0);
  for (size_t i = 0; i < in; i++)
    CHECK_CLOSE(dx[i], right_dx[i], test_gamma(4.0 * s.size_h * s.size_w + 8) * s.size_h * s.size_w);
  test_free_blocks();
}

int main(void) {
  for (size_t rows = 1; rows < 12; rows++)
    for (size_t n = 1; n < 12; n++) test_copies(rows, n);
  test_copies(131, 6);
  test_copies(6, 131);
  test_copies(258, 133);
  for (uint32_t channels = 1; channels < 10; channels++)
    for (int i = 0; i < 60; i++) {
      test_place(channels);
      test_resize(channels, i % 2);
    }
  for (int i = 0; i < 60; i++) test_resize(16 + test_below(20), i % 2); /* several vectors at once */
  return test_report();
}
