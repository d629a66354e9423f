#include "kernels/norm.h"

#include <math.h>

#include "kernels/reduce.h"
#include "kernels/simd.h"

/* Rows whose sum is made apart, as in reduce.c: rounding errors stay near those of pairwise summation. */
enum { ROWS_PER_SUM = 64 };

/* Four columns, `left` of them there. */
TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* The same for what is read once for many rows: of the last few columns in a function of its own, which is shorter. */
static __attribute__((noinline)) tg_v4 load_few(const tg_real *p, size_t left) { return load(p, left); }
TG_INLINE tg_v4 load_once(const tg_real *p, size_t left) {
  return __builtin_constant_p(left) ? load(p, left) : load_few(p, left);
}

TG_INLINE void add_to(tg_real *sum, tg_v4 part, size_t left) {
  tg_v4_store_part(sum, tg_v4_add(load(sum, left), part), left);
}

/* squares (`left` columns, four `vectors` at most) += the squared distances of `rows` rows from mean. */
TG_INLINE void square_columns(tg_real *squares, const tg_real *x, const tg_real *mean, size_t rows, uint32_t n,
                              size_t vectors, size_t left) {
  tg_v4 sums[4] = {tg_v4_zero(), tg_v4_zero(), tg_v4_zero(), tg_v4_zero()}, means[4];
  for (size_t v = 0; v < vectors; v++) means[v] = load_once(mean + 4 * v, left);
  TG_NOT_UNROLLED
  for (; rows; rows--, x += n)
    for (size_t v = 0; v < vectors; v++) {
      tg_v4 d = tg_v4_sub(load(x + 4 * v, left), means[v]);
      sums[v] = tg_v4_add(sums[v], tg_v4_mul(d, d));
    }
  for (size_t v = 0; v < vectors; v++) add_to(squares + 4 * v, sums[v], left);
}

void tg_norm_statistics(tg_real *mean, tg_real *squares, const tg_real *x, size_t rows, uint32_t n) {
  /* mean (n), squares (n), x (rows, n) */
  tg_sum_rows(mean, x, rows, n);
  TG_NOT_UNROLLED
  for (uint32_t j = 0; j < n; j++) mean[j] /= (tg_real)rows;
  tg_clear(squares, n);
  for (size_t row = 0; row < rows; row += ROWS_PER_SUM) {
    const size_t count = rows - row < ROWS_PER_SUM ? rows - row : ROWS_PER_SUM;
    const tg_real *block = x + row * n;
    uint32_t j = 0;
    for (; j + 16 <= n; j += 16) square_columns(squares + j, block + j, mean + j, count, n, 4, 4);
    for (; j < n; j += 4) square_columns(squares + j, block + j, mean + j, count, n, 1, n - j);
  }
}

void tg_norm_combine(tg_real *mean, tg_real *variance, const tg_real *parts, size_t rows, size_t chunk_rows,
                     uint32_t n) {
  /* mean (n), variance (n), parts (chunks, 2, n) */
  for (uint32_t j = 0; j < n; j++) {
    double center = 0, squares = 0;
    const tg_real *part = parts + j;
    for (size_t done = 0; done < rows; part += 2 * (size_t)n) {
      const size_t count = rows - done < chunk_rows ? rows - done : chunk_rows;
      const double share = (double)count / (double)(done + count), delta = part[0] - center;
      center += delta * share;
      squares += part[n] + delta * delta * share * (double)done;
      done += count;
    }
    mean[j] = (tg_real)center;
    variance[j] = (tg_real)(squares / (double)rows);
  }
}

void tg_norm_prepare(tg_real *inverse, tg_real *scale, tg_real *shift, const tg_real *variance, const tg_real *gamma,
                     const tg_real *beta, tg_real epsilon, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    inverse[j] = (tg_real)(1 / sqrt((double)variance[j] + (double)epsilon));
    scale[j] = gamma ? gamma[j] * inverse[j] : inverse[j];
    shift[j] = beta ? beta[j] : 0;
  }
}

/* Rows that share what is loaded of their columns: narrow ones, a few lines of the cache. Of wide ones that would touch
 * memory out of order, where it is slower. */
enum { TOGETHER = 4, NARROW = 32 };
static size_t rows_together(size_t rows, uint32_t n) { return n <= NARROW && rows >= TOGETHER ? TOGETHER : 1; }

/* Never a fused multiplication: backward must find the same signs. */
TG_INLINE tg_v4 normal4(tg_v4 centered, tg_v4 scale, tg_v4 shift) {
  return tg_v4_add(tg_v4_mul(centered, scale), shift);
}

/* y (rows, n) of x, four columns, `left` of them there. What would be below `least` becomes that. */
TG_INLINE void normalise(tg_real *y, const tg_real *x, const tg_real *mean, const tg_real *scale, const tg_real *shift,
                         tg_v4 least, size_t rows, uint32_t n, size_t left) {
  const tg_v4 means = load_once(mean, left), scales = load_once(scale, left), shifts = load_once(shift, left);
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    tg_v4 centered = tg_v4_sub(load(x, left), means);
    tg_v4_store_part(y, tg_v4_max(normal4(centered, scales, shifts), least), left);
  }
}

