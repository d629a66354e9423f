#include "kernels/ref/ref.h"
#include "kernels/winograd.h"
#include "test.h"

/*
 * A Winograd output mixes all inputs of its tile, so its error is bounded by the largest of its neighbours, not by its
 * own size: |error| <= FACTOR * unit roundoff * the largest sum of |a| * |b| behind any output of the array.
 * docs/kernels.md has the measured errors; this factor is about three times the worst of this test.
 */
static const double FACTOR = 60;
static double worst[3];

static void check_close(const tg_real *actual, const double *expected, const double *magnitude, size_t n, int pass,
                        const char *what, const tg_conv2d_shape *s) {
  double largest = 0, error = 0;
  for (size_t i = 0; i < n; i++) {
    if (magnitude[i] > largest) largest = magnitude[i];
    double distance = fabs(actual[i] - expected[i]);
    if (!(distance <= error)) error = distance; /* NaN counts as the worst */
  }
  double ratio = largest > 0 ? error / (TEST_UNIT * largest) : error;
  if (!(ratio <= worst[pass])) worst[pass] = ratio;
  CHECK_MESSAGE(ratio <= FACTOR, "%s is off by %g units (%ux%ux%u to %ux%ux%u, pad %u %u)", what, ratio, s->in_h,
                s->in_w, s->in_c, s->out_h, s->out_w, s->out_c, s->pad_top, s->pad_left);
}

static void test_forward(const tg_winograd *g, uint32_t images, int with_bias, int relu) {
  const tg_conv2d_shape *s = &g->s;
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, w_size = (size_t)9 * s->in_c * s->out_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *x = test_filled(x_size, TG_OVERREAD_REALS, 0), *w = test_filled(w_size, 0, 0);
  tg_real *bias = with_bias ? test_filled(s->out_c, 0, 0) : NULL;
  tg_real *packed = test_reals(tg_winograd_packed_size(g), 0);
  for (uint32_t panel = 0; panel < tg_conv2d_panels(s); panel++) tg_winograd_pack(packed, w, g, panel, panel + 1);
  double *expected = test_doubles(y_size), *magnitude = test_doubles(y_size);
  tg_ref_conv2d_forward(expected, magnitude, x, w, bias, s, images, relu);

  const uint32_t tiles = images * g->tiles_h * g->tiles_w;
  tg_real *y = test_reals(y_size, 0), *scratch = test_reals(tg_winograd_scratch(g, tiles), 0);
  tg_winograd_forward(y, x, packed, bias, scratch, g, 0, tiles, tiles, relu);
  check_close(y, expected, magnitude, y_size, 0, "y", s);

  tg_real *tiled = test_reals(y_size, 0);
  for (uint32_t tile = 0, end; tile < tiles; tile = end) {
    end = tile + 1 + test_below(9);
    if (end > tiles) end = tiles;
    tg_real *own = test_reals(tg_winograd_scratch(g, end - tile), 0);
    tg_winograd_forward(tiled, x, packed, bias, own, g, tile, end, end - tile, relu);
    if (test_n_blocks > 200) break;
  }
  if (test_n_blocks <= 200) CHECK_MESSAGE(test_same_bits(y, tiled, y_size), "y in blocks");
  test_free_blocks();
}

static void test_input_gradient(const tg_winograd *g, uint32_t images) {
  const tg_conv2d_shape *s = &g->s;
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, w_size = (size_t)9 * s->in_c * s->out_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *dy = test_filled(y_size, TG_OVERREAD_REALS, 0), *w = test_filled(w_size, 0, 0);
  tg_real *packed = test_reals(tg_winograd_input_gradient_packed_size(g), 0);
  for (uint32_t panel = 0; panel < tg_conv2d_input_gradient_panels(s); panel++) {
    tg_winograd_input_gradient_pack(packed, w, g, panel, panel + 1);
  }
  double *expected = test_doubles(x_size), *magnitude = test_doubles(x_size);
  tg_ref_conv2d_input_gradient(expected, magnitude, dy, w, s, images);

  const uint32_t tiles = images * g->tiles_h * g->tiles_w;
  tg_real *dx = test_reals(x_size, 0), *scratch = test_reals(tg_winograd_scratch(g, tiles), 0);
  const uint32_t panels = tg_conv2d_input_gradient_panels(s);
  tg_winograd_input_gradient(dx, dy, packed, scratch, g, 0, images, 0, panels, tiles);
  check_close(dx, expected, magnitude, x_size, 1, "dx", s);

  const uint32_t block = 1 + test_below(9);
  tg_real *tiled = test_reals(x_size, 0), *own = test_reals(tg_winograd_scratch(g, block), 0);
  for (uint32_t i = images; i-- > 0;) {
    const uint32_t cut = test_below(panels);
    tg_winograd_input_gradient(tiled, dy, packed, own, g, i, i + 1, cut, panels, block);
    tg_winograd_input_gradient(tiled, dy, packed, own, g, i, i + 1, 0, cut, block);
  }
  CHECK_MESSAGE(test_same_bits(dx, tiled, x_size), "dx in blocks and groups of channels");
  test_free_blocks();
}

