/* Optimizer updates, row sums and the gathering of batches. */
#include "kernels/update.h"

#include "kernels/adafactor.h"
#include "kernels/gather.h"
#include "kernels/reduce.h"
#include "kernels/ref/ref.h"
#include "test.h"

typedef struct {
  tg_update *update;
  tg_ref_update *expected;
  int slots;  /* bit i: it has slot i */
  int square; /* bit i: slot i is never negative */
  double k[TG_UPDATE_CONSTANTS];
} update_case;

static const update_case cases[] = {
    {tg_sgd_update, tg_ref_sgd_update, 0, 0, {0.125}},
    {tg_sgd_update, tg_ref_sgd_update, 1, 0, {0.125, 0.75, 0}},
    {tg_sgd_update, tg_ref_sgd_update, 1, 0, {0.125, 0.75, 1}},
    {tg_adam_update, tg_ref_adam_update, 3, 2, {0.001, 0.1, 0.001, 1e-7}},
    {tg_adam_update, tg_ref_adam_update, 7, 6, {0.001, 0.1, 0.001, 1e-7}},
    {tg_adamax_update, tg_ref_adamax_update, 3, 2, {0.001, 0.1, 0.999, 1e-7}},
    {tg_nadam_update, tg_ref_nadam_update, 3, 2, {0.001, 0.0002, 0.1, 0.001, 2, 1e-7}},
    {tg_adagrad_update, tg_ref_adagrad_update, 1, 1, {0.01, 1e-7}},
    {tg_rmsprop_update, tg_ref_rmsprop_update, 1, 1, {0.001, 0.1, 0, 0.01}},
    {tg_rmsprop_update, tg_ref_rmsprop_update, 3, 1, {0.001, 0.1, 0.9, 0.01}},
    {tg_rmsprop_update, tg_ref_rmsprop_update, 5, 1, {0.001, 0.1, 0, 0.01}},
    {tg_rmsprop_update, tg_ref_rmsprop_update, 7, 1, {0.001, 0.1, 0.9, 0.01}},
    {tg_adadelta_update, tg_ref_adadelta_update, 3, 3, {0.5, 0.05, 1e-3}},
    {tg_lion_update, tg_ref_lion_update, 1, 0, {0.001, 0.9, 0.1, 0.01}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void test_updates(const update_case *c, size_t n) {
  tg_real *g = test_filled(n, 0, 0), *w = test_filled(n, 0, 0), *pieces = test_reals(n, 0);
  tg_update_range range = {w, g, {0}, n}, part = range;
  double *expected[1 + TG_RULE_SLOTS] = {test_doubles(n)};
  tg_real *slot_pieces[TG_RULE_SLOTS] = {0};
  memcpy(pieces, w, n * sizeof *w);
  for (size_t i = 0; i < n; i++) expected[0][i] = (double)w[i];
  for (int s = 0; s < TG_RULE_SLOTS; s++) {
    if (!(c->slots >> s & 1)) continue;
    tg_real *slot = range.slots[s] = test_filled(n, 0, 0);
    slot_pieces[s] = test_reals(n, 0);
    expected[1 + s] = test_doubles(n);
    for (size_t i = 0; i < n; i++) {
      if (c->square >> s & 1) slot[i] *= slot[i];
      expected[1 + s][i] = (double)(slot_pieces[s][i] = slot[i]);
    }
  }
  c->update(&range, c->k);
  c->expected(expected[0], expected + 1, g, c->k, n);
  for (int s = 0; s <= TG_RULE_SLOTS; s++) {
    const tg_real *found = s ? range.slots[s - 1] : w;
    for (size_t i = 0; found && i < n; i++) CHECK_CLOSE(found[i], expected[s][i], 64 * TEST_UNIT);
  }
  /* In pieces: the same bits. */
  for (size_t i = 0; i < n; i += 3) {
    part = (tg_update_range){pieces + i, g + i, {0}, n - i < 3 ? n - i : 3};
    for (int s = 0; s < TG_RULE_SLOTS; s++)
      if (slot_pieces[s]) part.slots[s] = slot_pieces[s] + i;
    c->update(&part, c->k);
  }
  CHECK(test_same_bits(w, pieces, n));
  for (int s = 0; s < TG_RULE_SLOTS; s++) CHECK(!slot_pieces[s] || test_same_bits(range.slots[s], slot_pieces[s], n));
  test_free_blocks();
}

/* Moments too small to move a weight become zero; NaN stays for the engine's checks to find. */
static void test_tiny_moments(void) {
  tg_real w[5] = {1, 1, 1, 1, 1}, g[5] = {0, 0, 0, 0, 0};
  tg_real m[5] = {(tg_real)1e-31, (tg_real)-1e-31, (tg_real)1e-20, (tg_real)NAN, (tg_real)1e-31};
  tg_real v[5] = {(tg_real)1e-32, (tg_real)1e-20, 1, 1, (tg_real)1e-32};
  const double k[TG_UPDATE_CONSTANTS] = {0.001, 1 - 0.9, 1 - 0.999, 1e-7};
  tg_adam_update(&(tg_update_range){w, g, {m, v}, 5}, k);
  CHECK(m[0] == 0 && m[1] == 0 && m[2] > 0 && isnan(m[3]) && m[4] == 0);
  CHECK(v[0] == 0 && v[1] > 0 && v[2] > 0 && v[3] > 0 && v[4] == 0);
  CHECK(w[0] == 1 && w[1] == 1 && w[2] == 1 && isnan(w[3]) && w[4] == 1);
  /* No kernel leaves a subnormal moment. */
  for (int c = 0; c < N_CASES; c++) {
    tg_real weight[4] = {1, 1, 1, 1}, s[TG_RULE_SLOTS][4];
    tg_update_range range = {weight, g, {0}, 4};
    for (int i = 0; i < TG_RULE_SLOTS * 4; i++) s[i / 4][i % 4] = (tg_real)1e-37;
    for (int i = 0; i < TG_RULE_SLOTS; i++)
      if (cases[c].slots >> i & 1) range.slots[i] = s[i];
    for (int i = 0; i < 200; i++) cases[c].update(&range, cases[c].k);
    for (int i = 0; i < TG_RULE_SLOTS * 4; i++) CHECK(s[i / 4][i % 4] == 0 || fabs((double)s[i / 4][i % 4]) > 1.2e-38);
  }
}

/* What stands around an update. */
static void test_around(size_t n) {
  tg_real *x = test_filled(n, 0, 0), *start = test_filled(n, 0, 0), *y = test_reals(n, 0);
  const double bound = 4 * TEST_UNIT;
  memcpy(y, start, n * sizeof *y);
  tg_approach(y, x, 0.25, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], (double)start[i] + 0.25 * ((double)x[i] - (double)start[i]), bound);
  memcpy(y, start, n * sizeof *y);
  tg_approach(y, NULL, 0.01, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], (double)start[i] * 0.99, bound);
  memcpy(y, start, n * sizeof *y);
  tg_scale_sum(y, x, 0.5, n);
  for (size_t i = 0; i < n; i++) CHECK_CLOSE(y[i], 0.5 * ((double)start[i] + (double)x[i]), bound);
  memcpy(y, start, n * sizeof *y);
  tg_clip(y, 0.5, n);
  double squares = 0;
  for (size_t i = 0; i < n; i++) {
    CHECK_CLOSE(y[i], fmin(fmax((double)start[i], -0.5), 0.5), 0);
    squares += (double)start[i] * (double)start[i];
  }
  CHECK_CLOSE(tg_sum_squares(start, n), squares, test_gamma(520) * squares);
  for (size_t i = 0; i < n; i++) y[i] = (tg_real)3e25;
  CHECK_CLOSE(tg_sum_squares(y, n) / 9e50, (double)n, 1e-5 * (double)n);
  test_free_blocks();
}

