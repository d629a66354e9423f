/*
 * Losses that are a sum or mean of one term for each output. A loss is a function of four outputs and their targets
 * that gives the terms and their slopes; `run` is the loop around it, in one copy: which term it is is decided once for
 * four outputs, which costs less than the logarithm in most of them.
 */
#include "kernels/loss_rows.h"
#include "kernels/losses.h"

typedef struct {
  tg_v4 loss, slope;
} term;

typedef term term_of(tg_v4 x, tg_v4 t, const double *options);

TG_INLINE tg_v4 splat(double value) { return tg_v4_splat((tg_real)value); }
TG_INLINE tg_v4 negative(tg_v4 x) { return tg_v4_sub(tg_v4_zero(), x); }
/* x clipped to low…high; *inside: the lanes that the clip left alone. NaN stays. */
TG_INLINE tg_v4 clip(tg_v4 x, tg_real low, tg_real high, tg_mask *inside) {
  tg_v4 clipped = tg_v4_min(tg_v4_max(x, tg_v4_splat(low)), tg_v4_splat(high));
  *inside = tg_v4_eq(clipped, x);
  return clipped;
}
/* In one copy: their polynomials are longer than most losses. */
__attribute__((noinline)) static tg_v4 logarithm(tg_v4 x) { return tg_v4_log(x); }
__attribute__((noinline)) static tg_v4 logarithm_1p(tg_v4 x) { return tg_v4_log1p(x); }
__attribute__((noinline)) static tg_v4 sigmoid(tg_v4 x) { return tg_v4_sigmoid(x); }
/* log(1 + e^-|x|) */
__attribute__((noinline)) static tg_v4 softplus_tail(tg_v4 x) { return tg_v4_log1p(tg_v4_exp(negative(tg_v4_abs(x)))); }
/* -1, 0 or 1; NaN stays. */
TG_INLINE tg_v4 sign(tg_v4 x) {
  const tg_v4 zero = tg_v4_zero(), one = tg_v4_splat(1);
  tg_v4 s = tg_v4_select(tg_v4_lt(x, zero), negative(one), x);
  return tg_v4_select(tg_v4_lt(zero, x), one, s);
}

static term sigmoid_crossentropy(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 linear = tg_v4_sub(tg_v4_max(x, tg_v4_zero()), tg_v4_mul(x, t));
  return (term){tg_v4_add(linear, softplus_tail(x)), tg_v4_sub(sigmoid(x), t)};
}

static term binary_crossentropy(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside;
  const tg_v4 one = tg_v4_splat(1);
  tg_v4 p = clip(x, TG_PROBABILITY_EPSILON, 1 - TG_PROBABILITY_EPSILON, &inside);
  tg_v4 q = tg_v4_sub(one, p), u = tg_v4_sub(one, t);
  tg_v4 loss = tg_v4_add(tg_v4_mul(t, logarithm(p)), tg_v4_mul(u, logarithm(q)));
  return (term){negative(loss), tg_v4_keep(inside, tg_v4_sub(tg_v4_div(u, q), tg_v4_div(t, p)))};
}

/* Times m = (1 - p_t)^gamma: slope m * slope + loss * gamma * m / (1 - p_t) * d(1 - p_t). */
TG_INLINE term focused(term cross, tg_v4 p, tg_v4 dp, tg_v4 t, const double *options) {
  const tg_v4 one = tg_v4_splat(1), gamma = splat(options[1]);
  tg_v4 turn = tg_v4_sub(one, tg_v4_add(t, t)); /* d(1 - p_t) / dp */
  /* Where it vanishes so does the loss: there the power's slope is left out. */
  tg_v4 miss = tg_v4_madd(turn, p, t), rest = tg_v4_max(miss, splat(1e-30));
  tg_v4 m = tg_v4_exp(tg_v4_mul(gamma, logarithm(rest)));
  if (options[2] != 0) {
    const tg_v4 alpha = splat(options[0]);
    m = tg_v4_mul(m, tg_v4_add(tg_v4_mul(t, alpha), tg_v4_mul(tg_v4_sub(one, t), tg_v4_sub(one, alpha))));
  }
  tg_v4 bend = tg_v4_div(tg_v4_mul(tg_v4_mul(gamma, turn), dp), rest);
  bend = tg_v4_keep(tg_v4_eq(rest, miss), bend);
  return (term){tg_v4_mul(m, cross.loss), tg_v4_mul(m, tg_v4_madd(cross.loss, bend, cross.slope))};
}

static term sigmoid_focal(tg_v4 x, tg_v4 t, const double *options) {
  tg_v4 p = sigmoid(x);
  return focused(sigmoid_crossentropy(x, t, options), p, tg_v4_mul(p, tg_v4_sub(tg_v4_splat(1), p)), t, options);
}

static term binary_focal(tg_v4 x, tg_v4 t, const double *options) {
  /* As in Keras, the factor is that of the probability before its clip. */
  return focused(binary_crossentropy(x, t, options), x, tg_v4_splat(1), t, options);
}

static term squared_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 e = tg_v4_sub(x, t);
  return (term){tg_v4_mul(e, e), tg_v4_add(e, e)};
}

static term absolute_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 e = tg_v4_sub(x, t);
  return (term){tg_v4_abs(e), sign(e)};
}

