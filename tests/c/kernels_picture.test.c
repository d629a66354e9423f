/* Pictures seen through maps, in other colours, mixed. */
#include "kernels/picture.h"
#include "kernels/ref/ref.h"
#include "test.h"

static const tg_fill fills[] = {TG_FILL_CONSTANT, TG_FILL_NEAREST, TG_FILL_REFLECT, TG_FILL_WRAP, TG_FILL_MIRROR};

/* A picture of noise, behind which three numbers may be read. */
static tg_picture make_view(uint32_t channels, int bytes, int scaled) {
  tg_picture v = {.height = 1 + test_below(9), .width = 1 + test_below(9), .channels = channels};
  v.out_height = 1 + test_below(9);
  v.out_width = 1 + test_below(9);
  const size_t n = (size_t)v.height * v.width * channels;
  uint8_t *whole = test_block(n + 3);
  float *floats = test_block((n + 3) * sizeof *floats);
  for (size_t i = 0; i < n; i++) {
    whole[i] = (uint8_t)test_below(256);
    floats[i] = (float)test_uniform(-1, 1);
  }
  if (bytes)
    v.bytes = whole;
  else
    v.floats = floats;
  v.fill = fills[test_below(5)];
  v.fill_value = test_uniform(-1, 1);
  v.nearest = (int)test_below(2);
  v.scale = scaled ? test_filled(channels, 3, 0) : NULL;
  v.offset = scaled ? test_filled(channels, 3, 0) : NULL;
  return v;
}

static void compare(const tg_picture *v, int moves) {
  const size_t n = (size_t)v->out_height * v->out_width * v->channels;
  tg_real *y = test_reals(n, 0), *moved = test_reals(n, 0);
  double *expected = test_doubles(n);
  tg_draw_picture(y, v);
  tg_ref_draw_picture(expected, v);
  const double size = v->bytes ? 256 : 1;
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], expected[i], 24 * size * TEST_UNIT);
  tg_picture exact = *v;
  CHECK(tg_picture_moves(&exact) == moves);
  if (!moves) return;
  tg_move_picture(moved, &exact);
  CHECK(test_same_bits(moved, y, n));
}

static void test_views(uint32_t channels, int bytes, int scaled) {
  tg_picture v = make_view(channels, bytes, scaled);
  for (int i = 0; i < 3; i++) {
    v.row[i] = test_uniform(-1.5, 1.5) * (i == 2 ? 15 : 1);
    v.column[i] = test_uniform(-1.5, 1.5) * (i == 2 ? 15 : 1);
  }
  compare(&v, 0);
  /* Edges of pixels, and half the way between two. */
  memcpy(v.row, (double[3]){0.5, 0, (double)test_below(9) - 4}, sizeof v.row);
  memcpy(v.column, (double[3]){0, -1, (double)test_below(9) - 4}, sizeof v.column);
  compare(&v, 0);
  /* Whole pixels, mirrored or not. */
  memcpy(v.row, (double[3]){test_below(2) ? 1 : -1, 0, (double)test_below(30) - 15}, sizeof v.row);
  memcpy(v.column, (double[3]){0, test_below(2) ? 1 : -1, (double)test_below(30) - 15}, sizeof v.column);
  compare(&v, 1);
  /* Nearest pixels of what is moved by parts of one are whole pixels too. */
  v.row[2] += test_uniform(-0.49, 0.49);
  v.column[2] += test_uniform(-0.49, 0.49);
  compare(&v, v.nearest);
  test_free_blocks();
}

/* Places far beyond what 32 bits hold are folded or filled, whatever they are. */
static void test_far(void) {
  for (int f = 0; f < 5; f++) {
    tg_picture v = make_view(3, 1, 0);
    v.fill = fills[f];
    memcpy(v.row, (double[3]){1e12, 3, -1e13}, sizeof v.row);
    memcpy(v.column, (double[3]){2, -1e15, 1e300}, sizeof v.column);
    const size_t n = (size_t)v.out_height * v.out_width * v.channels;
    tg_real *y = test_reals(n, 0);
    tg_draw_picture(y, &v);
    for (size_t i = 0; i < n; i++) CHECK(isfinite(y[i]));
    test_free_blocks();
  }
}

static void test_colors(uint32_t channels, size_t pixels, int scaled) {
  const size_t n = pixels * channels;
  const double low = test_uniform(-0.8, -0.2), high = test_uniform(0.2, 0.8);
  for (int contrast = 0; contrast < 2; contrast++) {
    const tg_colors colors = {contrast ? test_uniform(0, 2) : 1, test_uniform(-0.5, 0.5), low, high};
    tg_real *y = test_filled(n, 0, 0), *scale = test_filled(channels, 3, 0), *offset = test_filled(channels, 3, 0);
    double *expected = test_doubles(n);
    for (uint32_t c = 0; c < channels; c++) scale[c] = (tg_real)((c % 2 ? -1 : 1) * (1 + fabs((double)scale[c])));
    for (size_t i = 0; i < n; i++) expected[i] = (double)y[i];
    tg_change_colors(y, pixels, channels, scaled ? scale : NULL, scaled ? offset : NULL, &colors);
    tg_ref_change_colors(expected, pixels, channels, scaled ? scale : NULL, scaled ? offset : NULL, &colors);
    /* Sums of at most 64 numbers at a time in reals. */
    for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], expected[i], 2 * test_gamma(80) + 16 * TEST_UNIT);
    test_free_blocks();
  }
}

static void test_mixing(size_t n) {
  tg_real *y = test_filled(n, 0, 0), *other = test_filled(n, 0, 0), *before = test_reals(n, 0);
  if (n) memcpy(before, y, n * sizeof *y);
  tg_mix_pictures(y, other, (tg_real)0.3, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], 0.3 * (double)before[i] + 0.7 * (double)other[i], 4 * TEST_UNIT);
  memcpy(y, before, n * sizeof *y);
  tg_mix_pictures(y, other, 0, n);
  CHECK(test_same_bits(y, other, n));
  test_free_blocks();
}

int main(void) {
  for (uint32_t channels = 1; channels < 10; channels++)
    for (int i = 0; i < 400; i++) test_views(channels, i % 2, i / 2 % 2);
  test_far();
  static const size_t counts[] = {1, 2, 7, 64, 1000, 5000};
  for (uint32_t channels = 1; channels < 14; channels++)
    for (int i = 0; i < 6; i++) test_colors(channels, counts[i], i % 2);
  for (size_t n = 1; n < 20; n++) test_mixing(n);
  return test_report();
}
