#include "data.h"

#include <math.h>
#include <string.h>

#include "kernels/conv2d.h"
#include "kernels/gather.h"
#include "size.h"

/* A person's size: a whole number from 1 to 2^32-1. */
static tg_status read_size(tg_engine *engine, const char *field, double value, uint32_t *size) {
  if (value >= 1 && value <= UINT32_MAX && value == floor(value)) {
    *size = (uint32_t)value;
    return TG_OK;
  }
  return tg_fail(engine, TG_E_CONFIG, "data set: %s is %g, it must be a whole number from 1 to %g", field, value,
                 (double)UINT32_MAX);
}

static tg_status read_sizes(tg_engine *engine, tg_dataset *dataset, double count, double height, double width,
                            double channels, double label_size) {
  if (count == 0) return tg_fail(engine, TG_E_EMPTY, "data set: it has 0 samples");
  if (dataset->sample_type == TG_SAMPLES_NONE) height = width = channels = 1;
  tg_status status = read_size(engine, "count", count, &dataset->count);
  if (!status) status = read_size(engine, "height", height, &dataset->height);
  if (!status) status = read_size(engine, "width", width, &dataset->width);
  if (!status) status = read_size(engine, "channels", channels, &dataset->channels);
  if (!status && dataset->label_type == TG_LABELS_VALUES)
    status = read_size(engine, "label size", label_size, &dataset->label_size);
  if (status) return status;
  dataset->sample_elements = tg_mul(tg_mul(dataset->height, dataset->width), dataset->channels);
  if (dataset->sample_type == TG_SAMPLES_NONE) dataset->sample_elements = 0;
  if (dataset->sample_elements > TG_MAX_ELEMENTS)
    return tg_fail(engine, TG_E_LIMIT, "data set: a sample of %g numbers, the limit is %g",
                   (double)dataset->sample_elements, (double)TG_MAX_ELEMENTS);
  return TG_OK;
}

tg_dataset *tg_data_create(tg_engine *engine, tg_sample_type samples, double count, double height, double width,
                           double channels, tg_label_type labels, double label_size) {
  if (samples < TG_SAMPLES_U8 || samples > TG_SAMPLES_NONE || labels < TG_LABELS_NONE || labels > TG_LABELS_VALUES) {
    tg_fail(engine, TG_E_CONFIG, "data set: sample type %g or label type %g is unknown", (double)samples,
            (double)labels);
    return NULL;
  }
  tg_dataset wanted = {.sample_type = samples, .label_type = labels, .highest_label = -1};
  if (read_sizes(engine, &wanted, count, height, width, channels, label_size)) return NULL;
  tg_dataset *dataset = tg_allocate(engine, TG_BLOCK_DATASET, sizeof *dataset, 1, "data set");
  if (!dataset) return NULL;
  *dataset = wanted;
  uint64_t sample_bytes = tg_mul(wanted.sample_elements, samples == TG_SAMPLES_U8 ? 1 : sizeof(float));
  uint64_t label_bytes = labels == TG_LABELS_CLASS ? sizeof(int32_t) : tg_mul(wanted.label_size, sizeof(float));
  int complete = samples == TG_SAMPLES_NONE;
  if (!complete) {
    dataset->samples =
        tg_allocate(engine, TG_BLOCK_SAMPLES, tg_add(tg_mul(wanted.count, sample_bytes), TG_SAMPLES_OVERREAD), 0,
                    "samples of a data set");
    complete = dataset->samples != NULL;
  }
  if (complete && labels != TG_LABELS_NONE) {
    dataset->labels =
        tg_allocate(engine, TG_BLOCK_SAMPLES, tg_mul(wanted.count, label_bytes), 0, "labels of a data set");
    complete = dataset->labels != NULL;
  }
  if (complete && samples == TG_SAMPLES_U8) {
    uint64_t bytes = (wanted.channels + (uint64_t)TG_OVERREAD_REALS) * sizeof(tg_real);
    dataset->scale = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "normalisation");
    if (dataset->scale) dataset->offset = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "normalisation");
    complete = dataset->offset != NULL;
  }
  if (!complete) {
    tg_data_free(engine, dataset);
    return NULL;
  }
  for (uint32_t c = 0; dataset->scale && c < wanted.channels; c++) dataset->scale[c] = (tg_real)(1.0 / 255);
  return dataset;
}