/* dw with room for `chunk` tiles; transforms and units in pieces, the last first, when `split`. */
static void filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, const tg_winograd *g, uint32_t tiles,
                            uint32_t chunk, int split) {
  tg_real *scratch = test_reals(tg_winograd_filter_scratch(g, chunk), 0);
  const tg_winograd_filter f = tg_winograd_filter_make(scratch, g, chunk);
  const uint32_t units = tg_winograd_filter_units(g), cut = split ? 1 + test_below(units) : units;
  for (uint32_t first = 0; first < tiles; first += chunk) {
    const uint32_t end = tiles - first < chunk ? tiles : first + chunk, middle = split ? (first + end) / 2 : end;
    tg_winograd_filter_transform(&f, x, dy, g, first, middle, end);
    tg_winograd_filter_transform(&f, x, dy, g, first, first, middle);
    tg_winograd_filter_add(&f, g, end - first, first == 0, cut, units);
    tg_winograd_filter_add(&f, g, end - first, first == 0, 0, cut);
  }
  const uint32_t row = split ? test_below(g->s.in_c + 1) : 0;
  tg_winograd_filter_finish(dw, &f, g, row, g->s.in_c);
  tg_winograd_filter_finish(dw, &f, g, 0, row);
}

static void test_filter_gradient(const tg_winograd *g, uint32_t images) {
  const tg_conv2d_shape *s = &g->s;
  const size_t x_size = (size_t)images * s->in_h * s->in_w * s->in_c, w_size = (size_t)9 * s->in_c * s->out_c;
  const size_t y_size = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *x = test_filled(x_size, TG_OVERREAD_REALS, 0), *dy = test_filled(y_size, TG_OVERREAD_REALS, 0);
  double *expected = test_doubles(w_size), *magnitude = test_doubles(w_size);
  tg_ref_conv2d_filter_gradient(expected, magnitude, x, dy, s, images);

  const uint32_t tiles = images * g->tiles_h * g->tiles_w;
  tg_real *dw = test_reals(w_size, 0), *split = test_reals(w_size, 0);
  filter_gradient(dw, x, dy, g, tiles, tg_winograd_filter_chunk(g, tiles), 0);
  check_close(dw, expected, magnitude, w_size, 2, "dw", s);
  filter_gradient(split, x, dy, g, tiles, 1 + test_below(tiles), 1);
  CHECK_MESSAGE(test_same_bits(dw, split, w_size), "dw in chunks and parts");
  test_free_blocks();
}

static void test_shape(const tg_conv2d_shape *s, uint32_t images, uint32_t variant) {
  const tg_winograd g = tg_winograd_make(s);
  test_forward(&g, images, variant % 2, variant / 2 % 2);
  test_input_gradient(&g, images);
  test_filter_gradient(&g, images);
}

int main(void) {
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33};
  uint32_t shapes = 0;
  for (uint32_t round = 0; shapes < 300; round++) {
    tg_conv2d_shape s = {.in_h = 1 + test_below(17), .in_w = 1 + round % 17, .kernel_h = 3, .kernel_w = 3};
    s.in_c = channels[test_below(11)];
    s.out_c = channels[test_below(11)];
    s.stride_h = s.stride_w = 1;
    s.pad_top = test_below(2) ? 0 : test_below(4);
    s.pad_left = test_below(2) ? s.pad_top : test_below(4);
    uint32_t h = s.in_h + s.pad_top + (test_below(2) ? s.pad_top : test_below(4));
    uint32_t w = s.in_w + s.pad_left + (test_below(2) ? s.pad_left : test_below(4));
    if (h < 3 || w < 3) continue;
    s.out_h = h - 2;
    s.out_w = w - 2;
    test_shape(&s, 1 + shapes % 3, shapes);
    shapes++;
  }
  static const tg_conv2d_shape layers[] = {{15, 15, 32, 13, 13, 64, 3, 3, 1, 1, 0, .pad_left = 0},
                                           {6, 6, 64, 4, 4, 64, 3, 3, 1, 1, 0, .pad_left = 0},
                                           {16, 16, 16, 16, 16, 16, 3, 3, 1, 1, 1, .pad_left = 1}};
  for (uint32_t i = 0; i < sizeof layers / sizeof layers[0]; i++) test_shape(&layers[i], 20, i);
  printf("worst error of y %.1f, dx %.1f, dw %.1f units\n", worst[0], worst[1], worst[2]);
  return test_report();
}
