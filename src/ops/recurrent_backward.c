/* The way back through the steps, and the gradients of weights, biases and input behind it; see recurrent.c. */
#include <string.h>

#include "../kernels/elementwise.h"
#include "bias_relu.h"
#include "recurrent.h"

/* Rows of a gradient of weights that a tile sums. */
enum { GRADIENT_ROWS = 8 };

static void turn_panel(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  const uint32_t n = j->n, columns = j->gates * n, panels = tg_gemm_panels(n);
  if (panel < panels) {
    tg_gemm_part_pack_transposed(j->turned_first, j->recurrent, columns, j->first * n, n, panel, panel + 1);
    return;
  }
  panel -= panels;
  tg_gemm_part_pack_transposed(j->turned_candidate, j->recurrent + (size_t)j->first * n, columns, n, n, panel,
                               panel + 1);
}

static void turn_kernel_panel(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  tg_gemm_pack_transposed(j->turned_kernel, j->b->w, j->gates * j->n, j->features, panel, panel + 1);
}

/* The gates of a sample's step become the gradients of their sums, once `dh` is complete. GRU with reset before: in two
 * parts, between which dc receives the gradient of q. */
static void backward_gates(const tg_recurrent *j, uint32_t sample, uint32_t s, int part, tg_real *scratch) {
  const size_t n = j->n, t = tg_recurrent_taken(j, s);
  tg_real *gates = tg_slot_row(j, sample, t), *dh = j->dh + sample * n, *dc = j->dc + sample * n;
  const tg_real *before = tg_before_row(j, sample, t);
  if (j->kind == TG_SIMPLE_RNN) {
    tg_simple_cell_backward(gates, dh, &j->f, j->n);
  } else if (j->kind == TG_LSTM) {
    const tg_real *cell_before = s ? tg_cell_row(j, sample, tg_recurrent_taken(j, s - 1)) : NULL;
    tg_lstm_cell_backward(gates, dc, dh, tg_cell_row(j, sample, t), cell_before, scratch, &j->f, j->n);
  } else if (part == 0) {
    tg_gru_output_backward(gates, dh, before, scratch, &j->f, j->n);
  } else {
    tg_gru_reset_backward(gates, dh, dc, before, scratch, &j->f, j->reset_after, j->n);
  }
}

/* to (samples, n) = or += gradients of sums (K) @ transposed weights. */
static void turn_back(const tg_recurrent *j, tg_real *to, size_t sample, size_t step, size_t column,
                      const tg_real *turned, uint32_t K, int add, uint32_t count) {
  tg_recurrent_multiply((tg_gemm_part){.c = to + sample * j->n,
                                       .a = tg_slot_row(j, sample, step) + column,
                                       .b = turned,
                                       .c_step = j->n,
                                       .a_step = tg_slot_step(j),
                                       .K = K,
                                       .N = j->n,
                                       .add = add},
                        count);
}

static void backward_step(const tg_recurrent *j, uint32_t sample, uint32_t count, uint32_t s, tg_real *scratch) {
  const size_t n = j->n, t = tg_recurrent_taken(j, s);
  const int gru = j->kind == TG_GRU;
  for (uint32_t i = sample; i < sample + count; i++) {
    const tg_real *dy =
        j->sequences ? j->b->dy + ((size_t)i * j->steps + tg_recurrent_written(j, s)) * n : j->b->dy + i * n;
    if (j->sequences || s + 1 == j->steps) tg_accumulate(j->dh + i * n, dy, n);
    backward_gates(j, i, s, 0, scratch);
  }
  if (gru) {
    if (!j->reset_after) turn_back(j, j->dc, sample, t, 2 * n, j->turned_candidate, j->n, 0, count);
    for (uint32_t i = sample; i < sample + count; i++) backward_gates(j, i, s, 1, scratch);
  }
  if (s == 0) return; /* nothing is before */
  turn_back(j, j->dh, sample, t, 0, j->turned_first, j->first * j->n, gru, count);
  if (gru && j->reset_after) turn_back(j, j->dh, sample, t, 3 * n, j->turned_candidate, j->n, 1, count);
}

