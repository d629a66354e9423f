#include "initialize.h"

#include <math.h>

#include "kernels/weights.h"
#include "rng.h"

enum { FAN_IN, FAN_OUT, FAN_MEAN };
enum { TRUNCATED, NORMAL, UNIFORM };

/* A normal number within two standard deviations, as Keras and TensorFlow draw them. */
static double truncated_normal(tg_rng *rng) {
  double z;
  do z = tg_rng_normal(rng);
  while (fabs(z) > 2);
  return z;
}

/* Standard deviation of a standard normal cut at two. */
#define TRUNCATED_DEVIATION 0.87962566103423978

/* The initialisers whose variance is scale / fan; varianceScaling names its own. */
static const struct {
  double scale;
  int mode, distribution;
} scalings[TG_INIT_COUNT] = {
    [TG_INIT_GLOROT_UNIFORM] = {1, FAN_MEAN, UNIFORM}, [TG_INIT_GLOROT_NORMAL] = {1, FAN_MEAN, TRUNCATED},
    [TG_INIT_HE_UNIFORM] = {2, FAN_IN, UNIFORM},       [TG_INIT_HE_NORMAL] = {2, FAN_IN, TRUNCATED},
    [TG_INIT_LECUN_UNIFORM] = {1, FAN_IN, UNIFORM},    [TG_INIT_LECUN_NORMAL] = {1, FAN_IN, TRUNCATED}};

static double scaled(tg_rng *rng, const tg_tensor *tensor) {
  const double *s = tensor->settings;
  double scale = scalings[tensor->initializer].scale;
  int mode = scalings[tensor->initializer].mode, distribution = scalings[tensor->initializer].distribution;
  if (tensor->initializer == TG_INIT_VARIANCE_SCALING) {
    scale = s[TG_SET_SCALE];
    mode = (int)s[TG_SET_MODE];
    distribution = (int)s[TG_SET_DISTRIBUTION];
  }
  const double in = tensor->fan_in, out = tensor->fan_out;
  const double variance = scale / (mode == FAN_IN ? in : mode == FAN_OUT ? out : (in + out) / 2);
  if (distribution == UNIFORM) return (2 * tg_rng_uniform(rng) - 1) * sqrt(3 * variance);
  if (distribution == NORMAL) return tg_rng_normal(rng) * sqrt(variance);
  return truncated_normal(rng) * sqrt(variance) / TRUNCATED_DEVIATION;
}

static double draw(tg_rng *rng, const tg_tensor *tensor, uint64_t i) {
  const double *s = tensor->settings;
  switch (tensor->initializer) {
    case TG_INIT_ZEROS:
      return 0;
    case TG_INIT_ONES:
      return 1;
    case TG_INIT_CONSTANT:
      return s[TG_SET_VALUE];
    case TG_INIT_IDENTITY:
      return i / tensor->shape.dims[1] == i % tensor->shape.dims[1] ? s[TG_SET_GAIN] : 0;
    case TG_INIT_RANDOM_NORMAL:
      return s[TG_SET_MEAN] + s[TG_SET_STDDEV] * tg_rng_normal(rng);
    case TG_INIT_TRUNCATED_NORMAL:
      return s[TG_SET_MEAN] + s[TG_SET_STDDEV] * truncated_normal(rng);
    case TG_INIT_RANDOM_UNIFORM:
      return s[TG_SET_MINVAL] + (s[TG_SET_MAXVAL] - s[TG_SET_MINVAL]) * tg_rng_uniform(rng);
    default:
      return scaled(rng, tensor);
  }
}

/* The tensor as a matrix of its last dimension's columns: the fewer of rows and columns become orthogonal (Saxe,
 * McClelland and Ganguli 2013). */
static tg_status orthogonal(tg_engine *engine, tg_real *w, const tg_tensor *tensor, tg_rng *rng) {
  const uint64_t columns = tensor->shape.dims[tensor->shape.rank - 1], rows = tensor->size / columns;
  const uint64_t vectors = rows < columns ? rows : columns, length = tensor->size / vectors;
  tg_real *q = tg_allocate(engine, TG_BLOCK_PRIVATE, tensor->size * sizeof(tg_real), 0, "orthogonal weights");
  if (!q) return engine->status;
  for (uint64_t i = 0; i < tensor->size; i++) q[i] = (tg_real)tg_rng_normal(rng);
  tg_orthogonalize(q, (size_t)vectors, (size_t)length);
  for (uint64_t r = 0; r < rows; r++)
    for (uint64_t c = 0; c < columns; c++)
      w[r * columns + c] =
          (tg_real)tensor->settings[TG_SET_GAIN] * (rows < columns ? q[r * length + c] : q[c * length + r]);
  tg_release(engine, q);
  return TG_OK;
}

tg_status tg_initialize(tg_engine *engine, tg_real *w, const tg_tensor *tensor, uint64_t seed, uint32_t number) {
  tg_rng rng = tg_rng_start(seed, TG_STREAM_INIT + number, 0);
  if (tensor->initializer == TG_INIT_ORTHOGONAL) return orthogonal(engine, w, tensor, &rng);
  for (uint64_t i = 0; i < tensor->size; i++) w[i] = (tg_real)draw(&rng, tensor, i);
  return TG_OK;
}
