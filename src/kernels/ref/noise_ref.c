#include <math.h>

#include "kernels/ref/ref.h"
#include "rng.h"

double tg_ref_normal(uint32_t word) {
  /* Bisection of the distribution function. */
  double share = ((word >> 8) + 0.5) / 16777216, low = -8, high = 8;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (0.5 * erfc(-middle / sqrt(2)) < share)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void tg_ref_add_noise(double *y, const tg_real *x, size_t n, uint64_t first, const tg_noise *noise, uint64_t key,
                      uint32_t stream, uint64_t step) {
  for (size_t i = 0; i < n; i++) {
    uint32_t words[4];
    uint64_t at = first + i;
    tg_philox(words, key, (uint32_t)(at / 4), stream, (uint32_t)step, (uint32_t)(step >> 32));
    uint32_t word = words[at % 4];
    if (noise->normal) {
      double z = tg_ref_normal(word);
      y[i] = x[i] * (1 + noise->spread * z) + noise->summand * z;
    } else {
      y[i] = word >= noise->threshold ? (double)x[i] * noise->factor + noise->shift : noise->lost;
    }
  }
}
