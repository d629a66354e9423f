#include "kernels/conv2d.h"
#include "kernels/ref/ref.h"
#include "test.h"

static int inputs_by_taps, inputs_padded;

static void check_products(const tg_real *actual, const double *expected, const double *magnitude, size_t n,
                           double terms, int whole, const char *what, const tg_conv2d_shape *s) {
  for (size_t i = 0; i < n; i++) {
    double bound = whole ? 0 : test_gamma(terms) * magnitude[i];
    CHECK_MESSAGE(fabs(actual[i] - expected[i]) <= bound,
                  "%s [%zu] is %.9g, expected %.9g (%ux%ux%u to %ux%ux%u, kernel %ux%u, stride %ux%u, pad %u %u)", what,
                  i, (double)actual[i], expected[i], s->in_h, s->in_w, s->in_c, s->out_h, s->out_w, s->out_c,
                  s->kernel_h, s->kernel_w, s->stride_h, s->stride_w, s->pad_top, s->pad_left);
  }
}

static void test_forward(const tg_conv2d_shape *s, uint32_t images, int whole, int with_bias, int relu) {
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, K = (size_t)s->kernel_h * s->kernel_w * s->in_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *x = test_filled(x_size, TG_OVERREAD_REALS, whole), *w = test_filled(K * s->out_c, 0, whole);
  tg_real *bias = with_bias ? test_filled(s->out_c, 0, whole) : NULL;
  tg_real *packed = test_reals(tg_conv2d_packed_size(s), TG_OVERREAD_REALS);
  for (uint32_t panel = 0; panel < tg_conv2d_panels(s); panel++) tg_conv2d_pack(packed, w, s, panel, panel + 1);
  double *expected = test_doubles(y_size), *magnitude = test_doubles(y_size);
  tg_ref_conv2d_forward(expected, magnitude, x, w, bias, s, images, relu);

  tg_real *y = test_reals(y_size, 0), *scratch = test_reals(tg_conv2d_forward_scratch(s, s->out_h), 0);
  for (uint32_t i = 0; i < images; i++) tg_conv2d_forward(y, x, packed, bias, scratch, s, i, 0, s->out_h, relu);
  check_products(y, expected, magnitude, y_size, (double)(K + (size_t)with_bias), whole, "y", s);

  tg_real *tiled = test_reals(y_size, 0);
  for (uint32_t i = images; i-- > 0;) {
    for (uint32_t row = 0, end; row < s->out_h; row = end) {
      end = row + 1 + test_below(3);
      if (end > s->out_h) end = s->out_h;
      tg_real *own = test_reals(tg_conv2d_forward_scratch(s, end - row), 0);
      tg_conv2d_forward(tiled, x, packed, bias, own, s, i, row, end, relu);
    }
  }
  CHECK_MESSAGE(test_same_bits(y, tiled, y_size), "y in tiles");
  test_free_blocks();
}

static void test_input_gradient(const tg_conv2d_shape *s, uint32_t images, int whole) {
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, K = (size_t)s->kernel_h * s->kernel_w * s->in_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *dy = test_filled(y_size, TG_OVERREAD_REALS, whole), *w = test_filled(K * s->out_c, 0, whole);
  tg_real *packed = test_reals(tg_conv2d_input_gradient_packed_size(s), TG_OVERREAD_REALS);
  for (uint32_t panel = 0; panel < tg_conv2d_input_gradient_panels(s); panel++) {
    tg_conv2d_input_gradient_pack(packed, w, s, panel, panel + 1);
  }
  double *expected = test_doubles(x_size), *magnitude = test_doubles(x_size);
  tg_ref_conv2d_input_gradient(expected, magnitude, dy, w, s, images);

  const size_t scratch_size = tg_conv2d_input_gradient_scratch(s, s->in_h);
  *(scratch_size ? &inputs_padded : &inputs_by_taps) += 1;
  tg_real *dx = test_reals(x_size, 0), *scratch = test_reals(scratch_size, 0);
  for (uint32_t i = 0; i < images; i++) tg_conv2d_input_gradient(dx, dy, packed, scratch, s, i, 0, s->in_h);
  check_products(dx, expected, magnitude, x_size, (double)s->kernel_h * s->kernel_w * s->out_c, whole, "dx", s);

  tg_real *tiled = test_reals(x_size, 0);
  for (uint32_t i = images; i-- > 0;) {
    for (uint32_t row = 0, end; row < s->in_h; row = end) {
      end = row + 1 + test_below(3);
      if (end > s->in_h) end = s->in_h;
      tg_real *own = test_reals(tg_conv2d_input_gradient_scratch(s, end - row), 0);
      tg_conv2d_input_gradient(tiled, dy, packed, own, s, i, row, end);
    }
  }
  CHECK_MESSAGE(test_same_bits(dx, tiled, x_size), "dx in tiles");
  test_free_blocks();
}

