#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_attention_weights(double *p, const tg_real *scores, uint32_t rows, uint32_t n, double scale, int causal) {
  for (size_t row = 0; row < rows; row++, p += n, scores += n) {
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < n; j++) {
      const int seen = !causal || j <= row;
      if (seen) largest = fmax(largest, (double)scores[j]);
    }
    for (size_t j = 0; j < n; j++) {
      p[j] = !causal || j <= row ? exp(scale * ((double)scores[j] - largest)) : 0;
      sum += p[j];
    }
    for (size_t j = 0; j < n; j++) p[j] /= sum;
  }
}

void tg_ref_attention_weights_backward(double *ds, const tg_real *dp, const tg_real *p, uint32_t rows, uint32_t n,
                                       double scale) {
  for (size_t row = 0; row < rows; row++, ds += n, dp += n, p += n) {
    double mean = 0;
    for (size_t j = 0; j < n; j++) mean += (double)p[j] * dp[j];
    for (size_t j = 0; j < n; j++) ds[j] = scale * p[j] * (dp[j] - mean);
  }
}
