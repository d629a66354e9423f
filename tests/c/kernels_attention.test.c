#include "kernels/attention.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_weights(uint32_t rows, uint32_t n, int causal) {
  const size_t size = (size_t)rows * n;
  const tg_real scale = (tg_real)test_uniform(0.1, 1);
  tg_real *scores = test_filled(size, 0, 0), *p = test_reals(size, 0), *dp = test_filled(size, 0, 0);
  double *right = test_doubles(size), *gradient = test_doubles(size);
  for (size_t i = 0; i < size; i++) p[i] = scores[i] *= 20;
  tg_ref_attention_weights(right, scores, rows, n, (double)scale, causal);
  tg_attention_weights(p, rows, n, scale, causal);
  /* A difference of scores is rounded, as is its product with the scale, before e^x: 40 units of it each. */
  for (size_t i = 0; i < size; i++) {
    CHECK_CLOSE(p[i], right[i], (120 + n) * TEST_UNIT * right[i]);
    if (causal && i % n > i / n) CHECK(p[i] == 0);
  }
  tg_ref_attention_weights_backward(gradient, dp, p, rows, n, (double)scale);
  tg_attention_weights_backward(dp, p, rows, n, scale);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dp[i], gradient[i], (16 + n) * TEST_UNIT * p[i]);
  test_free_blocks();
}

int main(void) {
  static const uint32_t sizes[] = {1, 2, 3, 4, 5, 8, 11, 16, 33, 100};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  for (int r = 0; r < SIZES; r++)
    for (int n = 0; n < SIZES; n++)
      for (int causal = 0; causal <= 1; causal++) test_weights(sizes[r], sizes[n], causal);
  /* A NaN or an infinity among the scores of a row reaches the row, and no other. */
  for (int bad = 0; bad < 2; bad++)
    for (int at = 0; at < 7; at++) {
      tg_real p[14] = {1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7};
      p[at] = bad ? (tg_real)NAN : (tg_real)INFINITY;
      tg_attention_weights(p, 2, 7, 1, 0);
      for (int i = 0; i < 7; i++) CHECK(isnan(p[i]) || (!bad && i != at));
      for (int i = 7; i < 14; i++) CHECK(p[i] > 0 && p[i] < 1);
    }
  return test_report();
}
