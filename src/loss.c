#include "loss.h"

#include <string.h>

#include "kernels/activation.h"
#include "kernels/softmax.h"
#include "op.h"
#include "rest.h"
#include "size.h"

/* The labels a loss takes. */
enum { CLASSES = 1, VALUES = 2, EITHER = CLASSES | VALUES };

typedef struct {
  const char *name;
  double fallback, min, max;
} loss_option;

/* What a batch's labels become before they are compared. */
typedef enum { AS_THEY_ARE, SMOOTHED, SIGNED } preparation;

struct tg_loss_kind {
  int labels;
  int choice;        /* a row of the last dimension is one choice, else each output stands for itself */
  int sides;         /* accuracy is the share of outputs on the right side of an edge */
  const tg_op *ends; /* the final activation that it absorbs */
  tg_loss_kernel *kernel, *from_logits; /* the second NULL: the same */
  preparation prepare;
  uint32_t class_limit; /* of class labels; 0: the outputs */
  loss_option options[TG_MAX_LOSS_OPTIONS];
};

#define ALL_CLASSES (UINT32_C(1) << 31)
#define FOCAL {"alpha", 0.25, 0, 1}, {"gamma", 2, 0, 100}

/* A row for each tg_loss, in its order. */
static const tg_loss_kind kinds[] = {
    [TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY] =
        {CLASSES, 1, 0, &tg_op_softmax, tg_categorical_crossentropy, tg_softmax_crossentropy, SMOOTHED, 0, {{0}}},
    [TG_LOSS_CATEGORICAL_CROSSENTROPY] =
        {VALUES, 1, 0, &tg_op_softmax, tg_categorical_crossentropy, tg_softmax_crossentropy, SMOOTHED, 0, {{0}}},
    [TG_LOSS_BINARY_CROSSENTROPY] =
        {EITHER, 0, 1, &tg_op_sigmoid, tg_binary_crossentropy, tg_sigmoid_crossentropy, SMOOTHED, 2, {{0}}},
    [TG_LOSS_MEAN_SQUARED_ERROR] = {EITHER, 0, 0, NULL, tg_mean_squared_error, NULL, AS_THEY_ARE, ALL_CLASSES, {{0}}},
    [TG_LOSS_MEAN_ABSOLUTE_ERROR] = {EITHER, 0, 0, NULL, tg_mean_absolute_error, NULL, AS_THEY_ARE, ALL_CLASSES, {{0}}},
    [TG_LOSS_HUBER] = {EITHER,
                       0,
                       0,
                       NULL,
                       tg_huber,
                       NULL,
                       AS_THEY_ARE,
                       ALL_CLASSES,
                       {{"delta", 1, 1e-6, 1e30}, {"smoothL1", 0, 0, 1}}},
    [TG_LOSS_LOG_COSH] = {EITHER, 0, 0, NULL, tg_log_cosh, NULL, AS_THEY_ARE, ALL_CLASSES, {{0}}},
    [TG_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR] =
        {EITHER, 0, 0, NULL, tg_mean_squared_logarithmic_error, NULL, AS_THEY_ARE, ALL_CLASSES, {{0}}},
    [TG_LOSS_POISSON] = {EITHER, 0, 0, NULL, tg_poisson, NULL, AS_THEY_ARE, ALL_CLASSES, {{0}}},
    [TG_LOSS_KL_DIVERGENCE] = {VALUES, 1, 0, NULL, tg_kl_divergence, NULL, AS_THEY_ARE, 0, {{0}}},
    [TG_LOSS_COSINE_SIMILARITY] = {VALUES, 1, 0, NULL, tg_cosine_similarity, NULL, AS_THEY_ARE, 0, {{0}}},
    [TG_LOSS_HINGE] = {EITHER, 0, 1, NULL, tg_hinge, NULL, SIGNED, 2, {{0}}},
    [TG_LOSS_SQUARED_HINGE] = {EITHER, 0, 1, NULL, tg_squared_hinge, NULL, SIGNED, 2, {{0}}},
    [TG_LOSS_CATEGORICAL_HINGE] = {VALUES, 1, 0, NULL, tg_categorical_hinge, NULL, AS_THEY_ARE, 0, {{0}}},
    [TG_LOSS_BINARY_FOCAL_CROSSENTROPY] = {EITHER,
                                           0,
                                           1,
                                           &tg_op_sigmoid,
                                           tg_binary_focal,
                                           tg_sigmoid_focal,
                                           SMOOTHED,
                                           2,
                                           {FOCAL, {"applyClassBalancing", 0, 0, 1}}},
    [TG_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY] =
        {VALUES, 1, 0, &tg_op_softmax, tg_categorical_focal, tg_softmax_focal, SMOOTHED, 0, {FOCAL}},
};

