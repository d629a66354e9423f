#include "kernels/winograd.h"

#include "kernels/winograd_tile.h"

/* Bytes of a block's planes, before and after the products: half of a common second-level cache. */
enum { BLOCK_BYTES = 512 * 1024, MAX_BLOCK = 128 };

int tg_winograd_applies(const tg_conv2d_shape *s) {
  return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1;
}

tg_winograd tg_winograd_make(const tg_conv2d_shape *s) {
  return (tg_winograd){*s, (s->out_h + TG_WINOGRAD_M - 1) / TG_WINOGRAD_M,
                       (s->out_w + TG_WINOGRAD_M - 1) / TG_WINOGRAD_M};
}

static size_t width_of(uint32_t channels) { return tg_round_up(channels, TG_TILE_COLUMNS); }

uint32_t tg_winograd_block(const tg_winograd *g) {
  size_t tile = TG_WINOGRAD_POSITIONS * (width_of(g->s.in_c) + width_of(g->s.out_c)) * sizeof(tg_real);
  size_t block = BLOCK_BYTES / tile / TG_TILE_ROWS * TG_TILE_ROWS;
  return block < TG_TILE_ROWS ? TG_TILE_ROWS : block > MAX_BLOCK ? MAX_BLOCK : (uint32_t)block;
}

size_t tg_winograd_scratch(const tg_winograd *g, uint32_t block) {
  return TG_WINOGRAD_POSITIONS *
         (tg_winograd_plane(block, width_of(g->s.in_c)) + tg_winograd_plane(block, width_of(g->s.out_c)));
}

/* ---- choice ---- */

/* Moving one value into a plane or out of it, its share of the transform included, in multiply-accumulates of the
 * micro-kernel. Measured in Node: 3.7 (15x15x32 -> 64) to 4.3 (32x32x16 -> 16). */
enum { TRANSFORM_COST = 5 };
/* The same for a weight and position, once a batch. Measured: 4.4 to 5.7 (6x6x64 -> 64, two and three images). */
enum { PACK_COST = 6 };
/* Fewer channels have not been measured; with more, four tiles no longer fit a block. */
enum { LEAST_CHANNELS = 16, MOST_CHANNELS = 4096 };

static uint64_t winograd_cost(const tg_conv2d_shape *s, uint32_t samples) {
  const tg_winograd g = tg_winograd_make(s);
  const uint64_t channels = (uint64_t)s->in_c + s->out_c, products = (uint64_t)s->in_c * s->out_c;
  const uint64_t tiles = (uint64_t)g.tiles_h * g.tiles_w * samples, vain = TG_WINOGRAD_TOGETHER - 1;
  return TG_WINOGRAD_POSITIONS * ((tiles + vain + PACK_COST) * products + tiles * TRANSFORM_COST * channels);
}

int tg_winograd_pays(const tg_conv2d_shape *s, uint32_t samples) {
#ifdef TG_DIRECT
  return 0;
#endif
  if (!tg_winograd_applies(s) || s->in_c < LEAST_CHANNELS || s->out_c < LEAST_CHANNELS || s->in_c > MOST_CHANNELS ||
      s->out_c > MOST_CHANNELS) {
    return 0;
  }
  const uint64_t direct = (uint64_t)s->out_h * s->out_w * 9 * s->in_c * s->out_c * samples;
  /* A tenth of margin for what the model leaves out. */
  return winograd_cost(s, samples) < direct / 10 * 9;
}

/* ---- weights ---- */

/* Reals of one position, with room that keeps positions out of each other's cache sets: packing writes all of them in
 * turn. */
static size_t packed_plane(uint32_t K, uint32_t N) { return tg_winograd_plane(K, width_of(N)); }

size_t tg_winograd_packed_size(const tg_winograd *g) {
  return TG_WINOGRAD_POSITIONS * packed_plane(g->s.in_c, g->s.out_c);
}

size_t tg_winograd_input_gradient_packed_size(const tg_winograd *g) {
  return TG_WINOGRAD_POSITIONS * packed_plane(g->s.out_c, g->s.in_c);
}

