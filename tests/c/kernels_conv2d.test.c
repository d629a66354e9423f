#include "kernels/conv2d.h"
#include "kernels/ref/ref.h"
#include "test.h"

static int inputs_by_taps, inputs_padded;

/* The arrays of a convolution in `groups` groups of shape s. */
typedef struct {
  size_t x, w, y, K;
} sizes;

static sizes sizes_of(const tg_conv2d_shape *s, uint32_t groups, uint32_t images) {
  const size_t K = (size_t)s->kernel_h * s->kernel_w * s->in_c;
  return (sizes){(size_t)images * s->in_h * s->in_w * s->in_c * groups, K * s->out_c * groups,
                 (size_t)images * s->out_h * s->out_w * s->out_c * groups, K};
}

static void check_products(const tg_real *actual, const double *expected, const double *magnitude, size_t n,
                           double terms, int whole, const char *what, const tg_conv2d_shape *s) {
  for (size_t i = 0; i < n; i++) {
    double bound = whole ? 0 : test_gamma(terms) * magnitude[i];
    CHECK_MESSAGE(fabs(actual[i] - expected[i]) <= bound,
                  "%s [%zu] is %.9g, expected %.9g (%ux%ux%u to %ux%ux%u, kernel %ux%u, stride %ux%u, pad %u %u, "
                  "skip %u %u, %u %u)",
                  what, i, (double)actual[i], expected[i], s->in_h, s->in_w, s->in_c, s->out_h, s->out_w, s->out_c,
                  s->kernel_h, s->kernel_w, s->stride_h, s->stride_w, s->pad_top, s->pad_left, s->skip_h, s->skip_w,
                  s->skip_in, s->skip_out);
  }
}

static void test_forward(const tg_conv2d_shape *s, uint32_t groups, uint32_t images, int whole, int with_bias,
                         int relu) {
  const sizes n = sizes_of(s, groups, images);
  tg_real *x = test_filled(n.x, TG_OVERREAD_REALS, whole), *w = test_filled(n.w, 0, whole);
  tg_real *biases = with_bias ? test_filled((size_t)s->out_c * groups, 0, whole) : NULL;
  double *expected = test_doubles(n.y), *magnitude = test_doubles(n.y);
  tg_real *y = test_reals(n.y, 0), *scratch = test_reals(tg_conv2d_forward_scratch(s, s->out_h), 0);
  tg_real *tiled = test_reals(n.y, 0), *packed = test_reals(tg_conv2d_packed_size(s), TG_OVERREAD_REALS);
  for (uint32_t g = 0; g < groups; g++) {
    const size_t from = g * s->in_c, to = g * s->out_c;
    const tg_real *bias = biases ? biases + to : NULL;
    for (uint32_t panel = 0; panel < tg_conv2d_panels(s); panel++) tg_conv2d_pack(packed, w + to, s, panel, panel + 1);
    tg_ref_conv2d_forward(expected + to, magnitude + to, x + from, w + to, bias, s, images, relu);
    for (uint32_t i = 0; i < images; i++) {
      tg_conv2d_forward(y + to, x + from, packed, bias, scratch, s, i, 0, s->out_h, relu);
    }
    for (uint32_t i = images; i-- > 0;) {
      for (uint32_t row = 0, end; row < s->out_h; row = end) {
        end = row + 1 + test_below(3);
        if (end > s->out_h) end = s->out_h;
        tg_real *own = test_reals(tg_conv2d_forward_scratch(s, end - row), 0);
        tg_conv2d_forward(tiled + to, x + from, packed, bias, own, s, i, row, end, relu);
        test_free_last();
      }
    }
  }
  check_products(y, expected, magnitude, n.y, (double)(n.K + (size_t)with_bias), whole, "y", s);
  CHECK_MESSAGE(test_same_bits(y, tiled, n.y), "y in tiles");
  test_free_blocks();
}

