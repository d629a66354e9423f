#include "kernels/softmax.h"

#include "kernels/math.h"

/* Keras clips probabilities to [epsilon, 1 - epsilon] before it takes their logarithm. */
#define PROBABILITY_EPSILON ((tg_real)1e-7)

TG_INLINE tg_v4 load4(const tg_real *p, size_t left, tg_real fill) {
  return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, fill);
}

/* The largest of a row; NaN when the row holds one: no comparison with it is true. */
static tg_real row_max(const tg_real *x, size_t n) {
  tg_real best = x[0];
  for (size_t j = 1; j < n; j++) {
    if (!(x[j] <= best) && best == best) best = x[j];
  }
  return best;
}

/* y (n) = exp(x - max); returns the sum. Lanes behind the row start at -inf and add 0. */
static tg_real exp_row(tg_real *y, const tg_real *x, tg_real max, size_t n) {
  const tg_v4 shift = tg_v4_splat(max);
  tg_v4 sum = tg_v4_zero();
  for (size_t j = 0; j < n; j += 4) {
    tg_v4 e = tg_v4_exp(tg_v4_sub(load4(x + j, n - j, -INFINITY), shift));
    sum = tg_v4_add(sum, e);
    if (y) tg_v4_store_part(y + j, e, n - j);
  }
  return tg_v4_sum(sum);
}

static void scale_row(tg_real *y, tg_real factor, size_t n) {
  const tg_v4 f = tg_v4_splat(factor);
  for (size_t j = 0; j < n; j += 4) tg_v4_store_part(y + j, tg_v4_mul(load4(y + j, n - j, 0), f), n - j);
}

static tg_real row_sum(const tg_real *x, size_t n) {
  tg_v4 sum = tg_v4_zero();
  for (size_t j = 0; j < n; j += 4) sum = tg_v4_add(sum, load4(x + j, n - j, 0));
  return tg_v4_sum(sum);
}

void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    tg_real sum = exp_row(y + row * n, x + row * n, row_max(x + row * n, n), n);
    scale_row(y + row * n, 1 / sum, n);
  }
}

void tg_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  /* dx (rows, n), dy (rows, n), y (rows, n) */
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    tg_v4 dot = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) {
      dot = tg_v4_madd(load4(y + j, n - j, 0), load4(dy + j, n - j, 0), dot);
    }
    const tg_v4 shift = tg_v4_splat(tg_v4_sum(dot));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 d = tg_v4_mul(load4(y + j, n - j, 0), tg_v4_sub(load4(dy + j, n - j, 0), shift));
      tg_v4_store_part(dx + j, d, n - j);
    }
  }
}

void tg_softmax_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                             const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), classes (rows) or targets (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    const tg_real *x_row = x + row * n, *t_row = classes ? NULL : targets + row * n;
    tg_real *dx_row = dx ? dx + row * n : NULL;
    const tg_real max = row_max(x_row, n);
    /* -log softmax(x)[j] = log(sum) - (x[j] - max) */
    if (classes) {
      const tg_real x_class = x_row[classes[row]];
      const tg_real sum = exp_row(dx_row, x_row, max, n);
      losses[row] = tg_log(sum) - (x_class - max);
      if (dx_row) {
        scale_row(dx_row, scale / sum, n);
        dx_row[classes[row]] -= scale;
      }
      continue;
    }
    const tg_real sum = exp_row(NULL, x_row, max, n), log_sum = tg_log(sum), t_sum = row_sum(t_row, n);
    const tg_v4 log4 = tg_v4_splat(log_sum), max4 = tg_v4_splat(max), zero = tg_v4_zero();
    const tg_v4 share4 = tg_v4_splat(t_sum * scale / sum), scale4 = tg_v4_splat(scale);
    tg_v4 loss = zero;
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 shifted = tg_v4_sub(load4(x_row + j, left, max), max4), t = load4(t_row + j, left, 0);
      /* A target of 0 takes no part, even against an infinite logarithm. */
      tg_v4 term = tg_v4_mul(t, tg_v4_sub(log4, shifted));
      loss = tg_v4_add(loss, tg_v4_keep(tg_v4_ne(t, zero), term));
      if (dx_row) {
        tg_v4 d = tg_v4_sub(tg_v4_mul(tg_v4_exp(shifted), share4), tg_v4_mul(t, scale4));
        tg_v4_store_part(dx_row + j, d, left);
      }
    }
    losses[row] = tg_v4_sum(loss);
  }
}

static tg_real clip_probability(tg_real p) {
  const tg_real low = PROBABILITY_EPSILON, high = 1 - PROBABILITY_EPSILON;
  return p < low ? low : p > high ? high : p; /* NaN stays */
}

