#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_gemm(double *c, double *magnitude, const tg_real *a, const tg_real *b, const tg_real *bias, uint32_t M,
                 uint32_t K, uint32_t N, int relu) {
  /* c (M, N), a (M, K), b (K, N), bias (N) */
  for (size_t m = 0; m < M; m++) {
    for (size_t n = 0; n < N; n++) {
      double sum = bias ? bias[n] : 0, size = fabs(sum);
      for (size_t k = 0; k < K; k++) {
        double product = (double)a[m * K + k] * b[k * N + n];
        sum += product;
        size += fabs(product);
      }
      c[m * N + n] = relu && sum < 0 ? 0 : sum;
      if (magnitude) magnitude[m * N + n] = size;
    }
  }
}

void tg_ref_gemm_transposed(double *c, double *magnitude, const tg_real *a, const tg_real *b, uint32_t M, uint32_t K,
                            uint32_t N) {
  /* c (K, N), a (M, K), b (M, N) */
  for (size_t k = 0; k < K; k++) {
    for (size_t n = 0; n < N; n++) {
      double sum = 0, size = 0;
      for (size_t m = 0; m < M; m++) {
        double product = (double)a[m * K + k] * b[m * N + n];
        sum += product;
        size += fabs(product);
      }
      c[k * N + n] = sum;
      if (magnitude) magnitude[k * N + n] = size;
    }
  }
}
