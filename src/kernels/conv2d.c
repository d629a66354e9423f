#include "kernels/conv2d.h"

#include "kernels/gemm.h"
#include "kernels/gemm_tile.h"

/*
 * Implicit GEMM: with NHWC images the kernel_w * in_c values under one row of the kernel are neighbours in memory, so
 * a row of the matrix A (one output pixel) is kernel_h segments read in place. The four rows of a tile are any four
 * pixels; tiles run over the ends of image rows, and the last one repeats a pixel and does not store it.
 */

/* A convolution whose window never leaves the image `x`: what remains once padding has been dealt with. */
typedef struct {
  const tg_real *x;
  size_t line_step;         /* reals from a row of x to the next */
  size_t pixel_step;        /* reals of x from an output pixel to its right neighbour */
  size_t row_step;          /* reals of x from an output row to the next */
  size_t segments, segment; /* rows of the kernel, reals in each */
  uint32_t out_w, out_c;
} valid_conv;

/* A pixel of the output and where its window starts in the input, moved along rows and over their ends. */
typedef struct {
  size_t offset, column;
} cursor;

TG_INLINE void cursor_next(cursor *at, size_t columns, size_t column_step, size_t row_step) {
  at->offset += column_step;
  if (++at->column == columns) {
    at->column = 0;
    at->offset += row_step - columns * column_step;
  }
}

static size_t panel_columns(uint32_t channels, uint32_t panel) {
  uint32_t left = channels - panel * TG_TILE_COLUMNS;
  return left < TG_TILE_COLUMNS ? left : TG_TILE_COLUMNS;
}

/* y (pixels, out_c), pixels in row-major order from the first of `v`. */
static void run_valid_conv(tg_real *y, const valid_conv *v, const tg_real *packed, const tg_real *bias, size_t pixels,
                           int relu) {
  const size_t K = v->segments * v->segment;
  /* A panel (K * 8) stays in the first-level cache while the whole image passes. */
  for (uint32_t panel = 0; panel < tg_gemm_panels(v->out_c); panel++) {
    const size_t columns = panel_columns(v->out_c, panel);
    const tg_tile start = tg_tile_start_bias(bias ? bias + (size_t)panel * TG_TILE_COLUMNS : NULL, columns);
    tg_real *y_panel = y + (size_t)panel * TG_TILE_COLUMNS;
    cursor at = {0, 0};
    for (size_t pixel = 0; pixel < pixels; pixel += TG_TILE_ROWS) {
      const size_t rows = pixels - pixel < TG_TILE_ROWS ? pixels - pixel : TG_TILE_ROWS;
      const tg_real *x_row[4];
      tg_real *y_row[4];
      for (size_t r = 0; r < 4; r++) {
        x_row[r] = v->x + at.offset;
        y_row[r] = y_panel + (pixel + (r < rows ? r : rows - 1)) * v->out_c;
        if (r + 1 < rows || rows == 4) cursor_next(&at, v->out_w, v->pixel_step, v->row_step);
      }
      const tg_real *b = packed + panel * K * TG_TILE_COLUMNS;
      tg_tile t = start;
      for (size_t segment = v->segments; segment; segment--) {
        tg_tile_rows(&t, x_row, b, v->segment);
        b += v->segment * TG_TILE_COLUMNS;
        for (size_t r = 0; r < 4; r++) x_row[r] += v->line_step;
      }
      if (relu) tg_tile_relu(&t);
      tg_tile_store(y_row, &t, rows, columns);
    }
  }
}

/* Rows and columns first…first+count-1 of an image; those outside it are zeros. */
typedef struct {
  int64_t first_row, first_column;
  size_t rows, columns;
} image_window;

static int window_inside(int64_t first, size_t count, uint32_t size) {
  return first >= 0 && first + (int64_t)count <= (int64_t)size;
}

