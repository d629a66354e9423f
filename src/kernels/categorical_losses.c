#include "kernels/loss_rows.h"
#include "kernels/losses.h"

void tg_softmax_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                             tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), labels (rows) or (rows, n) */
  (void)options;
  const int32_t *classes = labels.classes;
  for (size_t row = 0; row < rows; row++) {
    const tg_real *x_row = x + row * n, *t_row = classes ? NULL : labels.values + row * n;
    tg_real *dx_row = dx ? dx + row * n : NULL;
    const tg_real max = tg_row_max(x_row, n);
    /* -log softmax(x)[j] = log(sum) - (x[j] - max) */
    if (classes) {
      const tg_real x_class = x_row[classes[row]];
      const tg_real sum = tg_row_exp(dx_row, x_row, max, n);
      losses[row] = tg_log(sum) - (x_class - max);
      if (dx_row) {
        tg_row_scale(dx_row, scale / sum, n);
        dx_row[classes[row]] -= scale;
      }
      continue;
    }
    const tg_real sum = tg_row_exp(NULL, x_row, max, n), log_sum = tg_log(sum), t_sum = tg_row_sum(t_row, n);
    const tg_v4 log4 = tg_v4_splat(log_sum), max4 = tg_v4_splat(max), zero = tg_v4_zero();
    const tg_v4 share4 = tg_v4_splat(t_sum * scale / sum), scale4 = tg_v4_splat(scale);
    tg_v4 loss = zero;
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 shifted = tg_v4_sub(tg_row_load(x_row + j, left, max), max4), t = tg_row_load(t_row + j, left, 0);
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
  const tg_real low = TG_PROBABILITY_EPSILON, high = 1 - TG_PROBABILITY_EPSILON;
  return p < low ? low : p > high ? high : p; /* NaN stays */
}

static int is_clipped(tg_real p) { return p < TG_PROBABILITY_EPSILON || p > 1 - TG_PROBABILITY_EPSILON; }

/* Target j of a row: of a class, one-hot over n. */
static tg_real one_hot(tg_labels labels, size_t row, size_t n, size_t j) {
  return labels.classes ? (tg_real)(labels.classes[row] == (int32_t)j) : labels.values[row * n + j];
}

void tg_categorical_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels,
                                 const double *options, tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), labels (rows) or (rows, n) */
  (void)options;
  for (size_t row = 0; row < rows; row++) {
    const tg_real *x_row = x + row * n;
    const tg_real sum = tg_row_sum(x_row, n);
    /* With p = x / sum: dL/dp = -t / p inside the clip and 0 outside; dL/dx = (dL/dp - sum_j dL/dp_j p_j) / sum. */
    tg_real loss = 0, dot = 0;
    for (size_t j = 0; j < n; j++) {
      const tg_real t = one_hot(labels, row, n, j);
      if (t == 0) continue;
      const tg_real p = x_row[j] / sum;
      loss -= t * tg_log(clip_probability(p));
      if (!is_clipped(p)) dot -= t;
    }
    losses[row] = loss;
    if (!dx) continue;
    for (size_t j = 0; j < n; j++) {
      const tg_real t = one_hot(labels, row, n, j), p = x_row[j] / sum;
      const tg_real dp = t == 0 || is_clipped(p) ? 0 : -t / p;
      dx[row * n + j] = scale * ((dp - dot) / sum);
    }
  }
}
