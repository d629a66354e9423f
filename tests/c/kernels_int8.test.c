#include "kernels/gemm.h"
#include "kernels/ref/ref.h"
#include "test.h"

/* n random bytes, and as many more as a kernel may read. */
static uint8_t *bytes(size_t n) {
  uint8_t *p = test_block(n + TG_OVERREAD_REALS * sizeof(tg_real));
  for (size_t i = 0; i < n + TG_OVERREAD_REALS * sizeof(tg_real); i++) p[i] = (uint8_t)test_random();
  return p;
}

/* Room for n bytes with an exact end. */
static uint8_t *room(size_t n) { return test_block(n); }

/* n whole numbers -127…127. */
static tg_real *weights(size_t n) {
  tg_real *w = test_reals(n, 0);
  for (size_t i = 0; i < n; i++) w[i] = (tg_real)((int)test_below(255) - 127);
  return w;
}

static tg_quantization any_quantization(void) {
  return (tg_quantization){(float)test_uniform(0.001, 0.1), (int32_t)test_below(256)};
}

static void test_rounding(void) {
  /* A scale of 1 and a zero point of 0 leave the rounding alone: halves go to the even number, ends are cut. */
  static const tg_real x[] = {-1e30, -0.6,  -0.5, 0,    0.5,  1.5, 2.5, 2.4999, 126.5, 127.5, 254.5,
                              255,   255.5, 256,  1000, 1e30, NAN, 3,   4.51,   5.49,  -7,    99};
  static const uint8_t y[] = {0, 0, 0, 0, 0, 2, 2, 2, 126, 128, 254, 255, 255, 255, 255, 255, 0, 3, 5, 5, 0, 99};
  enum { N = sizeof y };
  tg_real *from = test_reals(N, TG_OVERREAD_REALS);
  for (size_t i = 0; i < N; i++) from[i] = x[i];
  uint8_t *to = room(N);
  tg_int8_quantize(to, from, N, (tg_quantization){1, 0});
  for (size_t i = 0; i < N; i++) {
    CHECK_MESSAGE(to[i] == y[i], "%g becomes %d", (double)x[i], to[i]);
    CHECK(tg_ref_int8_round((float)x[i]) == y[i]);
  }
  test_free_blocks();
}

static void test_arrays(size_t n) {
  const tg_quantization q[3] = {any_quantization(), any_quantization(), any_quantization()};
  tg_real *x = test_filled(n, TG_OVERREAD_REALS, 0), *back = test_reals(n, 0), *expected_back = test_reals(n, 0);
  uint8_t *y = room(n), *expected = room(n), *a = bytes(n), *b = bytes(n);
  tg_int8_quantize(y, x, n, q[0]);
  tg_ref_int8_quantize(expected, x, n, q[0]);
  CHECK_MESSAGE(!memcmp(y, expected, n), "quantize %zu", n);
  tg_int8_dequantize(back, a, n, q[0]);
  tg_ref_int8_dequantize(expected_back, a, n, q[0]);
  CHECK_MESSAGE(test_same_bits(back, expected_back, n), "dequantize %zu", n);
  tg_int8_add(y, a, b, n, q, q[2]);
  tg_ref_int8_add(expected, a, b, n, q, q[2]);
  CHECK_MESSAGE(!memcmp(y, expected, n), "add %zu", n);
  test_free_blocks();
}

static void test_pool(void) {
  tg_pool2d_shape s = {.in_h = 1 + test_below(9), .in_w = 1 + test_below(9), .channels = 1 + test_below(40)};
  s.pool_h = 1 + test_below(3);
  s.pool_w = 1 + test_below(3);
  s.stride_h = 1 + test_below(3);
  s.stride_w = 1 + test_below(3);
  s.pad_top = test_below(2);
  s.pad_left = test_below(2);
  s.out_h = (s.in_h + s.stride_h - 1) / s.stride_h;
  s.out_w = (s.in_w + s.stride_w - 1) / s.stride_w;
  const uint32_t images = 3;
  const size_t n = (size_t)images * s.out_h * s.out_w * s.channels;
  uint8_t *x = bytes((size_t)images * s.in_h * s.in_w * s.channels), *y = room(n), *expected = room(n);
  tg_int8_max_pool2d(y, x, &s, 1, images);
  tg_int8_max_pool2d(y, x, &s, 0, 1);
  tg_ref_int8_max_pool2d(expected, x, &s, images);
  CHECK_MESSAGE(!memcmp(y, expected, n), "pool %ux%ux%u, %ux%u / %ux%u", s.in_h, s.in_w, s.channels, s.pool_h, s.pool_w,
                s.stride_h, s.stride_w);
  test_free_blocks();
}

/* A layer whose outputs spread over the bytes, and what the reference makes of it. */
typedef struct {
  const tg_conv2d_shape *s;
  uint32_t images;
  uint8_t *x;
  tg_real *w;
  float *factor, *offset, *expected;
  tg_int8_layer layer;
  size_t n;
} layer_case;

