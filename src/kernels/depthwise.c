#include "kernels/depthwise.h"

#include "kernels/conv2d_windows.h"
#include "kernels/depthwise_three.h"

/* The taps of one row or column of the result that meet the array read: `count` of them, the first at index `at` there.
 */
typedef struct {
  uint32_t count, tap, tap_step;
  int64_t at, step;
} taps;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* One direction of a pass: `size` of the array read. */
typedef struct {
  uint32_t kernel, stride, dilation, pad, size;
  int backward;
} axis;

/* Output o reads input o * stride + tap * dilation - pad. */
static taps forward_taps(const axis *a, uint32_t o) {
  const int64_t start = (int64_t)o * a->stride - a->pad, last = (int64_t)a->size - 1 - start;
  const int64_t first = start < 0 ? ceil_div(-start, a->dilation) : 0;
  int64_t end = last >= 0 ? last / a->dilation + 1 : 0;
  if (end > a->kernel) end = a->kernel;
  if (first >= end) return (taps){0};
  return (taps){(uint32_t)(end - first), (uint32_t)first, 1, start + first * a->dilation, a->dilation};
}

/* Input i gets the gradient of output (i + pad - tap * dilation) / stride, where that is whole: for every period-th tap
 * from one that i modulo the stride decides. */
static taps backward_taps(const axis *a, uint32_t i) {
  const int64_t reached = (int64_t)i + a->pad, dilation = a->dilation;
  uint32_t period = 1, tap = 0;
  while ((uint64_t)period * a->dilation % a->stride) period++;
  while (tap < period && (reached - tap * dilation) % a->stride) tap++;
  if (tap == period || tap >= a->kernel) return (taps){0};
  const int64_t at = (reached - tap * dilation) / a->stride, step = period * dilation / a->stride;
  const int64_t first = at >= (int64_t)a->size ? ceil_div(at - a->size + 1, step) : 0;
  int64_t end = at >= 0 ? at / step + 1 : 0;
  const int64_t all = (a->kernel - 1 - tap) / period + 1;
  if (end > all) end = all;
  if (first >= end) return (taps){0};
  return (taps){(uint32_t)(end - first), tap + (uint32_t)first * period, period, at - first * step, -step};
}

static taps taps_at(const axis *a, uint32_t i) { return a->backward ? backward_taps(a, i) : forward_taps(a, i); }

/* What a pass reads, and how far apart neighbours are: the pixels that see the same taps. */
typedef struct {
  const tg_real *from, *w, *bias;
  size_t channels, line; /* reals of a pixel, of a row of `from` */
  axis rows, columns;
  uint32_t from_step, to_step; /* pixels from neighbour to neighbour */
  int relu;
  tg_real *scratch;
} pass;

/* `pixels` neighbours, a constant. */
TG_INLINE void sum_taps(tg_real *to, const pass *p, const taps *rows, const taps *columns, const size_t pixels) {
  const size_t C = p->channels, from_step = p->from_step * C, to_step = p->to_step * C;
  const int64_t line = rows->step * (int64_t)p->line, step = columns->step * (int64_t)C;
  const size_t w_line = (size_t)rows->tap_step * p->columns.kernel * C, w_step = columns->tap_step * C;
  const tg_real *first = p->from + rows->at * (int64_t)p->line + columns->at * (int64_t)C;
  const tg_real *w_first = p->w + ((size_t)rows->tap * p->columns.kernel + columns->tap) * C;
  for (size_t c = 0; c < C; c += 4) {
    tg_v4 sums[4];
    for (size_t i = 0; i < pixels; i++) sums[i] = p->bias ? tg_v4_load(p->bias + c) : tg_v4_zero();
    const tg_real *from_line = first + c, *w_row = w_first + c;
    for (uint32_t row = rows->count; row; row--, from_line += line, w_row += w_line) {
      const tg_real *from = from_line, *w = w_row;
      TG_NO_UNROLL
      for (uint32_t column = columns->count; column; column--, from += step, w += w_step) {
        const tg_v4 weight = tg_v4_load(w);
        for (size_t i = 0; i < pixels; i++) sums[i] = tg_v4_madd(tg_v4_load(from + i * from_step), weight, sums[i]);
      }
    }
    for (size_t i = 0; i < pixels; i++) {
      if (p->relu) sums[i] = tg_v4_max(sums[i], tg_v4_zero());
      tg_v4_store_part(to + i * to_step + c, sums[i], C - c);
    }
  }
}

/* How many pixels of a row, `most` at most, from the one at `i` see the taps that it sees: all, or a half, a quarter …
 */
static uint32_t count_alike(const pass *p, uint32_t i, const taps *here, uint32_t most) {
  uint32_t n = most;
  for (; n > 1; n /= 2) {
    const taps last = taps_at(&p->columns, i + (n - 1) * p->to_step);
    if (last.count == here->count && last.tap == here->tap && last.at - here->at == (int64_t)(n - 1) * p->from_step)
      break;
  }
  return n;
}

