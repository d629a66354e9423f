/*
 * GFLOP/s of the convolution and matrix kernels on one thread, and what part that is of tg_gemm_peak in the same
 * process. Arguments say what is measured; a line of JSON for each way to compute it is the answer, after one with the
 * peak and what copying 64 MB reaches:
 *
 *     conv:side,channels,filters,kernel,stride,same,images    {"path":"direct","chosen":true,"passes":[…]}
 *     conv:…,images,groups,dilation                           the same
 *     depthwise:side,channels,kernel,stride,same,images       {"path":"depthwise","chosen":true,"passes":[…]}
 *     gemm:M,K,N                                              {"path":"gemm","chosen":true,"passes":[…]}
 *     layer:op,rank,height,width,channels,samples,options     {"path":"layer","chosen":true,"passes":[…]}
 *     product:…                                               the same, by its products
 *     update:optimizer,rows,columns                           {"path":"update","chosen":true,"passes":[…]}
 *     input                                                   {"gather":…,"shuffle":…,"moved":…}, microseconds a step
 *                                                             of S1; {…,"drawn":…,"colors":…} of 224x224x3
 *
 * Passes are [GFLOP/s, part of the peak]: forward, gradient of the input, gradient of the filter; null where there is
 * none. FLOP are those of the direct convolution's forward pass, for the gradients too. A convolution's weights are
 * packed in each run, as in a training step. Depthwise convolutions have too little work for that: theirs are GB/s of
 * x and y, each counted once, and part of what copying as many bytes reaches in turn with them. Layers (layer_bench.h)
 * have two passes, updates one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment.h"
#include "kernels/conv2d.h"
#include "kernels/depthwise.h"
#include "kernels/gather.h"
#include "kernels/gemm.h"
#include "kernels/winograd.h"
#include "layer_bench.h"
#include "measure.h"
#include "rng.h"

typedef struct {
  tg_conv2d_shape s;
  tg_winograd g;
  uint32_t images, groups, M, K, N;
  tg_real *x, *y, *w, *packed, *scratch;
} job;

static void conv_forward(const void *context) {
  const job *j = context;
  for (uint32_t g = 0; g < j->groups; g++) {
    const size_t from = g * j->s.in_c, to = g * j->s.out_c;
    tg_conv2d_pack(j->packed, j->w + to, &j->s, 0, tg_conv2d_panels(&j->s));
    for (uint32_t i = 0; i < j->images; i++) {
      tg_conv2d_forward(j->y + to, j->x + from, j->packed, NULL, j->scratch, &j->s, i, 0, j->s.out_h, 1);
    }
  }
}

static void conv_input_gradient(const void *context) {
  const job *j = context;
  for (uint32_t g = 0; g < j->groups; g++) {
    const size_t to = g * j->s.in_c, from = g * j->s.out_c;
    tg_conv2d_input_gradient_pack(j->packed, j->w + from, &j->s, 0, tg_conv2d_input_gradient_panels(&j->s));
    for (uint32_t i = 0; i < j->images; i++) {
      tg_conv2d_input_gradient(j->x + to, j->y + from, j->packed, j->scratch, &j->s, i, 0, j->s.in_h);
    }
  }
}

static void conv_filter_gradient(const void *context) {
  const job *j = context;
  for (uint32_t g = 0; g < j->groups; g++) {
    tg_conv2d_filter_gradient(j->w + g * j->s.out_c, j->x + g * j->s.in_c, j->y + g * j->s.out_c, j->scratch, &j->s,
                              j->images, 0, tg_conv2d_filter_gradient_tiles(&j->s));
  }
}

static size_t x_image(const job *j) { return (size_t)j->s.in_h * j->s.in_w * j->s.in_c; }
static size_t y_image(const job *j) { return (size_t)j->s.out_h * j->s.out_w * j->s.out_c; }

static void depthwise_forward(const void *context) {
  const job *j = context;
  for (uint32_t i = 0; i < j->images; i++) {
    tg_depthwise_forward(j->y + i * y_image(j), j->x + i * x_image(j), j->w, NULL, &j->s, j->scratch, 0, j->s.out_h, 1);
  }
}

static void depthwise_input_gradient(const void *context) {
  const job *j = context;
  for (uint32_t i = 0; i < j->images; i++) {
    tg_depthwise_input_gradient(j->x + i * x_image(j), j->y + i * y_image(j), j->w, &j->s, j->scratch, 0, j->s.in_h);
  }
}

static void depthwise_filter_gradient(const void *context) {
  const job *j = context;
  for (uint32_t i = 0; i < j->images; i++) {
    tg_depthwise_filter_gradient(j->w, j->x + i * x_image(j), j->y + i * y_image(j), &j->s, j->scratch, 0, j->s.out_h);
  }
}

static void winograd_forward(const void *context) {
  const job *j = context;
  const uint32_t tiles = j->images * j->g.tiles_h * j->g.tiles_w, block = tg_winograd_block(&j->g);
  tg_winograd_pack(j->packed, j->w, &j->g, 0, tg_conv2d_panels(&j->s));
  for (uint32_t tile = 0; tile < tiles; tile += block) {
    tg_winograd_forward(j->y, j->x, j->packed, NULL, j->scratch, &j->g, tile,
                        tiles - tile < block ? tiles : tile + block, block, 1);
  }
}

static void winograd_input_gradient(const void *context) {
  const job *j = context;
  tg_winograd_input_gradient_pack(j->packed, j->w, &j->g, 0, tg_conv2d_input_gradient_panels(&j->s));
  tg_winograd_input_gradient(j->x, j->y, j->packed, j->scratch, &j->g, 0, j->images, 0,
                             tg_conv2d_input_gradient_panels(&j->s), tg_winograd_block(&j->g));
}

static void winograd_filter_gradient(const void *context) {
  const job *j = context;
  const uint32_t tiles = j->images * j->g.tiles_h * j->g.tiles_w, chunk = tg_winograd_filter_chunk(&j->g, tiles);
  const tg_winograd_filter f = tg_winograd_filter_make(j->scratch, &j->g, chunk);
  for (uint32_t tile = 0; tile < tiles; tile += chunk) {
    const uint32_t count = tiles - tile < chunk ? tiles - tile : chunk;
    tg_winograd_filter_transform(&f, j->x, j->y, &j->g, tile, tile, tile + count);
    tg_winograd_filter_add(&f, &j->g, count, tile == 0, 0, tg_winograd_filter_units(&j->g));
  }
  tg_winograd_filter_finish(j->w, &f, &j->g, 0, j->s.in_c);
}

static void gemm(const void *context) {
  const job *j = context;
  tg_gemm(j->y, j->x, j->packed, NULL, j->K, j->N, 0, j->M, 0, tg_gemm_panels(j->N), 0);
}

static void gemm_transposed(const void *context) {
  const job *j = context;
  tg_gemm_transposed(j->w, j->x, j->y, j->M, j->K, j->N, 0, j->K);
}

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

static void free_job(job *j) {
  free(j->x);
  free(j->y);
  free(j->w);
  free(j->packed);
  free(j->scratch);
}

/* The direct way, and Winograd's where the engine takes it. */
static void bench_conv(uint32_t side, uint32_t in_c, uint32_t out_c, uint32_t kernel, uint32_t stride, int same,
                       uint32_t images, uint32_t groups, uint32_t dilation) {
  const uint32_t span = (kernel - 1) * dilation + 1;
  const uint32_t out = same ? (side + stride - 1) / stride : (side - span) / stride + 1;
  const uint32_t covered = (out - 1) * stride + span, pad = covered > side ? (covered - side) / 2 : 0;
  const tg_conv2d_shape s = {.in_h = side,
                             .in_w = side,
                             .in_c = in_c / groups,
                             .out_h = out,
                             .out_w = out,
                             .out_c = out_c / groups,
                             .kernel_h = kernel,
                             .kernel_w = kernel,
                             .stride_h = stride,
                             .stride_w = stride,
                             .pad_top = pad,
                             .pad_left = pad,
                             .skip_h = dilation - 1,
                             .skip_w = dilation - 1,
                             .skip_in = in_c - in_c / groups,
                             .skip_out = out_c - out_c / groups};
  const int winograd = groups == 1 && dilation == 1 && tg_winograd_pays(&s, images);
  size_t packed = largest(tg_conv2d_packed_size(&s), tg_conv2d_input_gradient_packed_size(&s));
  size_t scratch = largest(tg_conv2d_forward_scratch(&s, out), tg_conv2d_input_gradient_scratch(&s, side));
  scratch = largest(scratch, tg_conv2d_filter_gradient_scratch(&s));
  job j = {.s = s, .g = tg_winograd_make(&s), .images = images, .groups = groups};
  if (winograd) {
    const uint32_t chunk = tg_winograd_filter_chunk(&j.g, (uint64_t)images * j.g.tiles_h * j.g.tiles_w);
    packed = largest(packed, tg_winograd_packed_size(&j.g));
    packed = largest(packed, tg_winograd_input_gradient_packed_size(&j.g));
    scratch = largest(scratch, tg_winograd_scratch(&j.g, tg_winograd_block(&j.g)));
    scratch = largest(scratch, tg_winograd_filter_scratch(&j.g, chunk));
  }
  j.x = bench_filled((size_t)images * side * side * in_c);
  j.y = bench_filled((size_t)images * out * out * out_c);
  j.w = bench_filled((size_t)kernel * kernel * in_c * out_c);
  j.packed = bench_filled(packed);
  j.scratch = bench_filled(scratch);
  const double flop = 2.0 * images * out * out * out_c * kernel * kernel * s.in_c;
  const bench_pass direct[] = {{conv_forward, flop}, {conv_input_gradient, flop}, {conv_filter_gradient, flop}};
  bench_print_line("direct", !winograd, &j, direct, BENCH_ARITHMETIC);
  if (winograd) {
    const bench_pass passes[] = {
        {winograd_forward, flop}, {winograd_input_gradient, flop}, {winograd_filter_gradient, flop}};
    bench_print_line("Winograd", 1, &j, passes, BENCH_ARITHMETIC);
  }
  free_job(&j);
}

