#include "kernels/int8_pack.h"

/*
 * F(4x4, 3x3) on the points 0, ±1, ±2, ∞. With rows of G times 4, -6, -6, 24, 24, 1 all of B', G and A' are whole; the
 * factors, times 24 whole too, stand in `line_back`. For bytes and weights of at most 127 the largest products are
 * 4590 * 6223 a channel, so that 64 channels fit 32 bits; wider layers add blocks of 64 as floats.
 */
enum { CHANNELS_A_SUM = 64, BLOCK_BYTES = 512 * 1024, MAX_BLOCK = 128, SIDE = TG_WINOGRAD_N };

uint32_t tg_int8_winograd_block(const tg_winograd *g) {
  size_t tile =
      TG_WINOGRAD_POSITIONS * (tg_int8_width(g->s.in_c) * sizeof(int16_t) + tg_int8_width(g->s.out_c) * sizeof(float));
  size_t block = BLOCK_BYTES / tile / TG_TILE_ROWS * TG_TILE_ROWS;
  return block < TG_TILE_ROWS ? TG_TILE_ROWS : block > MAX_BLOCK ? MAX_BLOCK : (uint32_t)block;
}

size_t tg_int8_winograd_scratch(const tg_winograd *g, uint32_t block) {
  return TG_WINOGRAD_POSITIONS * (tg_winograd_plane(block, tg_int8_width(g->s.in_c)) * sizeof(int16_t) +
                                  tg_winograd_plane(block, tg_int8_width(g->s.out_c)) * sizeof(float));
}

/* ---- inputs ---- */

/* B' of one line, eight channels at a time. */
TG_INLINE void line_of_input(v128_t to[SIDE], const v128_t v[SIDE]) {
  v128_t even = wasm_i16x8_sub(v[4], wasm_i16x8_shl(v[2], 2)), odd = wasm_i16x8_sub(v[3], wasm_i16x8_shl(v[1], 2));
  v128_t even2 = wasm_i16x8_sub(v[4], v[2]), odd2 = wasm_i16x8_shl(wasm_i16x8_sub(v[3], v[1]), 1);
  to[0] = wasm_i16x8_add(wasm_i16x8_sub(wasm_i16x8_shl(v[0], 2), v[2]), even); /* 4, 0, -5, 0, 1, 0 */
  to[1] = wasm_i16x8_add(even, odd);                                           /* 0, -4, -4, 1, 1, 0 */
  to[2] = wasm_i16x8_sub(even, odd);                                           /* 0, 4, -4, -1, 1, 0 */
  to[3] = wasm_i16x8_add(even2, odd2);                                         /* 0, -2, -1, 2, 1, 0 */
  to[4] = wasm_i16x8_sub(even2, odd2);                                         /* 0, 2, -1, -2, 1, 0 */
  to[5] = wasm_i16x8_sub(wasm_i16x8_sub(v[5], v[3]), wasm_i16x8_shl(wasm_i16x8_sub(v[3], v[1]), 2));
}

/* to[position * plane + channel] = B' d B of the 6 x 6 bytes at `at`, padding being 0. */
static void transform_input(int16_t *to, size_t plane, const uint8_t *x, const tg_winograd_square *at,
                            uint32_t channels, v128_t zero_point) {
  const v128_t zero = wasm_i16x8_splat(0);
  for (uint32_t c = 0; c < channels; c += 8) {
    v128_t half[SIDE * SIDE], column[SIDE], line[SIDE];
    TG_NO_UNROLL
    for (uint32_t j = 0; j < SIDE; j++) {
      const uint8_t *pixel = x + at->column[j] + c;
      const int inside = j >= at->first_column && j < at->end_column;
      for (uint32_t i = 0; i < SIDE; i++) {
        column[i] =
            inside && i >= at->first_row && i < at->end_row ? tg_int8_load(pixel + at->row[i], zero_point) : zero;
      }
      line_of_input(line, column);
      for (uint32_t i = 0; i < SIDE; i++) half[i * SIDE + j] = line[i];
    }
    TG_NO_UNROLL
    for (uint32_t i = 0; i < SIDE; i++) {
      line_of_input(line, half + i * SIDE);
      for (uint32_t j = 0; j < SIDE; j++) wasm_v128_store(to + (i * SIDE + j) * plane + c, line[j]);
    }
  }
}

