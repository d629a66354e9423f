/* The activations that most networks have, and the way to the others. */
#include "kernels/activation_loops.h"

VALUE(sigmoid) { return tg_v4_sigmoid_from(x, e); }
SLOPE(sigmoid) { return tg_v4_mul(v, tg_v4_sub(number(1), v)); }

VALUE(tanh) { return tg_v4_tanh_from(x, e); }
SLOPE(tanh) { return tg_v4_sub(number(1), tg_v4_mul(v, v)); }

TG_VALUES_FROM(sigmoid, tg_v4_sigmoid_power)
TG_VALUES_FROM(tanh, tg_v4_tanh_power)
TG_SLOPES(sigmoid)
TG_SLOPES(tanh)

static tg_activation_loops loops_of(tg_activation f) {
  switch (f) {
    case TG_SIGMOID:
      return (tg_activation_loops){sigmoid_values, sigmoid_slopes};
    case TG_TANH:
      return (tg_activation_loops){tanh_values, tanh_slopes};
    default:
      return tg_rare_activations[f];
  }
}

static void run(tg_activation_loop *f, tg_real *to, const tg_real *v, const tg_real *dy, size_t n,
                const tg_real *parameters) {
  const tg_v4 p[TG_ACTIVATION_PARAMETERS] = {tg_v4_splat(parameters[0]), tg_v4_splat(parameters[1]),
                                             tg_v4_splat(parameters[2])};
  const size_t left = n % TG_AT_ONCE, whole = n - left;
  f(to, v, dy, whole, p);
  if (!left) return;
  tg_real last[3][TG_AT_ONCE] = {{0}};
  tg_copy(last[1], v + whole, left);
  tg_copy(last[2], dy + whole, left);
  f(last[0], last[1], last[2], TG_AT_ONCE, p);
  tg_copy(to + whole, last[0], left);
}

void tg_activate(tg_activation f, tg_real *y, const tg_real *x, size_t n,
                 const tg_real parameters[TG_ACTIVATION_PARAMETERS]) {
  run(loops_of(f).values, y, x, x, n, parameters);
}

void tg_activate_backward(tg_activation f, tg_real *dx, const tg_real *dy, const tg_real *v, size_t n,
                          const tg_real parameters[TG_ACTIVATION_PARAMETERS]) {
  run(loops_of(f).slopes, dx, v, dy, n, parameters);
}