void tg_norm(tg_real *y, const tg_real *x, const tg_real *mean, const tg_real *scale, const tg_real *shift, size_t rows,
             uint32_t n, int relu) {
  /* y (rows, n), x (rows, n) */
  const tg_v4 least = tg_v4_splat(relu ? 0 : -INFINITY);
  const uint32_t whole = n / 4 * 4;
  for (size_t row = 0, some; row < rows; row += some) {
    some = rows_together(rows - row, n);
    tg_real *to = y + row * n;
    const tg_real *from = x + row * n;
    if (some == 1) {
      TG_NOT_UNROLLED
      for (uint32_t j = 0; j < whole; j += 4)
        normalise(to + j, from + j, mean + j, scale + j, shift + j, least, 1, n, 4);
    } else {
      TG_NOT_UNROLLED
      for (uint32_t j = 0; j < whole; j += 4)
        normalise(to + j, from + j, mean + j, scale + j, shift + j, least, TOGETHER, n, 4);
    }
  }
  if (whole < n) normalise(y + whole, x + whole, mean + whole, scale + whole, shift + whole, least, rows, n, n - whole);
}

/* dy where the normalised value is positive, else 0. */
TG_INLINE tg_v4 mask4(tg_v4 dy, tg_v4 centered, tg_v4 scale, tg_v4 shift) {
  return tg_v4_keep(tg_v4_lt(tg_v4_zero(), normal4(centered, scale, shift)), dy);
}

/* sums (2, n) of `vectors` times four columns (`left` of the last) over `rows` rows are added to. */
TG_INLINE void backward_columns(tg_real *sums, const tg_real *dy, const tg_real *x, const tg_real *mean,
                                const tg_real *scale, const tg_real *shift, size_t rows, uint32_t n, size_t vectors,
                                size_t left, int relu) {
  tg_v4 plain[2] = {tg_v4_zero(), tg_v4_zero()}, weighted[2] = {tg_v4_zero(), tg_v4_zero()};
  tg_v4 means[2], scales[2], shifts[2];
  for (size_t v = 0; v < vectors; v++) {
    means[v] = load_once(mean + 4 * v, left);
    scales[v] = load_once(scale + 4 * v, left);
    shifts[v] = load_once(shift + 4 * v, left);
  }
  TG_NOT_UNROLLED
  for (; rows; rows--, x += n, dy += n)
    for (size_t v = 0; v < vectors; v++) {
      tg_v4 d = load(dy + 4 * v, left), centered = tg_v4_sub(load(x + 4 * v, left), means[v]);
      if (relu) d = mask4(d, centered, scales[v], shifts[v]);
      plain[v] = tg_v4_add(plain[v], d);
      weighted[v] = tg_v4_madd(d, centered, weighted[v]);
    }
  for (size_t v = 0; v < vectors; v++) {
    add_to(sums + 4 * v, plain[v], left);
    add_to(sums + n + 4 * v, weighted[v], left);
  }
}

void tg_norm_backward_sums(tg_real *sums, const tg_real *dy, const tg_real *x, const tg_real *mean,
                           const tg_real *scale, const tg_real *shift, size_t rows, uint32_t n, int relu) {
  /* sums (2, n), dy (rows, n), x (rows, n) */
  tg_clear(sums, 2 * (size_t)n);
  for (size_t row = 0; row < rows; row += ROWS_PER_SUM) {
    const size_t count = rows - row < ROWS_PER_SUM ? rows - row : ROWS_PER_SUM;
    const tg_real *d = dy + row * n, *v = x + row * n;
    uint32_t j = 0;
    if (relu) {
      for (; j + 8 <= n; j += 8)
        backward_columns(sums + j, d + j, v + j, mean + j, scale + j, shift + j, count, n, 2, 4, 1);
    } else {
      for (; j + 8 <= n; j += 8)
        backward_columns(sums + j, d + j, v + j, mean + j, scale + j, shift + j, count, n, 2, 4, 0);
    }
    for (; j < n; j += 4)
      backward_columns(sums + j, d + j, v + j, mean + j, scale + j, shift + j, count, n, 1, n - j, relu);
  }
}

/* dx (rows, n) of dy and x, as above. */
TG_INLINE void normalise_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *mean,
                                  const tg_real *scale, const tg_real *shift, const tg_real *slope,
                                  const tg_real *offset, size_t rows, uint32_t n, size_t left, int relu) {
  const tg_v4 means = load_once(mean, left), scales = load_once(scale, left), shifts = load_once(shift, left);
  const tg_v4 slopes = load_once(slope, left), offsets = load_once(offset, left);
  for (size_t r = 0; r < rows; r++, dx += n, dy += n, x += n) {
    tg_v4 d = load(dy, left), centered = tg_v4_sub(load(x, left), means);
    if (relu) d = mask4(d, centered, scales, shifts);
    tg_v4 own = tg_v4_sub(tg_v4_mul(d, scales), offsets);
    tg_v4_store_part(dx, tg_v4_sub(own, tg_v4_mul(centered, slopes)), left);
  }
}

void tg_norm_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *mean, const tg_real *scale,
                      const tg_real *shift, const tg_real *slope, const tg_real *offset, size_t rows, uint32_t n,
                      int relu) {
  /* dx (rows, n), dy (rows, n), x (rows, n) */
  const uint32_t whole = n / 4 * 4;
  for (size_t row = 0, some; row < rows; row += some) {
    some = rows_together(rows - row, n);
    tg_real *to = dx + row * n;
    const tg_real *d = dy + row * n, *v = x + row * n;
    if (some == 1) {
      TG_NOT_UNROLLED
      for (uint32_t j = 0; j < whole; j += 4)
        normalise_backward(to + j, d + j, v + j, mean + j, scale + j, shift + j, slope + j, offset + j, 1, n, 4, relu);
    } else {
      TG_NOT_UNROLLED
      for (uint32_t j = 0; j < whole; j += 4)
        normalise_backward(to + j, d + j, v + j, mean + j, scale + j, shift + j, slope + j, offset + j, TOGETHER, n, 4,
                           relu);
    }
  }
  if (whole < n)
    normalise_backward(dx + whole, dy + whole, x + whole, mean + whole, scale + whole, shift + whole, slope + whole,
                       offset + whole, rows, n, n - whole, relu);
}
