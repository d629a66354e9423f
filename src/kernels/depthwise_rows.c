#include "kernels/depthwise_rows.h"

#include "kernels/gemm_tile.h"

void tg_three_copy_row(tg_real *to, const tg_three *t, const tg_part *p, int64_t row) {
  size_t n = p->end - p->first;
  to += p->first * TG_LINE;
  if (row < 0 || row >= (int64_t)t->height) {
    tg_clear(to, n * TG_LINE);
    return;
  }
  const size_t C = t->channels;
  const tg_real *from = t->from + (size_t)row * t->width * C + p->from;
  if (p->channels == TG_LINE) {
    TG_NO_UNROLL
    for (; n; n--, to += TG_LINE, from += C)
      for (size_t v = 0; v < TG_LINE; v += 4) tg_v4_store(to + v, tg_v4_load(from + v));
    return;
  }
  for (; n; n--, to += TG_LINE, from += C) {
    TG_NO_UNROLL
    for (size_t v = 0; v < p->channels; v += 4) tg_v4_store(to + v, tg_v4_load(from + v));
  }
}

/*
 * What works on four channels of a row is a function of its own: within the loops around it V8 has no registers left
 * for weights and sums, and takes a tenth longer.
 */
#define TG_APART static __attribute__((noinline))

/* `count` results whose windows begin at reals `at` of the frame's rows; `v` are the channels. */
TG_INLINE void gather(tg_real *to, size_t to_step, const tg_frame *f, size_t at, size_t v, uint32_t rows,
                      const size_t count, const size_t stride) {
  const size_t behind = stride == 1 ? 2 : 1; /* results that the pixel on the right is behind */
  tg_v4 sums[TG_DEPTHWISE_TILE];
  for (size_t i = 0; i < count; i++) sums[i] = tg_v4_load(f->bias + v);
  const tg_real *w = f->taps[0] + v;
  TG_NO_UNROLL
  for (uint32_t r = 0; r < rows; r++, w += TG_THREE * TG_LINE) {
    const tg_v4 left = tg_v4_load(w), middle = tg_v4_load(w + TG_LINE), right = tg_v4_load(w + 2 * TG_LINE);
    const tg_real *from = f->at[r] + at;
    for (size_t i = 0; i < count + behind; i++, from += stride * TG_LINE) {
      const tg_v4 x = tg_v4_load(from);
      if (i >= behind) sums[i - behind] = tg_v4_madd(x, right, sums[i - behind]);
      if (stride == 1 && i >= 1 && i <= count) sums[i - 1] = tg_v4_madd(x, middle, sums[i - 1]);
      if (i < count) sums[i] = tg_v4_madd(x, left, sums[i]);
      if (stride == 2 && i < count) sums[i] = tg_v4_madd(tg_v4_load(from + TG_LINE), middle, sums[i]);
    }
  }
  const tg_v4 least = tg_v4_load(f->least);
  for (size_t i = 0; i < count; i++, to += to_step) tg_v4_store(to, tg_v4_max(sums[i], least));
}

TG_APART void gather_tile(tg_real *to, size_t to_step, const tg_frame *f, size_t at, size_t v, uint32_t rows) {
  gather(to, to_step, f, at, v, rows, TG_DEPTHWISE_TILE, 1);
}
TG_APART void gather_short(tg_real *to, size_t to_step, const tg_frame *f, size_t at, size_t v, uint32_t rows) {
  gather(to, to_step, f, at, v, rows, TG_DEPTHWISE_SHORT_TILE, 1);
}
TG_APART void gather_wide(tg_real *to, size_t to_step, const tg_frame *f, size_t at, size_t v, uint32_t rows) {
  gather(to, to_step, f, at, v, rows, TG_DEPTHWISE_SHORT_TILE, 2);
}

/* The last tile ends with the row: what it shares with the one before comes out the same. */
void tg_three_gather_line(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p) {
  const size_t columns = p->columns, count = p->tile, stride = p->stride;
  for (size_t done = 0; done < columns; done += count) {
    const size_t i = columns < count ? 0 : columns - done < count ? columns - count : done;
    for (size_t v = 0; v < p->channels; v += 4) {
      const size_t at = i * stride * TG_LINE + v, left = p->channels - v;
      const int whole = left >= 4 && columns >= count;
      tg_real *tile = whole ? to + i * to_step + v : f->tail;
      (stride == 2                  ? gather_wide
       : count == TG_DEPTHWISE_TILE ? gather_tile
                                    : gather_short)(tile, whole ? to_step : 4, f, at, v, p->rows);
      TG_NO_UNROLL
      for (size_t k = 0; !whole && k < count && i + k < columns; k++)
        tg_v4_store_part(to + (i + k) * to_step + v, tg_v4_load(f->tail + 4 * k), left);
    }
  }
}

