/* Data sets in engine memory, and the batches gathered from them. */
#ifndef TG_DATA_H
#define TG_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

/* Bytes behind the last sample that vectors may read. */
enum { TG_SAMPLES_OVERREAD = 16 };

/* What one input and one output of a model see; those of the others are behind `next`, in their order. */
struct tg_dataset {
  tg_dataset *next;
  tg_sample_type sample_type;
  tg_label_type label_type;
  uint32_t count, height, width, channels, label_size;
  uint64_t sample_elements;
  void *samples, *labels;
  float *weights;          /* (count) or NULL: every sample weighs 1 */
  tg_real *scale, *offset; /* one a channel; both NULL: samples are used as they are */
  tg_dataset *base;        /* of a view: owns all but `rows`; else NULL */
  uint32_t *rows;          /* of a view: the rows of `base` that are its samples */
  uint32_t views;          /* that share its memory */
  int32_t highest_label;   /* of class labels, known when sealed */
  int sealed;
  int attached; /* it is a part of another, which owns it */
};

/* See the exports of the same names in tabgrad.h. */
tg_dataset *tg_data_create(tg_engine *engine, tg_sample_type samples, double count, double height, double width,
                           double channels, tg_label_type labels, double label_size);
void tg_data_free(tg_engine *engine, tg_dataset *dataset);
tg_status tg_data_normalize(tg_engine *engine, tg_dataset *dataset, const tg_real *scale, const tg_real *offset,
                            double channels);
float *tg_data_weigh(tg_engine *engine, tg_dataset *dataset);
tg_status tg_data_seal(tg_engine *engine, tg_dataset *dataset);
tg_status tg_data_truncate(tg_engine *engine, tg_dataset *dataset, double count);
tg_dataset *tg_data_view(tg_engine *engine, tg_dataset *dataset, const uint32_t *rows, double n);
tg_status tg_data_attach(tg_engine *engine, tg_dataset *dataset, tg_dataset *part);

/* Part `number` of the data set, counted from 0; NULL when it has fewer. */
const tg_dataset *tg_data_part(const tg_dataset *dataset, uint32_t number);

/* Where sample i lies in the memory of samples, labels and weights. */
static inline uint32_t tg_data_row(const tg_dataset *dataset, uint32_t i) {
  return dataset->rows ? dataset->rows[i] : i;
}

/* 1 when a number of samples first … first+count-1, normalised, is not whole or not in 0…end-1: the first such sample
 * and number. */
int tg_data_find_bad_index(const tg_dataset *dataset, uint32_t first, uint32_t count, uint32_t end, uint32_t *sample,
                           double *value);

/* batch (n, sample_elements) = the samples order[0…n-1], normalised; tiles over the pool. */
void tg_data_gather(tg_pool *pool, tg_real *batch, const tg_dataset *dataset, const uint32_t *order, uint32_t n);
/* Labels of the same samples: classes (n), or values (n, label_size); the other pointer is untouched. */
void tg_data_gather_labels(int32_t *classes, tg_real *values, const tg_dataset *dataset, const uint32_t *order,
                           uint32_t n);
/* The class that a sample's label names: itself, the largest of several values, or the one value rounded. */
uint32_t tg_data_class_of(const tg_dataset *dataset, uint32_t sample);

#endif
