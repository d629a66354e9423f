#include "resize.h"

#include <math.h>

#include "kernels/resample.h"
#include "size.h"

/* The cells that cell i of an axis is made of: a tent of half width `reach` around its centre, cut at the edges. */
typedef struct {
  double centre, reach;
  uint32_t first, end;
} tent;

static tent find_tent(uint32_t i, uint32_t in, uint32_t out, int antialias) {
  const double scale = (double)in / out;
  tent t = {.centre = (i + 0.5) * scale, .reach = antialias && scale > 1 ? scale : 1};
  const double low = t.centre - t.reach + 0.5, high = t.centre + t.reach + 0.5;
  t.first = low > 0 ? (uint32_t)low : 0;
  t.end = high < in ? (uint32_t)high : in;
  return t;
}

static void find_weights(tg_resample_axis *axis, uint32_t i, int antialias) {
  const tent t = find_tent(i, axis->in, axis->out, antialias);
  /* All cells have as many taps: where fewer are needed the others weigh nothing. */
  const uint32_t first = tg_min(t.first, axis->in - axis->taps);
  tg_real *weights = axis->weights + (size_t)i * axis->taps;
  double sum = 0;
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t tap = 0; tap < axis->taps; tap++) {
      const double weight = 1 - fabs(first + tap + 0.5 - t.centre) / t.reach;
      if (pass)
        weights[tap] = (tg_real)(weight > 0 ? weight / sum : 0);
      else
        sum += weight > 0 ? weight : 0;
    }
  axis->first[i] = first;
}

static void free_axis(tg_engine *engine, tg_resample_axis *axis) {
  tg_release(engine, axis->first);
  tg_release(engine, axis->weights);
}

static tg_status make_axis(tg_engine *engine, tg_resample_axis *axis, uint32_t in, uint32_t out, tg_resize method) {
  const int antialias = method == TG_RESIZE_ANTIALIAS;
  *axis = (tg_resample_axis){.in = in, .out = out, .taps = 1};
  for (uint32_t i = 0; method != TG_RESIZE_NEAREST && i < out; i++) {
    const tent t = find_tent(i, in, out, antialias);
    axis->taps = tg_max(axis->taps, t.end - t.first);
  }
  axis->first = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(out, sizeof(uint32_t)), 0, "resizing");
  if (axis->first)
    axis->weights =
        tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(tg_mul(out, axis->taps), sizeof(tg_real)), 0, "resizing");
  if (!axis->weights) return engine->status;
  for (uint32_t i = 0; i < out; i++) {
    if (method != TG_RESIZE_NEAREST) {
      find_weights(axis, i, antialias);
      continue;
    }
    axis->first[i] = (uint32_t)((2 * (uint64_t)i + 1) * in / (2 * (uint64_t)out));
    axis->weights[i] = 1;
  }
  return TG_OK;
}

typedef struct {
  const tg_dataset *to, *from;
  tg_resample_axis rows, columns;
  uint64_t to_first, from_first, row_size;
  tg_real *scratch; /* (threads, row_size) */
} job;

/* A tile is a picture. */
static void resize_picture(void *context, uint32_t i, uint32_t thread) {
  const job *j = context;
  const uint64_t to = (j->to_first + i) * j->to->sample_elements;
  const uint64_t from = tg_data_row(j->from, (uint32_t)j->from_first + i) * j->from->sample_elements;
  tg_real *row = j->scratch + thread * j->row_size;
  if (j->to->sample_type == TG_SAMPLES_U8)
    tg_resample_u8((uint8_t *)j->to->samples + to, (const uint8_t *)j->from->samples + from, &j->rows, &j->columns,
                   j->to->channels, row);
  else
    tg_resample_f32((float *)j->to->samples + to, (const float *)j->from->samples + from, &j->rows, &j->columns,
                    j->to->channels, row);
}

static tg_status check_range(tg_engine *engine, const tg_dataset *dataset, double first, double count) {
  if (first >= 0 && first == floor(first) && count >= 1 && count == floor(count) && first + count <= dataset->count)
    return TG_OK;
  return tg_fail(engine, TG_E_CONFIG, "data set: samples %g to %g of %u", first, first + count - 1, dataset->count);
}

tg_status tg_data_resize(tg_engine *engine, tg_dataset *to, double to_first, const tg_dataset *from, double from_first,
                         double count, tg_resize method) {
  if (method < TG_RESIZE_NEAREST || method > TG_RESIZE_ANTIALIAS)
    return tg_fail(engine, TG_E_CONFIG, "resize: method %g is unknown", (double)method);
  tg_status status = check_range(engine, to, to_first, count);
  if (!status) status = check_range(engine, from, from_first, count);
  if (!status && (to == from || to->base || to->sample_type == TG_SAMPLES_NONE || to->sample_type != from->sample_type))
    status = tg_fail(engine, TG_E_STATE, "resize: from pictures of a data set to another's of the same type");
  if (!status && to->channels != from->channels)
    status =
        tg_fail(engine, TG_E_SHAPE, "resize: pictures of %u channels become ones of %u", from->channels, to->channels);
  if (status) return status;
  job j = {.to = to, .from = from, .to_first = (uint64_t)to_first, .from_first = (uint64_t)from_first};
  j.row_size = (uint64_t)from->width * from->channels + 4;
  status = make_axis(engine, &j.rows, from->height, to->height, method);
  if (!status) status = make_axis(engine, &j.columns, from->width, to->width, method);
  if (!status) {
    const uint64_t bytes = tg_mul(tg_pool_threads(engine->pool), j.row_size * sizeof(tg_real));
    j.scratch = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "resizing");
    if (!j.scratch) status = engine->status;
  }
  if (!status) {
    to->sealed = 0;
    tg_pool_run(engine->pool, (uint32_t)count, resize_picture, &j);
  }
  tg_release(engine, j.scratch);
  free_axis(engine, &j.rows);
  free_axis(engine, &j.columns);
  return status;
}