/* What the reference makes of it, with the largest of each 2x2 where they are pooled. */
static void expect(layer_case *c) {
  const tg_conv2d_shape *s = c->s;
  const size_t width = s->out_w, channels = s->out_c, all = (size_t)c->images * s->out_h * width * channels;
  float *v = malloc(all * sizeof *v);
  if (!v) abort();
  tg_ref_int8_conv2d(v, c->x, c->w, c->factor, c->offset, c->layer.zero, s, c->images);
  const size_t pool = c->layer.pool;
  c->n = all / (pool * pool);
  for (size_t at = 0; at < c->n; at++) {
    const size_t column = at / channels % (width / pool), row = at / channels / (width / pool); /* over all images */
    const float *first = v + (row * pool * width + column * pool) * channels + at % channels;
    c->expected[at] = first[0];
    for (size_t k = 1; k < pool * pool; k++) {
      const float other = first[(k / 2 * width + k % 2) * channels];
      if (other > c->expected[at]) c->expected[at] = other;
    }
  }
  free(v);
}

/* pool: 1 or 2; with 2 the shape's outputs are even. */
static layer_case make_case(const tg_conv2d_shape *s, uint32_t images, uint8_t *x, tg_real *w, uint32_t pool) {
  layer_case c = {.s = s, .images = images, .x = x, .w = w};
  const uint32_t width = tg_gemm_panels(s->out_c) * 8;
  c.n = (size_t)images * s->out_h * s->out_w * s->out_c;
  tg_real *scale = test_filled(s->out_c, 0, 0), *bias = test_filled(s->out_c, 0, 0);
  const double spread = 100 * sqrt((double)s->kernel_h * s->kernel_w * s->in_c);
  for (uint32_t i = 0; i < s->out_c; i++) scale[i] = (tg_real)(test_uniform(0.5, 1.5) / spread);
  c.factor = test_block(width * sizeof(float));
  c.offset = test_block(width * sizeof(float));
  c.expected = test_block(c.n * sizeof(float));
  const tg_quantization from = any_quantization(), to = {from.scale, (int32_t)test_below(256)};
  tg_int8_factors(c.factor, c.offset, scale, test_below(2) ? bias : NULL, s->out_c, from, to);
  c.layer = (tg_int8_layer){.factor = c.factor, .offset = c.offset, .zero = from.zero, .pool = pool};
  expect(&c);
  return c;
}

/* Bit for bit: the sums are whole numbers. */
static void test_direct(layer_case *c) {
  const tg_conv2d_shape *s = c->s;
  int16_t *packed = test_block(tg_int8_conv2d_packed_size(s) * sizeof *packed);
  tg_int8_conv2d_pack(packed, c->w, s);
  c->layer.packed = packed;
  uint8_t *y = room(c->n);
  tg_real *real = test_reals(c->n, 0);
  for (uint32_t image = 0; image < c->images; image++) {
    const uint32_t height = s->out_h / c->layer.pool, cut = test_below(height + 1);
    int16_t *scratch = test_block(tg_int8_conv2d_scratch(s, s->out_h) * sizeof *scratch);
    c->layer.real = 0;
    tg_int8_conv2d(y, c->x, &c->layer, scratch, s, image, cut, height);
    tg_int8_conv2d(y, c->x, &c->layer, scratch, s, image, 0, cut);
    c->layer.real = 1;
    tg_int8_conv2d(real, c->x, &c->layer, scratch, s, image, 0, height);
  }
  size_t wrong = 0;
  for (size_t i = 0; i < c->n; i++) {
    wrong += y[i] != tg_ref_int8_round(c->expected[i]) || real[i] != (tg_real)c->expected[i];
  }
  CHECK_MESSAGE(!wrong, "direct: %zu of %zu (%ux%ux%u to %ux%ux%u)", wrong, c->n, s->in_h, s->in_w, s->in_c, s->out_h,
                s->out_w, s->out_c);
}

static double worst;

/*
 * The transform back works in floats on sums that are exact, so a byte differs only where the number lies at a half.
 * Its products are as large as a transform makes them: a bound on what float can do to the output.
 */
static void test_winograd(layer_case *c) {
  const tg_conv2d_shape *s = c->s;
  const tg_winograd g = tg_winograd_make(s);
  const uint32_t tiles = c->images * g.tiles_h * g.tiles_w;
  int16_t *packed = test_block(tg_int8_winograd_packed_size(&g) * sizeof *packed);
  tg_int8_winograd_pack(packed, c->w, &g);
  c->layer.packed = packed;
  c->layer.real = 0;
  uint8_t *y = room(c->n), *blocks = room(c->n);
  tg_int8_winograd(y, c->x, &c->layer, test_block(tg_int8_winograd_scratch(&g, tiles)), &g, 0, tiles, tiles);
  void *scratch = test_block(tg_int8_winograd_scratch(&g, 9));
  for (uint32_t tile = 0, end; tile < tiles; tile = end) {
    end = tile + 1 + test_below(9);
    if (end > tiles) end = tiles;
    tg_int8_winograd(blocks, c->x, &c->layer, scratch, &g, tile, end, 9);
  }
  CHECK_MESSAGE(!memcmp(y, blocks, c->n), "y in blocks");
  size_t wrong = 0;
  for (size_t i = 0; i < c->n; i++) {
    float v = c->expected[i];
    if (y[i] == tg_ref_int8_round(v)) continue;
    const double distance = fabs((double)v - (y[i] + (v > y[i] ? 0.5 : -0.5)));
    if (distance > worst) worst = distance;
    wrong += distance > 0.01;
  }
  CHECK_MESSAGE(!wrong, "Winograd: %zu of %zu (%ux%ux%u to %ux%ux%u)", wrong, c->n, s->in_h, s->in_w, s->in_c, s->out_h,
                s->out_w, s->out_c);
}

