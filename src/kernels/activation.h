/* Activation functions over flat arrays. y and x, dx and dy may be the same array. */
#ifndef TG_KERNELS_ACTIVATION_H
#define TG_KERNELS_ACTIVATION_H

#include <stddef.h>

#include "real.h"

/* a, b, c: the function's parameters. Behind each: what its slope is found from, the input x or the output y. */
typedef enum {
  TG_ABS,          /* |x|, with slope 0 at 0; x */
  TG_CLIP,         /* x within a and b; x */
  TG_ELU,          /* x > 0 ? x : a (e^x - 1); y */
  TG_EXPONENTIAL,  /* e^x; y */
  TG_GELU,         /* x Phi(x), Phi the normal distribution; x */
  TG_GELU_TANH,    /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2; x */
  TG_HARD_SIGMOID, /* x / 6 + 1 / 2 within 0 and 1; y */
  TG_HARD_SWISH,   /* x hardSigmoid(x); x */
  TG_LINE,         /* a x + b; x (of which it needs nothing) */
  TG_LOG,          /* log x; x */
  TG_MISH,         /* x tanh(log(1 + e^x)); x */
  TG_RECIPROCAL,   /* 1 / x; y */
  TG_RECTIFIER,    /* x >= c ? min(x, b) : a (x - c), for a, c >= 0 and b > 0; y */
  TG_SELU,         /* s elu(x) with the s and a of self-normalising networks; y */
  TG_SIGMOID,      /* 1 / (1 + e^-x); y */
  TG_SILU,         /* x sigmoid(x); x */
  TG_SOFTPLUS,     /* log(1 + e^x); x */
  TG_SOFTSIGN,     /* x / (1 + |x|); y */
  TG_SQRT,         /* slope 0 at 0 if a = 1, else infinite; y */
  TG_SQUARE,       /* x */
  TG_TANH,         /* y */
  TG_ACTIVATIONS
} tg_activation;

enum { TG_ACTIVATION_PARAMETERS = 3 };

/* y (n) = f(x). NaN stays NaN. */
void tg_activate(tg_activation f, tg_real *y, const tg_real *x, size_t n,
                 const tg_real parameters[TG_ACTIVATION_PARAMETERS]);
/* dx (n) = dy times the slope of f, found from v: x or y of the forward pass, as said above. */
void tg_activate_backward(tg_activation f, tg_real *dx, const tg_real *dy, const tg_real *v, size_t n,
                          const tg_real parameters[TG_ACTIVATION_PARAMETERS]);

#endif