/* Whether all windows have something that is inside, `outputs` being what a gather gives. */
static int is_seen(const axis *a, uint32_t outputs) {
  const int64_t pad = a->backward ? TG_THREE - 1 - (int64_t)a->pad : a->pad;
  return pad >= 0 && pad < TG_THREE && (int64_t)(outputs - 1) * (a->backward ? 1 : a->stride) - pad < a->size;
}

/* Whether kernels of 3x3 have loops of their own for this. */
static int has_three(const axis *rows, const axis *columns, uint32_t height, uint32_t width) {
  if (rows->kernel != TG_THREE || columns->kernel != TG_THREE) return 0;
  if (rows->stride != columns->stride || rows->stride > 2 || rows->dilation > 1 || columns->dilation > 1) return 0;
  return (rows->backward && rows->stride == 2) || (is_seen(rows, height) && is_seen(columns, width));
}

static void run_three(tg_real *to, const pass *p, uint32_t width, uint32_t first, uint32_t end) {
  const axis *rows = &p->rows, *columns = &p->columns;
  tg_three t = {.from = p->from,
                .w = p->w,
                .bias = p->bias,
                .channels = p->channels,
                .height = rows->size,
                .width = columns->size,
                .stride = rows->stride,
                .pad_top = rows->pad,
                .pad_left = columns->pad,
                .to_width = width,
                .relu = p->relu,
                .scratch = p->scratch};
  if (columns->backward && columns->stride == 2) {
    tg_three_scatter(to, &t, first, end);
    return;
  }
  if (columns->backward) {
    t.flipped = 1;
    t.pad_top = TG_THREE - 1 - (int64_t)rows->pad;
    t.pad_left = TG_THREE - 1 - (int64_t)columns->pad;
  }
  tg_three_gather(to, &t, first, end);
}

/* Rows first…end-1 of `to` (height, width, channels). */
static void run_pass(tg_real *to, const pass *p, uint32_t height, uint32_t width, uint32_t first, uint32_t end) {
  if (has_three(&p->rows, &p->columns, height, width)) {
    run_three(to, p, width, first, end);
    return;
  }
  const size_t C = p->channels;
  for (uint32_t row = first; row < end; row++) {
    const taps rows = taps_at(&p->rows, row);
    tg_real *to_row = to + (size_t)row * width * C;
    for (uint32_t phase = 0; phase < p->to_step && phase < width; phase++) {
      uint32_t left = (width - phase - 1) / p->to_step + 1;
      for (uint32_t i = phase; left;) {
        taps columns = taps_at(&p->columns, i);
        uint32_t n = count_alike(p, i, &columns, left);
        left -= n;
        for (; n >= 4; n -= 4, i += 4 * p->to_step, columns.at += 4 * p->from_step) {
          sum_taps(to_row + i * C, p, &rows, &columns, 4);
        }
        for (; n; n--, i += p->to_step, columns.at += p->from_step) sum_taps(to_row + i * C, p, &rows, &columns, 1);
      }
    }
  }
}

void tg_depthwise_forward(tg_real *y, const tg_real *x, const tg_real *w, const tg_real *bias, const tg_conv2d_shape *s,
                          tg_real *scratch, uint32_t row_first, uint32_t row_end, int relu) {
  /* y (out_h, out_w, channels), x (in_h, in_w, channels), w (kernel_h, kernel_w, channels) */
  const size_t C = s->in_c, line = s->in_w * C;
  const pass p = {x,
                  w,
                  bias,
                  C,
                  line,
                  {s->kernel_h, s->stride_h, s->skip_h + 1, s->pad_top, s->in_h, 0},
                  {s->kernel_w, s->stride_w, s->skip_w + 1, s->pad_left, s->in_w, 0},
                  s->stride_w,
                  1,
                  relu,
                  scratch};
  run_pass(y, &p, s->out_h, s->out_w, row_first, row_end);
}

void tg_depthwise_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *w, const tg_conv2d_shape *s,
                                 tg_real *scratch, uint32_t row_first, uint32_t row_end) {
  /* dx (in_h, in_w, channels), dy (out_h, out_w, channels), w (kernel_h, kernel_w, channels) */
  const size_t C = s->in_c, line = s->out_w * C;
  const pass p = {dy,
                  w,
                  NULL,
                  C,
                  line,
                  {s->kernel_h, s->stride_h, s->skip_h + 1, s->pad_top, s->out_h, 1},
                  {s->kernel_w, s->stride_w, s->skip_w + 1, s->pad_left, s->out_w, 1},
                  1,
                  s->stride_w,
                  0,
                  scratch};
  run_pass(dx, &p, s->in_h, s->in_w, row_first, row_end);
}

/* Channels whose rows of x and dy stay in the first-level cache while the taps pass over them. */
enum { SLICE = 64 };

