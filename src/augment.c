#include "augment.h"

#include <math.h>
#include <string.h>

#include "kernels/math.h"
#include "kernels/picture.h"
#include "rng.h"
#include "size.h"

/* ---- the list ---- */

/* How a number is read beside its range. */
typedef enum { ANY, WHOLE, UPPER /* not below the number before it */, OPTIONAL /* NaN: left out */ } reading;

typedef struct {
  const char *name;
  double min, max;
  reading as;
} number;

#define RANGE(name, min, max) \
  {name, min, max, ANY}, { name, min, max, UPPER }
#define VALUE_RANGE \
  {"valueRange", -1e30, 1e30, OPTIONAL}, { "valueRange", -1e30, 1e30, OPTIONAL }
#define FILL_VALUE {"fillValue", -1e30, 1e30, OPTIONAL}

/* A row for each tg_augmentation, in its order. */
static const struct {
  const char *name;
  number numbers[TG_AUGMENT_NUMBERS - 1];
} kinds[] = {
    [TG_AUGMENT_FLIP] = {"randomFlip", {{"mode", 0, 1, WHOLE}, {"mode", 0, 1, WHOLE}, {"alternate", 0, 1, WHOLE}}},
    [TG_AUGMENT_CROP] = {"randomCrop",
                         {{"height", 0, UINT32_MAX, WHOLE},
                          {"width", 0, UINT32_MAX, WHOLE},
                          {"padding", 0, 65535, WHOLE},
                          {"padding", 0, 65535, WHOLE}}},
    [TG_AUGMENT_ROTATION] = {"randomRotation", {RANGE("factor", -1, 1)}},
    [TG_AUGMENT_TRANSLATION] = {"randomTranslation", {RANGE("heightFactor", -1, 1), RANGE("widthFactor", -1, 1)}},
    [TG_AUGMENT_SHEAR] = {"randomShear", {RANGE("xFactor", -1, 1), RANGE("yFactor", -1, 1), RANGE("degrees", -89, 89)}},
    [TG_AUGMENT_ZOOM] = {"randomZoom",
                         {RANGE("heightFactor", -1, 1), RANGE("widthFactor", -1, 1), {"widthFactor", 0, 1, WHOLE}}},
    [TG_AUGMENT_BRIGHTNESS] = {"randomBrightness", {RANGE("factor", -1, 1), VALUE_RANGE}},
    [TG_AUGMENT_CONTRAST] = {"randomContrast", {{"factor", 0, 1, ANY}, {"factor", 0, 1, ANY}, VALUE_RANGE}},
    [TG_AUGMENT_CUTOUT] =
        {"cutout", {{"size", 1, 65535, WHOLE}, {"size", 1, 65535, WHOLE}, {"count", 1, 100, WHOLE}, FILL_VALUE}},
    [TG_AUGMENT_MIXUP] = {"mixup", {{"alpha", 1e-3, 1000, ANY}}},
    [TG_AUGMENT_FILL] = {"fill", {{"fillMode", 0, 4, WHOLE}, FILL_VALUE, {"interpolation", 0, 1, WHOLE}}},
};

static tg_status check_entry(tg_engine *engine, const double *entry) {
  const double kind = entry[0];
  if (!(kind >= 0 && kind < sizeof kinds / sizeof *kinds && kind == floor(kind)))
    return tg_fail(engine, TG_E_CONFIG, "augment: kind %g is unknown", kind);
  const char *name = kinds[(int)kind].name;
  for (int i = 0; i < TG_AUGMENT_NUMBERS - 1 && kinds[(int)kind].numbers[i].name; i++) {
    const number *own = &kinds[(int)kind].numbers[i];
    const double value = entry[1 + i];
    if (own->as == OPTIONAL && isnan(value)) continue;
    if (!(value >= own->min && value <= own->max) || (own->as == WHOLE && value != floor(value)))
      return tg_fail(engine, TG_E_CONFIG, "augment: %s: %s is %g, it must be a %snumber from %g to %g", name, own->name,
                     value, own->as == WHOLE ? "whole " : "", own->min, own->max);
    if (own->as == UPPER && value < entry[i])
      return tg_fail(engine, TG_E_CONFIG, "augment: %s: %s runs from %g to %g", name, own->name, entry[i], value);
  }
  if ((kind == TG_AUGMENT_BRIGHTNESS || kind == TG_AUGMENT_CONTRAST) && entry[3] >= entry[4])
    return tg_fail(engine, TG_E_CONFIG, "augment: %s: valueRange runs from %g to %g", name, entry[3], entry[4]);
  return TG_OK;
}

