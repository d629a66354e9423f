#include <math.h>
#include <string.h>

#include "kernels/ref/ref.h"

/* Index in x of cell (i, j) of the window of output (oh, ow), or -1 where it is padding. */
static int64_t cell(const tg_pool2d_shape *s, uint32_t image, uint32_t oh, uint32_t ow, uint32_t i, uint32_t j,
                    uint32_t c) {
  if (s->adaptive) {
    /* pool_h and pool_w reach far enough; cells past the end of this window are none of it. */
    double first_h = floor((double)oh * s->in_h / s->out_h), end_h = ceil((oh + 1.0) * s->in_h / s->out_h);
    double first_w = floor((double)ow * s->in_w / s->out_w), end_w = ceil((ow + 1.0) * s->in_w / s->out_w);
    if (first_h + i >= end_h || first_w + j >= end_w) return -1;
    return (int64_t)((image * s->in_h + first_h + i) * s->in_w + first_w + j) * s->channels + c;
  }
  int64_t ih = (int64_t)oh * s->stride_h + i - s->pad_top, iw = (int64_t)ow * s->stride_w + j - s->pad_left;
  if (ih < 0 || iw < 0 || ih >= (int64_t)s->in_h || iw >= (int64_t)s->in_w) return -1;
  return (((int64_t)image * s->in_h + ih) * s->in_w + iw) * s->channels + c;
}

/* Splits index `at` of y (images, out_h, out_w, channels). */
static void split(const tg_pool2d_shape *s, size_t at, uint32_t *image, uint32_t *oh, uint32_t *ow, uint32_t *c) {
  *c = (uint32_t)(at % s->channels);
  *ow = (uint32_t)(at / s->channels % s->out_w);
  *oh = (uint32_t)(at / s->channels / s->out_w % s->out_h);
  *image = (uint32_t)(at / s->channels / s->out_w / s->out_h);
}

static size_t out_count(const tg_pool2d_shape *s, uint32_t images) {
  return (size_t)images * s->out_h * s->out_w * s->channels;
}

static void clear(double *dx, const tg_pool2d_shape *s, uint32_t images) {
  memset(dx, 0, (size_t)images * s->in_h * s->in_w * s->channels * sizeof *dx);
}

/* Index of the first largest cell; -1 for a window of padding alone. NaN is larger than everything. */
static int64_t argmax(const tg_real *x, const tg_pool2d_shape *s, size_t at) {
  uint32_t image, oh, ow, c;
  split(s, at, &image, &oh, &ow, &c);
  int64_t best = -1;
  for (uint32_t i = 0; i < s->pool_h; i++) {
    for (uint32_t j = 0; j < s->pool_w; j++) {
      int64_t here = cell(s, image, oh, ow, i, j, c);
      if (here < 0) continue;
      if (best < 0 || x[here] > x[best] || (isnan(x[here]) && !isnan(x[best]))) best = here;
    }
  }
  return best;
}

void tg_ref_max_pool2d(double *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t images) {
  for (size_t at = 0; at < out_count(s, images); at++) {
    int64_t best = argmax(x, s, at);
    y[at] = best < 0 ? -INFINITY : (double)x[best];
  }
}

void tg_ref_max_pool2d_backward(double *dx, const tg_real *dy, const tg_real *x, const tg_pool2d_shape *s,
                                uint32_t images) {
  clear(dx, s, images);
  for (size_t at = 0; at < out_count(s, images); at++) {
    int64_t best = argmax(x, s, at);
    if (best >= 0 && !isnan(x[best])) dx[best] += dy[at];
  }
}

static uint32_t count_cells(const tg_pool2d_shape *s, size_t at) {
  if (s->count_padding) return s->pool_h * s->pool_w;
  uint32_t image, oh, ow, c, cells = 0;
  split(s, at, &image, &oh, &ow, &c);
  for (uint32_t i = 0; i < s->pool_h; i++) {
    for (uint32_t j = 0; j < s->pool_w; j++) cells += cell(s, image, oh, ow, i, j, c) >= 0;
  }
  return cells;
}

void tg_ref_average_pool2d(double *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t images) {
  for (size_t at = 0; at < out_count(s, images); at++) {
    uint32_t image, oh, ow, c, cells = count_cells(s, at);
    split(s, at, &image, &oh, &ow, &c);
    double sum = 0;
    for (uint32_t i = 0; i < s->pool_h; i++) {
      for (uint32_t j = 0; j < s->pool_w; j++) {
        int64_t here = cell(s, image, oh, ow, i, j, c);
        if (here >= 0) sum += x[here];
      }
    }
    y[at] = cells ? sum / cells : 0;
  }
}

void tg_ref_average_pool2d_backward(double *dx, const tg_real *dy, const tg_pool2d_shape *s, uint32_t images) {
  clear(dx, s, images);
  for (size_t at = 0; at < out_count(s, images); at++) {
    uint32_t image, oh, ow, c, cells = count_cells(s, at);
    split(s, at, &image, &oh, &ow, &c);
    for (uint32_t i = 0; i < s->pool_h; i++) {
      for (uint32_t j = 0; j < s->pool_w; j++) {
        int64_t here = cell(s, image, oh, ow, i, j, c);
        if (here >= 0) dx[here] += (double)dy[at] / cells;
      }
    }
  }
}
