#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_sgd_update(double *w, const tg_real *w_before, const tg_real *g, double lr, size_t n) {
  for (size_t i = 0; i < n; i++) w[i] = w_before[i] - lr * g[i];
}

void tg_ref_momentum_update(double *w, double *m, const tg_real *w_before, const tg_real *m_before, const tg_real *g,
                            double lr, double momentum, int nesterov, size_t n) {
  for (size_t i = 0; i < n; i++) {
    m[i] = momentum * m_before[i] - lr * g[i];
    w[i] = w_before[i] + (nesterov ? momentum * m[i] - lr * g[i] : m[i]);
  }
}

void tg_ref_adam_update(double *w, double *m, double *v, const tg_real *w_before, const tg_real *m_before,
                        const tg_real *v_before, const tg_real *g, double alpha, double beta1, double beta2,
                        double epsilon, size_t n) {
  for (size_t i = 0; i < n; i++) {
    m[i] = m_before[i] + ((double)g[i] - m_before[i]) * (1 - beta1);
    v[i] = v_before[i] + ((double)g[i] * g[i] - v_before[i]) * (1 - beta2);
    w[i] = w_before[i] - alpha * m[i] / (sqrt(v[i]) + epsilon);
  }
}