/* ---- options ---- */

static tg_status set_option(tg_engine *engine, tg_loss_plan *loss, const char *name, double value) {
  const loss_option flags[] = {
      {"fromLogits", 0, 0, 1}, {"weightedAccuracy", 0, 0, 1}, {"lossWeight", 1, 0, 1e30}, {"labelSmoothing", 0, 0, 1}};
  const int n_flags = loss->kind->prepare == SMOOTHED ? 4 : 3;
  const size_t length = strcspn(name, ",");
  for (int i = 0; i < n_flags + TG_MAX_LOSS_OPTIONS; i++) {
    const loss_option *o = i < n_flags ? &flags[i] : &loss->kind->options[i - n_flags];
    if (!o->name || strncmp(o->name, name, length) || o->name[length]) continue;
    if (!(value >= o->min && value <= o->max))
      return tg_fail(engine, TG_E_HYPERPARAM, "loss: %s is %g, it must be from %g to %g", o->name, value, o->min,
                     o->max);
    if (i >= n_flags)
      loss->options[i - n_flags] = value;
    else if (i >= 2)
      *(i == 2 ? &loss->weight : &loss->smoothing) = value;
    else
      *(i ? &loss->weighted_accuracy : &loss->from_logits) = value != 0;
    return TG_OK;
  }
  return tg_fail(engine, TG_E_HYPERPARAM, "loss: it has no option '%s'", length < 64 ? name : "…");
}

tg_status tg_loss_make(tg_loss_plan *loss, const tg_graph *graph, uint32_t output, int may_absorb, tg_loss number,
                       const char *names, const double *values, uint32_t n) {
  tg_engine *engine = graph->engine;
  if (number < 0 || (size_t)number >= sizeof kinds / sizeof *kinds)
    return tg_fail(engine, TG_E_CONFIG, "loss %g is unknown", (double)number);
  /* The losses in front of Huber's are in the engine's first file. */
  tg_status missing = number < TG_LOSS_HUBER ? TG_OK : tg_need_rest(engine, "this loss");
  if (missing) return missing;
  const tg_loss_kind *kind = &kinds[number];
  const tg_node *node = &graph->nodes[output];
  const uint32_t classes = node->shape.dims[node->shape.rank - 1];
  *loss = (tg_loss_plan){.kind = kind, .weight = 1, .node = output, .places = 1, .classes = classes};
  for (int i = 0; i < TG_MAX_LOSS_OPTIONS; i++) loss->options[i] = kind->options[i].fallback;
  for (uint32_t i = 0; i < n; i++) {
    tg_status status = set_option(engine, loss, names, values[i]);
    if (status) return status;
    names += strcspn(names, ",");
    names += *names == ',';
  }
  if (kind->choice && classes < 2 && kind->prepare == SMOOTHED)
    return tg_fail(engine, TG_E_SHAPE, "layer '%s': a categorical cross-entropy needs at least 2 outputs, it has 1",
                   node->name);
  if (kind->labels == CLASSES && node->shape.rank != 1)
    return tg_fail(engine, TG_E_SHAPE, "layer '%s': class labels are one a sample, its output has %u dimensions",
                   node->name, node->shape.rank);
  loss->places = (uint32_t)(node->elements / classes);
  if (may_absorb && kind->ends && node->op == kind->ends) {
    loss->node = node->inputs[0];
    loss->absorbed = node->op;
    loss->from_logits = 1;
  }
  return TG_OK;
}

