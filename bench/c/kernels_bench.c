/* GFLOP/s of the convolution and matrix kernels on one thread, and percent of tg_gemm_peak in the same process.
 * FLOP are those of the direct convolution's forward pass, for the gradients too. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/conv2d.h"
#include "kernels/gemm.h"
#include "kernels/winograd.h"

#ifdef __EMSCRIPTEN__
#include <emscripten.h>
static double now_ms(void) { return emscripten_get_now(); }
#else
static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}
#endif

static tg_real *filled(size_t n) {
  tg_real *p = malloc((n + TG_OVERREAD_REALS) * sizeof *p);
  if (!p) exit(1);
  for (size_t i = 0; i < n + TG_OVERREAD_REALS; i++) p[i] = (tg_real)((int)(i * 7919 % 1999) - 999) / 1000;
  return p;
}

enum {
  CONV_FORWARD,
  CONV_INPUT_GRADIENT,
  CONV_FILTER_GRADIENT,
  WINOGRAD_FORWARD,
  WINOGRAD_INPUT_GRADIENT,
  WINOGRAD_FILTER_GRADIENT,
  GEMM,
  GEMM_TRANSPOSED,
  PEAK
};

typedef struct {
  int what;
  tg_conv2d_shape s;
  tg_winograd g;
  uint32_t images, M, K, N;
  tg_real *x, *y, *w, *packed, *scratch;
} job;

static void run_winograd_forward(const job *j) {
  const uint32_t tiles = j->images * j->g.tiles_h * j->g.tiles_w, block = tg_winograd_block(&j->g);
  tg_winograd_pack(j->packed, j->w, &j->g, 0, tg_conv2d_panels(&j->s));
  for (uint32_t tile = 0; tile < tiles; tile += block) {
    tg_winograd_forward(j->y, j->x, j->packed, NULL, j->scratch, &j->g, tile,
                        tiles - tile < block ? tiles : tile + block, block, 1);
  }
}

static void run_winograd_filter_gradient(const job *j) {
  const uint32_t tiles = j->images * j->g.tiles_h * j->g.tiles_w, chunk = tg_winograd_filter_chunk(&j->g, tiles);
  const tg_winograd_filter f = tg_winograd_filter_make(j->scratch, &j->g, chunk);
  for (uint32_t tile = 0; tile < tiles; tile += chunk) {
    const uint32_t count = tiles - tile < chunk ? tiles - tile : chunk;
    tg_winograd_filter_transform(&f, j->x, j->y, &j->g, tile, tile, tile + count);
    tg_winograd_filter_add(&f, &j->g, count, tile == 0, 0, tg_winograd_filter_units(&j->g));
  }
  tg_winograd_filter_finish(j->w, &f, &j->g, 0, j->s.in_c);
}

static void run(const job *j) {
  switch (j->what) {
    case CONV_FORWARD:
      for (uint32_t i = 0; i < j->images; i++) {
        tg_conv2d_forward(j->y, j->x, j->packed, NULL, j->scratch, &j->s, i, 0, j->s.out_h, 1);
      }
      break;
    case CONV_INPUT_GRADIENT:
      for (uint32_t i = 0; i < j->images; i++) {
        tg_conv2d_input_gradient(j->x, j->y, j->packed, j->scratch, &j->s, i, 0, j->s.in_h);
      }
      break;
    case CONV_FILTER_GRADIENT:
      tg_conv2d_filter_gradient(j->w, j->x, j->y, j->scratch, &j->s, j->images, 0,
                                tg_conv2d_filter_gradient_tiles(&j->s));
      break;
    case WINOGRAD_FORWARD:
      run_winograd_forward(j);
      break;
    case WINOGRAD_INPUT_GRADIENT:
      tg_winograd_input_gradient_pack(j->packed, j->w, &j->g, 0, tg_conv2d_input_gradient_panels(&j->s));
      tg_winograd_input_gradient(j->x, j->y, j->packed, j->scratch, &j->g, 0, j->images, tg_winograd_block(&j->g));
      break;
    case WINOGRAD_FILTER_GRADIENT:
      run_winograd_filter_gradient(j);
      break;
    case GEMM:
      tg_gemm(j->y, j->x, j->packed, NULL, j->K, j->N, 0, j->M, 0, tg_gemm_panels(j->N), 0);
      break;
    case GEMM_TRANSPOSED:
      tg_gemm_transposed(j->w, j->x, j->y, j->M, j->K, j->N, 0, j->K);
      break;
    default:
      j->y[0] = tg_gemm_peak(256);
  }
}

/* GFLOP/s over at least `ms` milliseconds. */
static double chunk(const job *j, double flop, double ms) {
  double start = now_ms(), elapsed = 0;
  int runs = 0;
  do {
    run(j);
    runs++;
    elapsed = now_ms() - start;
  } while (elapsed < ms);
  return flop * runs / elapsed * 1e-6;
}