tg_augment *tg_augment_make(tg_engine *engine, const double *numbers, uint32_t n) {
  if (n > TG_MAX_AUGMENTATIONS) {
    tg_fail(engine, TG_E_LIMIT, "augment: a list of %u, the limit is %u", n, TG_MAX_AUGMENTATIONS);
    return NULL;
  }
  for (uint32_t i = 0; i < n; i++)
    if (check_entry(engine, numbers + i * TG_AUGMENT_NUMBERS)) return NULL;
  tg_augment *augment = tg_allocate(engine, TG_BLOCK_PRIVATE, sizeof *augment, 1, "augmentation");
  if (!augment) return NULL;
  augment->n = n;
  memcpy(augment->list, numbers, n * sizeof *augment->list);
  for (uint32_t i = 0; i < n; i++) augment->mixes |= numbers[i * TG_AUGMENT_NUMBERS] == TG_AUGMENT_MIXUP;
  return augment;
}

void tg_augment_free(tg_engine *engine, tg_augment *augment) {
  if (!augment) return;
  tg_release(engine, augment->scratch);
  tg_release(engine, augment);
}

/* What a crop leaves of a side of n pixels. */
static uint32_t cropped(uint32_t n, double wanted) { return wanted == 0 ? n : (uint32_t)wanted; }

static tg_status check_crop(tg_engine *engine, const char *side, double wanted, uint32_t found, double padding) {
  if (wanted <= found + 2 * padding) return TG_OK;
  return tg_fail(engine, TG_E_SHAPE, "augment: randomCrop: %s is %g, the pictures have %g with their padding", side,
                 wanted, found + 2 * padding);
}

tg_status tg_augment_prepare(tg_engine *engine, tg_augment *augment, const tg_dataset *dataset) {
  if (dataset->sample_type == TG_SAMPLES_NONE || (dataset->next && dataset->next->sample_type != TG_SAMPLES_NONE))
    return tg_fail(engine, TG_E_CONFIG, "augment: the data set must have the samples of one input");
  augment->height = dataset->height;
  augment->width = dataset->width;
  augment->channels = dataset->channels;
  for (uint32_t i = 0; i < augment->n; i++) {
    const double *entry = augment->list[i], *own = entry + 1;
    if (entry[0] == TG_AUGMENT_CROP) {
      tg_status status = check_crop(engine, "height", own[0], augment->height, own[2]);
      if (!status) status = check_crop(engine, "width", own[1], augment->width, own[3]);
      if (status) return status;
      augment->height = cropped(augment->height, own[0]);
      augment->width = cropped(augment->width, own[1]);
    }
    if ((entry[0] == TG_AUGMENT_BRIGHTNESS || entry[0] == TG_AUGMENT_CONTRAST) && isnan(own[2]) &&
        dataset->sample_type != TG_SAMPLES_U8)
      return tg_fail(engine, TG_E_CONFIG, "augment: %s: valueRange is missing, which samples of floats need",
                     kinds[(int)entry[0]].name);
  }
  const uint64_t reals = tg_mul(tg_mul(augment->height, augment->width), augment->channels);
  if (reals > TG_MAX_ELEMENTS)
    return tg_fail(engine, TG_E_LIMIT, "augment: pictures of %g numbers, the limit is %g", (double)reals,
                   (double)TG_MAX_ELEMENTS);
  if (!augment->mixes || augment->scratch_reals >= reals) return TG_OK;
  tg_real *scratch = tg_allocate(engine, TG_BLOCK_PRIVATE,
                                 tg_mul(tg_mul(reals, tg_pool_threads(engine->pool)), sizeof(tg_real)), 0, "mixup");
  if (!scratch) return engine->status;
  tg_release(engine, augment->scratch);
  augment->scratch = scratch;
  augment->scratch_reals = reals;
  return TG_OK;
}