/* to (rows, columns, channels) = the window of image (height, width, channels). */
static void copy_window(tg_real *to, const tg_real *image, const image_window *w, uint32_t height, uint32_t width,
                        uint32_t channels) {
  int64_t left = w->first_column < 0 ? -w->first_column : 0;
  if (left > (int64_t)w->columns) left = (int64_t)w->columns;
  int64_t middle = (int64_t)width - (w->first_column + left);
  if (middle > (int64_t)w->columns - left) middle = (int64_t)w->columns - left;
  if (middle < 0) middle = 0;
  const size_t before = (size_t)left * channels, inside = (size_t)middle * channels;
  const size_t from = inside ? (size_t)(w->first_column + left) * channels : 0;
  const size_t line = w->columns * channels;
  for (size_t r = 0; r < w->rows; r++, to += line) {
    int64_t row = w->first_row + (int64_t)r;
    if (row < 0 || row >= (int64_t)height) {
      tg_clear(to, line);
      continue;
    }
    tg_clear(to, before);
    tg_copy(to + before, image + (size_t)row * width * channels + from, inside);
    tg_clear(to + before + inside, line - before - inside);
  }
}

/* ---- forward ---- */

static size_t window_width(const tg_conv2d_shape *s) { return (size_t)(s->out_w - 1) * s->stride_w + s->kernel_w; }

static size_t window_height(const tg_conv2d_shape *s, size_t rows) { return (rows - 1) * s->stride_h + s->kernel_h; }

static int is_padded(const tg_conv2d_shape *s) {
  return !window_inside(-(int64_t)s->pad_top, window_height(s, s->out_h), s->in_h) ||
         !window_inside(-(int64_t)s->pad_left, window_width(s), s->in_w);
}

size_t tg_conv2d_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_panels(s) * s->kernel_h * s->kernel_w * s->in_c * TG_TILE_COLUMNS;
}

uint32_t tg_conv2d_panels(const tg_conv2d_shape *s) { return tg_gemm_panels(s->out_c); }

void tg_conv2d_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                    uint32_t panel_end) {
  /* packed (panels, K, 8), w (K, out_c): HWIO weights are that matrix already */
  tg_gemm_pack(packed, w, s->kernel_h * s->kernel_w * s->in_c, s->out_c, panel_first, panel_end);
}

size_t tg_conv2d_forward_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  if (!is_padded(s) || rows == 0) return 0;
  return window_height(s, rows) * window_width(s) * s->in_c + TG_OVERREAD_REALS;
}

void tg_conv2d_forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                       const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end, int relu) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), packed (panels, K, 8), bias (out_c) */
  if (row_end <= row_first) return;
  const tg_real *x_image = x + (size_t)image * s->in_h * s->in_w * s->in_c;
  tg_real *y_rows = y + ((size_t)image * s->out_h + row_first) * s->out_w * s->out_c;
  const size_t rows = row_end - row_first;
  size_t line_step = (size_t)s->in_w * s->in_c;
  const tg_real *x_rows = x_image + (size_t)row_first * s->stride_h * line_step;
  if (is_padded(s)) {
    const image_window w = {(int64_t)row_first * s->stride_h - s->pad_top, -(int64_t)s->pad_left,
                            window_height(s, rows), window_width(s)};
    copy_window(scratch, x_image, &w, s->in_h, s->in_w, s->in_c);
    x_rows = scratch;
    line_step = w.columns * s->in_c;
  }
  const valid_conv v = {x_rows,
                        line_step,
                        (size_t)s->stride_w * s->in_c,
                        s->stride_h * line_step,
                        s->kernel_h,
                        (size_t)s->kernel_w * s->in_c,
                        s->out_w,
                        s->out_c};
  run_valid_conv(y_rows, &v, packed, bias, rows * s->out_w, relu);
}

/* ---- gradient of the input ---- */

