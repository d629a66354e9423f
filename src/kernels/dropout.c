#include "kernels/elementwise.h"
#include "kernels/philox.h"

void tg_dropout(tg_real *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale, uint64_t key,
                uint32_t stream, uint64_t step) {
  /* y (n), x (n) */
  const tg_draw draw = {key, step, stream};
  const tg_v4 factor = tg_v4_splat(scale);
  uint32_t room[TG_WORDS + 4];
  const uint32_t *words;
  for (size_t i = 0, count; i < n; i += count) {
    count = tg_draw_words(room, &words, &draw, (uint64_t)first + i, n - i);
    for (size_t j = 0; j < count; j += 4) {
      const size_t left = count - j;
      const tg_mask kept = tg_words_from(words + j, threshold);
      if (left >= 4) {
        tg_v4_store(y + i + j, tg_v4_keep(kept, tg_v4_mul(tg_v4_load(x + i + j), factor)));
      } else {
        const tg_v4 four = tg_v4_load_part(x + i + j, left, 0);
        tg_v4_store_part(y + i + j, tg_v4_keep(kept, tg_v4_mul(four, factor)), left);
      }
    }
  }
}
