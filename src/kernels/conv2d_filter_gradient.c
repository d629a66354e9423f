#include "kernels/conv2d_planar.h"

/*
 * dw (K, out_c) = transpose of A (pixels, K) @ dy (pixels, out_c), A the implicit matrix of the forward pass. A tile is
 * four rows of K, that is four offsets into the window, by eight output channels. Pixels are taken in blocks; within a
 * block a tile runs over all of them, then rests in dw until the next.
 */

/* Pixels in a block: eight channels of dy (16 KB) and what four channels of x touch stay in the first-level cache. */
enum { BLOCK_PIXELS = 512 };
/* Panels of dy packed at a time, so that rows of dy are read from memory whole: 64 KB, from which they come in turn. */
enum { PANELS_TOGETHER = 4 };

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
static int filter_gradient_copies(const tg_conv2d_shape *s) { return s->in_c % TG_TILE_ROWS != 0 && tg_is_padded(s); }

/* Reals of the padded images of a block, rounded up so that what follows stays aligned. */
static size_t block_x_size(const tg_conv2d_shape *s, block_size b) {
  if (!filter_gradient_copies(s)) return 0;
  return (b.images * tg_window_height(s, b.rows) * tg_window_width(s) * s->in_c + TG_OVERREAD_REALS + 3) & ~(size_t)3;
}

