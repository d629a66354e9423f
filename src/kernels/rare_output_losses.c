/* Losses with a term for each output, beside those of output_losses.c. */
#include "kernels/output_terms.h"

/* Times m = (1 - p_t)^gamma: slope m * slope + loss * gamma * m / (1 - p_t) * d(1 - p_t). */
TG_INLINE tg_term focused(tg_term cross, tg_v4 p, tg_v4 dp, tg_v4 t, const double *options) {
  const tg_v4 one = tg_v4_splat(1), gamma = tg_term_number(options[1]);
  tg_v4 turn = tg_v4_sub(one, tg_v4_add(t, t)); /* d(1 - p_t) / dp */
  /* Where it vanishes so does the loss: there the power's slope is left out. */
  tg_v4 miss = tg_v4_madd(turn, p, t), rest = tg_v4_max(miss, tg_term_number(1e-30));
  tg_v4 m = tg_v4_exp(tg_v4_mul(gamma, tg_term_log(rest)));
  if (options[2] != 0) {
    const tg_v4 alpha = tg_term_number(options[0]);
    m = tg_v4_mul(m, tg_v4_add(tg_v4_mul(t, alpha), tg_v4_mul(tg_v4_sub(one, t), tg_v4_sub(one, alpha))));
  }
  tg_v4 bend = tg_v4_div(tg_v4_mul(tg_v4_mul(gamma, turn), dp), rest);
  bend = tg_v4_keep(tg_v4_eq(rest, miss), bend);
  return (tg_term){tg_v4_mul(m, cross.loss), tg_v4_mul(m, tg_v4_madd(cross.loss, bend, cross.slope))};
}

static tg_term sigmoid_focal(tg_v4 x, tg_v4 t, const double *options) {
  tg_v4 p = tg_term_sigmoid(x);
  return focused(tg_sigmoid_crossentropy_term(x, t, options), p, tg_v4_mul(p, tg_v4_sub(tg_v4_splat(1), p)), t,
                 options);
}

static tg_term binary_focal(tg_v4 x, tg_v4 t, const double *options) {
  /* As in Keras, the factor is that of the probability before its clip. */
  return focused(tg_binary_crossentropy_term(x, t, options), x, tg_v4_splat(1), t, options);
}

static tg_term log_cosh(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  /* |e| + log(1 + e^-2|e|) - log 2, slope tanh e = 2 sigmoid(2 e) - 1 */
  tg_v4 e = tg_v4_sub(x, t), twice = tg_v4_add(e, e), s = tg_term_sigmoid(twice);
  tg_v4 loss = tg_v4_sub(tg_v4_add(tg_v4_abs(e), tg_term_softplus_tail(twice)), tg_term_number(0.69314718055994531));
  return (tg_term){loss, tg_v4_sub(tg_v4_add(s, s), tg_v4_splat(1))};
}

static tg_term huber(tg_v4 x, tg_v4 t, const double *options) {
  const tg_v4 delta = tg_term_number(options[0]), half = tg_term_number(0.5),
              part = tg_term_number(options[1] != 0 ? 1 / options[0] : 1);
  tg_v4 e = tg_v4_sub(x, t), size = tg_v4_abs(e);
  tg_mask near = tg_v4_le(size, delta);
  tg_v4 far = tg_v4_mul(delta, tg_v4_sub(size, tg_v4_mul(half, delta)));
  tg_v4 loss = tg_v4_select(near, tg_v4_mul(half, tg_v4_mul(e, e)), far);
  tg_v4 slope = tg_v4_select(near, e, tg_v4_mul(delta, tg_term_sign(e)));
  return (tg_term){tg_v4_mul(loss, part), tg_v4_mul(slope, part)};
}

/* x, or epsilon where that is more. */
TG_INLINE tg_v4 at_least_epsilon(tg_v4 x, tg_mask *inside) {
  return tg_term_clip(x, TG_PROBABILITY_EPSILON, INFINITY, inside);
}

static tg_term squared_logarithmic_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside, unused;
  tg_v4 p = at_least_epsilon(x, &inside), q = at_least_epsilon(t, &unused);
  tg_v4 e = tg_v4_sub(tg_term_log1p(p), tg_term_log1p(q));
  tg_v4 slope = tg_v4_div(tg_v4_add(e, e), tg_v4_add(p, tg_v4_splat(1)));
  return (tg_term){tg_v4_mul(e, e), tg_v4_keep(inside, slope)};
}

static tg_term poisson(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 p = tg_v4_add(x, tg_v4_splat(TG_PROBABILITY_EPSILON));
  return (tg_term){tg_v4_sub(x, tg_v4_mul(t, tg_term_log(p))), tg_v4_sub(tg_v4_splat(1), tg_v4_div(t, p))};
}

static tg_term hinge(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 gap = tg_v4_sub(tg_v4_splat(1), tg_v4_mul(t, x));
  return (tg_term){tg_v4_max(gap, tg_v4_zero()), tg_v4_keep(tg_v4_lt(tg_v4_zero(), gap), tg_term_negative(t))};
}

static tg_term squared_hinge(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 gap = tg_v4_max(tg_v4_sub(tg_v4_splat(1), tg_v4_mul(t, x)), tg_v4_zero());
  return (tg_term){tg_v4_mul(gap, gap), tg_v4_mul(tg_v4_add(gap, gap), tg_term_negative(t))};
}

static tg_term divergence(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside, unused;
  tg_v4 p = tg_term_clip(x, TG_PROBABILITY_EPSILON, 1, &inside),
        q = tg_term_clip(t, TG_PROBABILITY_EPSILON, 1, &unused);
  tg_v4 slope = tg_v4_keep(inside, tg_term_negative(tg_v4_div(q, p)));
  return (tg_term){tg_v4_mul(q, tg_v4_sub(tg_term_log(q), tg_term_log(p))), slope};
}

TG_MEAN_OF(tg_sigmoid_focal, sigmoid_focal)
TG_MEAN_OF(tg_binary_focal, binary_focal)
TG_MEAN_OF(tg_log_cosh, log_cosh)
TG_MEAN_OF(tg_huber, huber)
TG_MEAN_OF(tg_mean_squared_logarithmic_error, squared_logarithmic_error)
TG_MEAN_OF(tg_poisson, poisson)
TG_MEAN_OF(tg_hinge, hinge)
TG_MEAN_OF(tg_squared_hinge, squared_hinge)

void tg_kl_divergence(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                      tg_real scale, uint32_t rows, uint32_t n) {
  tg_output_loss(losses, dx, x, labels, options, scale, rows, n, 1, divergence);
}
