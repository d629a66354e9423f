#include "kernels/depthwise.h"
#include "kernels/ref/ref.h"
#include "test.h"

static void check(const tg_real *actual, const double *expected, const double *magnitude, size_t n, double terms,
                  int whole, const char *what, const tg_conv2d_shape *s) {
  for (size_t i = 0; i < n; i++) {
    const double bound = whole ? 0 : test_gamma(terms) * magnitude[i];
    CHECK_MESSAGE(
        fabs(actual[i] - expected[i]) <= bound,
        "%s [%zu] is %.9g, expected %.9g (%ux%ux%u to %ux%u, kernel %ux%u, stride %ux%u, pad %u %u, skip %u %u)", what,
        i, (double)actual[i], expected[i], s->in_h, s->in_w, s->in_c, s->out_h, s->out_w, s->kernel_h, s->kernel_w,
        s->stride_h, s->stride_w, s->pad_top, s->pad_left, s->skip_h, s->skip_w);
  }
}

static void test_shape(const tg_conv2d_shape *s, uint32_t images, int whole, int with_bias, int relu) {
  const size_t C = s->in_c, x_image = s->in_h * s->in_w * C, y_image = s->out_h * s->out_w * C;
  const size_t taps = (size_t)s->kernel_h * s->kernel_w, beyond = TG_OVERREAD_REALS;
  tg_real *x = test_filled(images * x_image, beyond, whole), *dy = test_filled(images * y_image, beyond, whole);
  tg_real *w = test_filled(taps * C, beyond, whole), *bias = with_bias ? test_filled(C, beyond, whole) : NULL;
  tg_real *y = test_reals(images * y_image, 0), *dx = test_reals(images * x_image, 0);
  tg_real *scratch = test_reals(TG_DEPTHWISE_SCRATCH, 0);
  double *expected = test_doubles(images * y_image), *magnitude = test_doubles(images * y_image);

  tg_ref_depthwise_forward(expected, magnitude, x, w, bias, s, images, relu);
  for (uint32_t i = images; i-- > 0;) {
    const uint32_t half = test_below(s->out_h + 1);
    tg_depthwise_forward(y + i * y_image, x + i * x_image, w, bias, s, scratch, half, s->out_h, relu);
    tg_depthwise_forward(y + i * y_image, x + i * x_image, w, bias, s, scratch, 0, half, relu);
  }
  check(y, expected, magnitude, images * y_image, (double)(taps + 1), whole, "y", s);

  expected = test_doubles(images * x_image);
  magnitude = test_doubles(images * x_image);
  tg_ref_depthwise_input_gradient(expected, magnitude, dy, w, s, images);
  for (uint32_t i = images; i-- > 0;) {
    const uint32_t half = test_below(s->in_h + 1);
    tg_depthwise_input_gradient(dx + i * x_image, dy + i * y_image, w, s, scratch, half, s->in_h);
    tg_depthwise_input_gradient(dx + i * x_image, dy + i * y_image, w, s, scratch, 0, half);
  }
  check(dx, expected, magnitude, images * x_image, (double)taps, whole, "dx", s);

  expected = test_doubles(taps * C);
  magnitude = test_doubles(taps * C);
  tg_real *dw = test_reals(taps * C, 0);
  memset(dw, 0, taps * C * sizeof *dw);
  tg_ref_depthwise_filter_gradient(expected, magnitude, x, dy, s, images);
  for (uint32_t i = 0; i < images; i++) {
    const uint32_t half = test_below(s->out_h + 1);
    tg_depthwise_filter_gradient(dw, x + i * x_image, dy + i * y_image, s, scratch, 0, half);
    tg_depthwise_filter_gradient(dw, x + i * x_image, dy + i * y_image, s, scratch, half, s->out_h);
  }
  check(dw, expected, magnitude, taps * C, (double)images * s->out_h * s->out_w, whole, "dw", s);
  test_free_blocks();
}