size_t tg_conv2d_filter_gradient_scratch(const tg_conv2d_shape *s) {
  if (tg_goes_by_planes(s, s->out_c)) return tg_by_planes.filter_gradient_scratch(s);
  const block_size b = pixel_block_size(s);
  const uint32_t panels = tg_gemm_panels(s->out_c), together = panels < PANELS_TOGETHER ? panels : PANELS_TOGETHER;
  return block_x_size(s, b) + (size_t)b.images * b.rows * s->out_w * together * TG_TILE_COLUMNS;
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

/* Offset of row k of A in the window, lines and pixels so many reals apart. */
static size_t window_offset(const tg_conv2d_shape *s, size_t k, size_t line, size_t pixel) {
  const size_t tap = k / s->in_c;
  return tap / s->kernel_w * (s->skip_h + 1) * line + tap % s->kernel_w * (s->skip_w + 1) * pixel + k % s->in_c;
}

/* p, whose first row is output row `row`, cut down to the pixels whose tap, kh rows and kw columns from the first, lies
 * in the image; p.x, the first pixel of the images, becomes channel 0 under that tap. */
static pixel_block clip_to_tap(pixel_block p, const tg_conv2d_shape *s, uint32_t row, uint32_t kh, uint32_t kw) {
  tg_range oh = tg_outputs_of_tap(0, s->in_h, kh, s->pad_top, s->stride_h, s->out_h);
  tg_range ow = tg_outputs_of_tap(0, s->in_w, kw, s->pad_left, s->stride_w, s->out_w);
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
  p.x += (ih * s->in_w + iw) * tg_in_pixel(s);
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
                                 uint32_t panel, uint32_t row, size_t line, size_t x_pixel, int is_first) {
  const size_t K = (size_t)s->kernel_h * s->kernel_w * s->in_c, columns = tg_panel_columns(s->out_c, panel);
  const size_t k = group * TG_TILE_ROWS, rows = K - k < TG_TILE_ROWS ? K - k : TG_TILE_ROWS;
  pixel_block p = *all;
  tg_real *dw_row[4];
  for (size_t r = 0; r < 4; r++) {
    dw_row[r] = dw + (k + (r < rows ? r : rows - 1)) * tg_out_pixel(s) + (size_t)panel * TG_TILE_COLUMNS;
  }
  tg_tile t = is_first ? tg_tile_start(tg_v4_zero(), tg_v4_zero()) : tg_tile_load(dw_row, columns);
  if (s->in_c % TG_TILE_ROWS == 0) {
    const size_t tap = k / s->in_c;
    p = clip_to_tap(p, s, row, (uint32_t)(tap / s->kernel_w) * (s->skip_h + 1),
                    (uint32_t)(tap % s->kernel_w) * (s->skip_w + 1));
    join_rows(&p);
    add_pixels_adjacent(&t, &p, k % s->in_c);
  } else {
    join_rows(&p);
    size_t offsets[4];
    for (size_t r = 0; r < 4; r++) offsets[r] = window_offset(s, k + (r < rows ? r : rows - 1), line, x_pixel);
    if (offsets[3] == offsets[0] + 3) {
      add_pixels_adjacent(&t, &p, offsets[0]);
    } else {
      add_pixels(&t, &p, offsets);
    }
  }
  tg_tile_store(dw_row, &t, rows, columns);
}

/* to (panels, pixels, 8), panels panel_step apart, from panels panel_first…panel_end-1 of dy. */
static void pack_panels(tg_real *to, size_t panel_step, const tg_real *dy, size_t pixels, const tg_conv2d_shape *s,
                        uint32_t panel_first, uint32_t panel_end) {
  const size_t dy_pixel = tg_out_pixel(s);
  dy += (size_t)panel_first * TG_TILE_COLUMNS;
  if (panel_end - panel_first == PANELS_TOGETHER && s->out_c / TG_TILE_COLUMNS >= panel_end) {
    for (; pixels; pixels--, dy += dy_pixel, to += TG_TILE_COLUMNS) {
      for (size_t i = 0; i < PANELS_TOGETHER; i++) tg_copy(to + i * panel_step, dy + i * TG_TILE_COLUMNS, 8);
    }
    return;
  }
  for (uint32_t panel = panel_first; panel < panel_end; panel++, dy += TG_TILE_COLUMNS, to += panel_step)
    tg_pack_panel(to, dy, pixels, tg_panel_columns(s->out_c, panel), dy_pixel);
}

void tg_conv2d_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch,
                               const tg_conv2d_shape *s, uint32_t images, uint32_t tile_first, uint32_t tile_end) {
  /* dw (K, out_c of out_pixel), x (images, in_h, in_w, in_c of in_pixel), dy (images, out_h, out_w, out_c of out_pixel)
   */
  if (tg_goes_by_planes(s, s->out_c)) {
    tg_by_planes.filter_gradient(dw, x, dy, scratch, s, images, tile_first, tile_end);
    return;
  }
  const size_t groups = row_groups(s);
  const size_t x_image = (size_t)s->in_h * s->in_w * tg_in_pixel(s), dy_row = (size_t)s->out_w * tg_out_pixel(s);
  const int copies = filter_gradient_copies(s);
  const block_size block = pixel_block_size(s);
  const size_t x_pixel = copies ? s->in_c : tg_in_pixel(s), line = (copies ? tg_window_width(s) : s->in_w) * x_pixel;
  tg_real *dy_panels = scratch + block_x_size(s, block);
  uint32_t image = 0, row = 0;
  do { /* once even when there are no images: dw is then zero */
    const uint32_t count = images - image < block.images ? images - image : block.images;
    const uint32_t rows = s->out_h - row < block.rows ? s->out_h - row : block.rows;
    const int is_first = image == 0 && row == 0;
    const size_t pixels = (size_t)rows * s->out_w;
    pixel_block all = {x + image * x_image,
                       dy_panels,
                       x_image,
                       s->stride_h * line,
                       s->stride_w * x_pixel,
                       pixels * TG_TILE_COLUMNS,
                       (size_t)s->out_w * TG_TILE_COLUMNS,
                       TG_TILE_COLUMNS,
                       count,
                       rows,
                       s->out_w};
    if (copies) {
      const tg_image_window w = {(int64_t)row * s->stride_h - s->pad_top, -(int64_t)s->pad_left,
                                 tg_window_height(s, rows), tg_window_width(s)};
      all.x = scratch;
      all.x_image = w.rows * w.columns * s->in_c;
      for (uint32_t i = 0; i < count; i++) {
        tg_copy_window(scratch + i * all.x_image, x + (image + i) * x_image, &w, s->in_h, s->in_w, s->in_c,
                       tg_in_pixel(s));
      }
    } else if (s->in_c % TG_TILE_ROWS != 0) {
      all.x += row * all.x_row;
    }
    const size_t panel_step = count * all.dy_image;
    for (uint32_t tile = tile_first; tile < tile_end;) {
      /* The tiles of one panel follow each other and share its eight channels of dy, put side by side. */
      const uint32_t panel_first = (uint32_t)(tile / groups), behind = (uint32_t)((tile_end - 1) / groups) + 1;
      const uint32_t panel_end = behind - panel_first < PANELS_TOGETHER ? behind : panel_first + PANELS_TOGETHER;
      for (uint32_t i = 0; i < count; i++) {
        const tg_real *from = dy + ((size_t)(image + i) * s->out_h + row) * dy_row;
        pack_panels(dy_panels + i * all.dy_image, panel_step, from, pixels, s, panel_first, panel_end);
      }
      for (; tile < tile_end && tile < panel_end * groups; tile++) {
        const uint32_t panel = (uint32_t)(tile / groups);
        all.dy = dy_panels + (panel - panel_first) * panel_step;
        filter_gradient_tile(dw, &all, s, tile % groups, panel, row, line, x_pixel, is_first);
      }
    }
    row += rows;
    if (row == s->out_h) {
      row = 0;
      image += count;
    }
  } while (image < images);
}