/* ---- products ---- */

TG_INLINE void put_row(float *to, v128_t c0, v128_t c4, int is_first) {
  c0 = wasm_f32x4_convert_i32x4(c0);
  c4 = wasm_f32x4_convert_i32x4(c4);
  wasm_v128_store(to, is_first ? c0 : wasm_f32x4_add(wasm_v128_load(to), c0));
  wasm_v128_store(to + 4, is_first ? c4 : wasm_f32x4_add(wasm_v128_load(to + 4), c4));
}

/* c (positions, rows, out_c) = a (positions, rows, in_c) @ packed, planes `block` rows apart. */
static void multiply(float *c, const int16_t *a, const int16_t *packed, const tg_winograd *g, uint32_t rows,
                     uint32_t block) {
  const size_t a_width = tg_int8_width(g->s.in_c), c_width = tg_int8_width(g->s.out_c);
  const size_t a_plane = tg_winograd_plane(block, a_width), c_plane = tg_winograd_plane(block, c_width);
  for (uint32_t p = 0; p < TG_WINOGRAD_POSITIONS;
       p++, a += a_plane, c += c_plane, packed += tg_int8_winograd_plane(g)) {
    for (size_t column = 0; column < c_width; column += TG_TILE_COLUMNS) {
      const int16_t *b = packed + column * a_width;
      for (uint32_t row = 0; row < rows; row += TG_TILE_ROWS) {
        const uint32_t count = rows - row < TG_TILE_ROWS ? rows - row : TG_TILE_ROWS;
        for (size_t k = 0; k < a_width; k += CHANNELS_A_SUM) {
          const size_t channels = a_width - k < CHANNELS_A_SUM ? a_width - k : CHANNELS_A_SUM;
          const int16_t *a_row[4];
          for (uint32_t r = 0; r < 4; r++) a_row[r] = a + (row + (r < count ? r : count - 1)) * a_width + k;
          tg_int8_tile t = tg_int8_tile_rows(tg_int8_tile_zero(), a_row, b + k * TG_TILE_COLUMNS, channels / 2);
          float *to = c + row * c_width + column;
          put_row(to, t.r0c0, t.r0c4, k == 0);
          if (count > 1) put_row(to + c_width, t.r1c0, t.r1c4, k == 0);
          if (count > 2) put_row(to + 2 * c_width, t.r2c0, t.r2c4, k == 0);
          if (count > 3) put_row(to + 3 * c_width, t.r3c0, t.r3c4, k == 0);
        }
      }
    }
  }
}

/* ---- outputs ---- */

TG_INLINE v128_t times(float c, v128_t v) { return wasm_f32x4_mul(wasm_f32x4_splat(c), v); }

/* A' of one line of sums, times 24, the factors of G's rows undone. */
TG_INLINE void line_back(v128_t to[TG_WINOGRAD_M], const v128_t v[SIDE]) {
  v128_t even = times(4, wasm_f32x4_add(v[1], v[2])), odd = times(4, wasm_f32x4_sub(v[1], v[2]));
  v128_t even2 = wasm_f32x4_add(v[3], v[4]), odd2 = times(2, wasm_f32x4_sub(v[3], v[4]));
  to[0] = wasm_f32x4_add(times(6, v[0]), wasm_f32x4_sub(even2, even));
  to[1] = wasm_f32x4_sub(odd2, odd);
  to[2] = wasm_f32x4_sub(times(4, even2), even);
  to[3] = wasm_f32x4_add(times(24, v[5]), wasm_f32x4_sub(times(4, odd2), odd));
}

