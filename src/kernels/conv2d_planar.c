#include "kernels/conv2d_planar.h"

/* What is convolved: a window of an image (height, width, channels of `pixel`), and with which taps. */
typedef struct {
  const tg_real *image;
  tg_image_window window;
  uint32_t height, width, channels;
  size_t pixel;
  const tg_conv2d_shape *s; /* for the kernel and the dilation */
} planar;

/* Of x, under `rows` rows of y. */
static planar of_x(const tg_conv2d_shape *s, const tg_real *x, uint32_t image, uint32_t row_first, uint32_t rows) {
  return (planar){
      x ? x + (size_t)image * s->in_h * s->in_w * tg_in_pixel(s) : NULL,
      {(int64_t)row_first - s->pad_top, -(int64_t)s->pad_left, tg_window_height(s, rows), tg_window_width(s)},
      s->in_h,
      s->in_w,
      s->in_c,
      tg_in_pixel(s),
      s};
}

/* Of dy, under `rows` rows of dx. */
static planar of_dy(const tg_conv2d_shape *s, const tg_real *dy, uint32_t image, uint32_t row_first, uint32_t rows) {
  const size_t reach_h = tg_reach_h(s), reach_w = tg_reach_w(s);
  return (planar){dy ? dy + (size_t)image * s->out_h * s->out_w * tg_out_pixel(s) : NULL,
                  {(int64_t)row_first + s->pad_top - (int64_t)reach_h, (int64_t)s->pad_left - (int64_t)reach_w,
                   rows + reach_h, s->in_w + reach_w},
                  s->out_h,
                  s->out_w,
                  s->out_c,
                  tg_out_pixel(s),
                  s};
}

/* ---- planes ---- */

static size_t plane_size(const tg_image_window *w) { return w->rows * w->columns; }
static size_t taps_of(const tg_conv2d_shape *s) { return (size_t)s->kernel_h * s->kernel_w; }

/* to (channels, plane) = pixels of `channels`, `pixel` apart. */
static void copy_row(tg_real *to, size_t plane, const tg_real *from, size_t pixels, uint32_t channels, size_t pixel) {
  for (uint32_t c = 0; c < channels; c += 4, to += 4 * plane, from += 4) {
    const uint32_t n = channels - c < 4 ? channels - c : 4;
    size_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
      const tg_real *at = from + i * pixel;
      tg_v4 v[4] = {tg_v4_load(at), tg_v4_load(at + pixel), tg_v4_load(at + 2 * pixel), tg_v4_load(at + 3 * pixel)};
      tg_v4_transpose(v, v + 1, v + 2, v + 3);
      for (uint32_t k = 0; k < n; k++) tg_v4_store(to + k * plane + i, v[k]);
    }
    for (; i < pixels; i++)
      for (uint32_t k = 0; k < n; k++) to[k * plane + i] = from[i * pixel + k];
  }
}

/* to (channels, plane of the window), zeros outside the image. */
static void copy_planes(tg_real *to, const planar *p) {
  const tg_image_window *w = &p->window;
  const size_t plane = plane_size(w);
  const tg_inside inside = tg_columns_inside(w, p->width);
  for (size_t r = 0; r < w->rows; r++, to += w->columns) {
    const int64_t row = w->first_row + (int64_t)r;
    const int is_inside = row >= 0 && row < (int64_t)p->height;
    const size_t count = is_inside ? inside.count : 0, left = count ? inside.left : w->columns;
    for (uint32_t c = 0; c < p->channels; c++) {
      tg_clear(to + c * plane, left);
      tg_clear(to + c * plane + left + count, w->columns - left - count);
    }
    const size_t column = count ? (size_t)(w->first_column + (int64_t)left) : 0;
    if (count)
      copy_row(to + left, plane, p->image + ((size_t)row * p->width + column) * p->pixel, count, p->channels, p->pixel);
  }
}

/* Where row k of K, tap by tap and channel by channel, starts in the planes. */
static size_t plane_offset(const planar *p, size_t k) {
  const size_t tap = k / p->channels, kernel_w = p->s->kernel_w;
  return k % p->channels * plane_size(&p->window) + tap / kernel_w * (p->s->skip_h + 1) * p->window.columns +
         tap % kernel_w * (p->s->skip_w + 1);
}

/* ---- forward, and gradient of the input ---- */

static size_t scratch_of(const planar *p) {
  return p->channels * (plane_size(&p->window) + taps_of(p->s)) + TG_OVERREAD_REALS;
}

