/* All activations but those of activation.c. */
#include "kernels/activation_loops.h"

/* x where it is positive, else `low`; NaN is not positive, and low of NaN is NaN. */
TG_INLINE tg_v4 positive_or(tg_v4 x, tg_v4 low) { return tg_v4_select(tg_v4_lt(tg_v4_zero(), x), x, low); }
TG_INLINE tg_v4 clamp(tg_v4 x, tg_v4 low, tg_v4 high) { return tg_v4_min(tg_v4_max(x, low), high); }

/* ---- elu and selu (Clevert et al. 2015; Klambauer et al. 2017) ---- */

#define SELU_ALPHA number(1.6732632423543772848170429916717)
#define SELU_SCALE number(1.0507009873554804934193349852946)

TG_INLINE tg_v4 elu_power(tg_v4 x) { return tg_v4_expm1_power(tg_v4_min(x, tg_v4_zero())); }
VALUE(elu) { return positive_or(x, tg_v4_mul(p[0], tg_v4_expm1_from(tg_v4_min(x, tg_v4_zero()), e))); }
SLOPE(elu) { return tg_v4_select(tg_v4_lt(tg_v4_zero(), v), number(1), tg_v4_add(v, p[0])); }

VALUE(selu) {
  const tg_v4 a = SELU_ALPHA;
  return tg_v4_mul(SELU_SCALE, elu_value(x, e, &a));
}
SLOPE(selu) {
  return tg_v4_select(tg_v4_lt(tg_v4_zero(), v), SELU_SCALE, tg_v4_add(v, tg_v4_mul(SELU_SCALE, SELU_ALPHA)));
}

/* ---- exponential ---- */

TG_LOOP(exponential_values) { tg_exponentials(to, v, n); }
SLOPE(exponential) { return v; }

/* ---- gelu (Hendrycks and Gimpel 2016) ---- */

#define HALF_ROOT number(0.70710678118654752440) /* sqrt(1 / 2) */
TG_INLINE tg_v4 gelu_power(tg_v4 x) { return tg_v4_erf_power(tg_v4_mul(x, HALF_ROOT)); }
TG_INLINE tg_v4 density_power(tg_v4 x) { return tg_v4_mul(number(-0.5), tg_v4_mul(x, x)); }
VALUE(normal) { return tg_v4_mul(number(0.5), tg_v4_add(number(1), tg_v4_erf_from(tg_v4_mul(x, HALF_ROOT), e))); }
VALUE(gelu) { return tg_v4_mul(x, normal_value(x, e, p)); }

#define ROOT 0.79788456080286535588 /* sqrt(2 / pi) */
/* ROOT (x + 0.044715 x^3), from x and its square. */
TG_INLINE tg_v4 gelu_inner(tg_v4 x, tg_v4 square) {
  return tg_v4_mul(x, tg_v4_add(tg_v4_mul(square, number(ROOT * 0.044715)), number(ROOT)));
}
TG_INLINE tg_v4 gelu_tanh_power(tg_v4 x) { return tg_v4_tanh_power(gelu_inner(x, tg_v4_mul(x, x))); }
VALUE(gelu_tanh) {
  tg_v4 bend = tg_v4_tanh_from(gelu_inner(x, tg_v4_mul(x, x)), e);
  return tg_v4_mul(tg_v4_mul(x, number(0.5)), tg_v4_add(bend, number(1)));
}
SLOPE(gelu_tanh) {
  tg_v4 square = tg_v4_mul(v, v), t = tg_v4_tanh_from(gelu_inner(v, square), e);
  tg_v4 inner = tg_v4_add(tg_v4_mul(square, number(3 * ROOT * 0.044715)), number(ROOT));
  tg_v4 bend = tg_v4_mul(tg_v4_mul(v, inner), tg_v4_sub(number(1), tg_v4_mul(t, t)));
  return tg_v4_mul(number(0.5), tg_v4_add(tg_v4_add(t, number(1)), bend));
}

/* ---- hardSigmoid, hardSwish (Howard et al. 2019) ---- */