static void test_spread(uint32_t cells, uint32_t channels, uint32_t times) {
  const size_t n = (size_t)cells * channels;
  tg_real *x = test_filled(n, 0, 0), *wide = test_reals(n * times, 0), *sums = test_reals(n, 0);
  tg_depthwise_spread(wide, x, cells, channels, times);
  for (size_t i = 0; i < n * times; i++) CHECK_CLOSE(wide[i], x[i / times], 0);
  for (size_t i = 0; i < n * times; i++) wide[i] = (tg_real)test_uniform(-1, 1);
  tg_depthwise_gather(sums, wide, cells, channels, times);
  for (size_t i = 0; i < n; i++) {
    double sum = 0, magnitude = 0;
    for (uint32_t t = 0; t < times; t++) {
      sum += wide[i * times + t];
      magnitude += fabs(wide[i * times + t]);
    }
    CHECK_CLOSE(sums[i], sum, test_gamma(times) * magnitude);
  }
  test_free_blocks();
}

int main(void) {
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 7, 8, 16, 19, 33, 80};
  static const uint32_t sides[] = {1, 2, 3, 5, 7, 9, 13, 20};
  for (uint32_t done = 0, round = 0; done < 600; round++) {
    tg_conv2d_shape s = {.in_h = sides[test_below(8)], .in_w = sides[test_below(8)]};
    s.in_c = s.out_c = channels[round % 11];
    s.kernel_h = 1 + test_below(5);
    s.kernel_w = test_below(2) ? s.kernel_h : 1 + test_below(5);
    s.stride_h = test_below(2) ? 1 : 1 + test_below(4);
    s.stride_w = test_below(2) ? s.stride_h : 1 + test_below(4);
    s.skip_h = test_below(2) ? 0 : test_below(4);
    s.skip_w = test_below(2) ? s.skip_h : test_below(4);
    s.pad_top = test_below(2) ? 0 : test_below(4);
    s.pad_left = test_below(2) ? s.pad_top : test_below(4);
    const uint32_t h = s.in_h + s.pad_top + test_below(4), w = s.in_w + s.pad_left + test_below(4);
    const uint32_t span_h = (s.kernel_h - 1) * (s.skip_h + 1) + 1, span_w = (s.kernel_w - 1) * (s.skip_w + 1) + 1;
    if (h < span_h || w < span_w) continue;
    s.out_h = (h - span_h) / s.stride_h + 1;
    s.out_w = (w - span_w) / s.stride_w + 1;
    test_shape(&s, 1 + done % 3, done % 2, done / 2 % 2, done / 4 % 2);
    done++;
  }
  /* Kernels of 3x3 have loops of their own: tiles of up to eight rows, in blocks of 1024 channels. */
  static const uint32_t more_channels[] = {3, 16, 21, 1042};
  for (uint32_t round = 0; round < 240; round++) {
    const uint32_t stride = 1 + round % 2, C = more_channels[round / 2 % 4], wide = round % 5 == 0 && C < 100;
    tg_conv2d_shape s = {.in_h = 3 + test_below(8), .in_w = (wide ? 60 : 3) + test_below(wide ? 90 : 18), .in_c = C};
    s.out_c = C;
    if (round % 11 == 0 && C < 100) s.in_h += 40;
    s.kernel_h = test_below(4) ? 3 : 1 + test_below(3);
    s.kernel_w = 3;
    s.stride_h = test_below(6) ? stride : 3 - stride;
    s.stride_w = stride;
    s.skip_h = test_below(6) ? 0 : 1;
    s.pad_top = test_below(4);
    s.pad_left = test_below(4);
    const uint32_t span = (s.kernel_h - 1) * (s.skip_h + 1) + 1, h = s.in_h + s.pad_top + test_below(3);
    if (h < span) continue;
    s.out_h = (h - span) / s.stride_h + 1;
    s.out_w = (s.in_w + s.pad_left + test_below(3) - 3) / stride + 1;
    test_shape(&s, wide ? 1 : 2, round / 8 % 2, round / 16 % 2, round / 32 % 2);
  }
  for (uint32_t times = 1; times < 10; times++)
    for (uint32_t n = 1; n < 6; n++) test_spread(n, 1 + test_below(5), times);
  return test_report();
}
