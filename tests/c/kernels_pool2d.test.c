#include "kernels/pool2d.h"
#include "kernels/ref/ref.h"
#include "size.h"
#include "test.h"

/* What some of the cells hold. */
typedef enum { NUMBERS, A_NAN, INFINITIES, SPECIALS } special;

static void test_max(const tg_pool2d_shape *s, uint32_t images, int whole, special special, int relu) {
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->channels;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->channels;
  /* Whole numbers make ties: the gradient must go to the first. */
  tg_real *x = test_filled(x_size, 0, whole), *dy = test_filled(y_size, 0, 1);
  if (special == A_NAN) x[test_below((uint32_t)x_size)] = (tg_real)NAN;
  for (size_t i = 0; special >= INFINITIES && i < x_size / 3 + 1; i++)
    x[test_below((uint32_t)x_size)] = i % 2 ? (tg_real)INFINITY : -(tg_real)INFINITY;
  for (size_t i = 0; special == SPECIALS && i < x_size / 9 + 1; i++) x[test_below((uint32_t)x_size)] = (tg_real)NAN;
  tg_real *y = test_reals(y_size, 0), *dx = test_reals(x_size, 0);
  double *expected_y = test_doubles(y_size), *expected_dx = test_doubles(x_size);
  tg_ref_max_pool2d(expected_y, x, s, images);
  if (relu) {
    /* The gradient of max(0, ·) first: what it stops reaches no cell. */
    for (size_t i = 0; i < y_size; i++) {
      if (!(expected_y[i] > 0)) dy[i] = 0;
      if (expected_y[i] < 0) expected_y[i] = 0;
    }
  }
  tg_ref_max_pool2d_backward(expected_dx, dy, x, s, images);
  if (relu) /* … which the kernel has to find out by itself */
    for (size_t i = 0; i < y_size; i++)
      if (!(expected_y[i] > 0)) dy[i] = 1;
  tg_real *winners = test_reals(tg_max_pool2d_winners(s, images), 0), *alone = test_reals(y_size, 0);
  for (uint32_t i = images; i-- > 0;) tg_max_pool2d(y, winners, x, s, i, i + 1, relu);
  tg_max_pool2d(alone, NULL, x, s, 0, images, relu);
  tg_max_pool2d_backward(dx, dy, winners, s, 0, images);
  for (size_t i = 0; i < y_size; i++) CHECK_CLOSE(y[i], expected_y[i], 0);
  for (size_t i = 0; i < y_size; i++) CHECK_CLOSE(alone[i], expected_y[i], 0);
  for (size_t i = 0; i < x_size; i++) CHECK_CLOSE(dx[i], expected_dx[i], 0);
  test_free_blocks();
}

static void test_average(const tg_pool2d_shape *s, uint32_t images) {
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->channels;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->channels;
  tg_real *x = test_filled(x_size, 0, 0), *dy = test_filled(y_size, 0, 0);
  tg_real *y = test_reals(y_size, 0), *dx = test_reals(x_size, 0);
  double *expected_y = test_doubles(y_size), *expected_dx = test_doubles(x_size);
  tg_ref_average_pool2d(expected_y, x, s, images);
  tg_ref_average_pool2d_backward(expected_dx, dy, s, images);
  tg_average_pool2d(y, x, s, 0, images);
  for (uint32_t i = images; i-- > 0;) tg_average_pool2d_backward(dx, dy, s, i, i + 1);
  /* All |x| < 1: a mean of n cells is within gamma_(n+2) of 1, a gradient sums at most n shares of at most 1; of an
   * adaptive pooling as many as windows meet a cell. */
  const double cells = (double)s->pool_h * s->pool_w, bound = test_gamma(cells + 2);
  const double windows = (tg_ceil_div(s->out_h, s->in_h) + 1.0) * (tg_ceil_div(s->out_w, s->in_w) + 1.0);
  const double shares = s->adaptive ? windows : cells;
  for (size_t i = 0; i < y_size; i++) CHECK_CLOSE(y[i], expected_y[i], bound);
  for (size_t i = 0; i < x_size; i++) CHECK_CLOSE(dx[i], expected_dx[i], test_gamma(shares + 2) * shares);
  test_free_blocks();
}

int main(void) {
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 7, 8, 13, 16, 33};
  static const uint32_t sizes[] = {1, 2, 3, 5, 6, 8, 13};
  for (uint32_t done = 0; done < 600;) {
    tg_pool2d_shape s = {.in_h = sizes[test_below(7)], .in_w = sizes[test_below(7)], .channels = channels[done % 10]};
    const int plain = done % 3 == 0;
    /* Sometimes more cells than a byte counts. */
    const int wide = !plain && done % 7 == 0;
    if (wide) s.in_h = s.in_w = 17;
    const uint32_t plain_h = 1 + test_below(2); /* of one row: over steps */
    s.pool_h = wide ? 16 : plain ? plain_h : 1 + test_below(3);
    s.pool_w = wide ? 16 : plain ? 2 : 1 + test_below(3);
    s.stride_h = plain ? plain_h : 1 + test_below(3);
    s.stride_w = plain ? 2 : 1 + test_below(3);
    s.pad_top = plain ? 0 : test_below(s.pool_h);
    s.pad_left = plain ? 0 : test_below(s.pool_w);
    if (s.in_h + s.pad_top < s.pool_h || s.in_w + s.pad_left < s.pool_w) continue;
    /* Sometimes one more window, that hangs over the far edge. */
    s.out_h = (s.in_h + s.pad_top - s.pool_h) / s.stride_h + 1;
    s.out_w = (s.in_w + s.pad_left - s.pool_w) / s.stride_w + 1;
    if (!plain && s.out_h * s.stride_h < s.in_h + s.pad_top) s.out_h += test_below(2);
    if (!plain && s.out_w * s.stride_w < s.in_w + s.pad_left) s.out_w += test_below(2);
    const uint32_t images = 1 + test_below(3);
    for (special k = NUMBERS; k <= SPECIALS; k++)
      for (int relu = 0; relu < 2; relu++) test_max(&s, images, done % 2, k, relu);
    s.count_padding = done / 2 % 2;
    test_average(&s, images);
    done++;
  }
  for (uint32_t done = 0; done < 200; done++) {
    tg_pool2d_shape s = {.in_h = 1 + test_below(9), .in_w = 1 + test_below(9), .channels = channels[done % 10]};
    s.adaptive = 1;
    if (done % 5 == 0) s.in_h = s.in_w = 33; /* more cells than a byte counts */
    s.out_h = 1 + test_below(9);             /* more than in_h too */
    s.out_w = 1 + test_below(9);
    s.pool_h = tg_ceil_div(s.in_h, s.out_h) + 1;
    s.pool_w = tg_ceil_div(s.in_w, s.out_w) + 1;
    for (special k = NUMBERS; k <= SPECIALS; k++)
      for (int relu = 0; relu < 2; relu++) test_max(&s, 2, done % 2, k, relu);
    test_average(&s, 2);
  }
  return test_report();
}