static term log_cosh(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  /* |e| + log(1 + e^-2|e|) - log 2, slope tanh e = 2 sigmoid(2 e) - 1 */
  tg_v4 e = tg_v4_sub(x, t), twice = tg_v4_add(e, e), s = sigmoid(twice);
  tg_v4 loss = tg_v4_sub(tg_v4_add(tg_v4_abs(e), softplus_tail(twice)), splat(0.69314718055994531));
  return (term){loss, tg_v4_sub(tg_v4_add(s, s), tg_v4_splat(1))};
}

static term huber(tg_v4 x, tg_v4 t, const double *options) {
  const tg_v4 delta = splat(options[0]), half = splat(0.5), part = splat(options[1] != 0 ? 1 / options[0] : 1);
  tg_v4 e = tg_v4_sub(x, t), size = tg_v4_abs(e);
  tg_mask near = tg_v4_le(size, delta);
  tg_v4 far = tg_v4_mul(delta, tg_v4_sub(size, tg_v4_mul(half, delta)));
  tg_v4 loss = tg_v4_select(near, tg_v4_mul(half, tg_v4_mul(e, e)), far);
  tg_v4 slope = tg_v4_select(near, e, tg_v4_mul(delta, sign(e)));
  return (term){tg_v4_mul(loss, part), tg_v4_mul(slope, part)};
}

/* x, or epsilon where that is more. */
TG_INLINE tg_v4 at_least_epsilon(tg_v4 x, tg_mask *inside) { return clip(x, TG_PROBABILITY_EPSILON, INFINITY, inside); }

static term squared_logarithmic_error(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside, unused;
  tg_v4 p = at_least_epsilon(x, &inside), q = at_least_epsilon(t, &unused);
  tg_v4 e = tg_v4_sub(logarithm_1p(p), logarithm_1p(q));
  tg_v4 slope = tg_v4_div(tg_v4_add(e, e), tg_v4_add(p, tg_v4_splat(1)));
  return (term){tg_v4_mul(e, e), tg_v4_keep(inside, slope)};
}

static term poisson(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 p = tg_v4_add(x, tg_v4_splat(TG_PROBABILITY_EPSILON));
  return (term){tg_v4_sub(x, tg_v4_mul(t, logarithm(p))), tg_v4_sub(tg_v4_splat(1), tg_v4_div(t, p))};
}

static term hinge(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 gap = tg_v4_sub(tg_v4_splat(1), tg_v4_mul(t, x));
  return (term){tg_v4_max(gap, tg_v4_zero()), tg_v4_keep(tg_v4_lt(tg_v4_zero(), gap), negative(t))};
}

static term squared_hinge(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_v4 gap = tg_v4_max(tg_v4_sub(tg_v4_splat(1), tg_v4_mul(t, x)), tg_v4_zero());
  return (term){tg_v4_mul(gap, gap), tg_v4_mul(tg_v4_add(gap, gap), negative(t))};
}

static term divergence(tg_v4 x, tg_v4 t, const double *options) {
  (void)options;
  tg_mask inside, unused;
  tg_v4 p = clip(x, TG_PROBABILITY_EPSILON, 1, &inside), q = clip(t, TG_PROBABILITY_EPSILON, 1, &unused);
  tg_v4 slope = tg_v4_keep(inside, negative(tg_v4_div(q, p)));
  return (term){tg_v4_mul(q, tg_v4_sub(logarithm(q), logarithm(p))), slope};
}

/* Rows of n terms; each row's sum times `share`, and its gradient times share and scale. */
__attribute__((noinline)) static void run(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels,
                                          const double *options, tg_real scale, uint32_t rows, uint32_t n,
                                          tg_real share, term_of *of) {
  const tg_v4 factor = tg_v4_splat(scale * share);
  for (size_t row = 0; row < rows; row++) {
    tg_v4 sum = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) {
      const size_t left = n - j, at = row * n + j;
      tg_v4 t = labels.classes ? tg_v4_splat((tg_real)labels.classes[row]) : tg_row_load(labels.values + at, left, 0);
      term part = of(tg_row_load(x + at, left, 0), t, options);
      sum = tg_v4_add(sum, tg_row_keep(part.loss, left));
      if (dx) tg_v4_store_part(dx + at, tg_v4_mul(part.slope, factor), left);
    }
    losses[row] = tg_v4_sum(sum) * share;
  }
}

#define MEAN_OF(kernel, of)                                                                                           \
  void kernel(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options, tg_real scale, \
              uint32_t rows, uint32_t n) {                                                                            \
    run(losses, dx, x, labels, options, scale, rows, n, 1 / (tg_real)n, of);                                          \
  }

MEAN_OF(tg_sigmoid_crossentropy, sigmoid_crossentropy)
MEAN_OF(tg_binary_crossentropy, binary_crossentropy)
MEAN_OF(tg_sigmoid_focal, sigmoid_focal)
MEAN_OF(tg_binary_focal, binary_focal)
MEAN_OF(tg_mean_squared_error, squared_error)
MEAN_OF(tg_mean_absolute_error, absolute_error)
MEAN_OF(tg_log_cosh, log_cosh)
MEAN_OF(tg_huber, huber)
MEAN_OF(tg_mean_squared_logarithmic_error, squared_logarithmic_error)
MEAN_OF(tg_poisson, poisson)
MEAN_OF(tg_hinge, hinge)
MEAN_OF(tg_squared_hinge, squared_hinge)

void tg_kl_divergence(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                      tg_real scale, uint32_t rows, uint32_t n) {
  run(losses, dx, x, labels, options, scale, rows, n, 1, divergence);
}