static void test_input_gradient(const tg_conv2d_shape *s, uint32_t groups, uint32_t images, int whole) {
  const sizes n = sizes_of(s, groups, images);
  tg_real *dy = test_filled(n.y, TG_OVERREAD_REALS, whole), *w = test_filled(n.w, 0, whole);
  tg_real *packed = test_reals(tg_conv2d_input_gradient_packed_size(s), TG_OVERREAD_REALS);
  double *expected = test_doubles(n.x), *magnitude = test_doubles(n.x);
  const size_t scratch_size = tg_conv2d_input_gradient_scratch(s, s->in_h);
  *(scratch_size ? &inputs_padded : &inputs_by_taps) += 1;
  tg_real *dx = test_reals(n.x, 0), *tiled = test_reals(n.x, 0), *scratch = test_reals(scratch_size, 0);
  for (uint32_t g = 0; g < groups; g++) {
    const size_t to = g * s->in_c, from = g * s->out_c;
    for (uint32_t panel = 0; panel < tg_conv2d_input_gradient_panels(s); panel++) {
      tg_conv2d_input_gradient_pack(packed, w + from, s, panel, panel + 1);
    }
    tg_ref_conv2d_input_gradient(expected + to, magnitude + to, dy + from, w + from, s, images);
    for (uint32_t i = 0; i < images; i++) {
      tg_conv2d_input_gradient(dx + to, dy + from, packed, scratch, s, i, 0, s->in_h);
    }
    for (uint32_t i = images; i-- > 0;) {
      for (uint32_t row = 0, end; row < s->in_h; row = end) {
        end = row + 1 + test_below(3);
        if (end > s->in_h) end = s->in_h;
        tg_real *own = test_reals(tg_conv2d_input_gradient_scratch(s, end - row), 0);
        tg_conv2d_input_gradient(tiled + to, dy + from, packed, own, s, i, row, end);
        test_free_last();
      }
    }
  }
  check_products(dx, expected, magnitude, n.x, (double)s->kernel_h * s->kernel_w * s->out_c, whole, "dx", s);
  CHECK_MESSAGE(test_same_bits(dx, tiled, n.x), "dx in tiles");
  test_free_blocks();
}

static void test_filter_gradient(const tg_conv2d_shape *s, uint32_t groups, uint32_t images, int whole) {
  const sizes n = sizes_of(s, groups, images);
  tg_real *x = test_filled(n.x, TG_OVERREAD_REALS, whole), *dy = test_filled(n.y, TG_OVERREAD_REALS, whole);
  double *expected = test_doubles(n.w), *magnitude = test_doubles(n.w);
  const uint32_t tiles = tg_conv2d_filter_gradient_tiles(s);
  tg_real *dw = test_reals(n.w, 0), *tiled = test_reals(n.w, 0);
  tg_real *scratch = test_reals(tg_conv2d_filter_gradient_scratch(s), 0);
  for (uint32_t g = 0; g < groups; g++) {
    const size_t at_x = g * s->in_c, at_y = g * s->out_c;
    tg_ref_conv2d_filter_gradient(expected + at_y, magnitude + at_y, x + at_x, dy + at_y, s, images);
    tg_conv2d_filter_gradient(dw + at_y, x + at_x, dy + at_y, scratch, s, images, 0, tiles);
    for (uint32_t tile = 0, end; tile < tiles; tile = end) {
      end = tile + 1 + test_below(tiles);
      if (end > tiles) end = tiles;
      tg_conv2d_filter_gradient(tiled + at_y, x + at_x, dy + at_y, scratch, s, images, tile, end);
    }
  }
  check_products(dw, expected, magnitude, n.w, (double)images * s->out_h * s->out_w, whole, "dw", s);
  CHECK_MESSAGE(test_same_bits(dw, tiled, n.w), "dw in tiles");
  test_free_blocks();
}

static void test_shape(const tg_conv2d_shape *one, uint32_t groups, uint32_t images, uint32_t variant) {
  const int whole = variant % 2;
  tg_conv2d_shape s = *one;
  s.skip_in = (groups - 1) * s.in_c;
  s.skip_out = (groups - 1) * s.out_c;
  test_forward(&s, groups, images, whole, variant / 2 % 2, variant / 4 % 2);
  test_input_gradient(&s, groups, images, whole);
  test_filter_gradient(&s, groups, images, whole);
}