void tg_data_free(tg_engine *engine, tg_dataset *dataset) {
  if (dataset->next) tg_data_free(engine, dataset->next);
  if (dataset->base) {
    dataset->base->views--;
    tg_release(engine, dataset->rows);
    tg_release(engine, dataset);
    return;
  }
  tg_release(engine, dataset->samples);
  tg_release(engine, dataset->labels);
  tg_release(engine, dataset->weights);
  tg_release(engine, dataset->scale);
  tg_release(engine, dataset->offset);
  tg_release(engine, dataset);
}

tg_status tg_data_normalize(tg_engine *engine, tg_dataset *dataset, const tg_real *scale, const tg_real *offset,
                            double channels) {
  if (channels != dataset->channels)
    return tg_fail(engine, TG_E_SHAPE, "data set: a normalisation of %g channels for samples of %u", channels,
                   dataset->channels);
  if (dataset->base) return tg_fail(engine, TG_E_STATE, "data set: a view has the normalisation of its data set");
  for (uint32_t c = 0; c < dataset->channels; c++)
    if (!isfinite(scale[c]) || !isfinite(offset[c]))
      return tg_fail(engine, TG_E_NON_FINITE, "data set: normalisation of channel %u is x * %g + %g", c,
                     (double)scale[c], (double)offset[c]);
  uint64_t bytes = (dataset->channels + (uint64_t)TG_OVERREAD_REALS) * sizeof(tg_real);
  if (!dataset->scale) {
    tg_real *new_scale = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "normalisation");
    tg_real *new_offset = new_scale ? tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "normalisation") : NULL;
    if (!new_offset) {
      tg_release(engine, new_scale);
      return engine->status;
    }
    dataset->scale = new_scale;
    dataset->offset = new_offset;
  }
  memcpy(dataset->scale, scale, dataset->channels * sizeof *scale);
  memcpy(dataset->offset, offset, dataset->channels * sizeof *offset);
  return TG_OK;
}

float *tg_data_weigh(tg_engine *engine, tg_dataset *dataset) {
  if (!dataset->weights && dataset->base) {
    tg_fail(engine, TG_E_STATE, "data set: a view has the weights of its data set");
  } else if (!dataset->weights) {
    dataset->weights =
        tg_allocate(engine, TG_BLOCK_SAMPLES, tg_mul(dataset->count, sizeof(float)), 1, "weights of a data set");
    dataset->sealed = 0;
  }
  return dataset->weights;
}

/* Samples of the first value that is not finite, or `count`. */
static uint64_t first_bad_sample(const float *values, uint64_t count, uint64_t size) {
  for (uint64_t i = 0; i < count * size; i++)
    if (!isfinite(values[i])) return i / size;
  return count;
}

