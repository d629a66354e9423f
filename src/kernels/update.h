/*
 * Optimizer updates: one pass over a range of the flat vectors. Formulas as Keras 3. Numbers that a step has in common
 * come as `k`, computed by the caller in double: in float 1 - 0.999 is already off by 5e-5 of itself.
 */
#ifndef TG_KERNELS_UPDATE_H
#define TG_KERNELS_UPDATE_H

#include <stddef.h>

#include "real.h"

enum { TG_RULE_SLOTS = 3, TG_UPDATE_CONSTANTS = 6 };

/* n reals of weights, their gradients, and the optimizer's slots (s0, s1, s2 below; NULL where it has none). */
typedef struct {
  tg_real *w;
  const tg_real *g;
  tg_real *slots[TG_RULE_SLOTS];
  size_t n;
} tg_update_range;

typedef void tg_update(const tg_update_range *range, const double *k);

/* k: rate, momentum, nesterov. w -= rate * g; with s0: s0 = momentum * s0 - rate * g, w += s0, or with nesterov
 * w += momentum * s0 - rate * g. */
tg_update tg_sgd_update;
/* k: alpha, 1 - beta1, 1 - beta2, epsilon. s0 += (g - s0) * k1; s1 += (g*g - s1) * k2; with s2: s2 = max(s2, s1), which
 * stands for s1 then; w -= alpha * s0 / (sqrt(s1) + epsilon), alpha = rate * sqrt(1 - beta2^t) / (1 - beta1^t). */
tg_update tg_adam_update;
/* k: rate / (1 - beta1^t), 1 - beta1, beta2, epsilon. s0 as Adam; s1 = max(beta2 * s1, |g|); w -= k0 * s0 / (s1 + k3).
 */
tg_update tg_adamax_update;
/* k: rates of s0 and of g, 1 - beta1, 1 - beta2, 1 / (1 - beta2^t), epsilon. s0 and s1 as Adam;
 * w -= (k0 * s0 + k1 * g) / (sqrt(k4 * s1) + epsilon). */
tg_update tg_nadam_update;
/* k: rate, epsilon. s0 += g*g; w -= rate * g / sqrt(s0 + epsilon). */
tg_update tg_adagrad_update;
/* k: rate, 1 - rho, momentum, epsilon. s0 += (g*g - s0) * k1; with s2 (centered): s2 += (g - s2) * k1;
 * d = rate * g / sqrt(s0 - s2*s2 + epsilon); with s1: d = s1 = momentum * s1 + d; w -= d. */
tg_update tg_rmsprop_update;
/* k: rate, 1 - rho, epsilon. s0 += (g*g - s0) * k1; d = g * sqrt(s1 + epsilon) / sqrt(s0 + epsilon);
 * s1 += (d*d - s1) * k1; w -= rate * d. */
tg_update tg_adadelta_update;
/* k: rate, beta1, 1 - beta1, 1 - beta2. w -= rate * sign(beta1 * s0 + k2 * g); s0 += (g - s0) * k3. */
tg_update tg_lion_update;

/* ---- what stands around an update; x may be NULL: zeros ---- */

/* y += share * (x - y). */
void tg_approach(tg_real *y, const tg_real *x, double share, size_t n);
/* y = factor * (y + x). */
void tg_scale_sum(tg_real *y, const tg_real *x, double factor, size_t n);
/* y = y, no lower than -limit and no higher than limit. */
void tg_clip(tg_real *y, double limit, size_t n);
/* Sum of x*x, right also where a square overflows tg_real. */
double tg_sum_squares(const tg_real *x, size_t n);

#endif