static void test_adafactor(size_t rows, size_t columns) {
  tg_real *g = test_filled(rows * columns, 0, 0), *moments = test_filled(columns, 0, 0);
  tg_real *w = test_filled(columns, 0, 0), *before = test_reals(columns, 0);
  double *expected = test_doubles(columns), squares = 0;
  for (size_t j = 0; j < columns; j++) {
    moments[j] = (tg_real)(0.1 + fabs((double)moments[j]));
    expected[j] = (double)moments[j];
    before[j] = w[j];
  }
  tg_adafactor_columns(moments, g, rows, columns, columns, 0.25, 1e-3);
  tg_ref_adafactor_columns(expected, g, rows, columns, columns, 0.25, 1e-3);
  tg_real *roots = test_reals(columns, 0);
  tg_inverse_roots(roots, moments, columns);
  tg_adafactor_update(w, g, roots, 0.01, columns);
  for (size_t j = 0; j < columns; j++) {
    CHECK_CLOSE(moments[j], expected[j], (8 + (double)rows) * TEST_UNIT);
    double step = (double)g[j] / sqrt((double)moments[j]);
    CHECK_CLOSE(w[j], (double)before[j] - 0.01 * step, 4 * TEST_UNIT);
    squares += step * step;
  }
  CHECK_CLOSE(tg_adafactor_squares(g, roots, columns), squares, test_gamma(300) * squares);
  test_free_blocks();
}