typedef struct {
  double rate, peak;
} result;

/* The kernel and the peak kernel in turn, 80 chunks of a millisecond or two of each after 60 ms that let an engine
 * compile what is hot. Of each the best chunk counts: whatever else runs on the machine can only slow one down. */
static result measure(const job *j, double flop) {
  tg_real y[1];
  const job top = {.what = PEAK, .y = y};
  result best = {0, 0};
  chunk(j, flop, 60);
  for (int i = 0; i < 80; i++) {
    double rate = chunk(j, flop, 2), peak = chunk(&top, tg_gemm_peak_flops(256), 1);
    if (rate > best.rate) best.rate = rate;
    if (peak > best.peak) best.peak = peak;
  }
  return best;
}

static void print(result r) { printf("  %6.1f %4.0f%%", r.rate, 100 * r.rate / r.peak); }

static void bench_conv(const char *name, uint32_t images, uint32_t h, uint32_t in_c, uint32_t out_c, uint32_t kernel,
                       uint32_t stride, uint32_t pad) {
  uint32_t out = (h + 2 * pad - kernel) / stride + 1;
  tg_conv2d_shape s = {h, h, in_c, out, out, out_c, kernel, kernel, stride, stride, pad, pad};
  size_t packed = tg_conv2d_packed_size(&s), packed_gradient = tg_conv2d_input_gradient_packed_size(&s);
  size_t scratch = tg_conv2d_forward_scratch(&s, out);
  if (tg_conv2d_input_gradient_scratch(&s, h) > scratch) scratch = tg_conv2d_input_gradient_scratch(&s, h);
  if (tg_conv2d_filter_gradient_scratch(&s) > scratch) scratch = tg_conv2d_filter_gradient_scratch(&s);
  job j = {.s = s, .images = images};
  j.x = filled((size_t)images * h * h * in_c);
  j.y = filled((size_t)images * out * out * out_c);
  j.w = filled((size_t)kernel * kernel * in_c * out_c);
  j.packed = filled(packed > packed_gradient ? packed : packed_gradient);
  j.scratch = filled(scratch);
  double flop = 2.0 * images * out * out * out_c * kernel * kernel * in_c;
  printf("%-28s", name);
  for (j.what = CONV_FORWARD; j.what <= CONV_FILTER_GRADIENT; j.what++) {
    print(measure(&j, flop));
  }
  printf("\n");
  free(j.x);
  free(j.y);
  free(j.w);
  free(j.packed);
  free(j.scratch);
}

