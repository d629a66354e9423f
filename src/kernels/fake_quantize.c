#include "kernels/fake_quantize.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* Columns that are taken along at a time. */
enum { COLUMNS = 64 };

static void fake_quantize_block(tg_real *y, const tg_real *w, size_t rows, size_t stride, size_t columns) {
  tg_real scale[COLUMNS] = {0};
  for (size_t row = 0; row < rows; row++)
    for (size_t c = 0; c < columns; c += 4) {
      const tg_v4 size = tg_v4_abs(load(w + row * stride + c, columns - c));
      tg_v4_store(scale + c, tg_v4_max(size, tg_v4_load(scale + c)));
    }
  const tg_v4 least = tg_v4_splat((tg_real)1e-35), most = tg_v4_splat(127), one = tg_v4_splat(1);
  for (size_t c = 0; c < columns; c += 4) {
    const tg_v4 own = tg_v4_div(tg_v4_load(scale + c), most);
    tg_v4_store(scale + c, tg_v4_select(tg_v4_lt(own, least), one, own));
  }
  for (size_t row = 0; row < rows; row++)
    for (size_t c = 0; c < columns; c += 4) {
      const tg_v4 own = tg_v4_load(scale + c);
      const tg_v4 whole = tg_v4_round(tg_v4_div(load(w + row * stride + c, columns - c), own));
      tg_v4_store_part(y + row * stride + c, tg_v4_mul(whole, own), columns - c);
    }
}

void tg_fake_quantize_columns(tg_real *y, const tg_real *w, size_t rows, size_t columns, size_t first, size_t end) {
  /* y and w (rows, columns) */
  for (size_t c = first; c < end; c += COLUMNS)
    fake_quantize_block(y + c, w + c, rows, columns, end - c < COLUMNS ? end - c : COLUMNS);
}

/* Where x lies among the bytes, before it is cut and rounded. */
TG_INLINE tg_v4 byte_of(tg_v4 x, tg_v4 inverse, tg_v4 zero) { return tg_v4_add(tg_v4_mul(x, inverse), zero); }

void tg_fake_quantize(tg_real *y, const tg_real *x, size_t n, tg_byte_scale to) {
  const tg_v4 scale = tg_v4_splat(to.scale), inverse = tg_v4_splat(1 / to.scale), zero = tg_v4_splat(to.zero);
  const tg_v4 least = tg_v4_zero(), most = tg_v4_splat(255);
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 at = byte_of(load(x + i, n - i), inverse, zero);
    const tg_v4 byte = tg_v4_round(tg_v4_min(tg_v4_max(at, least), most));
    tg_v4_store_part(y + i, tg_v4_mul(tg_v4_sub(byte, zero), scale), n - i);
  }
}

void tg_fake_quantize_backward(tg_real *dx, const tg_real *dy, const tg_real *x, size_t n, tg_byte_scale to) {
  const tg_v4 inverse = tg_v4_splat(1 / to.scale), zero = tg_v4_splat(to.zero), most = tg_v4_splat(255);
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 byte = tg_v4_round(byte_of(load(x + i, n - i), inverse, zero));
    const tg_mask inside = tg_mask_and(tg_v4_le(tg_v4_zero(), byte), tg_v4_le(byte, most));
    tg_v4_store_part(dx + i, tg_v4_keep(inside, load(dy + i, n - i)), n - i);
  }
}

void tg_find_range(tg_real out[2], const tg_real *x, size_t n) {
  tg_v4 low = tg_v4_splat(x[0]), high = low;
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 v = n - i >= 4 ? tg_v4_load(x + i) : tg_v4_load_part(x + i, n - i, x[0]);
    low = tg_v4_min(low, v);
    high = tg_v4_max(high, v);
  }
  tg_real lows[4], highs[4];
  tg_v4_store(lows, low);
  tg_v4_store(highs, high);
  out[0] = lows[0];
  out[1] = highs[0];
  for (int i = 1; i < 4; i++) {
    if (lows[i] < out[0]) out[0] = lows[i];
    if (highs[i] > out[1]) out[1] = highs[i];
  }
}