/* ---- what is drawn for a sample ---- */

/* Above an epoch's 32 bits there may be the number of a batch, in which samples are counted from 0. */
static tg_rng start_stream(uint64_t seed, uint32_t stream, uint64_t epoch, uint32_t counted) {
  tg_rng rng = tg_rng_start(seed, stream, epoch << 32 | counted);
  rng.block = (uint32_t)(epoch >> 32) << 8; /* more blocks than a sample draws */
  return rng;
}

/* The numbers of entry `entry` for a sample; no two entries share any. */
static tg_rng start(const tg_augment_moment *moment, uint64_t epoch, uint32_t sample, uint32_t entry) {
  return start_stream(moment->seed, TG_STREAM_AUGMENT + entry, epoch, sample);
}

static double draw(tg_rng *rng, const double ends[2]) { return ends[0] + (ends[1] - ends[0]) * tg_rng_uniform(rng); }

/* Sine and cosine of t turns, t in [-1, 1]: a whole number of eighths apart from an angle of at most an eighth, of
 * which the series are exact to the last bits. */
static void sine_cosine(double t, double *sine, double *cosine) {
  const double quarters = floor(4 * t + 0.5), angle = (t - quarters / 4) * 6.283185307179586, square = angle * angle;
  double s = 0, c = 0;
  for (int k = 18; k >= 2; k -= 2) {
    s = (1 - s) * square / ((double)k * (k + 1));
    c = (1 - c) * square / ((double)k * (k - 1));
  }
  s = angle * (1 - s);
  c = 1 - c;
  switch ((int)quarters & 3) {
    case 0:
      *sine = s, *cosine = c;
      return;
    case 1:
      *sine = c, *cosine = -s;
      return;
    case 2:
      *sine = -s, *cosine = -c;
      return;
    default:
      *sine = -c, *cosine = s;
  }
}

/* Where the pixels of the picture so far come from: place (y, x) from matrix[0] y + matrix[1] x + shift[0], matrix[2] y
 * + matrix[3] x + shift[1], as seen from (at[0], at[1]). */
typedef struct {
  double matrix[4], shift[2], at[2];
} motion;

/* The view with a motion behind all it has. */
static void move_view(tg_picture *view, const motion *m) {
  const double *a = m->matrix;
  const double shift[2] = {m->at[0] + m->shift[0] - a[0] * m->at[0] - a[1] * m->at[1],
                           m->at[1] + m->shift[1] - a[2] * m->at[0] - a[3] * m->at[1]};
  double *lines[2] = {view->row, view->column};
  for (int i = 0; i < 2; i++) {
    double *line = lines[i];
    const double y = line[0], x = line[1];
    line[0] = y * a[0] + x * a[2];
    line[1] = y * a[1] + x * a[3];
    line[2] += y * shift[0] + x * shift[1];
  }
}