static void bench_depthwise(uint32_t side, uint32_t channels, uint32_t kernel, uint32_t stride, int same,
                            uint32_t images) {
  const uint32_t out = same ? (side + stride - 1) / stride : (side - kernel) / stride + 1;
  const uint32_t covered = (out - 1) * stride + kernel, pad = same && covered > side ? (covered - side) / 2 : 0;
  job j = {.images = images,
           .s = {side, side, channels, out, out, channels, kernel, kernel, stride, stride, pad, .pad_left = pad}};
  const size_t x = images * x_image(&j), y = images * y_image(&j), w = (size_t)kernel * kernel * channels;
  j.x = bench_filled(x);
  j.y = bench_filled(y);
  j.w = bench_filled(w);
  j.scratch = bench_filled(TG_DEPTHWISE_SCRATCH);
  const double bytes = (double)((x + y) * sizeof(tg_real));
  const bench_pass passes[] = {
      {depthwise_forward, bytes}, {depthwise_input_gradient, bytes}, {depthwise_filter_gradient, bytes}};
  bench_print_line("depthwise", 1, &j, passes, BENCH_MEMORY);
  free_job(&j);
}

static void bench_gemm(uint32_t M, uint32_t K, uint32_t N) {
  job j = {.M = M, .K = K, .N = N};
  j.x = bench_filled((size_t)M * K);
  j.y = bench_filled((size_t)M * N);
  j.w = bench_filled((size_t)K * N);
  j.packed = bench_filled(tg_gemm_packed_size(K, N));
  const double flop = 2.0 * M * K * N;
  const bench_pass passes[] = {{gemm, flop}, {NULL, 0}, {gemm_transposed, flop}};
  bench_print_line("gemm", 1, &j, passes, BENCH_ARITHMETIC);
  free_job(&j);
}