static void test_filter_gradient(const tg_conv2d_shape *s, uint32_t images, int whole) {
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, K = (size_t)s->kernel_h * s->kernel_w * s->in_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c, w_size = K * s->out_c;
  tg_real *x = test_filled(x_size, TG_OVERREAD_REALS, whole), *dy = test_filled(y_size, TG_OVERREAD_REALS, whole);
  double *expected = test_doubles(w_size), *magnitude = test_doubles(w_size);
  tg_ref_conv2d_filter_gradient(expected, magnitude, x, dy, s, images);

  const size_t scratch_size = tg_conv2d_filter_gradient_scratch(s);
  const uint32_t tiles = tg_conv2d_filter_gradient_tiles(s);
  tg_real *dw = test_reals(w_size, 0), *scratch = test_reals(scratch_size, 0);
  tg_conv2d_filter_gradient(dw, x, dy, scratch, s, images, 0, tiles);
  check_products(dw, expected, magnitude, w_size, (double)images * s->out_h * s->out_w, whole, "dw", s);

  tg_real *tiled = test_reals(w_size, 0);
  for (uint32_t tile = 0, end; tile < tiles; tile = end) {
    end = tile + 1 + test_below(tiles);
    if (end > tiles) end = tiles;
    tg_conv2d_filter_gradient(tiled, x, dy, scratch, s, images, tile, end);
  }
  CHECK_MESSAGE(test_same_bits(dw, tiled, w_size), "dw in tiles");
  test_free_blocks();
}

static void test_shape(const tg_conv2d_shape *s, uint32_t images, uint32_t variant) {
  const int whole = variant % 2;
  test_forward(s, images, whole, variant / 2 % 2, variant / 4 % 2);
  test_input_gradient(s, images, whole);
  test_filter_gradient(s, images, whole);
}

static uint32_t pick(const uint32_t *from, uint32_t n) { return from[test_below(n)]; }

/* The output size for an input, with `after` zeros behind; 0 when the kernel does not fit. */
static uint32_t output_size(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t before, uint32_t after) {
  return in + before + after < kernel ? 0 : (in + before + after - kernel) / stride + 1;
}

int main(void) {
  static const uint32_t kernels[][2] = {{1, 1}, {1, 3}, {3, 3}, {5, 5}, {2, 4}};
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33};
  static const uint32_t sizes[] = {1, 2, 3, 5, 6, 7, 9, 13};
  uint32_t shapes = 0;
  for (uint32_t round = 0; shapes < 600; round++) {
    tg_conv2d_shape s = {.in_h = pick(sizes, 8), .in_w = pick(sizes, 8), .in_c = pick(channels, 11)};
    s.out_c = pick(channels, 11);
    s.kernel_h = kernels[round % 5][0];
    s.kernel_w = kernels[round % 5][1];
    s.stride_h = test_below(2) ? 1 : 1 + test_below(3);
    s.stride_w = test_below(2) ? s.stride_h : 1 + test_below(3);
    s.pad_top = test_below(2) ? 0 : test_below(3);
    s.pad_left = test_below(2) ? s.pad_top : test_below(3);
    s.out_h = output_size(s.in_h, s.kernel_h, s.stride_h, s.pad_top, test_below(2) ? s.pad_top : test_below(3));
    s.out_w = output_size(s.in_w, s.kernel_w, s.stride_w, s.pad_left, test_below(2) ? s.pad_left : test_below(3));
    if (s.out_h == 0 || s.out_w == 0) continue;
    test_shape(&s, 1 + shapes % 3, shapes);
    shapes++;
  }
  /* Layers that are trained in earnest, and more images than one block of the filter gradient. */
  static const tg_conv2d_shape layers[] = {
      {32, 32, 3, 30, 30, 32, 3, 3, 1, 1, 0, 0}, {15, 15, 32, 13, 13, 16, 3, 3, 1, 1, 0, 0},
      {6, 6, 64, 4, 4, 24, 3, 3, 1, 1, 0, 0},    {16, 16, 16, 16, 16, 16, 3, 3, 1, 1, 1, 1},
      {16, 16, 5, 8, 8, 16, 3, 3, 2, 2, 0, 0},   {16, 16, 16, 8, 8, 32, 1, 1, 2, 2, 0, 0}};
  for (uint32_t i = 0; i < sizeof layers / sizeof layers[0]; i++) test_shape(&layers[i], 7, i);
  CHECK_MESSAGE(inputs_by_taps > 50 && inputs_padded > 50, "%d by taps, %d padded", inputs_by_taps, inputs_padded);
  return test_report();
}
