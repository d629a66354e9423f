#include "depthwise.h"

#include "../kernels/reduce.h"
#include "../kernels/simd.h"
#include "../size.h"
#include "conv2d_direct.h"

/* Rows of y, of all images, are summed into dw in so many parts, and these in order: a number that neither the threads
 * nor the weights' size change. */
enum { PARTS = 16 };

/* An image of x with each channel as often as it has filters. */
static uint64_t spread_size(const tg_depthwise *d) {
  if (d->times == 1) return 0;
  return tg_add(tg_mul(tg_mul(d->s.in_h, d->s.in_w), d->s.in_c), TG_OVERREAD_REALS);
}

/* What a thread works in: the kernels' scratch, and before it that image. */
static uint64_t thread_size(const tg_depthwise *d) { return tg_add(spread_size(d), TG_DEPTHWISE_SCRATCH); }

static uint64_t weights_size(const tg_depthwise *d) { return (uint64_t)d->s.kernel_h * d->s.kernel_w * d->s.in_c; }

uint64_t tg_depthwise_needs(const tg_depthwise *d, uint32_t threads) { return tg_mul(threads, thread_size(d)); }

uint64_t tg_depthwise_filter_needs(const tg_depthwise *d, uint32_t threads) {
  return tg_add(tg_mul(PARTS, weights_size(d)), tg_mul(threads, thread_size(d)));
}

typedef struct {
  const tg_depthwise *d;
  const tg_buffers *b;
  const tg_real *bias;
  tg_real *threads; /* thread_size of each */
  uint32_t rows, strips;
  uint64_t all_rows, rows_a_part;
} job;

static size_t x_image(const tg_depthwise *d) { return (size_t)d->s.in_h * d->s.in_w * (d->s.in_c / d->times); }
static size_t y_image(const tg_depthwise *d) { return (size_t)d->s.out_h * d->s.out_w * d->s.out_c; }
static tg_real *spread_of(const job *j, uint32_t thread) { return j->threads + thread * (size_t)thread_size(j->d); }
static tg_real *scratch_of(const job *j, uint32_t thread) { return spread_of(j, thread) + spread_size(j->d); }

/* The image of x as the kernels read it for rows first…end-1 of y. */
static const tg_real *spread_rows(const job *j, size_t image, uint32_t first, uint32_t end, uint32_t thread) {
  const tg_depthwise *d = j->d;
  const tg_conv2d_shape *s = &d->s;
  const tg_real *x = j->b->x[0] + image * x_image(d);
  if (d->times == 1) return x;
  const int64_t top = (int64_t)first * s->stride_h - s->pad_top;
  const int64_t bottom =
      (int64_t)(end - 1) * s->stride_h - s->pad_top + (int64_t)(s->kernel_h - 1) * (s->skip_h + 1) + 1;
  const size_t row = top > 0 ? (size_t)top : 0, row_end = bottom < (int64_t)s->in_h ? (size_t)bottom : s->in_h;
  tg_real *to = spread_of(j, thread);
  if (bottom > (int64_t)row && row < row_end) {
    const uint32_t channels = s->in_c / d->times;
    tg_depthwise_spread(to + row * s->in_w * s->in_c, x + row * s->in_w * channels, (row_end - row) * s->in_w, channels,
                        d->times);
  }
  return to;
}

static void run_strips(const tg_run *run, job *j, uint32_t rows, tg_task task) {
  j->rows = tg_conv2d_tile_rows(rows, run->samples, tg_pool_width(run->pool), j->d->macs);
  j->strips = tg_ceil_div(rows, j->rows);
  tg_pool_run(run->pool, run->samples * j->strips, task, j);
}

static void forward_strip(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const tg_depthwise *d = j->d;
  const size_t image = tile / j->strips;
  const uint32_t first = tile % j->strips * j->rows, end = tg_min(first + j->rows, d->s.out_h);
  tg_depthwise_forward(j->b->y + image * y_image(d), spread_rows(j, image, first, end, thread), j->b->w, j->bias, &d->s,
                       scratch_of(j, thread), first, end, j->b->relu);
}

void tg_depthwise_run_forward(const tg_run *run, const tg_buffers *buffers, const tg_real *bias,
                              const tg_depthwise *d) {
  job j = {.d = d, .b = buffers, .bias = bias, .threads = buffers->scratch};
  run_strips(run, &j, d->s.out_h, forward_strip);
}

static void input_gradient_strip(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const tg_depthwise *d = j->d;
  const tg_conv2d_shape *s = &d->s;
  const size_t image = tile / j->strips;
  const uint32_t first = tile % j->strips * j->rows, end = tg_min(first + j->rows, s->in_h);
  tg_real *dx = j->b->dx[0] + image * x_image(d), *to = d->times == 1 ? dx : spread_of(j, thread);
  tg_depthwise_input_gradient(to, j->b->dy + image * y_image(d), j->b->w, s, scratch_of(j, thread), first, end);
  if (d->times == 1) return;
  const size_t cells = (size_t)first * s->in_w, channels = s->in_c / d->times;
  tg_depthwise_gather(dx + cells * channels, to + cells * s->in_c, (size_t)(end - first) * s->in_w, (uint32_t)channels,
                      d->times);
}

void tg_depthwise_run_input_gradient(const tg_run *run, const tg_buffers *buffers, const tg_depthwise *d) {
  job j = {.d = d, .b = buffers, .threads = buffers->scratch};
  run_strips(run, &j, d->s.in_h, input_gradient_strip);
}

static void filter_gradient_part(void *context, uint32_t part, uint32_t thread) {
  const job *j = context;
  const tg_depthwise *d = j->d;
  const uint32_t out_h = d->s.out_h;
  tg_real *dw = j->b->scratch + part * weights_size(d);
  tg_clear(dw, (size_t)weights_size(d));
  uint64_t row = part * j->rows_a_part, end = row + j->rows_a_part;
  if (end > j->all_rows) end = j->all_rows;
  while (row < end) {
    const size_t image = (size_t)(row / out_h);
    const uint32_t first = (uint32_t)(row % out_h);
    const uint32_t last = end - row < out_h - first ? first + (uint32_t)(end - row) : out_h;
    tg_depthwise_filter_gradient(dw, spread_rows(j, image, first, last, thread), j->b->dy + image * y_image(d), &d->s,
                                 scratch_of(j, thread), first, last);
    row += last - first;
  }
}

void tg_depthwise_run_filter_gradient(const tg_run *run, const tg_buffers *buffers, const tg_depthwise *d) {
  job j = {.d = d, .b = buffers, .threads = buffers->scratch + PARTS * weights_size(d)};
  j.all_rows = (uint64_t)run->samples * d->s.out_h;
  j.rows_a_part = (j.all_rows + PARTS - 1) / PARTS;
  tg_pool_run(run->pool, PARTS, filter_gradient_part, &j);
  tg_sum_rows(buffers->dw, buffers->scratch, PARTS, (uint32_t)weights_size(d));
}