static int is_clipped(tg_real p) { return p < PROBABILITY_EPSILON || p > 1 - PROBABILITY_EPSILON; }

/* Target j of a row: a class (one-hot over n, or the value itself when n is 1) or a row of targets. */
static tg_real one_hot(const int32_t *classes, const tg_real *targets, size_t row, size_t n, size_t j) {
  return classes ? (tg_real)(classes[row] == (int32_t)j) : targets[row * n + j];
}

void tg_categorical_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                                 const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), classes (rows) or targets (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    const tg_real *x_row = x + row * n;
    const tg_real sum = row_sum(x_row, n);
    /* With p = x / sum: dL/dp = -t / p inside the clip and 0 outside; dL/dx = (dL/dp - sum_j dL/dp_j p_j) / sum. */
    tg_real loss = 0, dot = 0;
    for (size_t j = 0; j < n; j++) {
      const tg_real t = one_hot(classes, targets, row, n, j);
      if (t == 0) continue;
      const tg_real p = x_row[j] / sum;
      loss -= t * tg_log(clip_probability(p));
      if (!is_clipped(p)) dot -= t;
    }
    losses[row] = loss;
    if (!dx) continue;
    for (size_t j = 0; j < n; j++) {
      const tg_real t = one_hot(classes, targets, row, n, j), p = x_row[j] / sum;
      const tg_real dp = t == 0 || is_clipped(p) ? 0 : -t / p;
      dx[row * n + j] = scale * ((dp - dot) / sum);
    }
  }
}

/* Target of element j where a class is itself the value (n is 1). */
static tg_real value(const int32_t *classes, const tg_real *targets, size_t row, size_t n, size_t j) {
  return classes ? (tg_real)classes[row] : targets[row * n + j];
}

/* Four of them, `left` valid. */
TG_INLINE tg_v4 value4(const int32_t *classes, const tg_real *targets, size_t row, size_t n, size_t j, size_t left) {
  return classes ? tg_v4_splat((tg_real)classes[row]) : load4(targets + row * n + j, left, 0);
}

void tg_sigmoid_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                             const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), classes (rows) with n = 1, or targets (rows, n) */
  const tg_v4 zero = tg_v4_zero(), factor = tg_v4_splat(scale / (tg_real)n);
  for (size_t row = 0; row < rows; row++) {
    tg_real loss = 0;
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 xj = load4(x + row * n + j, left, 0), t = value4(classes, targets, row, n, j, left);
      tg_v4 tail = tg_v4_log1p(tg_v4_exp(tg_v4_sub(zero, tg_v4_abs(xj))));
      tg_v4 term = tg_v4_add(tg_v4_sub(tg_v4_max(xj, zero), tg_v4_mul(xj, t)), tail);
      tg_real lanes[4];
      tg_v4_store(lanes, term);
      for (size_t lane = 0; lane < 4 && lane < left; lane++) loss += lanes[lane];
      if (dx) tg_v4_store_part(dx + row * n + j, tg_v4_mul(tg_v4_sub(tg_v4_sigmoid(xj), t), factor), left);
    }
    losses[row] = loss / (tg_real)n;
  }
}

void tg_binary_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                            const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), classes (rows) with n = 1, or targets (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    tg_real loss = 0;
    for (size_t j = 0; j < n; j++) {
      const tg_real p = x[row * n + j], q = clip_probability(p), t = value(classes, targets, row, n, j);
      loss -= t * tg_log(q) + (1 - t) * tg_log(1 - q);
      if (dx) dx[row * n + j] = is_clipped(p) ? 0 : scale / (tg_real)n * ((1 - t) / (1 - q) - t / q);
    }
    losses[row] = loss / (tg_real)n;
  }
}

void tg_mean_squared_error(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                           const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), classes (rows) with n = 1, or targets (rows, n) */
  const tg_v4 factor = tg_v4_splat(2 * scale / (tg_real)n);
  for (size_t row = 0; row < rows; row++) {
    tg_v4 loss = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 difference = tg_v4_sub(load4(x + row * n + j, left, 0), value4(classes, targets, row, n, j, left));
      /* A class fills all lanes: those behind the row are not the sample's. */
      tg_real lanes[4];
      tg_v4_store(lanes, tg_v4_mul(difference, difference));
      for (size_t lane = left; lane < 4; lane++) lanes[lane] = 0;
      loss = tg_v4_add(loss, tg_v4_load(lanes));
      if (dx) tg_v4_store_part(dx + row * n + j, tg_v4_mul(difference, factor), left);
    }
    losses[row] = tg_v4_sum(loss) / (tg_real)n;
  }
}