static uint32_t pick(const uint32_t *from, uint32_t n) { return from[test_below(n)]; }

/* The output size for an input, with `after` zeros behind; 0 when the kernel does not fit. */
static uint32_t output_size(uint32_t in, uint32_t kernel, uint32_t skip, uint32_t stride, uint32_t before,
                            uint32_t after) {
  const uint32_t spanned = (kernel - 1) * (skip + 1) + 1;
  return in + before + after < spanned ? 0 : (in + before + after - spanned) / stride + 1;
}

int main(void) {
  static const uint32_t kernels[][2] = {{1, 1}, {1, 3}, {3, 3}, {5, 5}, {2, 4}};
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33};
  static const uint32_t sides[] = {1, 2, 3, 5, 6, 7, 9, 13};
  uint32_t shapes = 0;
  for (uint32_t round = 0; shapes < 900; round++) {
    tg_conv2d_shape s = {.in_h = pick(sides, 8), .in_w = pick(sides, 8), .in_c = pick(channels, 11)};
    s.out_c = pick(channels, 11);
    s.kernel_h = kernels[round % 5][0];
    s.kernel_w = kernels[round % 5][1];
    s.stride_h = test_below(2) ? 1 : 1 + test_below(3);
    s.stride_w = test_below(2) ? s.stride_h : 1 + test_below(3);
    s.pad_top = test_below(2) ? 0 : test_below(3);
    s.pad_left = test_below(2) ? s.pad_top : test_below(3);
    /* Half of the shapes plain, the others with dilation, groups or both. */
    s.skip_h = round % 4 == 1 || round % 4 == 3 ? test_below(4) : 0;
    s.skip_w = s.skip_h && test_below(2) ? s.skip_h : round % 4 == 3 ? test_below(4) : 0;
    const uint32_t groups = round % 4 >= 2 ? 1 + test_below(3) : 1;
    const uint32_t below = test_below(2) ? s.pad_top : test_below(3),
                   right = test_below(2) ? s.pad_left : test_below(3);
    s.out_h = output_size(s.in_h, s.kernel_h, s.skip_h, s.stride_h, s.pad_top, below);
    s.out_w = output_size(s.in_w, s.kernel_w, s.skip_w, s.stride_w, s.pad_left, right);
    if (s.out_h == 0 || s.out_w == 0) continue;
    test_shape(&s, groups, 1 + shapes % 3, shapes);
    shapes++;
  }
  /* Layers that are trained in earnest, and more images than one block of the filter gradient. */
  static const tg_conv2d_shape layers[] = {
      {32, 32, 3, 30, 30, 32, 3, 3, 1, 1, 0, .pad_left = 0}, {15, 15, 32, 13, 13, 16, 3, 3, 1, 1, 0, .pad_left = 0},
      {6, 6, 64, 4, 4, 24, 3, 3, 1, 1, 0, .pad_left = 0},    {16, 16, 16, 16, 16, 16, 3, 3, 1, 1, 1, .pad_left = 1},
      {16, 16, 5, 8, 8, 16, 3, 3, 2, 2, 0, .pad_left = 0},   {16, 16, 16, 8, 8, 32, 1, 1, 2, 2, 0, .pad_left = 0},
      {40, 40, 4, 40, 40, 4, 3, 3, 1, 1, 1, .pad_left = 1},  {31, 35, 3, 29, 33, 4, 3, 3, 1, 1, 0, .pad_left = 0}};
  for (uint32_t i = 0; i < sizeof layers / sizeof layers[0]; i++) test_shape(&layers[i], 1 + i % 3, 7, i);
  CHECK_MESSAGE(inputs_by_taps > 50 && inputs_padded > 50, "%d by taps, %d padded", inputs_by_taps, inputs_padded);
  return test_report();
}