/* Milliseconds: the best of 80. */
static double best_ms(void (*work)(void *), void *context) {
  double best = 1e9;
  for (int i = 0; i < 80; i++) {
    const double start = bench_now_ms();
    for (int k = 0; k < 10; k++) work(context);
    const double each = (bench_now_ms() - start) / 10;
    if (each < best) best = each;
  }
  return best;
}

enum { IMAGES = 50000, IMAGE = 32 * 32 * 3, BATCH = 32 };

typedef struct {
  uint8_t *samples;
  tg_real *batch;
  uint32_t *order, at;
} pipeline;

static void shuffle(void *context) {
  pipeline *p = context;
  tg_rng rng = tg_rng_start(1, TG_STREAM_SHUFFLE, p->at++);
  tg_rng_shuffle(&rng, p->order, 0, IMAGES);
}

static void gather(void *context) {
  static const tg_real scale[3] = {1.0f / 255, 1.0f / 255, 1.0f / 255}, offset[3] = {0, 0, 0};
  pipeline *p = context;
  if (p->at + BATCH > IMAGES) p->at = 0;
  tg_gather_u8(p->batch, p->samples, p->order + p->at, BATCH, IMAGE, 3, scale, offset);
  p->at += BATCH;
}

typedef struct {
  tg_engine *engine;
  tg_dataset *dataset;
  tg_augment *augment;
  tg_real *batch;
  uint32_t order[BATCH];
  uint64_t epoch;
} augmentation;