VALUE(hard_sigmoid) { return clamp(tg_v4_add(tg_v4_mul(x, number(1.0 / 6)), number(0.5)), tg_v4_zero(), number(1)); }
SLOPE(hard_sigmoid) {
  return tg_v4_keep(tg_mask_and(tg_v4_lt(tg_v4_zero(), v), tg_v4_lt(v, number(1))), number(1.0 / 6));
}

VALUE(hard_swish) { return tg_v4_mul(x, hard_sigmoid_value(x, e, p)); }
SLOPE(hard_swish) {
  tg_v4 inside = tg_v4_add(tg_v4_mul(v, number(1.0 / 3)), number(0.5));
  tg_v4 above = tg_v4_select(tg_v4_lt(number(3), v), number(1), inside);
  return tg_v4_select(tg_v4_lt(v, number(-3)), tg_v4_zero(), above);
}

/* ---- arithmetic ---- */

VALUE(abs) { return tg_v4_abs(x); }
SLOPE(abs) {
  const tg_v4 above = tg_v4_keep(tg_v4_lt(tg_v4_zero(), v), number(1));
  return tg_v4_sub(above, tg_v4_keep(tg_v4_lt(v, tg_v4_zero()), number(1)));
}

VALUE(clip) { return clamp(x, p[0], p[1]); }
SLOPE(clip) { return tg_v4_keep(tg_mask_and(tg_v4_le(p[0], v), tg_v4_le(v, p[1])), number(1)); }

VALUE(line) { return tg_v4_add(tg_v4_mul(x, p[0]), p[1]); }
SLOPE(line) { return p[0]; }

TG_LOOP(log_values) {
  for (size_t i = 0; i < n; i += TG_AT_ONCE) {
    tg_v4 l[4];
    for (size_t k = 0; k < 4; k++) l[k] = tg_v4_load(v + i + 4 * k);
    tg_v4_log_each(l, 4);
    for (size_t k = 0; k < 4; k++) tg_v4_store(to + i + 4 * k, l[k]);
  }
}
SLOPE(log) { return tg_v4_div(number(1), v); }

VALUE(reciprocal) { return tg_v4_div(number(1), x); }
SLOPE(reciprocal) { return tg_v4_sub(tg_v4_zero(), tg_v4_mul(v, v)); }

VALUE(sqrt) { return tg_v4_sqrt(x); }
SLOPE(sqrt) {
  const tg_v4 flat_to = tg_v4_sub(p[0], number(1));
  return tg_v4_select(tg_v4_le(v, flat_to), tg_v4_zero(), tg_v4_div(number(0.5), v));
}

VALUE(square) { return tg_v4_mul(x, x); }
SLOPE(square) { return tg_v4_add(v, v); }

/* ---- mish (Misra 2019) ---- */

/* tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); past x = 30 it rounds to 1, and e^2 must not overflow. */
TG_INLINE tg_v4 mish_power(tg_v4 x) { return tg_v4_min(x, number(30)); }
TG_INLINE tg_v4 mish_n(tg_v4 e) { return tg_v4_mul(e, tg_v4_add(e, number(2))); }
VALUE(mish) {
  tg_v4 n = mish_n(e);
  return tg_v4_mul(x, tg_v4_div(n, tg_v4_add(n, number(2))));
}
SLOPE(mish) {
  tg_v4 n = mish_n(e), below = tg_v4_add(n, number(2));
  tg_v4 bend = tg_v4_div(tg_v4_mul(number(4), tg_v4_mul(e, tg_v4_add(e, number(1)))), below);
  return tg_v4_div(tg_v4_add(n, tg_v4_mul(v, bend)), below);
}

/* ---- rectifier: relu with a slope below, a ceiling, a threshold ---- */

VALUE(rectifier) {
  tg_v4 below = tg_v4_mul(p[0], tg_v4_sub(x, p[2]));
  return tg_v4_select(tg_v4_le(p[2], x), tg_v4_min(x, p[1]), below);
}
SLOPE(rectifier) {
  tg_v4 above = tg_v4_keep(tg_v4_lt(v, p[1]), number(1));
  return tg_v4_select(tg_v4_lt(tg_v4_zero(), v), above, p[0]);
}

/* ---- silu, or swish (Elfwing et al. 2017; Ramachandran et al. 2017) ---- */

