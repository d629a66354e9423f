/* A model: graph, flat vectors, compiled loss and optimizer, and the plans made for it. */
#ifndef TG_MODEL_H
#define TG_MODEL_H

#include "data.h"
#include "graph.h"
#include "loss.h"
#include "optim/optim.h"
#include "runner.h"

struct tg_model {
  tg_graph graph;
  uint64_t seed, step;
  uint64_t weights_version; /* goes up whenever the weights may have changed */
  int built, compiled;
  tg_vectors vectors;
  double *penalties; /* room for the sums of tg_penalize; NULL: no weight is trained */
  tg_loss_plan loss;
  tg_optim optim;
  tg_runner training, inference;

  /* The epoch begun: samples in their order, in batches. */
  tg_dataset *dataset;
  uint32_t *order;
  uint32_t order_capacity, order_count, batch;

  tg_real *class_weights; /* of the labels in training; those from n on weigh 1 */
  uint32_t n_class_weights;
  double accuracy_weight; /* see TG_MODEL_ACCURACY_WEIGHT */

  /* Order of an evaluation or prediction: one batch at a time. */
  uint32_t *eval_order;
  uint32_t eval_capacity;

  /* Where batches leave outputs and labels, or NULL. */
  tg_real *watched_outputs, *watched_labels;
};

tg_model *tg_model_new(tg_engine *engine, double seed);
void tg_model_free(tg_model *model);
tg_status tg_model_finish(tg_model *model);
/* Compiles the model, which is built, with a loss made for its graph. */
tg_status tg_model_choose(tg_model *model, const tg_loss_plan *loss, tg_optimizer optimizer, const char *names,
                          const double *values, uint32_t n);
/* See tg_train_class_weights. */
tg_status tg_model_weigh_classes(tg_model *model, const tg_real *weights, double n);
uint64_t tg_model_output_size(const tg_model *model);
/* 1 when the data set's samples have the shape the model's input wants; else TG_E_SHAPE is set. */
int tg_model_fits(const tg_model *model, const tg_dataset *dataset);

#endif