/* One picture, so that what else the machine does falls between two measurements. */
static void augment(void *context) {
  augmentation *a = context;
  const tg_augment_moment moment = {.seed = 1, .epoch = a->epoch++};
  tg_augment_gather(a->engine->pool, a->batch, a->augment, &moment, a->dataset, a->order + moment.epoch % BATCH, 1, 0);
}

/* Microseconds for a batch of pictures of side x side x 3 bytes. */
static double bench_augment(uint32_t side, const double *list, uint32_t n) {
  augmentation a = {.engine = tg_engine_create(1, 1), .batch = bench_filled((size_t)side * side * 3)};
  a.dataset = tg_dataset_create(a.engine, TG_SAMPLES_U8, BATCH, side, side, 3, TG_LABELS_NONE, 0);
  uint8_t *samples = tg_dataset_samples(a.engine, a.dataset);
  for (size_t i = 0; i < (size_t)BATCH * side * side * 3; i++) samples[i] = (uint8_t)(i * 7919 % 251);
  for (uint32_t i = 0; i < BATCH; i++) a.order[i] = BATCH - 1 - i;
  a.augment = tg_augment_make(a.engine, list, n);
  if (!a.augment || tg_augment_prepare(a.engine, a.augment, a.dataset)) exit(1);
  const double ms = BATCH * best_ms(augment, &a);
  tg_augment_free(a.engine, a.augment);
  tg_engine_destroy(a.engine);
  free(a.batch);
  return 1e3 * ms;
}

/* What a step of S1 at batch 32 does before its first layer: its share of the epoch's shuffle, and a batch gathered
 * from all over CIFAR-10 and scaled; or mirrored, cropped with padding and cut out. Then what a batch of large pictures
 * takes that are turned, sheared, zoomed and mirrored, and one whose colours change. */