/* ---- labels ---- */

tg_status tg_loss_check_labels(tg_engine *engine, const tg_loss_plan *loss, const tg_dataset *dataset) {
  const double n = (double)loss->places * loss->classes;
  const int takes = loss->kind->labels;
  switch (dataset->label_type) {
    case TG_LABELS_NONE:
      return tg_fail(engine, TG_E_SHAPE, "data set: it has no labels, the loss needs them");
    case TG_LABELS_VALUES:
      if (takes == CLASSES)
        return tg_fail(engine, TG_E_SHAPE, "data set: labels of %u values a sample, this loss needs class numbers",
                       dataset->label_size);
      if (dataset->label_size != n)
        return tg_fail(engine, TG_E_SHAPE, "data set: labels of %u values a sample, the model has %g outputs",
                       dataset->label_size, n);
      return TG_OK;
    case TG_LABELS_CLASS:
      break;
  }
  if (takes == VALUES || (takes == EITHER && n != 1))
    return tg_fail(engine, TG_E_SHAPE, "data set: labels are class numbers, this loss needs %g values a sample", n);
  double classes = loss->kind->class_limit ? loss->kind->class_limit : n;
  if (dataset->highest_label < classes) return TG_OK;
  const int32_t *labels = dataset->labels;
  uint32_t i = 0;
  while (labels[tg_data_row(dataset, i)] < classes) i++;
  return tg_fail(engine, TG_E_LABEL_RANGE, "data set: the label of sample %u is %g, the model has classes 0 to %g", i,
                 (double)labels[tg_data_row(dataset, i)], classes - 1);
}

int tg_loss_mixes(const tg_loss_plan *loss) {
  return loss->kind->prepare != SIGNED && loss->kind != &kinds[TG_LOSS_CATEGORICAL_HINGE];
}

uint32_t tg_loss_classes(const tg_loss_plan *loss) { return tg_max(loss->classes, 2); }

/* Writes class labels as values. */
static void spread_classes(const tg_loss_plan *loss, const tg_loss_batch *b) {
  for (uint32_t r = 0; r < b->rows; r++) {
    tg_real *row = b->values + (uint64_t)r * loss->classes;
    for (uint32_t i = 0; i < loss->classes; i++) row[i] = (tg_real)(b->labels.classes[r] == (int32_t)i);
    if (!loss->kind->choice) row[0] = (tg_real)b->labels.classes[r];
  }
}

/* The labels that the kernel compares with: smoothed, or 0 and 1 as -1 and 1 for hinge losses (all of them, as Keras
 * decides it batch by batch), else as they are. */
static tg_labels prepare_labels(const tg_loss_plan *loss, const tg_loss_batch *b) {
  const preparation prepare = loss->kind->prepare;
  if (prepare == AS_THEY_ARE || (prepare == SMOOTHED && loss->smoothing == 0)) return b->labels;
  if (b->labels.classes) spread_classes(loss, b);
  const uint64_t n = (uint64_t)b->rows * loss->places * loss->classes;
  tg_real keep = (tg_real)(1 - loss->smoothing),
          add = (tg_real)(loss->smoothing / (loss->kind->choice ? loss->classes : 2));
  if (prepare == SIGNED) {
    int binary = 1;
    for (uint64_t i = 0; i < n && binary; i++) binary = b->values[i] == 0 || b->values[i] == 1;
    keep = binary ? 2 : 1;
    add = binary ? -1 : 0;
  }
  for (uint64_t i = 0; i < n; i++) b->values[i] = b->values[i] * keep + add;
  return (tg_labels){NULL, b->values};
}

void tg_loss_outputs(const tg_loss_plan *loss, tg_real *outputs, const tg_real *y, uint32_t rows) {
  const uint32_t n = loss->places * loss->classes;
  if (loss->absorbed == &tg_op_softmax)
    tg_softmax(outputs, y, rows * loss->places, loss->classes);
  else if (loss->absorbed)
    tg_activate(TG_SIGMOID, outputs, y, (size_t)rows * n, (tg_real[TG_ACTIVATION_PARAMETERS]){0});
  else
    memcpy(outputs, y, (size_t)rows * n * sizeof *y);
}

