#include "kernels/elementwise.h"
#include "kernels/simd.h"
#include "rng.h"

void tg_dropout(tg_real *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale, uint64_t key,
                uint32_t stream, uint64_t step) {
  /* y (n), x (n); one draw of four words serves four neighbours */
  for (size_t i = 0; i < n;) {
    uint32_t words[4];
    uint64_t element = (uint64_t)first + i;
    tg_philox(words, key, (uint32_t)(element / 4), stream, (uint32_t)step, (uint32_t)(step >> 32));
    for (size_t lane = element % 4; lane < 4 && i < n; lane++, i++) y[i] = words[lane] >= threshold ? x[i] * scale : 0;
  }
}