/* Eight pixels from x on: y (8, out_c of out_pixel), of which `pixels` are stored. */
TG_INLINE void run_tile(tg_real *y, const tg_real *x, const uint32_t *offsets, size_t K, const tg_real *b,
                        const tg_v4 start[4], size_t pixels, uint32_t out_c, size_t out_pixel, tg_v4 least) {
  tg_v4 l0 = start[0], l1 = start[1], l2 = start[2], l3 = start[3], r0 = l0, r1 = l1, r2 = l2, r3 = l3;
  TG_NO_UNROLL
  for (; K; K--, b += TG_TILE_COLUMNS) {
    const tg_real *at = x + *offsets++;
    const tg_v4 left = tg_v4_load(at), right = tg_v4_load(at + 4);
    tg_v4 w = tg_v4_load_splat(b);
    l0 = tg_v4_madd(left, w, l0);
    r0 = tg_v4_madd(right, w, r0);
    w = tg_v4_load_splat(b + 1);
    l1 = tg_v4_madd(left, w, l1);
    r1 = tg_v4_madd(right, w, r1);
    w = tg_v4_load_splat(b + 2);
    l2 = tg_v4_madd(left, w, l2);
    r2 = tg_v4_madd(right, w, r2);
    w = tg_v4_load_splat(b + 3);
    l3 = tg_v4_madd(left, w, l3);
    r3 = tg_v4_madd(right, w, r3);
  }
  tg_v4_transpose(&l0, &l1, &l2, &l3);
  tg_v4_transpose(&r0, &r1, &r2, &r3);
  const tg_v4 v[8] = {l0, l1, l2, l3, r0, r1, r2, r3};
  for (size_t i = 0; i < 8; i++)
    if (i < pixels) tg_v4_store_part(y + i * out_pixel, tg_v4_max(v[i], least), out_c);
}

/* y (pixels of the window, out_c <= 4 of out_pixel) from packed (K, 8), bias (out_c, or NULL). */
static void run(tg_real *y, const planar *p, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                uint32_t out_c, size_t out_pixel, int relu) {
  const size_t K = p->channels * taps_of(p->s), line = p->window.columns;
  const size_t rows = p->window.rows - tg_reach_h(p->s), width = line - tg_reach_w(p->s);
  uint32_t *offsets = (uint32_t *)(void *)scratch;
  for (size_t k = 0; k < K; k++) offsets[k] = (uint32_t)plane_offset(p, k);
  tg_real *planes = scratch + K;
  copy_planes(planes, p);
  const tg_v4 least = tg_v4_splat(relu ? 0 : -INFINITY);
  tg_v4 start[4];
  for (uint32_t n = 0; n < 4; n++) start[n] = tg_v4_splat(bias && n < out_c ? bias[n] : 0);
  for (size_t row = 0; row < rows; row++, planes += line) {
    for (size_t column = 0; column < width; column += 8, y += 8 * out_pixel)
      run_tile(y, planes + column, offsets, K, packed, start, width - column, out_c, out_pixel, least);
    y -= (8 - width % 8) % 8 * out_pixel;
  }
}

static size_t forward_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  const planar p = of_x(s, NULL, 0, 0, rows);
  return rows ? scratch_of(&p) : 0;
}

static void forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                    const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end, int relu) {
  const planar p = of_x(s, x, image, row_first, row_end - row_first);
  const size_t pixel = ((size_t)image * s->out_h + row_first) * s->out_w;
  run(y + pixel * tg_out_pixel(s), &p, packed, bias, scratch, s->out_c, tg_out_pixel(s), relu);
}

static size_t input_gradient_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  const planar p = of_dy(s, NULL, 0, 0, rows);
  return rows ? scratch_of(&p) : 0;
}

static void input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                           const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end) {
  const planar p = of_dy(s, dy, image, row_first, row_end - row_first);
  const size_t pixel = ((size_t)image * s->in_h + row_first) * s->in_w;
  run(dx + pixel * tg_in_pixel(s), &p, packed, NULL, scratch, s->in_c, tg_in_pixel(s), 0);
}

/* ---- gradient of the filter ---- */

/* Pixels of a block: the planes of four channels of x and four of dy stay in the first-level cache. */
enum { BLOCK_PIXELS = 1024 };

static uint32_t block_rows(const tg_conv2d_shape *s) {
  const uint32_t rows = s->out_w >= BLOCK_PIXELS ? 1 : BLOCK_PIXELS / s->out_w;
  return rows < s->out_h ? rows : s->out_h;
}

/* Vectors from the first pixel of dy to the last; its rows lie as far apart as those of x, zeros between them. */
static size_t dy_vectors(const tg_conv2d_shape *s, size_t rows) {
  return ((rows - 1) * tg_window_width(s) + s->out_w + 3) / 4;
}

