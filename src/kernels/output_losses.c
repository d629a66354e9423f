#include "kernels/output_terms.h"

tg_term tg_sigmoid_crossentropy_term(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 linear = tg_v4_sub(tg_v4_max(x, tg_v4_zero()), tg_v4_mul(x, t));
  return (tg_term){tg_v4_add(linear, tg_term_softplus_tail(x)), tg_v4_sub(tg_term_sigmoid(x), t)};
}

tg_term tg_binary_crossentropy_term(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside;
  const tg_v4 one = tg_v4_splat(1);
  tg_v4 p = tg_term_clip(x, TG_PROBABILITY_EPSILON, 1 - TG_PROBABILITY_EPSILON, &inside);
  tg_v4 q = tg_v4_sub(one, p), u = tg_v4_sub(one, t);
  tg_v4 loss = tg_v4_add(tg_v4_mul(t, tg_term_log(p)), tg_v4_mul(u, tg_term_log(q)));
  return (tg_term){tg_term_negative(loss), tg_v4_keep(inside, tg_v4_sub(tg_v4_div(u, q), tg_v4_div(t, p)))};
}

static tg_term squared_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 e = tg_v4_sub(x, t);
  return (tg_term){tg_v4_mul(e, e), tg_v4_add(e, e)};
}

static tg_term absolute_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 e = tg_v4_sub(x, t);
  return (tg_term){tg_v4_abs(e), tg_term_sign(e)};
}

void tg_output_loss(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                    tg_real scale, uint32_t rows, uint32_t n, tg_real share, tg_term_of *of) {
  const tg_v4 factor = tg_v4_splat(scale * share);
  for (size_t row = 0; row < rows; row++) {
    tg_v4 sum = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j, at = row * n + j;
      tg_v4 t = labels.classes ? tg_v4_splat((tg_real)labels.classes[row]) : tg_row_load(labels.values + at, left, 0);
      tg_term part = of(tg_row_load(x + at, left, 0), t, options);
      sum = tg_v4_add(sum, tg_row_keep(part.loss, left));
      if (dx) tg_v4_store_part(dx + at, tg_v4_mul(part.slope, factor), left);
    }
    losses[row] = tg_v4_sum(sum) * share;
  }
}

TG_MEAN_OF(tg_sigmoid_crossentropy, tg_sigmoid_crossentropy_term)
TG_MEAN_OF(tg_binary_crossentropy, tg_binary_crossentropy_term)
TG_MEAN_OF(tg_mean_squared_error, squared_error)
TG_MEAN_OF(tg_mean_absolute_error, absolute_error)