/* A column of two rows, of which the upper one meets the kernel's last row, or of one, that meets the middle row, goes
 * to three of the result. */
TG_INLINE void scatter(tg_real *to, size_t to_step, const tg_frame *f, size_t v, const tg_part *p, const int two) {
  const tg_real *upper = f->at[0] + v, *lower = f->at[1] + v, *w = f->taps[two ? 0 : TG_THREE] + v;
  tg_v4 above[TG_THREE], here[TG_THREE];
  for (size_t k = 0; k < TG_THREE; k++) {
    above[k] = tg_v4_load(f->taps[2 * TG_THREE + k] + v);
    here[k] = tg_v4_load(w + k * TG_LINE);
  }
  const size_t left = p->channels - v;
  const ptrdiff_t end = (ptrdiff_t)p->columns;
  tg_v4 sum = tg_v4_mul(tg_v4_load(lower), here[2]);
  if (two) sum = tg_v4_madd(tg_v4_load(upper), above[2], sum);
  TG_NO_UNROLL
  for (ptrdiff_t i = -p->skip; i < end; i += 2) {
    upper += TG_LINE;
    lower += TG_LINE;
    const tg_v4 x = tg_v4_load(lower), y = two ? tg_v4_load(upper) : x;
    tg_v4 even = tg_v4_madd(x, here[0], sum), odd = tg_v4_mul(x, here[1]);
    sum = tg_v4_mul(x, here[2]);
    if (two) {
      even = tg_v4_madd(y, above[0], even);
      odd = tg_v4_madd(y, above[1], odd);
      sum = tg_v4_madd(y, above[2], sum);
    }
    tg_real *pixel = to + i * (ptrdiff_t)to_step;
    if (i >= 0) tg_v4_store_part(pixel, even, left);
    if (i + 1 < end) tg_v4_store_part(pixel + to_step, odd, left);
  }
}

TG_APART void scatter_one(tg_real *to, size_t to_step, const tg_frame *f, size_t v, const tg_part *p) {
  scatter(to, to_step, f, v, p, 0);
}
TG_APART void scatter_two(tg_real *to, size_t to_step, const tg_frame *f, size_t v, const tg_part *p) {
  scatter(to, to_step, f, v, p, 1);
}

void tg_three_scatter_line_one(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p) {
  for (size_t v = 0; v < p->channels; v += 4) scatter_one(to + v, to_step, f, v, p);
}
void tg_three_scatter_line_two(tg_real *to, size_t to_step, tg_frame *f, const tg_part *p) {
  for (size_t v = 0; v < p->channels; v += 4) scatter_two(to + v, to_step, f, v, p);
}

/* Sums of the frame's rows as they lie, those of row r at taps[r]. */
TG_APART void add_products(tg_real *const taps[TG_THREE], const tg_real *x, size_t x_step, const tg_real *dy,
                           size_t dy_step, uint32_t columns) {
  tg_v4 sums[TG_THREE * TG_THREE];
  for (size_t i = 0; i < TG_THREE * TG_THREE; i++) sums[i] = tg_v4_load(taps[i / TG_THREE] + i % TG_THREE * TG_LINE);
  TG_NO_UNROLL
  for (uint32_t n = columns; n; n--, dy += dy_step, x += x_step) {
    const tg_v4 d = tg_v4_load(dy);
    for (size_t i = 0; i < TG_THREE * TG_THREE; i++)
      sums[i] = tg_v4_madd(tg_v4_load(x + i / TG_THREE * TG_FRAME_ROW + i % TG_THREE * TG_LINE), d, sums[i]);
  }
  for (size_t i = 0; i < TG_THREE * TG_THREE; i++) tg_v4_store(taps[i / TG_THREE] + i % TG_THREE * TG_LINE, sums[i]);
}

void tg_three_add_line(tg_real *dy, size_t dy_step, tg_frame *f, const tg_part *p) {
  tg_real *taps[TG_THREE];
  for (uint32_t r = 0; r < TG_THREE; r++) {
    const uint32_t tap = r >= p->rows ? r : r >= f->slot ? r - f->slot : r + p->rows - f->slot;
    taps[r] = f->taps[tap * TG_THREE];
  }
  for (size_t v = 0; v < p->channels; v += 4) {
    add_products(taps, f->rows[0] + v, p->stride * TG_LINE, dy + v, dy_step, p->columns);
    for (uint32_t r = 0; r < TG_THREE; r++) taps[r] += 4;
  }
}