/* to[position * plane] = G taps G', four lanes of it. */
TG_INLINE void transform_filter(tg_real *to, size_t plane, const tg_v4 taps[9]) {
  tg_v4 out[TG_WINOGRAD_N * TG_WINOGRAD_N];
  tg_winograd_tile(TG_WINOGRAD_G, out, taps);
  for (uint32_t p = 0; p < TG_WINOGRAD_POSITIONS; p++) tg_v4_store(to + p * plane, out[p]);
}

void tg_winograd_pack(tg_real *packed, const tg_real *w, const tg_winograd *g, uint32_t panel_first,
                      uint32_t panel_end) {
  const tg_conv2d_shape *s = &g->s;
  const size_t plane = packed_plane(s->in_c, s->out_c), tap = (size_t)s->in_c * s->out_c;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    for (uint32_t c = 0; c < s->in_c; c++) {
      for (uint32_t half = 0; half < TG_TILE_COLUMNS; half += 4) {
        const uint32_t first = panel * TG_TILE_COLUMNS + half, left = first < s->out_c ? s->out_c - first : 0;
        tg_v4 taps[9];
        for (uint32_t k = 0; k < 9; k++) {
          const tg_real *from = w + k * tap + (size_t)c * s->out_c + (left ? first : 0);
          taps[k] = left >= 4 ? tg_v4_load(from) : tg_v4_load_part(from, left, 0);
        }
        transform_filter(packed + ((size_t)panel * s->in_c + c) * TG_TILE_COLUMNS + half, plane, taps);
      }
    }
  }
}

/* Element (lane, k) of the block of 4 input by 4 output channels at (row, column) of w (in_c, out_c), zeros outside. */
static void load_block(tg_v4 block[4], const tg_real *w, const tg_conv2d_shape *s, uint32_t row, uint32_t column) {
  if (row + 4 <= s->in_c && column + 4 <= s->out_c) {
    for (uint32_t r = 0; r < 4; r++) block[r] = tg_v4_load(w + (size_t)(row + r) * s->out_c + column);
    tg_v4_transpose(&block[0], &block[1], &block[2], &block[3]);
    return;
  }
  for (uint32_t k = 0; k < 4; k++) {
    tg_real lanes[4];
    for (uint32_t r = 0; r < 4; r++) {
      int inside = row + r < s->in_c && column + k < s->out_c;
      lanes[r] = inside ? w[(size_t)(row + r) * s->out_c + column + k] : 0;
    }
    block[k] = tg_v4_load(lanes);
  }
}

void tg_winograd_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_winograd *g, uint32_t panel_first,
                                     uint32_t panel_end) {
  const tg_conv2d_shape *s = &g->s;
  const size_t plane = packed_plane(s->out_c, s->in_c), tap = (size_t)s->in_c * s->out_c;
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    for (uint32_t c = 0; c < s->out_c; c += 4) {
      for (uint32_t half = 0; half < TG_TILE_COLUMNS; half += 4) {
        tg_v4 blocks[9][4], taps[9];
        for (uint32_t k = 0; k < 9; k++) load_block(blocks[k], w + k * tap, s, panel * TG_TILE_COLUMNS + half, c);
        for (uint32_t k = 0; k < 4 && c + k < s->out_c; k++) {
          for (uint32_t t = 0; t < 9; t++) taps[t] = blocks[t][k];
          transform_filter(packed + ((size_t)panel * s->out_c + c + k) * TG_TILE_COLUMNS + half, plane, taps);
        }
      }
    }
  }
}

/* ---- products ---- */

/* c (positions, rows, N) = a (positions, rows, K) @ packed (positions, panels, K, 8), columns of panels
 * panel_first…panel_end-1; rows of a and c are rounded up to 8, planes stand `block` rows apart. */
