/* Losses over rows that are one choice, beside cross-entropy. Labels are values. */
#include "kernels/loss_rows.h"
#include "kernels/losses.h"

/*
 * With p = softmax(x) or x / sum x, f = alpha (1 - p)^gamma and L = -sum t f log p, the gradient goes through
 * g = p dL/dp = -t (f - gamma alpha p (1 - p)^(gamma - 1) log p): for logits dL/dx = g - p sum g, for probabilities
 * (g / p - sum g) / sum x, where clipped ones have g = 0.
 */
static void focal(tg_real *losses, tg_real *dx, const tg_real *x, const tg_real *targets, const double *options,
                  tg_real scale, uint32_t rows, uint32_t n, int logits) {
  const tg_v4 zero = tg_v4_zero(), one = tg_v4_splat(1), alpha = tg_v4_splat((tg_real)options[0]);
  const tg_v4 gamma = tg_v4_splat((tg_real)options[1]), tiny = tg_v4_splat((tg_real)1e-30);
  const tg_v4 low = tg_v4_splat(TG_PROBABILITY_EPSILON), high = tg_v4_splat(1 - TG_PROBABILITY_EPSILON);
  for (size_t row = 0; row < rows; row++, x += n, targets += n, dx = dx ? dx + n : NULL) {
    const tg_real max = logits ? tg_row_max(x, n) : 0;
    const tg_real sum = logits ? tg_row_exp(NULL, x, max, n) : tg_row_sum(x, n);
    const tg_v4 max4 = tg_v4_splat(max), log_sum = tg_v4_splat(logits ? tg_log(sum) : 0), sum4 = tg_v4_splat(sum);
    tg_v4 loss = zero, g_sum = zero;
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 t = tg_row_load(targets + j, left, 0), xj = tg_row_load(x + j, left, max), p, log_p;
      tg_mask counts = tg_v4_ne(t, zero), moves = counts;
      if (logits) {
        log_p = tg_v4_sub(tg_v4_sub(xj, max4), log_sum);
        p = tg_v4_exp(log_p);
      } else {
        tg_v4 share = tg_v4_div(xj, sum4);
        p = tg_v4_min(tg_v4_max(share, low), high);
        log_p = tg_v4_log(p);
        moves = tg_mask_and_not(counts, tg_v4_ne(p, share));
      }
      tg_v4 rest = tg_v4_max(tg_v4_sub(one, p), tiny);
      tg_v4 factor = tg_v4_mul(alpha, tg_v4_exp(tg_v4_mul(gamma, tg_v4_log(rest))));
      tg_v4 term = tg_v4_mul(tg_v4_mul(t, factor), log_p);
      loss = tg_v4_sub(loss, tg_v4_keep(counts, term));
      if (!dx) continue;
      tg_v4 bend = tg_v4_div(tg_v4_mul(tg_v4_mul(gamma, p), log_p), rest);
      tg_v4 g = tg_v4_keep(moves, tg_v4_mul(tg_v4_mul(t, factor), tg_v4_sub(bend, one)));
      g_sum = tg_v4_add(g_sum, g);
      tg_v4_store_part(dx + j, logits ? g : tg_v4_div(g, p), left);
    }
    losses[row] = tg_v4_sum(loss);
    if (!dx) continue;
    const tg_v4 shift = tg_v4_splat(tg_v4_sum(g_sum)), scale4 = tg_v4_splat(logits ? scale : scale / sum);
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 d = tg_row_load(dx + j, left, 0), p = one;
      if (logits) p = tg_v4_exp(tg_v4_sub(tg_v4_sub(tg_row_load(x + j, left, max), max4), log_sum));
      tg_v4_store_part(dx + j, tg_v4_mul(tg_v4_sub(d, tg_v4_mul(p, shift)), scale4), left);
    }
  }
}

void tg_softmax_focal(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                      tg_real scale, uint32_t rows, uint32_t n) {
  focal(losses, dx, x, labels.values, options, scale, rows, n, 1);
}

void tg_categorical_focal(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                          tg_real scale, uint32_t rows, uint32_t n) {
  focal(losses, dx, x, labels.values, options, scale, rows, n, 0);
}

void tg_categorical_hinge(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                          tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), labels (rows, n) */
  (void)options;
  const tg_real *t = labels.values;
  for (size_t row = 0; row < rows; row++, x += n, t += n, dx = dx ? dx + n : NULL) {
    size_t at = 0;
    tg_real best = (1 - t[0]) * x[0];
    for (size_t j = 1; j < n; j++) {
      const tg_real other = (1 - t[j]) * x[j];
      if (!(other <= best) && best == best) { /* NaN stays */
        best = other;
        at = j;
      }
    }
    const tg_real loss = 1 + best - tg_row_dot(x, t, n);
    const int inside = loss <= 0;
    losses[row] = inside ? 0 : loss;
    if (!dx) continue;
    const tg_v4 factor = tg_v4_splat(inside ? 0 : -scale);
    for (size_t j = 0; j < n; j += 4) tg_v4_store_part(dx + j, tg_v4_mul(tg_row_load(t + j, n - j, 0), factor), n - j);
    if (!inside) dx[at] += scale * (1 - t[at]);
  }
}

/* 1 / |x|, at most 1e7. */
static tg_real inverse_length(const tg_real *x, size_t n, int *shortest) {
  const tg_real length = tg_v4_lane0(tg_v4_sqrt(tg_v4_splat(tg_row_dot(x, x, n))));
  *shortest = length < TG_PROBABILITY_EPSILON;
  return 1 / (*shortest ? TG_PROBABILITY_EPSILON : length);
}

void tg_cosine_similarity(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                          tg_real scale, uint32_t rows, uint32_t n) {
  /* losses (rows), dx (rows, n) or NULL, x (rows, n), labels (rows, n) */
  (void)options;
  const tg_real *t = labels.values;
  for (size_t row = 0; row < rows; row++, x += n, t += n, dx = dx ? dx + n : NULL) {
    int shortest, unused;
    const tg_real per_x = inverse_length(x, n, &shortest), per_t = inverse_length(t, n, &unused);
    const tg_real cosine = tg_row_dot(x, t, n) * per_x * per_t;
    losses[row] = -cosine;
    if (!dx) continue;
    const tg_v4 a = tg_v4_splat(-scale * per_x * per_t);
    const tg_v4 b = tg_v4_splat(shortest ? 0 : scale * cosine * per_x * per_x);
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 along = tg_v4_mul(b, tg_row_load(x + j, left, 0));
      tg_v4_store_part(dx + j, tg_v4_madd(a, tg_row_load(t + j, left, 0), along), left);
    }
  }
}