tg_status tg_data_seal(tg_engine *engine, tg_dataset *dataset) {
  uint64_t bad = dataset->count;
  if (dataset->sample_type == TG_SAMPLES_F32)
    bad = first_bad_sample(dataset->samples, dataset->count, dataset->sample_elements);
  if (bad < dataset->count)
    return tg_fail(engine, TG_E_NON_FINITE, "data set: sample %g of %u has a value that is NaN or infinite",
                   (double)bad, dataset->count);
  if (dataset->label_type == TG_LABELS_VALUES)
    bad = first_bad_sample(dataset->labels, dataset->count, dataset->label_size);
  if (bad < dataset->count)
    return tg_fail(engine, TG_E_NON_FINITE, "data set: the label of sample %g of %u is NaN or infinite", (double)bad,
                   dataset->count);
  if (dataset->weights) bad = first_bad_sample(dataset->weights, dataset->count, 1);
  if (bad < dataset->count)
    return tg_fail(engine, TG_E_NON_FINITE, "data set: sampleWeight of sample %g of %u is %g", (double)bad,
                   dataset->count, (double)dataset->weights[bad]);
  int32_t highest = -1;
  if (dataset->label_type == TG_LABELS_CLASS) {
    const int32_t *labels = dataset->labels;
    for (uint32_t i = 0; i < dataset->count; i++) {
      if (labels[i] < 0)
        return tg_fail(engine, TG_E_LABEL_RANGE, "data set: the label of sample %u is %g, classes start at 0", i,
                       (double)labels[i]);
      if (labels[i] > highest) highest = labels[i];
    }
  }
  dataset->highest_label = highest;
  dataset->sealed = 1;
  return TG_OK;
}

tg_status tg_data_truncate(tg_engine *engine, tg_dataset *dataset, double count) {
  if (dataset->sealed || dataset->base) return tg_fail(engine, TG_E_STATE, "data set: it is sealed");
  if (count == 0) return tg_fail(engine, TG_E_EMPTY, "data set: it has 0 samples");
  uint32_t size = 0;
  tg_status status = read_size(engine, "count", count, &size);
  if (status) return status;
  if (size > dataset->count)
    return tg_fail(engine, TG_E_CONFIG, "data set: count is %u, there are %u samples", size, dataset->count);
  dataset->count = size;
  return TG_OK;
}

/* Of one part. */
static tg_dataset *view_part(tg_engine *engine, tg_dataset *part, const uint32_t *rows, uint32_t n) {
  tg_dataset *view = tg_allocate(engine, TG_BLOCK_DATASET, sizeof *view, 1, "view of a data set");
  if (!view) return NULL;
  uint32_t *own = tg_allocate(engine, TG_BLOCK_SAMPLES, tg_mul(n, sizeof *own), 1, "rows of a view");
  if (!own) {
    tg_release(engine, view);
    return NULL;
  }
  *view = *part;
  view->next = NULL;
  view->base = part->base ? part->base : part;
  view->base->views++;
  view->rows = own;
  view->views = 0;
  view->count = n;
  view->highest_label = -1;
  for (uint32_t i = 0; i < n; i++) {
    own[i] = tg_data_row(part, rows[i]);
    if (part->label_type != TG_LABELS_CLASS) continue;
    int32_t label = ((const int32_t *)part->labels)[own[i]];
    if (label > view->highest_label) view->highest_label = label;
  }
  return view;
}

tg_dataset *tg_data_view(tg_engine *engine, tg_dataset *dataset, const uint32_t *rows, double n) {
  uint32_t size = 0;
  if (n == 0) {
    tg_fail(engine, TG_E_EMPTY, "data set: it has 0 samples");
    return NULL;
  }
  if (read_size(engine, "count", n, &size)) return NULL;
  if (!dataset->sealed) {
    tg_fail(engine, TG_E_STATE, "data set: it is not sealed");
    return NULL;
  }
  for (uint32_t i = 0; i < size; i++)
    if (rows[i] >= dataset->count) {
      tg_fail(engine, TG_E_INDEX_RANGE, "data set: sample %u of a view is %u, there are %u", i, rows[i],
              dataset->count);
      return NULL;
    }
  tg_dataset *view = NULL;
  tg_dataset **end = &view;
  for (tg_dataset *part = dataset; part; part = part->next) {
    *end = view_part(engine, part, rows, size);
    if (!*end) {
      if (view) tg_data_free(engine, view);
      return NULL;
    }
    (*end)->attached = part != dataset;
    end = &(*end)->next;
  }
  return view;
}