/*
 * dx at (ih, iw) sums dy at (oh, ow) times the tap (kh, kw) for which oh * stride_h + kh - pad_top = ih, likewise in
 * width. Two ways, with the same packed weights and, padding apart, the same additions in the same order (taps from
 * the last to the first, output channels within):
 *   - as a convolution of zero-padded dy with the flipped kernel: one chain a pixel, but the border multiplies zeros;
 *   - tap by tap: dy's pixels against one tap, added into dx where they belong. No product is wasted and any stride
 *     works, but tiles are loaded from and stored to dx once a tap.
 * A term of the padding is a zero times a weight, which changes no sum of finite numbers: both give the same values.
 */

/* What loading and storing a tile costs, in steps of the micro-kernel. Measured: 6 to 9 in Node and natively. */
enum { TILE_OVERHEAD = 8 };

typedef struct {
  uint32_t first, end;
} range;

/* The outputs o in 0…out-1 for which first <= o * stride + tap - pad < end. */
static range outputs_of_tap(uint32_t first, uint32_t end, uint32_t tap, uint32_t pad, uint32_t stride, uint32_t out) {
  int64_t low = (int64_t)first + pad - tap, high = (int64_t)end - 1 + pad - tap;
  if (high < 0) return (range){0, 0};
  int64_t o_first = low <= 0 ? 0 : (low + stride - 1) / stride, o_end = high / stride + 1;
  if (o_end > (int64_t)out) o_end = out;
  if (o_first >= o_end) return (range){0, 0};
  return (range){(uint32_t)o_first, (uint32_t)o_end};
}

static uint64_t tiles_of(uint64_t pixels) { return (pixels + TG_TILE_ROWS - 1) / TG_TILE_ROWS; }

/* 1 when tap by tap costs less (or is the only way). By shape alone: rows and threads never change the choice. */
static int goes_by_taps(const tg_conv2d_shape *s) {
  if (s->stride_h > 1 || s->stride_w > 1) return 1;
  uint64_t by_taps = 0;
  for (uint32_t kh = 0; kh < s->kernel_h; kh++) {
    range oh = outputs_of_tap(0, s->in_h, kh, s->pad_top, 1, s->out_h);
    for (uint32_t kw = 0; kw < s->kernel_w; kw++) {
      range ow = outputs_of_tap(0, s->in_w, kw, s->pad_left, 1, s->out_w);
      uint64_t pixels = (uint64_t)(oh.end - oh.first) * (ow.end - ow.first);
      by_taps += tiles_of(pixels) * (s->out_c + TILE_OVERHEAD);
    }
  }
  uint64_t padded =
      tiles_of((uint64_t)s->in_h * s->in_w) * ((uint64_t)s->kernel_h * s->kernel_w * s->out_c + TILE_OVERHEAD);
  return by_taps < padded;
}

/* The window of dy under rows row_first… of dx, for strides of 1. */
static image_window dy_window(const tg_conv2d_shape *s, uint32_t row_first, size_t rows) {
  return (image_window){(int64_t)row_first + s->pad_top - (s->kernel_h - 1), (int64_t)s->pad_left - (s->kernel_w - 1),
                        rows + s->kernel_h - 1, (size_t)s->in_w + s->kernel_w - 1};
}

static int dy_is_padded(const tg_conv2d_shape *s) {
  const image_window w = dy_window(s, 0, s->in_h);
  return !window_inside(w.first_row, w.rows, s->out_h) || !window_inside(w.first_column, w.columns, s->out_w);
}

uint32_t tg_conv2d_input_gradient_panels(const tg_conv2d_shape *s) { return tg_gemm_panels(s->in_c); }

size_t tg_conv2d_input_gradient_packed_size(const tg_conv2d_shape *s) {
  return (size_t)tg_conv2d_input_gradient_panels(s) * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
}