/* dw (16) += the sum over n pixels of x, x_step apart, times dy, dy_step apart. */
TG_INLINE void add_sixteen(tg_real *dw, const tg_real *x, size_t x_step, const tg_real *dy, size_t dy_step, size_t n) {
  tg_v4 sums[4];
  for (size_t i = 0; i < 4; i++) sums[i] = tg_v4_load(dw + 4 * i);
  for (; n; n--, x += x_step, dy += dy_step) {
    for (size_t i = 0; i < 4; i++) sums[i] = tg_v4_madd(tg_v4_load(x + 4 * i), tg_v4_load(dy + 4 * i), sums[i]);
  }
  for (size_t i = 0; i < 4; i++) tg_v4_store(dw + 4 * i, sums[i]);
}

/* The same for four channels, `left` of them valid. */
TG_INLINE void add_four(tg_real *dw, const tg_real *x, size_t x_step, const tg_real *dy, size_t dy_step, size_t n,
                        size_t left) {
  tg_v4 sum = tg_v4_load_part(dw, left, 0);
  TG_NO_UNROLL
  for (; n; n--, x += x_step, dy += dy_step) sum = tg_v4_madd(tg_v4_load(x), tg_v4_load(dy), sum);
  tg_v4_store_part(dw, sum, left);
}

void tg_depthwise_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, const tg_conv2d_shape *s,
                                  tg_real *scratch, uint32_t row_first, uint32_t row_end) {
  /* dw (kernel_h, kernel_w, channels), x (in_h, in_w, channels), dy (out_h, out_w, channels) */
  const size_t C = s->in_c, x_step = s->stride_w * C;
  const axis down = {s->kernel_h, s->stride_h, s->skip_h + 1, s->pad_top, s->in_h, 0};
  const axis along = {s->kernel_w, s->stride_w, s->skip_w + 1, s->pad_left, s->in_w, 0};
  if (has_three(&down, &along, s->out_h, s->out_w)) {
    const tg_three t = {.from = x,
                        .channels = C,
                        .height = s->in_h,
                        .width = s->in_w,
                        .stride = s->stride_h,
                        .pad_top = s->pad_top,
                        .pad_left = s->pad_left,
                        .to_width = s->out_w,
                        .scratch = scratch};
    row_first = tg_three_filter_gradient(dw, &t, dy, row_first, row_end);
  }
  for (uint32_t oh = row_first; oh < row_end; oh++) {
    const taps rows = forward_taps(&down, oh);
    const tg_real *dy_row = dy + (size_t)oh * s->out_w * C;
    for (size_t slice = 0; slice < C; slice += SLICE) {
      const size_t end = C - slice < SLICE ? C : slice + SLICE;
      for (uint32_t r = 0; r < rows.count; r++) {
        const tg_real *x_row = x + ((size_t)rows.at + (size_t)r * (s->skip_h + 1)) * s->in_w * C;
        for (uint32_t k = 0; k < s->kernel_w; k++) {
          const uint32_t kw = k * (s->skip_w + 1);
          const tg_range ow = tg_outputs_of_tap(0, s->in_w, kw, s->pad_left, s->stride_w, s->out_w);
          const size_t n = ow.end - ow.first;
          if (!n) continue;
          const tg_real *from = x_row + ((size_t)ow.first * s->stride_w + kw - s->pad_left) * C;
          const tg_real *dy_from = dy_row + ow.first * C;
          tg_real *to = dw + ((rows.tap + r) * (size_t)s->kernel_w + k) * C;
          size_t c = slice;
          for (; c + 16 <= end; c += 16) add_sixteen(to + c, from + c, x_step, dy_from + c, C, n);
          for (; c < end; c += 4) add_four(to + c, from + c, x_step, dy_from + c, C, n, end - c);
        }
      }
    }
  }
}

void tg_depthwise_spread(tg_real *to, const tg_real *from, size_t cells, uint32_t channels, uint32_t times) {
  const size_t n = cells * channels;
  for (size_t i = 0; i < n; i++, to += times) {
    const tg_v4 v = tg_v4_load_splat(from + i);
    /* A whole vector where more follows: what it writes too much is written again. */
    size_t left = times;
    TG_NO_UNROLL
    for (; left >= 4; left -= 4) tg_v4_store(to + times - left, v);
    if (left && i + 4 < n) {
      tg_v4_store(to + times - left, v);
    } else {
      tg_v4_store_part(to + times - left, v, left);
    }
  }
}

void tg_depthwise_gather(tg_real *to, const tg_real *from, size_t cells, uint32_t channels, uint32_t times) {
  for (size_t i = 0; i < cells * channels; i++, from += times) {
    tg_real sum = from[0];
    TG_NO_UNROLL
    for (uint32_t t = 1; t < times; t++) sum += from[t];
    to[i] = sum;
  }
}