VALUE(silu) { return tg_v4_mul(x, tg_v4_sigmoid_from(x, e)); }
SLOPE(silu) {
  tg_v4 s = tg_v4_sigmoid_from(v, e);
  return tg_v4_mul(s, tg_v4_add(number(1), tg_v4_mul(v, tg_v4_sub(number(1), s))));
}

/* ---- softplus, softsign ---- */

/* With e = e^-|x|. */
VALUE(softplus) { return tg_v4_add(tg_v4_max(x, tg_v4_zero()), tg_v4_log1p(e)); }
SLOPE(softplus) { return tg_v4_sigmoid_from(v, e); }

VALUE(softsign) { return tg_v4_div(x, tg_v4_add(number(1), tg_v4_abs(x))); }
SLOPE(softsign) {
  tg_v4 rest = tg_v4_sub(number(1), tg_v4_abs(v));
  return tg_v4_mul(rest, rest);
}

/* ---- loops ---- */

TG_VALUES_FROM(elu, elu_power)
TG_VALUES_FROM(gelu, gelu_power)
TG_VALUES_FROM(gelu_tanh, gelu_tanh_power)
TG_VALUES_FROM(mish, mish_power)
TG_VALUES_FROM(normal, gelu_power)
TG_VALUES_FROM(selu, elu_power)
TG_VALUES_FROM(silu, tg_v4_sigmoid_power)
TG_VALUES_FROM(softplus, tg_v4_sigmoid_power)

TG_SLOPES_FROM(gelu_tanh, gelu_tanh_power)
TG_SLOPES_FROM(mish, mish_power)
TG_SLOPES_FROM(silu, tg_v4_sigmoid_power)
TG_SLOPES_FROM(softplus, tg_v4_sigmoid_power)

TG_SLOPES(elu)
TG_SLOPES(exponential)
TG_SLOPES(log)
TG_SLOPES(selu)

/* Two exponentials: that of the distribution, and the density. */
TG_LOOP(gelu_slopes) {
  tg_real normal[TG_BLOCK], density[TG_BLOCK];
  for (size_t at = 0, some; at < n; at += some) {
    some = n - at < TG_BLOCK ? n - at : TG_BLOCK;
    normal_values(normal, v + at, v + at, some, p);
    tg_activation_powers(density, v + at, some, density_power);
    for (size_t i = 0; i < some; i += 4) {
      tg_v4 bend =
          tg_v4_mul(tg_v4_mul(tg_v4_load(v + at + i), tg_v4_load(density + i)), number(0.39894228040143267794));
      tg_v4 slope = tg_v4_add(tg_v4_load(normal + i), bend);
      tg_v4_store(to + at + i, tg_v4_mul(tg_v4_load(dy + at + i), slope));
    }
  }
}

#define PLAIN(DO)                   \
  DO(TG_ABS, abs)                   \
  DO(TG_CLIP, clip)                 \
  DO(TG_HARD_SIGMOID, hard_sigmoid) \
  DO(TG_HARD_SWISH, hard_swish)     \
  DO(TG_LINE, line)                 \
  DO(TG_RECIPROCAL, reciprocal)     \
  DO(TG_RECTIFIER, rectifier)       \
  DO(TG_SOFTSIGN, softsign)         \
  DO(TG_SQRT, sqrt)                 \
  DO(TG_SQUARE, square)

#define DEFINE(number_, name) TG_VALUES(name) TG_SLOPES(name)
PLAIN(DEFINE)

#define EXPONENTIAL(DO)           \
  DO(TG_ELU, elu)                 \
  DO(TG_EXPONENTIAL, exponential) \
  DO(TG_GELU, gelu)               \
  DO(TG_GELU_TANH, gelu_tanh)     \
  DO(TG_LOG, log)                 \
  DO(TG_MISH, mish)               \
  DO(TG_SELU, selu)               \
  DO(TG_SILU, silu)               \
  DO(TG_SOFTPLUS, softplus)

#define ROW(number_, name) [number_] = {name##_values, name##_slopes},
const tg_activation_loops tg_rare_activations[TG_ACTIVATIONS] = {PLAIN(ROW) EXPONENTIAL(ROW)};