static void multiply(tg_real *c, const tg_real *a, const tg_real *packed, uint32_t rows, uint32_t block, uint32_t K,
                     uint32_t N, uint32_t panel_first, uint32_t panel_end) {
  const size_t a_width = width_of(K), c_width = width_of(N);
  const size_t a_plane = tg_winograd_plane(block, a_width), c_plane = tg_winograd_plane(block, c_width);
  const size_t b_plane = packed_plane(K, N);
  for (uint32_t p = 0; p < TG_WINOGRAD_POSITIONS; p++, a += a_plane, c += c_plane, packed += b_plane) {
    const size_t wide = (size_t)K * TG_TILE_COLUMNS;
    uint32_t panel = panel_first;
    /* A lone tile of a small image: a tile of four rows would compute it four times. */
    for (; rows == 1 && panel + 4 <= panel_end; panel += 4) {
      tg_real *const first = c + (size_t)panel * TG_TILE_COLUMNS, *const at[4] = {first, first + 8, first + 16,
                                                                                  first + 24};
      tg_tile t = tg_tile_start(tg_v4_zero(), tg_v4_zero());
      tg_tile_one_row(&t, a, packed + panel * wide, wide, TG_TILE_COLUMNS, K);
      tg_tile_store(at, &t, 4, TG_TILE_COLUMNS);
    }
    for (; panel < panel_end; panel++) {
      const size_t column = (size_t)panel * TG_TILE_COLUMNS;
      const tg_real *b = packed + panel * wide;
      for (uint32_t row = 0; row < rows; row += TG_TILE_ROWS) {
        const uint32_t count = rows - row < TG_TILE_ROWS ? rows - row : TG_TILE_ROWS;
        const tg_real *a_row[4];
        tg_real *c_row[4];
        for (uint32_t r = 0; r < 4; r++) {
          size_t at = row + (r < count ? r : count - 1);
          a_row[r] = a + at * a_width;
          c_row[r] = c + at * c_width + column;
        }
        tg_tile t = tg_tile_start(tg_v4_zero(), tg_v4_zero());
        tg_tile_rows(&t, a_row, b, K);
        tg_tile_store(c_row, &t, count, TG_TILE_COLUMNS);
      }
    }
  }
}

/* ---- forward ---- */

/* The tile of y at `at` from the products: A' [·] A + bias. */
TG_INLINE void store_output(tg_real *y, const tg_real *from, size_t plane, const tg_real *bias,
                            const tg_winograd_square *at, uint32_t channels, int relu) {
  const tg_v4 zero = tg_v4_zero();
  for (uint32_t c = 0; c < channels; c += 4) {
    const uint32_t left = channels - c;
    const tg_v4 start = bias ? left < 4 ? tg_v4_load_part(bias + c, left, 0) : tg_v4_load(bias + c) : zero;
    tg_v4 half[4 * TG_WINOGRAD_N], line[TG_WINOGRAD_N];
    TG_NO_UNROLL
    for (uint32_t j = 0; j < TG_WINOGRAD_N; j++) {
      tg_v4 column[TG_WINOGRAD_N];
      for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) column[i] = tg_v4_load(from + (i * TG_WINOGRAD_N + j) * plane + c);
      tg_winograd_line(TG_WINOGRAD_AT, line, column);
      for (uint32_t i = 0; i < TG_WINOGRAD_M; i++) half[i * TG_WINOGRAD_N + j] = line[i];
    }
    TG_NO_UNROLL
    for (uint32_t i = 0; i < TG_WINOGRAD_M; i++) {
      if (i >= at->end_row) break;
      tg_winograd_line(TG_WINOGRAD_AT, line, half + i * TG_WINOGRAD_N);
      for (uint32_t j = 0; j < TG_WINOGRAD_M; j++) {
        if (j >= at->end_column) break;
        tg_v4 v = tg_v4_add(line[j], start);
        if (relu) v = tg_v4_max(v, zero);
        tg_real *to = y + at->row[i] + at->column[j] + c;
        if (left >= 4) {
          tg_v4_store(to, v);
        } else {
          tg_v4_store_part(to, v, left);
        }
      }
    }
  }
}

