/* Training, evaluation and prediction: the loops over batches. See the exports of the same names in tabgrad.h. */
#ifndef TG_TRAIN_H
#define TG_TRAIN_H

#include "model.h"

tg_status tg_check_data(tg_model *model, const tg_dataset *dataset, double first, double count);
tg_status tg_epoch_begin(tg_model *model, tg_dataset *dataset, double first, double count, double batch, double epoch,
                         int shuffle);
tg_status tg_epoch_steps(tg_model *model, double first_step, double steps, double *out);
tg_status tg_evaluate_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                            double *out);
tg_status tg_predict_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                           tg_real *out);

#endif
