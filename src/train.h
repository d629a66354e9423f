/* Training, evaluation and prediction: the loops over batches, and their plans. See the exports of the same names in
 * tabgrad.h. */
#ifndef TG_TRAIN_H
#define TG_TRAIN_H

#include "model.h"

/* Samples that a call works on, and how many at a time. */
typedef struct {
  uint32_t first, count, batch;
} tg_sample_range;

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