void tg_winograd_forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                         const tg_winograd *g, uint32_t tile_first, uint32_t tile_end, uint32_t block, int relu) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), packed (36, panels, in_c, 8), bias (out_c) */
  const tg_conv2d_shape *s = &g->s;
  const uint32_t count = tile_end - tile_first;
  const size_t x_width = width_of(s->in_c), x_plane = tg_winograd_plane(block, x_width);
  const size_t y_width = width_of(s->out_c), y_plane = tg_winograd_plane(block, y_width);
  tg_real *products = scratch + TG_WINOGRAD_POSITIONS * x_plane;
  tg_winograd_square at;
  for (uint32_t t = 0; t < count; t++) {
    tg_winograd_place(&at, g, tile_first + t, 1);
    tg_winograd_transform_x(scratch + t * x_width, x_plane, 8, x, &at, s->in_c);
  }
  multiply(products, scratch, packed, count, block, s->in_c, s->out_c, 0, tg_conv2d_panels(s));
  for (uint32_t t = 0; t < count; t++) {
    tg_winograd_place(&at, g, tile_first + t, 0);
    store_output(y, products + t * y_width, y_plane, bias, &at, s->out_c, relu);
  }
}

/* ---- gradient of the input ---- */

/* The pixels of dx at `at`, channels first…end-1, += B [products] B'. */
TG_INLINE void add_input(tg_real *dx, const tg_real *from, size_t plane, const tg_winograd_square *at, uint32_t first,
                         uint32_t end) {
  for (uint32_t c = first; c < end; c += 4) {
    const uint32_t left = end - c;
    tg_v4 half[TG_WINOGRAD_N * TG_WINOGRAD_N], line[TG_WINOGRAD_N];
    TG_NO_UNROLL
    for (uint32_t j = 0; j < TG_WINOGRAD_N; j++) {
      tg_v4 column[TG_WINOGRAD_N];
      for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) column[i] = tg_v4_load(from + (i * TG_WINOGRAD_N + j) * plane + c);
      tg_winograd_line(TG_WINOGRAD_B, line, column);
      for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) half[i * TG_WINOGRAD_N + j] = line[i];
    }
    TG_NO_UNROLL
    for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) {
      if (i < at->first_row || i >= at->end_row) continue;
      tg_winograd_line(TG_WINOGRAD_B, line, half + i * TG_WINOGRAD_N);
      TG_NO_UNROLL
      for (uint32_t j = 0; j < TG_WINOGRAD_N; j++) {
        if (j < at->first_column || j >= at->end_column) continue;
        tg_real *to = dx + at->row[i] + at->column[j] + c;
        if (left >= 4) {
          tg_v4_store(to, tg_v4_add(tg_v4_load(to), line[j]));
        } else {
          tg_v4_store_part(to, tg_v4_add(tg_v4_load_part(to, left, 0), line[j]), left);
        }
      }
    }
  }
}

void tg_winograd_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                                const tg_winograd *g, uint32_t image_first, uint32_t image_end, uint32_t panel_first,
                                uint32_t panel_end, uint32_t block) {
  /* dx (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c), packed (36, panels, out_c, 8) */
  const tg_conv2d_shape *s = &g->s;
  const size_t x_width = width_of(s->in_c), x_plane = tg_winograd_plane(block, x_width);
  const size_t y_width = width_of(s->out_c), y_plane = tg_winograd_plane(block, y_width);
  tg_real *products = scratch + TG_WINOGRAD_POSITIONS * y_plane;
  const uint32_t first = panel_first * TG_TILE_COLUMNS, columns = panel_end * TG_TILE_COLUMNS;
  const uint32_t end = columns < s->in_c ? columns : s->in_c;
  const size_t image = (size_t)s->in_h * s->in_w;
  for (size_t pixel = image_first * image; pixel < image_end * image; pixel++) {
    tg_clear(dx + pixel * s->in_c + first, end - first);
  }
  const uint32_t tiles = g->tiles_h * g->tiles_w, tile_end = image_end * tiles;
  for (uint32_t tile = image_first * tiles; tile < tile_end; tile += block) {
    const uint32_t count = tile_end - tile < block ? tile_end - tile : block;
    tg_winograd_square at;
    for (uint32_t t = 0; t < count; t++) {
      tg_winograd_place(&at, g, tile + t, 0);
      tg_winograd_transform_dy(scratch + t * y_width, y_plane, 8, dy, &at, s->out_c);
    }
    multiply(products, scratch, packed, count, block, s->out_c, s->in_c, panel_first, panel_end);
    for (uint32_t t = 0; t < count; t++) {
      tg_winograd_place(&at, g, tile + t, 1);
      add_input(dx, products + t * x_width, x_plane, &at, first, end);
    }
  }
}