static void test_layer(const tg_conv2d_shape *s, uint32_t images, uint32_t pool) {
  layer_case c = make_case(s, images, bytes((size_t)images * s->in_h * s->in_w * s->in_c),
                           weights((size_t)s->kernel_h * s->kernel_w * s->in_c * s->out_c), pool);
  test_direct(&c);
  if (tg_winograd_applies(s)) test_winograd(&c);
  test_free_blocks();
}

/* Inputs at the ends of a byte and weights at ±127, with the signs that make each position's sum as large as it gets:
 * 32 bits hold them all. */
static void test_extremes(void) {
  static const int lines[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                  {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
  static const int filters[6][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 1}};
  const tg_conv2d_shape s = {6, 6, 128, 4, 4, 8, 3, 3, 1, 1, 0, .pad_left = 0};
  for (uint32_t p = 0; p < 36; p++) {
    for (int sign = 0; sign < 2; sign++) {
      uint8_t *x = bytes(6 * 6 * 128);
      tg_real *w = weights(9 * 128 * 8);
      for (uint32_t i = 0; i < 6 * 6 * 128; i++) {
        const int v = lines[p / 6][i / 128 / 6] * lines[p % 6][i / 128 % 6];
        x[i] = (sign ? v < 0 : v > 0) ? 255 : 0;
      }
      for (uint32_t i = 0; i < 9 * 128 * 8; i++) {
        w[i] = filters[p / 6][i / 1024 / 3] * filters[p % 6][i / 1024 % 3] < 0 ? -127 : 127;
      }
      layer_case c = make_case(&s, 1, x, w, 1 + p % 2);
      for (int zero = 0; zero < 256; zero += 85) {
        c.layer.zero = zero;
        expect(&c);
        test_direct(&c);
        test_winograd(&c);
      }
      test_free_blocks();
    }
  }
}

int main(void) {
  static const uint32_t channels[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 72, 130};
  test_rounding();
  for (size_t n = 1; n < 70; n++) test_arrays(n);
  for (int i = 0; i < 200; i++) test_pool();
  test_extremes();
  for (uint32_t shapes = 0; shapes < 300;) {
    tg_conv2d_shape s = {.in_h = 1 + test_below(12), .in_w = 1 + test_below(12)};
    const uint32_t kind = test_below(3); /* most are what Winograd takes */
    s.kernel_h = kind ? 3 : 1 + test_below(5);
    s.kernel_w = kind ? 3 : 1 + test_below(5);
    s.stride_h = kind ? 1 : 1 + test_below(3);
    s.stride_w = kind ? 1 : 1 + test_below(3);
    s.in_c = channels[test_below(12)];
    s.out_c = channels[test_below(10)];
    s.pad_top = test_below(2) ? 0 : test_below(3);
    s.pad_left = test_below(2) ? 0 : test_below(3);
    const uint32_t h = s.in_h + s.pad_top + test_below(3), w = s.in_w + s.pad_left + test_below(3);
    if (h < s.kernel_h || w < s.kernel_w) continue;
    s.out_h = (h - s.kernel_h) / s.stride_h + 1;
    s.out_w = (w - s.kernel_w) / s.stride_w + 1;
    const int pooled = s.out_h > 1 && s.out_w > 1 && test_below(2);
    if (pooled) s.out_h -= s.out_h % 2, s.out_w -= s.out_w % 2;
    test_layer(&s, 1 + shapes % 3, 1 + (uint32_t)pooled);
    shapes++;
  }
  static const tg_conv2d_shape layers[] = {{32, 32, 3, 30, 30, 32, 3, 3, 1, 1, 0, .pad_left = 0},
                                           {15, 15, 32, 13, 13, 64, 3, 3, 1, 1, 0, .pad_left = 0},
                                           {6, 6, 64, 4, 4, 64, 3, 3, 1, 1, 0, .pad_left = 0},
                                           {7, 1, 1024, 7, 1, 64, 1, 1, 1, 1, 0, .pad_left = 0}};
  for (uint32_t i = 0; i < sizeof layers / sizeof layers[0]; i++) test_layer(&layers[i], 3, 1);
  printf("Winograd: farthest from a half where a byte differs %.2g\n", worst);
  return test_report();
}
