/* Training, evaluation and prediction: the loops over batches, and their plans. See the exports of the same names in
 * tabgrad.h. */
#ifndef TG_TRAIN_H
#define TG_TRAIN_H

#include "model.h"

/* Samples that a call works on, and how many at a time. */
typedef struct {
  uint32_t first, count, batch;
} tg_sample_range;

/* Checks the model, the data set, as the augmentation (or NULL) leaves it, and the range of a call; `labels`: that the
 * losses can be computed too. */
tg_status tg_check_samples(tg_model *model, const tg_dataset *dataset, const tg_augment *augment, double first,
                           double count, double batch, int labels, tg_sample_range *r);

/* ---- a batch ---- */

tg_run tg_make_run(const tg_model *model, uint32_t samples, int training, int as_inference);
/* Gathers the samples order[0…n-1] into the inputs; augmented where there is a moment, else NULL. */
void tg_load_batch(const tg_model *model, tg_runner *runner, const tg_dataset *dataset, const uint32_t *order,
                   uint32_t n, const tg_augment_moment *moment);
/* Adds losses and accuracies of the batch whose forward pass is done to those measured; when `training` the gradients
 * of the mean losses, times their weights, are written too. `moment` as above: labels are mixed as the pictures are. */
void tg_measure_batch(tg_model *model, tg_runner *runner, const tg_dataset *dataset, const uint32_t *order,
                      uint32_t rows, int training, const tg_augment_moment *moment);

/* What tg_model_inspect is asked. */
typedef struct {
  int32_t source;
  const tg_real *seed;
  const int32_t *nodes;
  uint32_t n_nodes, flags;
  tg_real *out;
} tg_inspection;
tg_status tg_inspect(tg_model *model, const tg_dataset *dataset, double first, double count, const tg_inspection *what);

/* ---- calls ---- */

/* Checks the call and makes the inference plan fit. */
tg_status tg_inference_begin(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                             int labels, tg_sample_range *r);
/* Gathers batch number `number` of the range; nodes can then run on it. */
tg_run tg_inference_load(tg_model *model, const tg_dataset *dataset, tg_sample_range r, uint32_t number);

tg_status tg_check_data(tg_model *model, const tg_dataset *dataset, double first, double count);
tg_status tg_epoch_begin(tg_model *model, tg_dataset *dataset, double first, double count, double batch, double epoch,
                         int shuffle);
tg_status tg_epoch_steps(tg_model *model, double first_step, double steps, double *out);
tg_status tg_evaluate_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                            double *out);
tg_status tg_predict_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                           tg_real *out);
tg_status tg_calibrate_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                             double percentile, double *out);
int32_t tg_describe_plan(tg_model *model, double batch, int training, double *out, uint32_t room);

#endif