static void backward_block(void *context, uint32_t tile, uint32_t thread) {
  const tg_recurrent *j = context;
  uint32_t count, first = tg_recurrent_block(j, tile, &count);
  const size_t at = (size_t)first * j->n, bytes = (size_t)count * j->n * sizeof(tg_real);
  memset(j->dh + at, 0, bytes);
  memset(j->dc + at, 0, bytes);
  tg_real *scratch = j->scratch + thread * (size_t)tg_cell_scratch(j->n);
  for (uint32_t s = j->steps; s-- > 0;) backward_step(j, first, count, s, scratch);
}

/* Rows of the gradient of a kernel: columns `column`… of it (count) = a (samples and steps, rows)' @ slots from `slot`.
 */
static void kernel_rows(const tg_recurrent *j, tg_real *dw, uint32_t column, const tg_real *a, size_t a_step,
                        uint32_t slot, uint32_t columns, uint32_t first, uint32_t rows) {
  const size_t n = j->n;
  tg_gemm_part_transposed(dw + column * n, j->gates * n, a, a_step, j->slot + slot * n, j->slots * n, j->rows,
                          columns * j->n, first, tg_min(first + GRADIENT_ROWS, rows));
}

static void kernel_gradient_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  kernel_rows(j, j->b->dw, 0, j->b->x[0], j->features, 0, j->gates, tile * GRADIENT_ROWS, j->features);
}

static void recurrent_gradient_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  tg_real *dw = j->b->dw + (j->recurrent - j->b->w);
  const uint32_t row = tile * GRADIENT_ROWS;
  kernel_rows(j, dw, 0, j->before, j->n, 0, j->first, row, j->n);
  if (j->kind != TG_GRU) return;
  if (j->reset_after)
    kernel_rows(j, dw, 2, j->before, j->n, 3, 1, row, j->n);
  else
    kernel_rows(j, dw, 2, j->slot + 3 * (size_t)j->n, (size_t)4 * j->n, 2, 1, row, j->n);
}

static void input_gradient_rows(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  const tg_gemm_part p = {.c = j->b->dx[0],
                          .a = j->slot,
                          .b = j->turned_kernel,
                          .c_step = j->features,
                          .a_step = (size_t)j->slots * j->n,
                          .K = j->gates * j->n,
                          .N = j->features};
  const uint32_t first = tile * TG_RECURRENT_ROWS;
  tg_gemm_part_run(&p, first, tg_min(first + TG_RECURRENT_ROWS, j->rows), 0, tg_gemm_panels(p.N));
}

static void bias_gradient(const tg_run *run, const tg_recurrent *j) {
  const size_t n = j->n, bytes = n * sizeof(tg_real);
  tg_real *db = j->b->dw + (j->bias - j->b->w);
  tg_bias_relu_backward(run->pool, j->sums, j->slot, NULL, j->partial_sums, j->rows, j->slots * j->n, 0);
  memcpy(db, j->sums, j->gates * bytes);
  if (!j->reset_after) return;
  memcpy(db + 3 * n, j->sums, 2 * bytes);
  memcpy(db + 5 * n, j->sums + 3 * n, bytes);
}

void tg_recurrent_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  tg_recurrent j = tg_recurrent_make(run, graph, node, buffers);
  tg_pool_run(run->pool, tg_gemm_panels(j.n) + tg_candidate_panels(&j), turn_panel, &j);
  tg_pool_run(run->pool, tg_ceil_div(j.samples, j.block), backward_block, &j);
  if (buffers->wants_dw) {
    tg_pool_run(run->pool, tg_ceil_div(j.features, GRADIENT_ROWS), kernel_gradient_tile, &j);
    tg_pool_run(run->pool, tg_ceil_div(j.n, GRADIENT_ROWS), recurrent_gradient_tile, &j);
    if (j.bias) bias_gradient(run, &j);
  }
  if (!buffers->dx[0]) return;
  tg_pool_run(run->pool, tg_gemm_panels(j.features), turn_kernel_panel, &j);
  tg_pool_run(run->pool, tg_ceil_div(j.rows, TG_RECURRENT_ROWS), input_gradient_rows, &j);
}