void tg_conv2d_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                                   uint32_t panel_end) {
  /* packed (panels, taps from the last to the first, out_c, 8 of in_c), w (taps, in_c, out_c) */
  const size_t taps = (size_t)s->kernel_h * s->kernel_w;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    for (size_t tap = 0; tap < taps; tap++) {
      const tg_real *from = w + ((taps - 1 - tap) * s->in_c + (size_t)panel * TG_TILE_COLUMNS) * s->out_c;
      tg_real *to = packed + (panel * taps + tap) * s->out_c * TG_TILE_COLUMNS;
      tg_pack_panel_transposed(to, from, s->out_c, panel_columns(s->in_c, panel), s->out_c);
    }
  }
}

size_t tg_conv2d_input_gradient_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  if (rows == 0 || goes_by_taps(s) || !dy_is_padded(s)) return 0;
  const image_window w = dy_window(s, 0, rows);
  return w.rows * w.columns * s->out_c + TG_OVERREAD_REALS;
}

/* dx (in_h, in_w, in_c), columns of one panel, += the pixels oh x ow of dy (out_h, out_w, out_c) times b (out_c, 8). */
static void add_tap(tg_real *dx, const tg_real *dy, const tg_real *b, const tg_conv2d_shape *s, uint32_t kh,
                    uint32_t kw, range oh, range ow, size_t columns) {
  const size_t width = ow.end - ow.first, pixels = (oh.end - oh.first) * width;
  const size_t dy_row = (size_t)s->out_w * s->out_c, dx_row = (size_t)s->in_w * s->in_c;
  cursor from = {oh.first * dy_row + (size_t)ow.first * s->out_c, 0};
  cursor to = {((size_t)oh.first * s->stride_h + kh - s->pad_top) * dx_row +
                   ((size_t)ow.first * s->stride_w + kw - s->pad_left) * s->in_c,
               0};
  for (size_t pixel = 0; pixel < pixels; pixel += TG_TILE_ROWS) {
    const size_t rows = pixels - pixel < TG_TILE_ROWS ? pixels - pixel : TG_TILE_ROWS;
    const tg_real *dy_at[4];
    tg_real *dx_at[4];
    for (size_t r = 0; r < 4; r++) {
      dy_at[r] = dy + from.offset;
      dx_at[r] = dx + to.offset;
      if (r + 1 < rows || rows == 4) {
        cursor_next(&from, width, s->out_c, dy_row);
        cursor_next(&to, width, (size_t)s->stride_w * s->in_c, s->stride_h * dx_row);
      }
    }
    tg_tile t = tg_tile_load(dx_at, columns);
    tg_tile_rows(&t, dy_at, b, s->out_c);
    tg_tile_store(dx_at, &t, rows, columns);
  }
}

static void input_gradient_by_taps(tg_real *dx, const tg_real *dy, const tg_real *packed, const tg_conv2d_shape *s,
                                   uint32_t row_first, uint32_t row_end) {
  const size_t dx_row = (size_t)s->in_w * s->in_c;
  tg_clear(dx + row_first * dx_row, (row_end - row_first) * dx_row);
  for (uint32_t panel = 0; panel < tg_gemm_panels(s->in_c); panel++) {
    const tg_real *b = packed + (size_t)panel * s->kernel_h * s->kernel_w * s->out_c * TG_TILE_COLUMNS;
    for (uint32_t kh = s->kernel_h; kh-- > 0;) {
      range oh = outputs_of_tap(row_first, row_end, kh, s->pad_top, s->stride_h, s->out_h);
      for (uint32_t kw = s->kernel_w; kw-- > 0; b += (size_t)s->out_c * TG_TILE_COLUMNS) {
        range ow = outputs_of_tap(0, s->in_w, kw, s->pad_left, s->stride_w, s->out_w);
        add_tap(dx + (size_t)panel * TG_TILE_COLUMNS, dy, b, s, kh, kw, oh, ow, panel_columns(s->in_c, panel));
      }
    }
  }
}