/* ---- accuracy ---- */

/* The first of the largest. */
static uint32_t argmax(const tg_real *row, uint32_t n) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

static double accuracy(const tg_loss_plan *loss, const tg_loss_batch *b) {
  const uint32_t n = loss->classes;
  const int sides = loss->kind->sides || (uint64_t)n * loss->places == 1;
  const tg_real edge = loss->kind->sides && (loss->from_logits || loss->kind->prepare == SIGNED) ? 0 : (tg_real)0.5;
  double sum = 0;
  for (uint32_t r = 0; r < b->rows; r++) {
    double right = 0;
    for (uint32_t place = 0; place < loss->places; place++) {
      const uint64_t at = ((uint64_t)r * loss->places + place) * n;
      const tg_real *row = b->y + at, *target = b->labels.values ? b->labels.values + at : NULL;
      if (!sides) {
        right += argmax(row, n) == (target ? argmax(target, n) : (uint32_t)b->labels.classes[r]);
        continue;
      }
      uint32_t hits = 0;
      for (uint32_t i = 0; i < n; i++)
        hits += (row[i] > edge) == ((target ? target[i] : (tg_real)b->labels.classes[r]) > (tg_real)0.5);
      right += (double)hits / n;
    }
    sum += right / loss->places * (loss->weighted_accuracy && b->weights ? (double)b->weights[r] : 1);
  }
  return sum;
}

/* ---- a batch ---- */

/* A tile is some samples of at least this many outputs together: a logarithm for each takes some 10 µs. */
enum { TILE_OUTPUTS = 4096 };

typedef struct {
  const tg_loss_plan *loss;
  const tg_loss_batch *b;
  tg_labels labels;
  uint32_t tile_rows, row_places, row_size; /* of a sample: rows for the kernel, and their length */
} job;

static void loss_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const tg_loss_plan *loss = j->loss;
  const tg_loss_batch *b = j->b;
  const uint32_t first = tile * j->tile_rows, end = tg_min(first + j->tile_rows, b->rows);
  const uint64_t row = (uint64_t)first * j->row_places, at = row * j->row_size;
  const tg_labels labels = {j->labels.classes ? j->labels.classes + row : NULL,
                            j->labels.values ? j->labels.values + at : NULL};
  const tg_real scale = (tg_real)1 / ((tg_real)b->rows * (tg_real)j->row_places);
  tg_loss_kernel *kernel = loss->from_logits && loss->kind->from_logits ? loss->kind->from_logits : loss->kind->kernel;
  kernel(b->losses + row, b->dy ? b->dy + at : NULL, b->y + at, labels, loss->options, scale,
         (end - first) * j->row_places, j->row_size);
  if (!b->dy || !b->weights) return;
  const uint64_t size = (uint64_t)j->row_places * j->row_size;
  for (uint32_t r = first; r < end; r++)
    for (uint64_t i = r * size; i < (r + 1) * size; i++) b->dy[i] *= b->weights[r];
}

double tg_loss_run(tg_pool *pool, const tg_loss_plan *loss, const tg_loss_batch *batch) {
  const double right = accuracy(loss, batch); /* before the labels change */
  job j = {.loss = loss, .b = batch, .labels = prepare_labels(loss, batch), .row_places = 1};
  j.row_size = loss->places * loss->classes;
  if (loss->kind->choice) {
    j.row_places = loss->places;
    j.row_size = loss->classes;
  }
  j.tile_rows = tg_ceil_div(TILE_OUTPUTS, loss->places * loss->classes);
  tg_pool_run(pool, tg_ceil_div(batch->rows, j.tile_rows), loss_tile, &j);
  for (uint32_t r = 0; r < batch->rows; r++) {
    double sum = 0;
    for (uint32_t p = 0; p < j.row_places; p++) sum += (double)batch->losses[(uint64_t)r * j.row_places + p];
    batch->losses[r] = (tg_real)(sum / j.row_places) * (batch->weights ? batch->weights[r] : 1);
  }
  return right;
}