static void draw_motion(tg_picture *view, const double *entry, tg_rng *rng, uint64_t epoch) {
  const double *own = entry + 1;
  const double height = view->out_height, width = view->out_width;
  motion m = {.matrix = {1, 0, 0, 1}, .at = {(height - 1) / 2, (width - 1) / 2}};
  switch ((tg_augmentation)entry[0]) {
    case TG_AUGMENT_FLIP: {
      /* Of an alternating flip the first epoch decides: the sequence does not count epochs. */
      const uint32_t words[2] = {tg_rng_next(rng), tg_rng_next(rng)}, turn = own[2] != 0 ? (uint32_t)epoch : 0;
      if (own[0] != 0 && (words[0] >> 31 ^ (turn & 1))) m.matrix[3] = -1;
      if (own[1] != 0 && (words[1] >> 31 ^ (turn & 1))) m.matrix[0] = -1;
      break;
    }
    case TG_AUGMENT_CROP: {
      const uint32_t crop_height = cropped(view->out_height, own[0]), crop_width = cropped(view->out_width, own[1]);
      m.shift[0] = tg_rng_below(rng, (uint32_t)(height + 2 * own[2]) - crop_height + 1) - own[2];
      m.shift[1] = tg_rng_below(rng, (uint32_t)(width + 2 * own[3]) - crop_width + 1) - own[3];
      view->out_height = crop_height;
      view->out_width = crop_width;
      break;
    }
    case TG_AUGMENT_ROTATION: {
      double sine, cosine;
      sine_cosine(draw(rng, own), &sine, &cosine);
      memcpy(m.matrix, (double[4]){cosine, sine, -sine, cosine}, sizeof m.matrix);
      break;
    }
    case TG_AUGMENT_TRANSLATION:
      m.shift[0] = -draw(rng, own) * height;
      m.shift[1] = -draw(rng, own + 2) * width;
      break;
    case TG_AUGMENT_SHEAR: {
      double sine, cosine;
      m.matrix[2] = draw(rng, own);
      m.matrix[1] = draw(rng, own + 2);
      if (own[4] == 0 && own[5] == 0) break;
      sine_cosine(draw(rng, own + 4) / 360, &sine, &cosine);
      m.matrix[1] = -sine;
      m.matrix[3] = cosine;
      break;
    }
    case TG_AUGMENT_ZOOM:
      m.matrix[0] = 1 + draw(rng, own);
      m.matrix[3] = own[4] != 0 ? m.matrix[0] : 1 + draw(rng, own + 2);
      break;
    default:
      return;
  }
  move_view(view, &m);
}

/* One copy of what math.h would have inlined at every place. */
__attribute__((noinline)) static double logarithm(double x) { return (double)tg_log((tg_real)x); }

/* Logarithm of a number of the gamma distribution of scale 1 (Marsaglia and Tsang, "A simple method for generating
 * gamma variables", 2000; for shapes below 1 that of shape + 1 times a power of a uniform, whose logarithm never
 * underflows). */
static double log_gamma(tg_rng *rng, double shape) {
  double boost = 0;
  if (shape < 1) {
    boost = logarithm(1 - tg_rng_uniform(rng)) / shape;
    shape += 1;
  }
  const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = tg_rng_normal(rng), root = 1 + c * x, v = root * root * root;
    if (root <= 0) continue;
    const double log_v = logarithm(v);
    if (logarithm(1 - tg_rng_uniform(rng)) < x * x / 2 + d - d * v + d * log_v) return boost + logarithm(d) + log_v;
  }
}

/* ---- mixup: a sample and the one `away` places behind it in the batch ---- */

typedef struct {
  tg_real share;  /* of the sample itself */
  uint32_t other; /* place in the batch */
} mixture;

static mixture draw_mixture(const tg_augment *augment, const tg_augment_moment *moment, const uint32_t *order,
                            uint32_t i, uint32_t n) {
  uint32_t entry = 0;
  while (augment->list[entry][0] != TG_AUGMENT_MIXUP) entry++;
  tg_rng rng = start_stream(moment->seed, TG_STREAM_MIXUP, moment->epoch, moment->batch);
  if (n < 2) return (mixture){1, i};
  const uint32_t away = 1 + tg_rng_below(&rng, n - 1);
  rng = start(moment, moment->epoch, order[i], entry);
  /* a / (a + b) of two gamma numbers, from their logarithms: Beta(alpha, alpha). */
  const double a = log_gamma(&rng, augment->list[entry][1]), b = log_gamma(&rng, augment->list[entry][1]);
  const tg_real share = tg_v4_lane0(tg_v4_sigmoid(tg_v4_splat((tg_real)(a - b))));
  return (mixture){share, (uint32_t)((i + (uint64_t)away) % n)};
}

/* ---- a picture ---- */

typedef struct {
  tg_real *batch;
  const tg_augment *augment;
  const tg_augment_moment *moment;
  const tg_dataset *dataset;
  const uint32_t *order;
  uint32_t n;
  int raw;
} job;