void tg_conv2d_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                              const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end) {
  /* dx (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c), packed (panels, K, 8) */
  if (row_end <= row_first) return;
  tg_real *dx_image = dx + (size_t)image * s->in_h * s->in_w * s->in_c;
  const tg_real *dy_image = dy + (size_t)image * s->out_h * s->out_w * s->out_c;
  if (goes_by_taps(s)) {
    input_gradient_by_taps(dx_image, dy_image, packed, s, row_first, row_end);
    return;
  }
  const size_t rows = row_end - row_first;
  const image_window w = dy_window(s, row_first, rows);
  size_t line_step = (size_t)s->out_w * s->out_c;
  const tg_real *dy_rows;
  if (dy_is_padded(s)) {
    copy_window(scratch, dy_image, &w, s->out_h, s->out_w, s->out_c);
    dy_rows = scratch;
    line_step = w.columns * s->out_c;
  } else {
    dy_rows = dy_image + ((size_t)w.first_row * s->out_w + (size_t)w.first_column) * s->out_c;
  }
  const valid_conv v = {dy_rows, line_step, s->out_c, line_step, s->kernel_h, (size_t)s->kernel_w * s->out_c,
                        s->in_w, s->in_c};
  run_valid_conv(dx_image + (size_t)row_first * s->in_w * s->in_c, &v, packed, NULL, rows * s->in_w, 0);
}

/* ---- gradient of the filter ---- */

/*
 * dw (K, out_c) = transpose of A (pixels, K) @ dy (pixels, out_c), A the implicit matrix of the forward pass. A tile is
 * four rows of K, that is four offsets into the window, by eight output channels. Pixels are taken in blocks; within a
 * block a tile runs over all of them, then rests in dw until the next.
 */

/* Pixels in a block: eight channels of dy (16 KB) and what four channels of x touch stay in the first-level cache. */
enum { BLOCK_PIXELS = 512 };

/* A block is whole images, or rows of one. */
typedef struct {
  uint32_t images, rows;
} block_size;

static block_size pixel_block_size(const tg_conv2d_shape *s) {
  const uint64_t pixels = (uint64_t)s->out_h * s->out_w;
  if (pixels <= BLOCK_PIXELS) return (block_size){(uint32_t)(BLOCK_PIXELS / pixels), s->out_h};
  return (block_size){1, s->out_w >= BLOCK_PIXELS ? 1 : BLOCK_PIXELS / s->out_w};
}

static size_t row_groups(const tg_conv2d_shape *s) {
  return ((size_t)s->kernel_h * s->kernel_w * s->in_c + TG_TILE_ROWS - 1) / TG_TILE_ROWS;
}

uint32_t tg_conv2d_filter_gradient_tiles(const tg_conv2d_shape *s) {
  return (uint32_t)(row_groups(s) * tg_gemm_panels(s->out_c));
}

/* With channels in whole groups of four the rows of a tile share a tap, and the pixels where that tap meets padding are
 * left out (zero terms). Otherwise padding has to be written out. */
static int filter_gradient_copies(const tg_conv2d_shape *s) { return s->in_c % TG_TILE_ROWS != 0 && is_padded(s); }

/* Reals of the padded images of a block, rounded up so that what follows stays aligned. */
static size_t block_x_size(const tg_conv2d_shape *s, block_size b) {
  if (!filter_gradient_copies(s)) return 0;
  return (b.images * window_height(s, b.rows) * window_width(s) * s->in_c + TG_OVERREAD_REALS + 3) & ~(size_t)3;
}

size_t tg_conv2d_filter_gradient_scratch(const tg_conv2d_shape *s) {
  const block_size b = pixel_block_size(s);
  return block_x_size(s, b) + (size_t)b.images * b.rows * s->out_w * TG_TILE_COLUMNS;
}

/* The pixels of a block as a tile sees them; windows lie inside x. */
typedef struct {
  const tg_real *x, *dy; /* window of the first pixel of the first image; its dy */
  size_t x_image, x_row, x_pixel;
  size_t dy_image, dy_row, dy_pixel;
  size_t images, rows, columns;
} pixel_block;

