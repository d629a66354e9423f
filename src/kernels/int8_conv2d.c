#include "kernels/conv2d_windows.h"
#include "kernels/int8_pack.h"

size_t tg_int8_conv2d_scratch(const tg_conv2d_shape *s, uint32_t rows) {
  return rows ? tg_window_height(s, rows) * tg_window_width(s) * s->in_c + 16 : 0;
}

/* to (n) = from (n) - zero; up to 7 more of both are touched. */
static void widen(int16_t *to, const uint8_t *from, size_t n, v128_t zero) {
  for (size_t i = 0; i < n; i += 8) wasm_v128_store(to + i, tg_int8_load(from + i, zero));
}

static void clear(int16_t *to, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = 0;
}

/* to (rows, columns, channels) = the window of the image, less the zero point, so that padding is 0. */
static void copy_window(int16_t *to, const uint8_t *image, const tg_image_window *w, const tg_conv2d_shape *s,
                        int32_t zero_point) {
  const v128_t zero = wasm_i16x8_splat((int16_t)zero_point);
  int64_t left = w->first_column < 0 ? -w->first_column : 0;
  if (left > (int64_t)w->columns) left = (int64_t)w->columns;
  int64_t middle = (int64_t)s->in_w - (w->first_column + left);
  if (middle > (int64_t)w->columns - left) middle = (int64_t)w->columns - left;
  if (middle < 0) middle = 0;
  const size_t before = (size_t)left * s->in_c, inside = (size_t)middle * s->in_c;
  const size_t from = inside ? (size_t)(w->first_column + left) * s->in_c : 0;
  const size_t line = w->columns * s->in_c;
  for (size_t r = 0; r < w->rows; r++, to += line) {
    int64_t row = w->first_row + (int64_t)r;
    const int outside = row < 0 || row >= (int64_t)s->in_h;
    if (!outside) widen(to + before, image + (size_t)row * s->in_w * s->in_c + from, inside, zero);
    clear(to, outside ? line : before);
    if (!outside) clear(to + before + inside, line - before - inside);
  }
}

TG_INLINE v128_t finish(v128_t sums, const float *factor, const float *offset) {
  return tg_int8_scale(wasm_f32x4_convert_i32x4(sums), wasm_v128_load(factor), wasm_v128_load(offset));
}

/* Eight sums into eight bytes. */
TG_INLINE void store_bytes(uint8_t *y, v128_t c0, v128_t c4, const float *factor, const float *offset) {
  tg_int8_store(y, tg_int8_bytes(finish(c0, factor, offset), finish(c4, factor + 4, offset + 4)), 8);
}

/* The first `columns` of eight sums into bytes or reals, at element `at` of y. */
static void store_part(void *y, size_t at, const v128_t sums[2], const float *factor, const float *offset,
                       size_t columns, int real) {
  const v128_t c0 = finish(sums[0], factor, offset), c4 = finish(sums[1], factor + 4, offset + 4);
  if (!real) {
    tg_int8_store((uint8_t *)y + at, tg_int8_bytes(c0, c4), columns);
    return;
  }
  float values[8];
  wasm_v128_store(values, c0);
  wasm_v128_store(values + 4, c4);
  for (size_t i = 0; i < columns; i++) ((tg_real *)y)[at + i] = (tg_real)values[i];
}

void tg_int8_conv2d(void *y, const uint8_t *x, const tg_int8_layer *layer, int16_t *scratch, const tg_conv2d_shape *s,
                    uint32_t image, uint32_t row_first, uint32_t row_end) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), packed (panels, kernel_h, pairs, 8, 2) */
  if (row_end <= row_first) return;
  const size_t pool = layer->pool, rows = row_end - row_first, width = s->out_w / pool, height = s->out_h / pool;
  /* A tile is four pixels in a row, or, pooled, the four that become one. */
  const size_t pixels = rows * width, a_tile = pool == 2 ? 1 : TG_TILE_ROWS, pairs = tg_int8_pairs(s);
  const tg_image_window w = {(int64_t)(row_first * pool) * s->stride_h - s->pad_top, -(int64_t)s->pad_left,
                             tg_window_height(s, rows * pool), tg_window_width(s)};
  copy_window(scratch, x + (size_t)image * s->in_h * s->in_w * s->in_c, &w, s, layer->zero);
  const size_t line = w.columns * s->in_c, y_first = (image * height + row_first) * width * s->out_c;
  const size_t right = (size_t)s->stride_w * s->in_c, below = s->stride_h * line;
  const int16_t *panel_weights = layer->packed;
  for (uint32_t panel = 0; panel < tg_conv2d_panels(s); panel++) {
    const size_t columns = tg_panel_columns(s->out_c, panel), first = (size_t)panel * TG_TILE_COLUMNS;
    const float *factor = layer->factor + first, *offset = layer->offset + first;
    const int whole = columns == TG_TILE_COLUMNS && !layer->real;
    tg_cursor at = {0, 0};
    for (size_t pixel = 0; pixel < pixels; pixel += a_tile) {
      const size_t count = pixels - pixel < a_tile ? pixels - pixel : a_tile;
      const int16_t *a[4];
      for (size_t r = 0; r < 4; r++) {
        a[r] = scratch + at.offset + (pool == 2 ? r % 2 * right + r / 2 * below : 0);
        if (pool == 2 ? r == 3 : r + 1 < count || count == 4) tg_cursor_next(&at, width, pool * right, pool * below);
      }
      const int16_t *b = panel_weights;
      tg_int8_tile t = tg_int8_tile_zero();
      for (uint32_t row = 0; row < s->kernel_h; row++) {
        t = tg_int8_tile_rows(t, a, b, pairs);
        b += pairs * 2 * TG_TILE_COLUMNS;
        for (size_t r = 0; r < 4; r++) a[r] += line;
      }
      if (pool == 2) {
        t.r0c0 = wasm_i32x4_max(wasm_i32x4_max(t.r0c0, t.r1c0), wasm_i32x4_max(t.r2c0, t.r3c0));
        t.r0c4 = wasm_i32x4_max(wasm_i32x4_max(t.r0c4, t.r1c4), wasm_i32x4_max(t.r2c4, t.r3c4));
      }
      const size_t to = y_first + pixel * s->out_c + first;
      if (whole && count == 4) {
        uint8_t *row = (uint8_t *)y + to;
        store_bytes(row, t.r0c0, t.r0c4, factor, offset);
        store_bytes(row + s->out_c, t.r1c0, t.r1c4, factor, offset);
        store_bytes(row + 2 * (size_t)s->out_c, t.r2c0, t.r2c4, factor, offset);
        store_bytes(row + 3 * (size_t)s->out_c, t.r3c0, t.r3c4, factor, offset);
        continue;
      }
      const v128_t sums[8] = {t.r0c0, t.r0c4, t.r1c0, t.r1c4, t.r2c0, t.r2c4, t.r3c0, t.r3c4};
      for (size_t r = 0; r < count; r++) {
        store_part(y, to + r * s->out_c, &sums[2 * r], factor, offset, columns, layer->real);
      }
    }
    panel_weights += s->kernel_h * pairs * 2 * TG_TILE_COLUMNS;
  }
}
