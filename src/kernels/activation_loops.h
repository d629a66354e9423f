/*
 * How activations are written: one pair of inline functions each, its value at x and its slope from x or y. The loops
 * around them are made by TG_ACTIVATION_LOOPS; they do whole vectors, and tails go through them as one vector more, so
 * that an element is computed the same way wherever it stands.
 */
#ifndef TG_KERNELS_ACTIVATION_LOOPS_H
#define TG_KERNELS_ACTIVATION_LOOPS_H

#include "kernels/activation.h"
#include "kernels/math.h"

#define VALUE(name) TG_INLINE tg_v4 name##_value(tg_v4 x, const tg_v4 *p)
#define SLOPE(name) TG_INLINE tg_v4 name##_slope(tg_v4 v, const tg_v4 *p)

TG_INLINE tg_v4 number(double value) { return tg_v4_splat((tg_real)value); }

/* n is a multiple of four. */
typedef void tg_activation_loop(tg_real *to, const tg_real *v, const tg_real *dy, size_t n, const tg_v4 *p);

typedef struct {
  tg_activation_loop *values, *slopes;
} tg_activation_loops;

#define TG_ACTIVATION_VALUES(name)                                                                       \
  static void name##_values(tg_real *y, const tg_real *x, const tg_real *dy, size_t n, const tg_v4 *p) { \
    (void)dy;                                                                                            \
    for (size_t i = 0; i < n; i += 4) tg_v4_store(y + i, name##_value(tg_v4_load(x + i), p));            \
  }

#define TG_ACTIVATION_SLOPES(name)                                                                        \
  static void name##_slopes(tg_real *dx, const tg_real *v, const tg_real *dy, size_t n, const tg_v4 *p) { \
    for (size_t i = 0; i < n; i += 4)                                                                     \
      tg_v4_store(dx + i, tg_v4_mul(tg_v4_load(dy + i), name##_slope(tg_v4_load(v + i), p)));             \
  }

#define TG_ACTIVATION_LOOPS(name) \
  TG_ACTIVATION_VALUES(name)      \
  TG_ACTIVATION_SLOPES(name)

/* Those of rare_activations.c; sigmoid and tanh have no row there. */
extern const tg_activation_loops tg_rare_activations[TG_ACTIVATIONS];

#endif