/* v[0], v[1] = the largest of each 2x2 of the line v and the one that `from` becomes; the line is twice as short. */
TG_INLINE void largest_of_pairs(v128_t v[TG_WINOGRAD_M], const v128_t from[SIDE]) {
  v128_t below[TG_WINOGRAD_M];
  line_back(below, from);
  for (uint32_t j = 0; j < TG_WINOGRAD_M; j++) v[j] = wasm_f32x4_pmax(v[j], below[j]);
  v[0] = wasm_f32x4_pmax(v[0], v[1]);
  v[1] = wasm_f32x4_pmax(v[2], v[3]);
}

/* The bytes of y at `at` from the products. */
static void store_output(uint8_t *y, const float *from, size_t plane, const tg_int8_layer *layer,
                         const tg_winograd_square *at, uint32_t channels) {
  for (uint32_t c = 0; c < channels; c += 8) {
    v128_t half[2][TG_WINOGRAD_M * SIDE], line[TG_WINOGRAD_M], factor[2], offset[2];
    TG_NO_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
      factor[h] = times(1.0f / 576, wasm_v128_load(layer->factor + c + 4 * h));
      offset[h] = wasm_v128_load(layer->offset + c + 4 * h);
      TG_NO_UNROLL
      for (uint32_t j = 0; j < SIDE; j++) {
        v128_t column[SIDE];
        for (uint32_t i = 0; i < SIDE; i++) column[i] = wasm_v128_load(from + (i * SIDE + j) * plane + c + 4 * h);
        line_back(line, column);
        for (uint32_t i = 0; i < TG_WINOGRAD_M; i++) half[h][i * SIDE + j] = line[i];
      }
    }
    const uint32_t pool = layer->pool;
    TG_NO_UNROLL
    for (uint32_t i = 0; i < TG_WINOGRAD_M; i += pool) {
      if (i >= at->end_row) break;
      v128_t low[TG_WINOGRAD_M], high[TG_WINOGRAD_M];
      line_back(low, half[0] + i * SIDE);
      line_back(high, half[1] + i * SIDE);
      if (pool == 2) {
        largest_of_pairs(low, half[0] + (i + 1) * SIDE);
        largest_of_pairs(high, half[1] + (i + 1) * SIDE);
      }
      for (uint32_t j = 0; j < TG_WINOGRAD_M; j++) {
        if (j * pool >= at->end_column) break;
        v128_t bytes =
            tg_int8_bytes(tg_int8_scale(low[j], factor[0], offset[0]), tg_int8_scale(high[j], factor[1], offset[1]));
        /* Offsets in y; halved along both sides where it is. */
        const size_t to = pool == 2 ? at->row[i] / 4 + at->column[2 * j] / 2 : at->row[i] + at->column[j];
        tg_int8_store(y + to + c, bytes, channels - c);
      }
    }
  }
}

void tg_int8_winograd(uint8_t *y, const uint8_t *x, const tg_int8_layer *layer, void *scratch, const tg_winograd *g,
                      uint32_t tile_first, uint32_t tile_end, uint32_t block) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), packed (36, panels, pairs, 8, 2) */
  const tg_conv2d_shape *s = &g->s;
  const uint32_t count = tile_end - tile_first;
  const size_t x_width = tg_int8_width(s->in_c), x_plane = tg_winograd_plane(block, x_width);
  const size_t y_width = tg_int8_width(s->out_c), y_plane = tg_winograd_plane(block, y_width);
  int16_t *inputs = scratch;
  float *products = (float *)(inputs + TG_WINOGRAD_POSITIONS * x_plane);
  const v128_t zero = wasm_i16x8_splat((int16_t)layer->zero);
  tg_winograd_square at;
  for (uint32_t t = 0; t < count; t++) {
    tg_winograd_place(&at, g, tile_first + t, 1);
    transform_input(inputs + t * x_width, x_plane, x, &at, s->in_c, zero);
  }
  multiply(products, inputs, layer->packed, g, count, block);
  for (uint32_t t = 0; t < count; t++) {
    tg_winograd_place(&at, g, tile_first + t, 0);
    store_output(y, products + t * y_width, y_plane, layer, &at, s->out_c);
  }
}