static void add_pixels_adjacent(tg_tile *t, const pixel_block *p, size_t offset) {
  tg_tile sum = *t;
  for (size_t i = 0; i < p->images; i++) {
    const tg_real *x = p->x + i * p->x_image + offset, *dy = p->dy + i * p->dy_image;
    for (size_t row = p->rows; row; row--, x += p->x_row, dy += p->dy_row) {
      tg_tile_columns_adjacent(&sum, x, p->x_pixel, dy, TG_TILE_COLUMNS, p->columns);
    }
  }
  *t = sum;
}

static void add_pixels(tg_tile *t, const pixel_block *p, const size_t offsets[4]) {
  tg_tile sum = *t;
  for (size_t i = 0; i < p->images; i++) {
    const tg_real *x = p->x + i * p->x_image, *dy = p->dy + i * p->dy_image;
    for (size_t row = p->rows; row; row--, x += p->x_row, dy += p->dy_row) {
      const tg_real *const x_row[4] = {x + offsets[0], x + offsets[1], x + offsets[2], x + offsets[3]};
      tg_tile_columns(&sum, x_row, p->x_pixel, dy, TG_TILE_COLUMNS, p->columns);
    }
  }
  *t = sum;
}

/* Offset of row k of A in the window, lines line_step apart. */
static size_t window_offset(const tg_conv2d_shape *s, size_t k, size_t line_step) {
  const size_t segment = (size_t)s->kernel_w * s->in_c;
  return k / segment * line_step + k % segment;
}

/* p, whose first row is output row `row`, cut down to the pixels whose tap (kh, kw) lies in the image; p.x, the first
 * pixel of the images, becomes channel 0 under that tap. */
static pixel_block clip_to_tap(pixel_block p, const tg_conv2d_shape *s, uint32_t row, uint32_t kh, uint32_t kw) {
  range oh = outputs_of_tap(0, s->in_h, kh, s->pad_top, s->stride_h, s->out_h);
  range ow = outputs_of_tap(0, s->in_w, kw, s->pad_left, s->stride_w, s->out_w);
  if (oh.first < row) oh.first = row;
  if (oh.end > row + p.rows) oh.end = row + (uint32_t)p.rows;
  if (oh.first >= oh.end || ow.first >= ow.end) {
    p.rows = 0;
    return p;
  }
  p.rows = oh.end - oh.first;
  p.columns = ow.end - ow.first;
  const size_t ih = (size_t)oh.first * s->stride_h + kh - s->pad_top;
  const size_t iw = (size_t)ow.first * s->stride_w + kw - s->pad_left;
  p.x += (ih * s->in_w + iw) * s->in_c;
  p.dy += (oh.first - row) * p.dy_row + ow.first * p.dy_pixel;
  return p;
}

/* Rows that follow each other without a gap, in x as in dy, are one long row. */
static void join_rows(pixel_block *p) {
  if (p->columns * p->x_pixel == p->x_row && p->columns * p->dy_pixel == p->dy_row) {
    p->columns *= p->rows;
    p->rows = 1;
  }
}

