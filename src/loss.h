/* Losses and accuracy of a batch. */
#ifndef TG_LOSS_H
#define TG_LOSS_H

#include <stdint.h>

#include "data.h"
#include "graph.h"

typedef struct {
  tg_loss kind;
  int from_logits;
  uint32_t node; /* whose value it reads: the output, or the input of a final softmax or sigmoid */
} tg_loss_plan;

/* The labels of one batch: classes or values (rows, n). */
typedef struct {
  const int32_t *classes;
  const tg_real *values;
} tg_labels;

/* Decides what the loss reads. TG_E_CONFIG, TG_E_SHAPE. */
tg_status tg_loss_make(tg_loss_plan *loss, const tg_graph *graph, tg_loss kind, int from_logits);
/* Checks that the data set's labels are what the loss compares an output of n numbers with. TG_E_SHAPE,
 * TG_E_LABEL_RANGE. */
tg_status tg_loss_check_labels(tg_engine *engine, const tg_loss_plan *loss, const tg_dataset *dataset, uint64_t n);

/* losses (rows) of the values y (rows, n), and their gradient times `scale` to dy unless NULL. */
void tg_loss_run(const tg_loss_plan *loss, tg_real *losses, tg_real *dy, const tg_real *y, tg_labels labels,
                 tg_real scale, uint32_t rows, uint32_t n);
/*
 * Sum of the accuracies of `rows` samples. Cross-entropy over classes, and squared error with several outputs: 1 where
 * the largest value is at the label. Binary: the share of outputs on the label's side of one half (of 0 for logits).
 */
double tg_loss_accuracy(const tg_loss_plan *loss, const tg_real *y, tg_labels labels, uint32_t rows, uint32_t n);

#endif