/* A rectangle around a pixel of the picture, cut at its edges. */
static void cut_out(tg_real *y, const job *j, const double *own, tg_rng *rng) {
  const tg_augment *a = j->augment;
  const tg_real *scale = j->dataset->scale, *offset = j->dataset->offset;
  for (int k = 0; k < (int)own[2]; k++) {
    const int64_t sizes[2] = {(int64_t)own[0], (int64_t)own[1]};
    const int64_t top = tg_rng_below(rng, a->height) - sizes[0] / 2, left = tg_rng_below(rng, a->width) - sizes[1] / 2;
    for (int64_t row = top < 0 ? 0 : top; row < top + sizes[0] && row < a->height; row++)
      for (int64_t column = left < 0 ? 0 : left; column < left + sizes[1] && column < a->width; column++)
        for (uint32_t c = 0; c < a->channels; c++) {
          const int given = !isnan(own[3]);
          tg_real value = (tg_real)own[3];
          if (!j->raw && given && scale) value = value * scale[c] + offset[c];
          if (!given) value = j->raw && scale && scale[c] != 0 ? -offset[c] / scale[c] : 0;
          y[((uint64_t)row * a->width + (uint64_t)column) * a->channels + c] = value;
        }
  }
}

/* Contrast and brightness of all entries at once. */
static void change_colors(tg_real *y, const job *j, uint32_t sample) {
  const tg_augment *a = j->augment;
  tg_colors colors = {.contrast = 1, .low = 0, .high = 255};
  int found = 0;
  for (uint32_t i = 0; i < a->n; i++) {
    const double *entry = a->list[i], *own = entry + 1;
    if (entry[0] != TG_AUGMENT_BRIGHTNESS && entry[0] != TG_AUGMENT_CONTRAST) continue;
    found = 1;
    if (!isnan(own[2])) {
      colors.low = own[2];
      colors.high = own[3];
    }
    tg_rng rng = start(j->moment, j->moment->epoch, sample, i);
    if (entry[0] == TG_AUGMENT_CONTRAST)
      colors.contrast *= draw(&rng, (double[2]){1 - own[0], 1 + own[1]});
    else
      colors.brightness += draw(&rng, own) * (colors.high - colors.low);
  }
  if (found)
    tg_change_colors(y, (size_t)a->height * a->width, a->channels, j->raw ? NULL : j->dataset->scale,
                     j->raw ? NULL : j->dataset->offset, &colors);
}

static void gather_one(tg_real *y, const job *j, uint32_t sample) {
  const tg_augment *a = j->augment;
  const tg_dataset *d = j->dataset;
  const uint64_t at = tg_data_row(d, sample) * d->sample_elements;
  tg_picture view = {.bytes = d->sample_type == TG_SAMPLES_U8 ? (const uint8_t *)d->samples + at : NULL,
                     .floats = d->sample_type == TG_SAMPLES_U8 ? NULL : (const float *)d->samples + at,
                     .height = d->height,
                     .width = d->width,
                     .channels = d->channels,
                     .out_height = d->height,
                     .out_width = d->width,
                     .scale = j->raw ? NULL : d->scale,
                     .offset = j->raw ? NULL : d->offset,
                     .row = {1, 0, 0},
                     .column = {0, 1, 0}};
  for (uint32_t i = 0; i < a->n; i++) {
    const double *entry = a->list[i];
    if (entry[0] == TG_AUGMENT_FILL) {
      view.fill = (tg_fill)entry[1];
      view.fill_value = isnan(entry[2]) ? 0 : entry[2];
      view.nearest = entry[3] != 0;
    }
    const int alternates = entry[0] == TG_AUGMENT_FLIP && entry[3] != 0;
    tg_rng rng = start(j->moment, alternates ? j->moment->epoch >> 32 << 32 : j->moment->epoch, sample, i);
    draw_motion(&view, entry, &rng, j->moment->epoch);
  }
  if (tg_picture_moves(&view))
    tg_move_picture(y, &view);
  else
    tg_draw_picture(y, &view);
  change_colors(y, j, sample);
  for (uint32_t i = 0; i < a->n; i++) {
    if (a->list[i][0] != TG_AUGMENT_CUTOUT) continue;
    tg_rng rng = start(j->moment, j->moment->epoch, sample, i);
    cut_out(y, j, a->list[i] + 1, &rng);
  }
}

