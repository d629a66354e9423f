/* Losses and accuracy of a batch. */
#ifndef TG_LOSS_H
#define TG_LOSS_H

#include <stdint.h>

#include "data.h"
#include "graph.h"
#include "kernels/losses.h"

enum { TG_MAX_LOSS_OPTIONS = 3 };

typedef struct tg_loss_kind tg_loss_kind;

typedef struct {
  const tg_loss_kind *kind;
  int from_logits;
  int weighted_accuracy;
  double weight;    /* of this loss among those of a model */
  double smoothing; /* of the labels, 0 to 1 */
  double options[TG_MAX_LOSS_OPTIONS];
  uint32_t node;            /* whose value it reads: the output, or the input of a final softmax or sigmoid */
  const tg_op *absorbed;    /* that softmax or sigmoid, or NULL */
  uint32_t places, classes; /* a sample's output: (places, classes), classes the last dimension */
} tg_loss_plan;

/*
 * Decides what the loss of node `output` reads, with the options named (joined by commas; every loss knows fromLogits,
 * weightedAccuracy and lossWeight). may_absorb: it may read the input of a final softmax or sigmoid instead of that.
 * TG_E_CONFIG, TG_E_HYPERPARAM, TG_E_SHAPE.
 */
tg_status tg_loss_make(tg_loss_plan *loss, const tg_graph *graph, uint32_t output, int may_absorb, tg_loss number,
                       const char *names, const double *values, uint32_t n);
/* 1 when a label between two others means what lies between them; hinge losses know sides only. */
int tg_loss_mixes(const tg_loss_plan *loss);
/* Checks that the data set's labels are what the loss compares the output with. TG_E_SHAPE, TG_E_LABEL_RANGE. */
tg_status tg_loss_check_labels(tg_engine *engine, const tg_loss_plan *loss, const tg_dataset *dataset);

/* Classes that labels can name: the last dimension's, or two for a single output. */
uint32_t tg_loss_classes(const tg_loss_plan *loss);

/* One batch to measure. */
typedef struct {
  const tg_real *y;       /* (rows, places, classes) */
  tg_labels labels;       /* a class or (places, classes) values a sample */
  const tg_real *weights; /* (rows) or NULL: all 1 */
  tg_real *values;        /* (rows, places, classes) to write labels to; may be those of `labels` */
  tg_real *losses;        /* (rows, places) receives the samples' weighted losses in its first `rows` */
  tg_real *dy;            /* (rows, places, classes) receives the gradient of their mean, or NULL */
  uint32_t rows;
} tg_loss_batch;

/*
 * Measures a batch; labels may be changed. Returns the sum of the samples' accuracies, weighted when the plan says so.
 * The accuracy of a sample is 1 where the largest value is at the label; for binary losses and a single output the
 * share of outputs on the label's side of the edge: one half, or 0 for logits and hinge losses.
 */
double tg_loss_run(tg_pool *pool, const tg_loss_plan *loss, const tg_loss_batch *batch);
/* The model's outputs (rows, places, classes), where the loss reads y. */
void tg_loss_outputs(const tg_loss_plan *loss, tg_real *outputs, const tg_real *y, uint32_t rows);

#endif
