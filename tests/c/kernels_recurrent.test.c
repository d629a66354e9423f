#include "kernels/recurrent.h"

#include "kernels/ref/ref.h"
#include "test.h"

enum { MOST = 40, ALL = 5 * MOST };

/* What a cell reads, one array behind the other (sums of its gates, then the state before it), and the loss that
 * weighs what it gives: its slopes are the gradients. */
typedef enum { SIMPLE, LSTM, GRU } cell_kind;
typedef struct {
  cell_kind kind;
  tg_cell_functions f;
  uint32_t n, sums;
  double weight_h[MOST], weight_c[MOST];
} cell;

static double loss_of(const cell *k, const double *read, double *h, double *c) {
  const double *before = read + (size_t)k->sums * k->n;
  double loss = 0;
  if (k->kind == SIMPLE) tg_ref_simple_cell(h, read, &k->f, k->n);
  if (k->kind == LSTM) tg_ref_lstm_cell(h, c, read, before, &k->f, k->n);
  if (k->kind == GRU) tg_ref_gru_cell(h, read, before, &k->f, k->n);
  for (uint32_t j = 0; j < k->n; j++) loss += k->weight_h[j] * h[j] + (k->kind == LSTM ? k->weight_c[j] * c[j] : 0);
  return loss;
}

static void slopes_of(const cell *k, const double *read, double *slopes) {
  const double step = 1e-5;
  double moved[ALL], h[MOST], c[MOST];
  for (uint32_t i = 0; i < (k->sums + 1) * k->n; i++) moved[i] = read[i];
  for (uint32_t i = 0; i < (k->sums + 1) * k->n; i++) {
    moved[i] = read[i] + step;
    double above = loss_of(k, moved, h, c);
    moved[i] = read[i] - step;
    slopes[i] = (above - loss_of(k, moved, h, c)) / (2 * step);
    moved[i] = read[i];
  }
}

static void test_cell(cell_kind kind, tg_cell_functions f, uint32_t n, int first) {
  cell k = {.kind = kind, .f = f, .n = n, .sums = kind == SIMPLE ? 1 : 4};
  double read[ALL] = {0}, slopes[ALL], right_h[MOST], right_c[MOST];
  tg_real *gates = test_filled((size_t)k.sums * n, 0, 0), *before = test_filled(n, 0, 0), *h = test_reals(n, 0);
  tg_real *c = test_reals(n, 0), *dh = test_filled(n, 0, 0), *dc = test_filled(n, 0, 0);
  tg_real *scratch = test_reals((size_t)tg_cell_scratch(n), 0);
  for (uint32_t j = 0; j < n; j++) {
    if (first) before[j] = 0;
    k.weight_h[j] = (double)dh[j];
    k.weight_c[j] = (double)dc[j];
    read[k.sums * n + j] = (double)before[j];
  }
  for (uint32_t i = 0; i < k.sums * n; i++) read[i] = (double)(gates[i] *= 3);
  loss_of(&k, read, right_h, right_c);
  slopes_of(&k, read, slopes);

  if (kind == SIMPLE) {
    tg_simple_cell(gates, &f, n);
    memcpy(h, gates, n * sizeof *h);
    tg_simple_cell_backward(gates, dh, &f, n);
  } else if (kind == LSTM) {
    tg_lstm_cell(h, c, gates, first ? NULL : before, &f, n);
    for (uint32_t j = 0; j < n; j++) CHECK_CLOSE(c[j], right_c[j], 16 * TEST_UNIT);
    tg_lstm_cell_backward(gates, dc, dh, c, first ? NULL : before, scratch, &f, n);
  } else {
    tg_gru_reset(gates, before, &f, 1, n);
    tg_gru_output(h, gates, before, &f, n);
    tg_gru_output_backward(gates, dh, before, scratch, &f, n);
    tg_gru_reset_backward(gates, dh, NULL, before, scratch, &f, 1, n);
  }
  /* Differences of the twin are right to 1e-9. */
  const double bound = 48 * TEST_UNIT + 2e-9;
  for (uint32_t j = 0; j < n; j++) CHECK_CLOSE(h[j], right_h[j], 24 * TEST_UNIT);
  for (uint32_t i = 0; i < k.sums * n; i++) CHECK_CLOSE(gates[i], slopes[i], bound);
  for (uint32_t j = 0; j < n && kind != SIMPLE; j++)
    CHECK_CLOSE((kind == LSTM ? dc : dh)[j], slopes[k.sums * n + j], bound);
  test_free_blocks();
}

/* Reset before: what passes through q, by hand. */
static void test_reset_before(tg_cell_functions f, uint32_t n) {
  tg_real *gates = test_filled((size_t)4 * n, 0, 0), *before = test_filled(n, 0, 0), *dh = test_filled(n, 0, 0);
  tg_real *dq = test_filled(n, 0, 0), *scratch = test_reals((size_t)tg_cell_scratch(n), 0);
  double update[MOST], reset[MOST], candidate[MOST], kept[MOST];
  for (uint32_t j = 0; j < n; j++) {
    update[j] = tg_ref_activate(f.gate.kind, gates[j], f.gate.parameters);
    reset[j] = tg_ref_activate(f.gate.kind, gates[n + j], f.gate.parameters);
    candidate[j] = (double)gates[2 * n + j];
    kept[j] = (double)dh[j];
  }
  tg_gru_reset(gates, before, &f, 0, n);
  for (uint32_t j = 0; j < n; j++) {
    CHECK_CLOSE(gates[j], update[j], 8 * TEST_UNIT);
    CHECK_CLOSE(gates[n + j], reset[j], 8 * TEST_UNIT);
    CHECK(gates[2 * n + j] == (tg_real)candidate[j]);
    CHECK_CLOSE(gates[3 * n + j], reset[j] * before[j], 8 * TEST_UNIT);
  }
  tg_real *q = test_reals(n, 0);
  memcpy(q, gates + 3 * n, n * sizeof *q);
  tg_gru_reset_backward(gates, dh, dq, before, scratch, &f, 0, n);
  for (uint32_t j = 0; j < n; j++) {
    double slope = reset[j] * (1 - reset[j]); /* sigmoid */
    CHECK_CLOSE(gates[n + j], (double)dq[j] * before[j] * slope, 16 * TEST_UNIT);
    CHECK_CLOSE(dh[j], kept[j] + (double)dq[j] * reset[j], 16 * TEST_UNIT);
  }
  CHECK(test_same_bits(q, gates + 3 * n, n)); /* the kernel's gradient still reads it */
  test_free_blocks();
}

int main(void) {
  static const uint32_t widths[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 40};
  static const tg_cell_functions functions[] = {
      {{TG_TANH, {0}}, {TG_SIGMOID, {0}}}, {{TG_SOFTSIGN, {0}}, {TG_TANH, {0}}}, {{TG_ELU, {1}}, {TG_SIGMOID, {0}}}};
  for (unsigned w = 0; w < sizeof widths / sizeof *widths; w++) {
    for (unsigned f = 0; f < sizeof functions / sizeof *functions; f++)
      for (int kind = SIMPLE; kind <= GRU; kind++)
        for (int first = 0; first <= 1; first++) test_cell((cell_kind)kind, functions[f], widths[w], first);
    test_reset_before(functions[0], widths[w]);
  }
  return test_report();
}
