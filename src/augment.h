/* Augmentation: what a training batch's pictures, and with mixup its labels, become. See tg_augmentation in tabgrad.h.
 */
#ifndef TG_AUGMENT_H
#define TG_AUGMENT_H

#include "data.h"

enum { TG_MAX_AUGMENTATIONS = 16 };

typedef struct {
  uint32_t n;
  double list[TG_MAX_AUGMENTATIONS][TG_AUGMENT_NUMBERS];
  int mixes;                        /* mixup is in the list */
  uint32_t height, width, channels; /* of what comes out, known when prepared */
  tg_real *scratch;                 /* (threads, height, width, channels) where mixup is, else NULL */
  uint64_t scratch_reals;
} tg_augment;

/* What the numbers drawn depend on beside the sample. */
typedef struct {
  uint64_t seed, epoch;
  uint32_t batch; /* number of the batch in the epoch */
} tg_augment_moment;

/* An augmentation of n rows of numbers; NULL and a status when they are refused. To be freed. */
tg_augment *tg_augment_make(tg_engine *engine, const double *numbers, uint32_t n);
void tg_augment_free(tg_engine *engine, tg_augment *augment);
/* Fits it to a data set's pictures and makes its scratch; called again, only when it needs more. */
tg_status tg_augment_prepare(tg_engine *engine, tg_augment *augment, const tg_dataset *dataset);

/* batch (n, height, width, channels) = the samples order[0…n-1], augmented, and normalised unless `raw`. Which thread
 * does what changes nothing: a sample depends on the moment, its number and, where pictures are mixed, on the batch. */
void tg_augment_gather(tg_pool *pool, tg_real *batch, const tg_augment *augment, const tg_augment_moment *moment,
                       const tg_dataset *dataset, const uint32_t *order, uint32_t n, int raw);

/* Mixes the labels of such a batch. classes (n): the heavier one of the two; values (n, size): both, by their shares.
 * Of class labels values is written, one-hot rows or, where size is 1, the numbers of the classes. */
void tg_augment_labels(int32_t *classes, tg_real *values, const tg_augment *augment, const tg_augment_moment *moment,
                       const tg_dataset *dataset, const uint32_t *order, uint32_t n, uint32_t size);

/* See tg_dataset_preview. */
tg_status tg_augment_preview(tg_engine *engine, const tg_dataset *dataset, double seed, double epoch, double first,
                             double count, const double *numbers, uint32_t n, tg_real *out);

#endif
