/*
 * How activations are written: one pair of inline functions each, its value at x and its slope from x or y, found with
 * an exponential e where they need one. The loops around them are made by macros; they do whole vectors, and tails go
 * through them as a few vectors more, so that an element is computed the same way wherever it stands.
 */
#ifndef TG_KERNELS_ACTIVATION_LOOPS_H
#define TG_KERNELS_ACTIVATION_LOOPS_H

#include "kernels/activation.h"
#include "kernels/math.h"
#include "kernels/softmax.h"

#define TG_UNUSED __attribute__((unused))
#define VALUE(name) TG_INLINE tg_v4 name##_value(TG_UNUSED tg_v4 x, TG_UNUSED tg_v4 e, TG_UNUSED const tg_v4 *p)
#define SLOPE(name) TG_INLINE tg_v4 name##_slope(TG_UNUSED tg_v4 v, TG_UNUSED tg_v4 e, TG_UNUSED const tg_v4 *p)

TG_INLINE tg_v4 number(double value) { return tg_v4_splat((tg_real)value); }

/* Reals of which exponentials and logarithms are taken at once, and those that the first-level cache keeps. */
enum { TG_AT_ONCE = 16, TG_BLOCK = 16 * TG_AT_ONCE };

/* n is a multiple of TG_AT_ONCE. */
typedef void tg_activation_loop(tg_real *to, const tg_real *v, const tg_real *dy, size_t n, const tg_v4 *p);

typedef struct {
  tg_activation_loop *values, *slopes;
} tg_activation_loops;

typedef tg_v4 tg_activation_power(tg_v4 x);
typedef tg_v4 tg_activation_part(tg_v4 v, tg_v4 e, const tg_v4 *p);

/* to (n) = part(v), of slopes times dy; e is v where the part needs no exponentials. */
TG_INLINE void tg_activation_parts(tg_real *to, const tg_real *v, const tg_real *e, const tg_real *dy, size_t n,
                                   const tg_v4 *p, tg_activation_part part, int slopes) {
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 r = part(tg_v4_load(v + i), tg_v4_load(e + i), p);
    tg_v4_store(to + i, slopes ? tg_v4_mul(tg_v4_load(dy + i), r) : r);
  }
}

/* e (n) = e^power(x). */
TG_INLINE void tg_activation_powers(tg_real *e, const tg_real *x, size_t n, tg_activation_power power) {
  for (size_t i = 0; i < n; i += 4) tg_v4_store(e + i, power(tg_v4_load(x + i)));
  tg_exponentials(e, e, n);
}

/* In blocks: a processor looks ahead only so far, and in one loop all would wait for the exponential. */
TG_INLINE void tg_activation_blocks(tg_real *to, const tg_real *v, const tg_real *dy, size_t n, const tg_v4 *p,
                                    tg_activation_power power, tg_activation_part part, int slopes) {
  tg_real e[TG_BLOCK];
  for (size_t at = 0, some; at < n; at += some) {
    some = n - at < TG_BLOCK ? n - at : TG_BLOCK;
    tg_activation_powers(e, v + at, some, power);
    tg_activation_parts(to + at, v + at, e, dy + at, some, p, part, slopes);
  }
}

#define TG_LOOP(loop) \
  static void loop(tg_real *to, const tg_real *v, TG_UNUSED const tg_real *dy, size_t n, TG_UNUSED const tg_v4 *p)

/* The loops of functions that need no exponential … */
#define TG_VALUES(name) \
  TG_LOOP(name##_values) { tg_activation_parts(to, v, v, dy, n, p, name##_value, 0); }
#define TG_SLOPES(name) \
  TG_LOOP(name##_slopes) { tg_activation_parts(to, v, v, dy, n, p, name##_slope, 1); }
/* … and of those that need e^power(x). */
#define TG_VALUES_FROM(name, power) \
  TG_LOOP(name##_values) { tg_activation_blocks(to, v, dy, n, p, power, name##_value, 0); }
#define TG_SLOPES_FROM(name, power) \
  TG_LOOP(name##_slopes) { tg_activation_blocks(to, v, dy, n, p, power, name##_slope, 1); }

/* Those of rare_activations.c; sigmoid and tanh have no row there. */
extern const tg_activation_loops tg_rare_activations[TG_ACTIVATIONS];

#endif
