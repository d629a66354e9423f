/* The activations that most networks have, and the way to the others. */
#include "kernels/activation_loops.h"

VALUE(sigmoid) { return (void)p, tg_v4_sigmoid(x); }
SLOPE(sigmoid) { return (void)p, tg_v4_mul(v, tg_v4_sub(number(1), v)); }

VALUE(tanh) { return (void)p, tg_v4_tanh(x); }
SLOPE(tanh) { return (void)p, tg_v4_sub(number(1), tg_v4_mul(v, v)); }

TG_ACTIVATION_LOOPS(sigmoid)
TG_ACTIVATION_LOOPS(tanh)

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
  const size_t whole = n & ~(size_t)3, left = n - whole;
  f(to, v, dy, whole, p);
  if (!left) return;
  tg_real tail[4], v_tail[4], dy_tail[4];
  tg_v4_store(v_tail, tg_v4_load_part(v + whole, left, 0));
  tg_v4_store(dy_tail, tg_v4_load_part(dy + whole, left, 0));
  f(tail, v_tail, dy_tail, 4, p);
  tg_v4_store_part(to + whole, tg_v4_load(tail), left);
}

void tg_activate(tg_activation f, tg_real *y, const tg_real *x, size_t n,
                 const tg_real parameters[TG_ACTIVATION_PARAMETERS]) {
  run(loops_of(f).values, y, x, x, n, parameters);
}

void tg_activate_backward(tg_activation f, tg_real *dx, const tg_real *dy, const tg_real *v, size_t n,
                          const tg_real parameters[TG_ACTIVATION_PARAMETERS]) {
  run(loops_of(f).slopes, dx, v, dy, n, parameters);
}
