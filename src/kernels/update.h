/* Optimizer updates: one pass over a range of the flat vectors. Formulas as Keras 3. */
#ifndef TG_KERNELS_UPDATE_H
#define TG_KERNELS_UPDATE_H

#include <stddef.h>

#include "real.h"

/* w -= lr * g. */
void tg_sgd_update(tg_real *w, const tg_real *g, tg_real lr, size_t n);
/* m = momentum * m - lr * g; w += m, or with nesterov w += momentum * m - lr * g. */
void tg_momentum_update(tg_real *w, tg_real *m, const tg_real *g, tg_real lr, tg_real momentum, int nesterov, size_t n);
/* m += (g - m) * (1 - beta1); v += (g*g - v) * (1 - beta2); w -= alpha * m / (sqrt(v) + epsilon), where the caller
 * gives alpha = lr * sqrt(1 - beta2^t) / (1 - beta1^t). */
void tg_adam_update(tg_real *w, tg_real *m, tg_real *v, const tg_real *g, tg_real alpha, double beta1, double beta2,
                    tg_real epsilon, size_t n);

#endif