static void test_sums(size_t rows, uint32_t n, int whole) {
  const size_t size = rows * n;
  tg_real *x = test_filled(size, 0, whole), *y = test_filled(size, 0, whole), *sum = test_reals(n, 0);
  tg_real *dy = test_reals(size, 0), *again = test_reals(n, 0);
  double *expected = test_doubles(n), *magnitude = test_doubles(n), *expected_dy = test_doubles(size);
  tg_sum_rows(sum, x, rows, n);
  tg_ref_sum_rows(expected, magnitude, x, rows, n);
  for (size_t j = 0; j < n; j++) CHECK_CLOSE(sum[j], expected[j], whole ? 0 : test_gamma((double)rows) * magnitude[j]);

  memcpy(dy, x, size * sizeof *dy);
  tg_relu_backward_sum_rows(dy, sum, y, rows, n);
  tg_ref_relu_backward(expected_dy, x, y, size);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dy[i], expected_dy[i], 0);
  tg_sum_rows(again, dy, rows, n);
  CHECK(test_same_bits(sum, again, n));
  test_free_blocks();
}

static void test_gather(uint32_t channels, size_t pixels) {
  enum { SAMPLES = 5, N = 4 };
  const size_t size = pixels * channels;
  const uint32_t order[N] = {4, 0, 3, 0};
  uint8_t *bytes = test_block(SAMPLES * size);
  float *floats = test_block(SAMPLES * size * sizeof *floats);
  tg_real *scale = test_filled(channels, 3, 0), *offset = test_filled(channels, 3, 0), *y = test_reals(N * size, 0);
  double *expected = test_doubles(N * size);
  for (size_t i = 0; i < SAMPLES * size; i++) {
    bytes[i] = (uint8_t)test_below(256);
    floats[i] = (float)test_uniform(-1, 1);
  }
  tg_gather_u8(y, bytes, order, N, size, channels, scale, offset);
  tg_ref_gather_u8(expected, bytes, order, N, size, channels, scale, offset);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 4 * 256 * TEST_UNIT);
  tg_gather_f32(y, floats, order, N, size, channels, scale, offset);
  tg_ref_gather_f32(expected, floats, order, N, size, channels, scale, offset);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 4 * TEST_UNIT);
  tg_gather_f32(y, floats, order, N, size, channels, NULL, NULL);
  tg_ref_gather_f32(expected, floats, order, N, size, channels, NULL, NULL);
  for (size_t i = 0; i < N * size; i++) CHECK_CLOSE(y[i], expected[i], 0);
  test_free_blocks();
}

int main(void) {
  test_tiny_moments();
  static const size_t row_counts[] = {1, 2, 3, 5, 63, 64, 65, 200};
  for (size_t n = 0; n <= 30; n++) {
    for (int c = 0; c < N_CASES; c++) test_updates(&cases[c], n);
    test_around(n);
  }
  test_around(1030);
  for (size_t rows = 1; rows < 70; rows = 2 * rows + 1)
    for (size_t columns = 1; columns < 600; columns = 2 * columns + 1) test_adafactor(rows, columns);
  for (size_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++) {
    for (uint32_t n = 1; n <= 33; n += 1 + n / 6) {
      test_sums(row_counts[i], n, 0);
      test_sums(row_counts[i], n, 1);
    }
  }
  test_sums(0, 5, 0);
  for (uint32_t channels = 1; channels <= 17; channels++) {
    for (size_t pixels = 1; pixels <= 17; pixels += 3) test_gather(channels, pixels);
  }
  return test_report();
}
