/*
 * A recurrent layer at work: what its forward and its backward pass share. Arrays named `slot`, `before` and `cell`
 * hold a row for each sample and step of the input, also where steps are taken backwards, so that the products over all
 * steps need no other order.
 */
#ifndef TG_OPS_RECURRENT_H
#define TG_OPS_RECURRENT_H

#include "../kernels/gemm.h"
#include "../kernels/recurrent.h"
#include "../op.h"
#include "../size.h"

enum { TG_SIMPLE_RNN, TG_LSTM, TG_GRU };

/* Rows that a tile of a product over all samples and steps computes. */
enum { TG_RECURRENT_ROWS = 32 };

typedef struct {
  const tg_buffers *b;
  uint32_t kind, samples, steps, features, n;
  uint32_t gates, slots, first; /* of the kind, in units */
  int sequences, backwards, reset_after;
  tg_cell_functions f;
  uint32_t rows, block;            /* samples times steps; samples a tile takes */
  const tg_real *recurrent, *bias; /* weights behind the kernel; bias NULL: none */
  /* The weights in panels, the recurrent kernel's first gates and its candidate (GRU) apart. */
  tg_real *packed_bias, *packed_kernel, *packed_first, *packed_candidate;
  /* Saved, a row for each sample and step: gates, the state before the step, LSTM's c. */
  tg_real *slot, *before, *cell;
  /* Backward: gradients that one step hands to the one before it; the transposed weights in panels. */
  tg_real *dh, *dc, *scratch, *sums, *partial_sums, *turned_kernel, *turned_first, *turned_candidate;
} tg_recurrent;

tg_recurrent tg_recurrent_make(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b);
/* tg_op.backward */
void tg_recurrent_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers);

/* The step of the input that is taken as the s-th, and where its output stands. */
static inline size_t tg_recurrent_taken(const tg_recurrent *j, size_t s) { return j->backwards ? j->steps - 1 - s : s; }
static inline size_t tg_recurrent_written(const tg_recurrent *j, size_t s) {
  return j->backwards == 2 ? tg_recurrent_taken(j, s) : s;
}

/* Rows of a sample at a step. */
static inline tg_real *tg_slot_row(const tg_recurrent *j, size_t sample, size_t step) {
  return j->slot + (sample * j->steps + step) * j->slots * j->n;
}
static inline tg_real *tg_before_row(const tg_recurrent *j, size_t sample, size_t step) {
  return j->before + (sample * j->steps + step) * j->n;
}
static inline tg_real *tg_cell_row(const tg_recurrent *j, size_t sample, size_t step) {
  return j->cell + (sample * j->steps + step) * j->n;
}

/* From a row to that of the next sample. */
static inline size_t tg_slot_step(const tg_recurrent *j) { return (size_t)j->steps * j->slots * j->n; }
static inline size_t tg_before_step(const tg_recurrent *j) { return (size_t)j->steps * j->n; }

static inline void tg_recurrent_multiply(tg_gemm_part p, uint32_t rows) {
  tg_gemm_part_run(&p, 0, rows, 0, tg_gemm_panels(p.N));
}

/* Panels of the packed matrices, counted through. */
static inline uint32_t tg_kernel_panels(const tg_recurrent *j) { return tg_gemm_panels(j->gates * j->n); }
static inline uint32_t tg_first_panels(const tg_recurrent *j) { return tg_gemm_panels(j->first * j->n); }
static inline uint32_t tg_candidate_panels(const tg_recurrent *j) {
  return j->gates > j->first ? tg_gemm_panels(j->n) : 0;
}

/* First sample of a tile; its samples. */
static inline uint32_t tg_recurrent_block(const tg_recurrent *j, uint32_t tile, uint32_t *count) {
  uint32_t first = tile * j->block;
  *count = tg_min(j->block, j->samples - first);
  return first;
}

#endif
