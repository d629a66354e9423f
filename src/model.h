/* A model: graph, flat vectors, compiled loss and optimizer, and the plans made for it. */
#ifndef TG_MODEL_H
#define TG_MODEL_H

#include "augment.h"
#include "data.h"
#include "graph.h"
#include "loss.h"
#include "optim/optim.h"
#include "runner.h"

/* What one output is compiled with, and what was measured of it. */
typedef struct {
  int used; /* else nothing is wanted of the output in training */
  tg_loss_plan loss;
  double measured[3]; /* sums over samples: losses, accuracies, what the second are divided by */
  /* Where batches leave the output and its labels, or NULL. */
  tg_real *watched_outputs, *watched_labels;
  uint32_t watched_rows; /* that are there since the measures began */
} tg_target;

struct tg_model {
  tg_graph graph;
  uint32_t n_outputs;
  uint32_t *outputs; /* nodes, in the order of predictions */
  uint8_t *roles;    /* of every node in training, then in inference (plan.h), then whether it is trained */
  uint64_t seed, step;
  uint64_t weights_version; /* goes up whenever the weights may have changed */
  int built, compiled;
  tg_vectors vectors;
  uint64_t seen_version; /* weights_version + 1 that vectors.seen was made from */
  uint8_t *mask;         /* a bit a trainable weight: 0 where it is pruned; NULL: none is */
  int rounds_stored;     /* training keeps values for the backward pass in 16 bits */
  double *penalties;     /* room for the sums of tg_penalize; NULL: no weight is trained */
  tg_target *targets;    /* one an output; NULL before tg_model_compile */
  tg_target *staged;     /* those of the next one */
  tg_optim optim;
  tg_runner training, inference;

  /* The epoch begun: samples in their order, in batches. */
  tg_dataset *dataset;
  uint32_t *order;
  uint32_t order_capacity, order_count, batch;
  uint64_t epoch;
  tg_augment *augment; /* of training batches; NULL: none */

  tg_real *class_weights; /* of the labels in training; those from n on weigh 1 */
  uint32_t n_class_weights;

  /* Order of an evaluation or prediction: one batch at a time. */
  uint32_t *eval_order;
  uint32_t eval_capacity;
};

tg_model *tg_model_new(tg_engine *engine, double seed);
void tg_model_free(tg_model *model);
tg_status tg_model_finish(tg_model *model, const int32_t *outputs, uint32_t n_outputs);
/* See tg_model_set_loss and tg_model_compile. */
tg_status tg_model_stage_loss(tg_model *model, double output, tg_loss number, const char *names, const double *values,
                              uint32_t n);
tg_status tg_model_choose(tg_model *model, tg_optimizer optimizer, const char *names, const double *values, uint32_t n);
/* Of a compiled model. */
tg_target *tg_model_first_target(const tg_model *model);
/* See tg_train_class_weights. */
tg_status tg_model_weigh_classes(tg_model *model, const tg_real *weights, double n);
/* Zeros, as a vector of the model; to be released. */
tg_real *tg_model_new_vector(const tg_model *model, uint64_t reals, const char *what);
/* Floats a sample of all outputs. */
uint64_t tg_model_output_size(const tg_model *model);
/* See tg_train_augment. */
tg_status tg_model_augment(tg_model *model, const double *list, uint32_t n);
/* 1 when the data set's samples, as the augmentation leaves them (NULL: as they are), have the shapes the model's
 * inputs want; else TG_E_SHAPE is set. */
int tg_model_fits(const tg_model *model, const tg_dataset *dataset, const tg_augment *augment);

#endif