/* The same by Winograd, weights transformed each time. */
static void bench_winograd(const char *name, uint32_t images, uint32_t h, uint32_t in_c, uint32_t out_c, uint32_t pad) {
  const uint32_t out = h + 2 * pad - 2;
  const tg_conv2d_shape s = {h, h, in_c, out, out, out_c, 3, 3, 1, 1, pad, pad};
  const tg_winograd g = tg_winograd_make(&s);
  const size_t packed = tg_winograd_packed_size(&g), packed_gradient = tg_winograd_input_gradient_packed_size(&g);
  const size_t filter =
      tg_winograd_filter_scratch(&g, tg_winograd_filter_chunk(&g, (uint64_t)images * g.tiles_h * g.tiles_w));
  const size_t scratch = tg_winograd_scratch(&g, tg_winograd_block(&g));
  job j = {.s = s, .g = g, .images = images};
  j.x = filled((size_t)images * h * h * in_c);
  j.y = filled((size_t)images * out * out * out_c);
  j.w = filled((size_t)9 * in_c * out_c);
  j.packed = filled(packed > packed_gradient ? packed : packed_gradient);
  j.scratch = filled(scratch > filter ? scratch : filter);
  const double flop = 2.0 * images * out * out * out_c * 9 * in_c;
  printf("  %-26s", name);
  for (j.what = WINOGRAD_FORWARD; j.what <= WINOGRAD_FILTER_GRADIENT; j.what++) print(measure(&j, flop));
  printf("\n");
  free(j.x);
  free(j.y);
  free(j.w);
  free(j.packed);
  free(j.scratch);
}

static void bench_gemm(const char *name, uint32_t M, uint32_t K, uint32_t N) {
  job j = {.M = M, .K = K, .N = N};
  j.x = filled((size_t)M * K);
  j.y = filled((size_t)M * N);
  j.w = filled((size_t)K * N);
  j.packed = filled(tg_gemm_packed_size(K, N));
  double flop = 2.0 * M * K * N;
  printf("%-28s", name);
  j.what = GEMM;
  print(measure(&j, flop));
  printf("%14s", "");
  j.what = GEMM_TRANSPOSED;
  print(measure(&j, flop));
  printf("\n");
  free(j.x);
  free(j.y);
  free(j.w);
  free(j.packed);
}

int main(void) {
  tg_real y[1];
  const job top = {.what = PEAK, .y = y};
  chunk(&top, 0, 1000); /* an engine compiles in the background: wait for its best code */
  result r = measure(&top, tg_gemm_peak_flops(256));
  printf("peak %.1f GFLOP/s\n", r.peak);
  printf("%-28s  %-12s  %-12s  %-12s\n", "GFLOP/s, percent of peak", "forward", "input grad", "filter grad");
  bench_conv("seed 1: 32x32x3 -> 32", 32, 32, 3, 32, 3, 1, 0);
  bench_conv("seed 2: 15x15x32 -> 64", 32, 15, 32, 64, 3, 1, 0);
  bench_winograd("the same by Winograd", 32, 15, 32, 64, 0);
  bench_conv("seed 3: 6x6x64 -> 64", 32, 6, 64, 64, 3, 1, 0);
  bench_winograd("the same by Winograd", 32, 6, 64, 64, 0);
  bench_conv("resnet 1: 32x32x16 pad 1", 16, 32, 16, 16, 3, 1, 1);
  bench_winograd("the same by Winograd", 16, 32, 16, 16, 1);
  bench_conv("resnet 2: 16x16x32 pad 1", 16, 16, 32, 32, 3, 1, 1);
  bench_winograd("the same by Winograd", 16, 16, 32, 32, 1);
  bench_conv("resnet 3: 8x8x64 pad 1", 16, 8, 64, 64, 3, 1, 1);
  bench_winograd("the same by Winograd", 16, 8, 64, 64, 1);
  bench_conv("resnet: 32x32x16 -> 32 / 2", 16, 32, 16, 32, 3, 2, 1);
  bench_conv("resnet: 1x1 16 -> 32 / 2", 16, 32, 16, 32, 1, 2, 0);
  bench_conv("1x1 64 -> 64", 16, 8, 64, 64, 1, 1, 0);
  bench_conv("binary: 111x111x32 -> 64", 1, 111, 32, 64, 3, 1, 0);
  bench_winograd("the same by Winograd", 1, 111, 32, 64, 0);
  bench_conv("binary: 54x54x64 -> 128", 1, 54, 64, 128, 3, 1, 0);
  bench_winograd("the same by Winograd", 1, 54, 64, 128, 0);
  bench_gemm("dense 32 x 1024 -> 64", 32, 1024, 64);
  bench_gemm("dense 32 x 64 -> 10", 32, 64, 10);
  bench_gemm("gemm 1024", 1024, 1024, 1024);
  return 0;
}