/* A tile is a sample. */
static void gather_tile(void *context, uint32_t i, uint32_t thread) {
  const job *j = context;
  const tg_augment *a = j->augment;
  const uint64_t size = (uint64_t)a->height * a->width * a->channels;
  tg_real *y = j->batch + i * size;
  gather_one(y, j, j->order[i]);
  if (!a->mixes) return;
  const mixture mixed = draw_mixture(a, j->moment, j->order, i, j->n);
  tg_real *other = a->scratch + thread * a->scratch_reals;
  gather_one(other, j, j->order[mixed.other]);
  tg_mix_pictures(y, other, mixed.share, (size_t)size);
}

void tg_augment_gather(tg_pool *pool, tg_real *batch, const tg_augment *augment, const tg_augment_moment *moment,
                       const tg_dataset *dataset, const uint32_t *order, uint32_t n, int raw) {
  job j = {batch, augment, moment, dataset, order, n, raw};
  tg_pool_run(pool, n, gather_tile, &j);
}

void tg_augment_labels(int32_t *classes, tg_real *values, const tg_augment *augment, const tg_augment_moment *moment,
                       const tg_dataset *dataset, const uint32_t *order, uint32_t n, uint32_t size) {
  for (uint32_t i = 0; i < n; i++) {
    const mixture mixed = draw_mixture(augment, moment, order, i, n);
    const uint32_t samples[2] = {tg_data_row(dataset, order[i]), tg_data_row(dataset, order[mixed.other])};
    const tg_real shares[2] = {mixed.share, 1 - mixed.share};
    tg_real *row = values + (uint64_t)i * size;
    for (uint32_t k = 0; k < size; k++) row[k] = 0;
    for (int one = 0; one < 2; one++) {
      if (dataset->label_type == TG_LABELS_VALUES) {
        const float *own = (const float *)dataset->labels + (uint64_t)samples[one] * size;
        for (uint32_t k = 0; k < size; k++) row[k] += shares[one] * (tg_real)own[k];
        continue;
      }
      const int32_t label = ((const int32_t *)dataset->labels)[samples[one]];
      if (size == 1)
        row[0] += shares[one] * (tg_real)label;
      else
        row[label] += shares[one];
      if (one == 0 || shares[1] > shares[0]) classes[i] = label;
    }
  }
}

/* ---- preview ---- */

tg_status tg_augment_preview(tg_engine *engine, const tg_dataset *dataset, double seed, double epoch, double first,
                             double count, const double *numbers, uint32_t n, tg_real *out) {
  const double most = 9007199254740991.0;
  if (!(first >= 0 && first == floor(first) && count >= 1 && count == floor(count) && first + count <= dataset->count))
    return tg_fail(engine, TG_E_CONFIG, "data set: samples %g to %g of %u", first, first + count - 1, dataset->count);
  if (!(seed >= 0 && seed <= most && seed == floor(seed)) || !(epoch >= 0 && epoch <= most && epoch == floor(epoch)))
    return tg_fail(engine, TG_E_CONFIG, "preview: seed %g and epoch %g must be whole numbers of at least 0", seed,
                   epoch);
  tg_augment *augment = tg_augment_make(engine, numbers, n);
  if (!augment) return engine->status;
  tg_status status = tg_augment_prepare(engine, augment, dataset);
  uint32_t *order = NULL;
  if (!status) {
    order = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul((uint64_t)count, sizeof *order), 0, "order of samples");
    if (!order) status = engine->status;
  }
  if (!status) {
    const tg_augment_moment moment = {.seed = (uint64_t)seed, .epoch = (uint64_t)epoch};
    for (uint32_t i = 0; i < (uint32_t)count; i++) order[i] = (uint32_t)first + i;
    tg_augment_gather(engine->pool, out, augment, &moment, dataset, order, (uint32_t)count, 1);
  }
  tg_release(engine, order);
  tg_augment_free(engine, augment);
  return status;
}