static void bench_input(void) {
  static const double moved[][TG_AUGMENT_NUMBERS] = {
      {TG_AUGMENT_FLIP, 1}, {TG_AUGMENT_CROP, 0, 0, 4, 4}, {TG_AUGMENT_CUTOUT, 8, 8, 1, NAN}};
  static const double drawn[][TG_AUGMENT_NUMBERS] = {{TG_AUGMENT_ROTATION, -0.1, 0.1},
                                                     {TG_AUGMENT_SHEAR, -0.2, 0.2},
                                                     {TG_AUGMENT_ZOOM, -0.2, 0.2, -0.2, 0.2},
                                                     {TG_AUGMENT_FLIP, 1},
                                                     {TG_AUGMENT_FILL, TG_FILL_REFLECT}};
  static const double colors[][TG_AUGMENT_NUMBERS] = {{TG_AUGMENT_CONTRAST, 0.3, 0.3, NAN, NAN},
                                                      {TG_AUGMENT_BRIGHTNESS, -0.2, 0.2, NAN, NAN}};
  pipeline p = {.samples = malloc((size_t)IMAGES * IMAGE), .order = malloc(IMAGES * sizeof *p.order)};
  if (!p.samples || !p.order) exit(1);
  p.batch = bench_filled((size_t)BATCH * IMAGE);
  for (size_t i = 0; i < (size_t)IMAGES * IMAGE; i++) p.samples[i] = (uint8_t)(i * 7919 % 251);
  const double epoch = best_ms(shuffle, &p), batch = best_ms(gather, &p);
  printf("{\"gather\":%.2f,\"shuffle\":%.2f,\"moved\":%.2f,\"drawn\":%.0f,\"colors\":%.0f}\n", 1e3 * batch,
         1e3 * epoch * BATCH / IMAGES, bench_augment(32, moved[0], 3), bench_augment(224, drawn[0], 5),
         bench_augment(224, colors[0], 2));
  free(p.samples);
  free(p.batch);
  free(p.order);
}

int main(int count, char **arguments) {
  const double peak = bench_peak();
  printf("{\"peak\":%.1f,\"memory\":%.1f}\n", peak, bench_memory());
  for (int i = 1; i < count; i++) {
    unsigned a, b, c, kernel, stride, same, images, groups = 1, dilation = 1;
    uint32_t size[3];
    char op[40], options[200] = "";
    if (sscanf(arguments[i], "conv:%u,%u,%u,%u,%u,%u,%u,%u,%u", &a, &b, &c, &kernel, &stride, &same, &images, &groups,
               &dilation) >= 7) {
      bench_conv(a, b, c, kernel, stride, same != 0, images, groups, dilation);
    } else if (sscanf(arguments[i], "depthwise:%u,%u,%u,%u,%u,%u", &a, &b, &kernel, &stride, &same, &images) == 6) {
      bench_depthwise(a, b, kernel, stride, same != 0, images);
    } else if (sscanf(arguments[i], "gemm:%u,%u,%u", &a, &b, &c) == 3) {
      bench_gemm(a, b, c);
    } else if (sscanf(arguments[i], "layer:%39[a-zA-Z0-9],%u,%u,%u,%u,%u,%199s", op, &a, &size[0], &size[1], &size[2],
                      &images, options) >= 6) {
      layer_bench(op, a, size, images, options, BENCH_MEMORY);
    } else if (sscanf(arguments[i], "product:%39[a-zA-Z0-9],%u,%u,%u,%u,%u,%199s", op, &a, &size[0], &size[1], &size[2],
                      &images, options) >= 6) {
      layer_bench(op, a, size, images, options, BENCH_ARITHMETIC);
    } else if (sscanf(arguments[i], "update:%u,%u,%u", &a, &b, &c) == 3) {
      update_bench(a, b, c);
    } else if (!strcmp(arguments[i], "input")) {
      bench_input();
    } else {
      fprintf(stderr, "cannot read '%s'\n", arguments[i]);
      return 1;
    }
    fflush(stdout);
  }
  return 0;
}