/* The tile at group (four rows of K) and panel += the pixels of `all`. */
static void filter_gradient_tile(tg_real *dw, const pixel_block *all, const tg_conv2d_shape *s, size_t group,
                                 uint32_t panel, uint32_t row, size_t line_step, int is_first) {
  const size_t K = (size_t)s->kernel_h * s->kernel_w * s->in_c, columns = panel_columns(s->out_c, panel);
  const size_t k = group * TG_TILE_ROWS, rows = K - k < TG_TILE_ROWS ? K - k : TG_TILE_ROWS;
  pixel_block p = *all;
  tg_real *dw_row[4];
  size_t offsets[4];
  for (size_t r = 0; r < 4; r++) {
    size_t k_r = k + (r < rows ? r : rows - 1);
    dw_row[r] = dw + k_r * s->out_c + (size_t)panel * TG_TILE_COLUMNS;
    offsets[r] = window_offset(s, k_r, line_step);
  }
  tg_tile t = is_first ? tg_tile_start(tg_v4_zero(), tg_v4_zero()) : tg_tile_load(dw_row, columns);
  if (s->in_c % TG_TILE_ROWS == 0) {
    const size_t tap = k / s->in_c;
    p = clip_to_tap(p, s, row, (uint32_t)(tap / s->kernel_w), (uint32_t)(tap % s->kernel_w));
    join_rows(&p);
    add_pixels_adjacent(&t, &p, k % s->in_c);
  } else {
    join_rows(&p);
    if (offsets[3] == offsets[0] + 3) {
      add_pixels_adjacent(&t, &p, offsets[0]);
    } else {
      add_pixels(&t, &p, offsets);
    }
  }
  tg_tile_store(dw_row, &t, rows, columns);
}

void tg_conv2d_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch,
                               const tg_conv2d_shape *s, uint32_t images, uint32_t tile_first, uint32_t tile_end) {
  /* dw (K, out_c), x (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c) */
  const size_t groups = row_groups(s);
  const size_t x_image = (size_t)s->in_h * s->in_w * s->in_c, dy_row = (size_t)s->out_w * s->out_c;
  const int copies = filter_gradient_copies(s);
  const block_size block = pixel_block_size(s);
  const size_t line_step = (copies ? window_width(s) : s->in_w) * s->in_c;
  tg_real *dy_panel = scratch + block_x_size(s, block);
  uint32_t image = 0, row = 0;
  do { /* once even when there are no images: dw is then zero */
    const uint32_t count = images - image < block.images ? images - image : block.images;
    const uint32_t rows = s->out_h - row < block.rows ? s->out_h - row : block.rows;
    const int is_first = image == 0 && row == 0;
    const size_t pixels = (size_t)rows * s->out_w;
    pixel_block all = {x + image * x_image,
                       dy_panel,
                       x_image,
                       s->stride_h * line_step,
                       (size_t)s->stride_w * s->in_c,
                       pixels * TG_TILE_COLUMNS,
                       (size_t)s->out_w * TG_TILE_COLUMNS,
                       TG_TILE_COLUMNS,
                       count,
                       rows,
                       s->out_w};
    if (copies) {
      const image_window w = {(int64_t)row * s->stride_h - s->pad_top, -(int64_t)s->pad_left, window_height(s, rows),
                              window_width(s)};
      all.x = scratch;
      all.x_image = w.rows * w.columns * s->in_c;
      for (uint32_t i = 0; i < count; i++) {
        copy_window(scratch + i * all.x_image, x + (image + i) * x_image, &w, s->in_h, s->in_w, s->in_c);
      }
    } else if (s->in_c % TG_TILE_ROWS != 0) {
      all.x += row * all.x_row;
    }
    for (uint32_t tile = tile_first; tile < tile_end;) {
      /* The tiles of one panel follow each other and share its eight channels of dy, put side by side. */
      const uint32_t panel = (uint32_t)(tile / groups);
      const size_t columns = panel_columns(s->out_c, panel);
      for (uint32_t i = 0; i < count; i++) {
        const tg_real *from = dy + ((size_t)(image + i) * s->out_h + row) * dy_row + (size_t)panel * TG_TILE_COLUMNS;
        tg_pack_panel(dy_panel + i * all.dy_image, from, pixels, columns, s->out_c);
      }
      const size_t end = (panel + 1) * groups;
      for (; tile < tile_end && tile < end; tile++) {
        filter_gradient_tile(dw, &all, s, tile % groups, panel, row, line_step, is_first);
      }
    }
    row += rows;
    if (row == s->out_h) {
      row = 0;
      image += count;
    }
  } while (image < images);
}