tg_status tg_data_attach(tg_engine *engine, tg_dataset *dataset, tg_dataset *part) {
  tg_dataset *last = dataset;
  while (last->next && last != part) last = last->next;
  if (last == part || part->next || part->attached)
    return tg_fail(engine, TG_E_STATE, "data set: a part belongs to one data set only");
  if (part->count != dataset->count)
    return tg_fail(engine, TG_E_SHAPE, "data set: a part of %u samples joins one of %u", part->count, dataset->count);
  if (!dataset->sealed || !part->sealed) return tg_fail(engine, TG_E_STATE, "data set: it is not sealed");
  last->next = part;
  part->attached = 1;
  return TG_OK;
}

const tg_dataset *tg_data_part(const tg_dataset *dataset, uint32_t number) {
  while (dataset && number-- > 0) dataset = dataset->next;
  return dataset;
}

typedef struct {
  tg_real *batch;
  const tg_dataset *dataset;
  const uint32_t *order;
} job;

/* A tile is one sample. */
static void gather_sample(void *context, uint32_t i, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const tg_dataset *d = j->dataset;
  tg_real *sample = j->batch + i * d->sample_elements;
  const uint32_t row = tg_data_row(d, j->order[i]);
  if (d->sample_type == TG_SAMPLES_U8)
    tg_gather_u8(sample, d->samples, &row, 1, (size_t)d->sample_elements, d->channels, d->scale, d->offset);
  else
    tg_gather_f32(sample, d->samples, &row, 1, (size_t)d->sample_elements, d->channels, d->scale, d->offset);
}

void tg_data_gather(tg_pool *pool, tg_real *batch, const tg_dataset *dataset, const uint32_t *order, uint32_t n) {
  job j = {batch, dataset, order};
  tg_pool_run(pool, n, gather_sample, &j);
}

void tg_data_gather_labels(int32_t *classes, tg_real *values, const tg_dataset *dataset, const uint32_t *order,
                           uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t row = tg_data_row(dataset, order[i]);
    if (dataset->label_type == TG_LABELS_CLASS) {
      classes[i] = ((const int32_t *)dataset->labels)[row];
    } else {
      const float *label = (const float *)dataset->labels + (uint64_t)row * dataset->label_size;
      for (uint32_t k = 0; k < dataset->label_size; k++) values[(uint64_t)i * dataset->label_size + k] = label[k];
    }
  }
}

uint32_t tg_data_class_of(const tg_dataset *dataset, uint32_t sample) {
  const uint32_t at = tg_data_row(dataset, sample);
  if (dataset->label_type == TG_LABELS_CLASS) return (uint32_t)((const int32_t *)dataset->labels)[at];
  const float *row = (const float *)dataset->labels + (uint64_t)at * dataset->label_size;
  if (dataset->label_size == 1) return row[0] > 0 && row[0] < 4e9f ? (uint32_t)(row[0] + 0.5f) : 0;
  uint32_t best = 0;
  for (uint32_t i = 1; i < dataset->label_size; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

int tg_data_find_bad_index(const tg_dataset *dataset, uint32_t first, uint32_t count, uint32_t end, uint32_t *sample,
                           double *value) {
  const uint8_t *bytes = dataset->samples;
  const float *floats = dataset->samples;
  uint64_t size = dataset->sample_elements;
  for (uint32_t s = first; s < first + count; s++) {
    const uint64_t row = tg_data_row(dataset, s) * size;
    for (uint64_t i = 0; i < size; i++) {
      tg_real x = dataset->sample_type == TG_SAMPLES_U8 ? (tg_real)bytes[row + i] : (tg_real)floats[row + i];
      uint32_t channel = (uint32_t)(i % dataset->channels);
      if (dataset->scale) x = x * dataset->scale[channel] + dataset->offset[channel];
      if (x >= 0 && x < (tg_real)end && x == (tg_real)(uint32_t)x) continue;
      *sample = s;
      *value = (double)x;
      return 1;
    }
  }
  return 0;
}
