#include "kernels/depthwise_three.h"

/* Four blocks of four channels take turns on as many columns as stay in the first-level cache with them: a cache line
 * is sixteen channels. */
enum { LINE = 16, LEAST_COLUMNS = 8, COLUMN_REALS = 2048 };

/* What is read in place of rows that there are not. */
static const tg_real zeros[4] = {0};

/* Four channels of the rows, at a column that moves from left to right. */
typedef struct {
  const tg_real *at[TG_THREE];
  size_t next[TG_THREE]; /* reals to the next column, 0 for zeros */
  uint32_t column, size; /* columns left of the first are beyond the last */
} cursor;

TG_INLINE cursor cursor_at(const tg_three *t, size_t c, int64_t column, const size_t rows) {
  cursor l = {.column = (uint32_t)column, .size = t->size};
  for (size_t r = 0; r < rows; r++) {
    l.next[r] = t->from[r] ? t->channels : 0;
    /* An address outside is not read; arithmetic on it is on whole numbers. */
    l.at[r] = t->from[r]
                  ? (const tg_real *)((uintptr_t)(t->from[r] + c) + (uintptr_t)column * t->channels * sizeof(tg_real))
                  : zeros;
  }
  return l;
}

/* The rows' numbers in the column, zeros outside; then to the next. */
TG_INLINE void read_column(tg_v4 *x, cursor *l, const size_t rows) {
  const int inside = l->column < l->size;
  for (size_t r = 0; r < rows; r++) {
    x[r] = inside ? tg_v4_load(l->at[r]) : tg_v4_zero();
    l->at[r] = (const tg_real *)((uintptr_t)l->at[r] + l->next[r] * sizeof(tg_real));
  }
  l->column++;
}

typedef struct {
  tg_v4 of[TG_THREE][TG_THREE]; /* column, row */
} weights;

TG_INLINE weights weights_at(const tg_three *t, size_t c, const size_t rows) {
  weights w;
  for (size_t r = 0; r < rows; r++)
    for (ptrdiff_t k = 0; k < TG_THREE; k++)
      w.of[k][r] = t->w[r] ? tg_v4_load(t->w[r] + k * t->w_next + c) : tg_v4_zero();
  return w;
}

TG_INLINE tg_v4 sum_column(const tg_v4 *x, const tg_v4 *w, const size_t rows) {
  tg_v4 sum = tg_v4_mul(x[0], w[0]);
  for (size_t r = 1; r < rows; r++) sum = tg_v4_madd(x[r], w[r], sum);
  return sum;
}

/* What is done with a sum before it is stored. */
typedef struct {
  tg_v4 bias, least;
  size_t left; /* channels */
} ending;

TG_INLINE ending ending_of(const tg_three *t, size_t c) {
  return (ending){t->bias ? tg_v4_load(t->bias + c) : tg_v4_zero(), tg_v4_splat(t->relu ? 0 : -INFINITY),
                  t->channels - c};
}

TG_INLINE void finish(tg_real *to, tg_v4 sum, const ending *e) {
  tg_v4_store_part(to, tg_v4_max(tg_v4_add(sum, e->bias), e->least), e->left);
}

/* Results first…end-1. */
TG_INLINE void gather(tg_real *to, const tg_three *t, size_t c, uint32_t first, uint32_t end, const uint32_t stride) {
  const weights w = weights_at(t, c, TG_THREE);
  const ending e = ending_of(t, c);
  cursor l = cursor_at(t, c, (int64_t)first * stride - t->pad, TG_THREE);
  tg_v4 x[TG_THREE];
  read_column(x, &l, TG_THREE);
  /* Of the next result, and of the one after it. */
  tg_v4 sum = sum_column(x, w.of[0], TG_THREE), later = sum;
  if (stride == 1) {
    read_column(x, &l, TG_THREE);
    sum = tg_v4_add(sum, sum_column(x, w.of[1], TG_THREE));
    later = sum_column(x, w.of[0], TG_THREE);
  }
  to += first * t->channels + c;
  for (uint32_t n = end - first; n; n--, to += t->channels) {
    if (stride == 2) {
      read_column(x, &l, TG_THREE);
      sum = tg_v4_add(sum, sum_column(x, w.of[1], TG_THREE));
    }
    read_column(x, &l, TG_THREE);
    finish(to, tg_v4_add(sum, sum_column(x, w.of[2], TG_THREE)), &e);
    sum = sum_column(x, w.of[0], TG_THREE);
    if (stride == 1) {
      const tg_v4 next = tg_v4_add(later, sum_column(x, w.of[1], TG_THREE));
      later = sum;
      sum = next;
    }
  }
}

static void gather_one(tg_real *to, const tg_three *t, size_t c, uint32_t first, uint32_t end) {
  gather(to, t, c, first, end, 1);
}

static void gather_two(tg_real *to, const tg_three *t, size_t c, uint32_t first, uint32_t end) {
  gather(to, t, c, first, end, 2);
}

void tg_three_gather(tg_real *to, const tg_three *t, uint32_t stride) {
  const size_t C = t->channels, fitting = COLUMN_REALS / C;
  const uint32_t columns = fitting > LEAST_COLUMNS ? (uint32_t)fitting : LEAST_COLUMNS;
  for (size_t line = 0; line < C; line += LINE) {
    for (uint32_t first = 0; first < t->width; first += columns) {
      const uint32_t end = t->width - first < columns ? t->width : first + columns;
      for (size_t c = line; c < C && c < line + LINE; c += 4)
        (stride == 1 ? gather_one : gather_two)(to, t, c, first, end);
    }
  }
}

enum { SCATTERED_ROWS = 2 };

void tg_three_scatter(tg_real *to, const tg_three *t) {
  for (size_t c = 0; c < t->channels; c += 4) {
    const weights w = weights_at(t, c, SCATTERED_ROWS);
    const ending e = ending_of(t, c);
    /* Column o goes to 2 o - pad and the two behind that. */
    int64_t i = -(int64_t)(t->pad & 1);
    cursor l = cursor_at(t, c, (i + t->pad) / 2 - 1, SCATTERED_ROWS);
    tg_v4 x[SCATTERED_ROWS];
    read_column(x, &l, SCATTERED_ROWS);
    tg_v4 sum = sum_column(x, w.of[2], SCATTERED_ROWS);
    for (; i < (int64_t)t->width; i += 2) {
      read_column(x, &l, SCATTERED_ROWS);
      tg_real *pixel = to + i * (int64_t)t->channels + (int64_t)c;
      if (i >= 0) finish(pixel, tg_v4_add(sum, sum_column(x, w.of[0], SCATTERED_ROWS)), &e);
      if (i + 1 < (int64_t)t->width) finish(pixel + t->channels, sum_column(x, w.of[1], SCATTERED_ROWS), &e);
      sum = sum_column(x, w.of[2], SCATTERED_ROWS);
    }
  }
}
