/*
 * Losses that are a sum or mean of one term for each output. A loss is a function of four outputs and their targets
 * that gives the terms and their slopes; tg_output_loss is the loop around it, in one copy: which term it is is decided
 * once for four outputs, which costs less than the logarithm in most of them.
 */
#ifndef TG_KERNELS_OUTPUT_TERMS_H
#define TG_KERNELS_OUTPUT_TERMS_H

#include "kernels/loss_rows.h"
#include "kernels/losses.h"

typedef struct {
  tg_v4 loss, slope;
} tg_term;

typedef tg_term tg_term_of(tg_v4 x, tg_v4 t, const double *options);

TG_INLINE tg_v4 tg_term_number(double value) { return tg_v4_splat((tg_real)value); }
TG_INLINE tg_v4 tg_term_negative(tg_v4 x) { return tg_v4_sub(tg_v4_zero(), x); }
/* x clipped to low…high; *inside: the lanes that the clip left alone. NaN stays. */
TG_INLINE tg_v4 tg_term_clip(tg_v4 x, tg_real low, tg_real high, tg_mask *inside) {
  tg_v4 clipped = tg_v4_min(tg_v4_max(x, tg_v4_splat(low)), tg_v4_splat(high));
  *inside = tg_v4_eq(clipped, x);
  return clipped;
}
/* In one copy: their polynomials are longer than most losses. */
__attribute__((noinline, unused)) static tg_v4 tg_term_log(tg_v4 x) { return tg_v4_log(x); }
__attribute__((noinline, unused)) static tg_v4 tg_term_log1p(tg_v4 x) { return tg_v4_log1p(x); }
__attribute__((noinline, unused)) static tg_v4 tg_term_sigmoid(tg_v4 x) { return tg_v4_sigmoid(x); }
/* log(1 + e^-|x|) */
__attribute__((noinline, unused)) static tg_v4 tg_term_softplus_tail(tg_v4 x) {
  return tg_v4_log1p(tg_v4_exp(tg_term_negative(tg_v4_abs(x))));
}
/* -1, 0 or 1; NaN stays. */
TG_INLINE tg_v4 tg_term_sign(tg_v4 x) {
  const tg_v4 zero = tg_v4_zero(), one = tg_v4_splat(1);
  tg_v4 s = tg_v4_select(tg_v4_lt(x, zero), tg_term_negative(one), x);
  return tg_v4_select(tg_v4_lt(zero, x), one, s);
}

/* Of logits, and of probabilities. */
tg_term_of tg_sigmoid_crossentropy_term, tg_binary_crossentropy_term;

/* Rows of n terms; each row's sum times `share`, and its gradient times share and scale. */
void tg_output_loss(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                    tg_real scale, uint32_t rows, uint32_t n, tg_real share, tg_term_of *of);

#define TG_MEAN_OF(kernel, of)                                                                                        \
  void kernel(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options, tg_real scale, \
              uint32_t rows, uint32_t n) {                                                                            \
    tg_output_loss(losses, dx, x, labels, options, scale, rows, n, 1 / (tg_real)n, of);                               \
  }

#endif