static size_t x_planes(const tg_conv2d_shape *s, size_t rows) {
  return s->in_c * tg_window_height(s, rows) * tg_window_width(s) + 4;
}

static size_t filter_gradient_scratch(const tg_conv2d_shape *s) {
  return x_planes(s, block_rows(s)) + s->out_c * dy_vectors(s, block_rows(s)) * 4;
}

/* Four rows of K by two filters: dw += x of the rows * dy over all vectors. */
TG_INLINE void add_pixels(tg_v4 sum[8], const tg_real *const x[4], const tg_real *dy, const tg_real *next,
                          size_t vectors) {
  const tg_real *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  TG_NO_UNROLL
  for (size_t i = 0; i < 4 * vectors; i += 4) {
    const tg_v4 d0 = tg_v4_load(dy + i), d1 = tg_v4_load(next + i);
    tg_v4 v = tg_v4_load(x0 + i);
    sum[0] = tg_v4_madd(v, d0, sum[0]);
    sum[1] = tg_v4_madd(v, d1, sum[1]);
    v = tg_v4_load(x1 + i);
    sum[2] = tg_v4_madd(v, d0, sum[2]);
    sum[3] = tg_v4_madd(v, d1, sum[3]);
    v = tg_v4_load(x2 + i);
    sum[4] = tg_v4_madd(v, d0, sum[4]);
    sum[5] = tg_v4_madd(v, d1, sum[5]);
    v = tg_v4_load(x3 + i);
    sum[6] = tg_v4_madd(v, d0, sum[6]);
    sum[7] = tg_v4_madd(v, d1, sum[7]);
  }
}

static void add_tile(tg_real *dw, size_t dw_row, const tg_real *const x[4], size_t rows, const tg_real *dy,
                     size_t vectors, uint32_t out_c) {
  for (uint32_t n = 0; n < out_c; n += 2) {
    const uint32_t both = n + 1 < out_c;
    const tg_real *from = dy + n * vectors * 4;
    tg_v4 sum[8];
    for (size_t i = 0; i < 8; i++) sum[i] = tg_v4_zero();
    add_pixels(sum, x, from, from + both * vectors * 4, vectors);
    for (size_t r = 0; r < rows; r++)
      for (uint32_t k = 0; k <= both; k++) dw[r * dw_row + n + k] += tg_v4_sum(sum[2 * r + k]);
  }
}

static void filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch,
                            const tg_conv2d_shape *s, uint32_t images, uint32_t tile_first, uint32_t tile_end) {
  /* dw (K, out_c of out_pixel), x (images, in_h, in_w, in_c of in_pixel), dy (images, out_h, out_w, out_c of out_pixel)
   */
  const size_t K = s->in_c * taps_of(s), end = (size_t)tile_end * TG_TILE_ROWS < K ? tile_end * TG_TILE_ROWS : K;
  const size_t dw_row = tg_out_pixel(s), line = tg_window_width(s);
  for (size_t k = tile_first * TG_TILE_ROWS; k < end; k++) tg_clear(dw + k * dw_row, s->out_c);
  for (uint32_t image = 0; image < images; image++)
    for (uint32_t row = 0, rows; row < s->out_h; row += rows) {
      rows = s->out_h - row < block_rows(s) ? s->out_h - row : block_rows(s);
      const size_t vectors = dy_vectors(s, rows), dy_plane = 4 * vectors;
      const planar p = of_x(s, x, image, row, rows);
      tg_real *dy_planes = scratch + x_planes(s, rows);
      copy_planes(scratch, &p);
      tg_clear(dy_planes - 4, 4 + s->out_c * dy_plane);
      for (uint32_t r = 0; r < rows; r++)
        copy_row(dy_planes + r * line, dy_plane, dy + ((size_t)image * s->out_h + row + r) * s->out_w * dw_row,
                 s->out_w, s->out_c, dw_row);
      for (size_t k = tile_first * TG_TILE_ROWS; k < end; k += TG_TILE_ROWS) {
        const size_t count = end - k < TG_TILE_ROWS ? end - k : TG_TILE_ROWS;
        const tg_real *x_at[4];
        for (size_t r = 0; r < 4; r++) x_at[r] = scratch + plane_offset(&p, k + (r < count ? r : count - 1));
        add_tile(dw + k * dw_row, dw_row, x_at, count, dy_planes, vectors, s->out_c);
      }
    }
}

const tg_planar_passes tg_by_planes = {
    .forward_scratch = forward_scratch,
    .forward = forward,
    .input_gradient_scratch = input_gradient_scratch,
    .input_gradient = input_gradient,
    .filter_gradient_scratch = filter_gradient_scratch,
    .filter_gradient = filter_gradient,
};
