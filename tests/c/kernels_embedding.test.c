#include "kernels/embedding.h"

#include "kernels/ref/ref.h"
#include "test.h"

static void test_table(size_t tokens, uint32_t size, uint32_t n) {
  tg_real *table = test_filled((size_t)size * n, 0, 0), *x = test_reals(tokens, 0), *y = test_reals(tokens * n, 0);
  tg_real *dy = test_filled(tokens * n, 0, 0), *dtable = test_reals((size_t)size * n, 0);
  double *right = test_doubles(tokens * n), *right_table = test_doubles((size_t)size * n);
  for (size_t t = 0; t < tokens; t++) x[t] = (tg_real)test_below(size);
  tg_embed(y, x, table, tokens, size, n);
  uint32_t middle = n / 2; /* two slices of columns */
  tg_embed_backward(dtable, x, dy, tokens, size, n, 0, middle);
  tg_embed_backward(dtable, x, dy, tokens, size, n, middle, n);
  tg_ref_embed(right, right_table, x, table, dy, tokens, size, n);
  for (size_t i = 0; i < tokens * n; i++) CHECK((double)y[i] == right[i]);
  for (size_t i = 0; i < (size_t)size * n; i++)
    CHECK_CLOSE(dtable[i], right_table[i], test_gamma((double)tokens) * (double)tokens);
  test_free_blocks();
}

/* Numbers that are no row are not followed. */
static void test_strangers(void) {
  tg_real x[4] = {-1, 2, (tg_real)NAN, (tg_real)1e30}, table[2] = {5, 6}, y[4], dy[4] = {1, 1, 1, 1}, dtable[2];
  tg_embed(y, x, table, 4, 2, 1);
  for (int i = 0; i < 4; i++) CHECK(y[i] == 0);
  tg_embed_backward(dtable, x, dy, 4, 2, 1, 0, 1);
  CHECK(dtable[0] == 0 && dtable[1] == 0);
}

int main(void) {
  for (uint32_t n = 1; n < 12; n++)
    for (uint32_t size = 1; size < 9; size += 2) test_table(1 + test_below(30), size, n);
  test_strangers();
  return test_report();
}
