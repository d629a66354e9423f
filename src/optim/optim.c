#include "optim/optim.h"

#include <math.h>
#include <string.h>

#include "kernels/conv2d.h"
#include "rest.h"
#include "size.h"

static const tg_rule *const rules[] = {
#define TG_RULE(name) &tg_rule_##name,
#include "optim/rules.inc"
#undef TG_RULE
};

enum { N_RULES = sizeof rules / sizeof *rules };

/* ---- hyperparameters ---- */

/* Those of all optimizers; where 0 is allowed it means none. Defaults of the first two are the rule's. */
static const tg_hyperparameter options[TG_OPTIONS] = {
    [TG_LEARNING_RATE] = {"learningRate", 0, 0, TG_MAX_RATE, 0},
    [TG_WEIGHT_DECAY] = {"weightDecay", 0, 0, 1e30, 0},
    [TG_CLIP_NORM] = {"clipNorm", 0, 0, 1e30, 0},
    [TG_CLIP_VALUE] = {"clipValue", 0, 0, 1e30, 0},
    [TG_GLOBAL_CLIP_NORM] = {"globalClipNorm", 0, 0, 1e30, 0},
    [TG_ACCUMULATION_STEPS] = {"gradientAccumulationSteps", 1, 1, 1e9, 1},
    [TG_USE_EMA] = {"useEma", 0, 0, 1, 1},
    [TG_EMA_MOMENTUM] = {"emaMomentum", 0.99, 0, 1, 0},
    [TG_EMA_OVERWRITE_FREQUENCY] = {"emaOverwriteFrequency", 0, 0, 1e9, 1},
    [TG_LOOKAHEAD_STEPS] = {"lookaheadSteps", 0, 0, 1e9, 1},
    [TG_LOOKAHEAD_ALPHA] = {"lookaheadAlpha", 0.5, 0, 1, 0}};

static const tg_hyperparameter *hyperparameter(const tg_rule *rule, uint32_t i) {
  return i < TG_OPTIONS ? &options[i] : &rule->own[i - TG_OPTIONS];
}

static tg_status set_value(tg_engine *engine, tg_optim *optim, const char *name, double value) {
  size_t length = strcspn(name, ",");
  for (uint32_t i = 0; i < TG_OPTIONS + optim->rule->n_own; i++) {
    const tg_hyperparameter *h = hyperparameter(optim->rule, i);
    if (strncmp(h->name, name, length) || h->name[length]) continue;
    if (!(value >= h->min && value <= h->max) || (h->whole && value != floor(value)))
      return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: %s is %g, it must be %sfrom %g to %g", h->name, value,
                     h->whole ? "whole and " : "", h->min, h->max);
    optim->values[i] = value;
    return TG_OK;
  }
  return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: it has no hyperparameter '%s'", length < 64 ? name : "…");
}

static tg_status check_clips(tg_engine *engine, const tg_optim *optim) {
  const double *h = optim->values;
  if ((h[TG_CLIP_NORM] > 0) + (h[TG_CLIP_VALUE] > 0) + (h[TG_GLOBAL_CLIP_NORM] > 0) > 1)
    return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: give one of clipNorm, clipValue and globalClipNorm");
  return TG_OK;
}

tg_status tg_optim_set(tg_engine *engine, tg_optim *optim, const char *name, double value) {
  tg_optim changed = *optim;
  tg_status status = set_value(engine, &changed, name, value);
  if (!status) status = check_clips(engine, &changed);
  if (status) return status;
  for (uint32_t slot = 0; slot < TG_SLOTS; slot++)
    if (!tg_optim_slot_name(optim, slot) != !tg_optim_slot_name(&changed, slot))
      return tg_fail(engine, TG_E_STATE, "optimizer: %s %g needs other state, compile again", name, value);
  *optim = changed;
  return TG_OK;
}

/* ---- the view of the tensors ---- */

enum { STRIP_UNIT = 256 };

/* The part of a tensor that a slot has; rank 0 when none. */
static tg_shape part_of(const tg_optim_tensor *tensor, tg_slot_part part) {
  tg_shape shape = tensor->shape;
  uint32_t rank = shape.rank;
  int kept =
      part == TG_SLOT_WHOLE || (part == TG_SLOT_VECTOR && rank < 2) || (part == TG_SLOT_ELEMENTWISE && !tensor->matrix);
  if (kept) return shape;
  if (rank < 2 || (part != TG_SLOT_ROWS && part != TG_SLOT_COLUMNS)) return (tg_shape){0, {1, 1, 1, 1}};
  if (part == TG_SLOT_COLUMNS) shape.dims[rank - 2] = shape.dims[rank - 1];
  shape.dims[rank - 1] = 1;
  shape.rank--;
  return shape;
}

static uint64_t elements(const tg_shape *shape) {
  uint64_t n = shape->rank > 0;
  for (uint32_t d = 0; d < shape->rank; d++) n *= shape->dims[d];
  return n;
}

/* Where the optimizer's slots and passes find the tensor; `ends` counts what the tensors before it take. */
static void place(tg_optim *optim, tg_optim_tensor *t, uint64_t ends[TG_RULE_SLOTS]) {
  uint32_t rank = t->shape.rank;
  t->columns = rank < 2 ? (uint32_t)t->size : t->shape.dims[rank - 1];
  t->rows = rank < 2 ? 1 : t->shape.dims[rank - 2];
  uint64_t tile_rows = tg_max(TG_OPTIM_TILE_REALS / t->columns, 1);
  t->tile_reals = rank < 2 ? TG_OPTIM_TILE_REALS : tile_rows * t->columns;
  t->strip = (TG_OPTIM_TILE_REALS / t->rows / STRIP_UNIT + 1) * STRIP_UNIT;
  t->first_tile = optim->n_tiles;
  t->first_strip = optim->n_strips;
  t->first_matrix = optim->n_matrices;
  uint32_t matrices = (uint32_t)(t->size / ((uint64_t)t->rows * t->columns));
  optim->n_tiles += tg_optim_tile_count(t);
  optim->n_strips += matrices * tg_ceil_div(t->columns, t->strip);
  optim->n_matrices += matrices;
  for (uint32_t slot = 0; slot < TG_RULE_SLOTS; slot++) {
    tg_shape shape = part_of(t, optim->rule->slots[slot].part);
    t->slots[slot] = ends[slot];
    ends[slot] += elements(&shape);
  }
}

uint32_t tg_optim_tile_count(const tg_optim_tensor *t) {
  return (uint32_t)((t->size + t->tile_reals - 1) / t->tile_reals);
}

/* The last tensor whose first tile, or first strip, is not after `number`. */
static const tg_optim_tensor *find(const tg_optim *optim, uint32_t number, int strips) {
  uint32_t low = 0, high = optim->n_tensors; /* it is in low…high-1 */
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    const tg_optim_tensor *t = &optim->tensors[middle];
    if ((strips ? t->first_strip : t->first_tile) <= number)
      low = middle;
    else
      high = middle;
  }
  return &optim->tensors[low];
}

const tg_optim_tensor *tg_optim_find_strip(const tg_optim *optim, uint32_t strip) { return find(optim, strip, 1); }

tg_optim_tile tg_optim_find_tile(const tg_optim *optim, uint32_t tile) {
  const tg_optim_tensor *t = find(optim, tile, 0);
  uint64_t first = (tile - t->first_tile) * t->tile_reals, rest = t->size - first;
  return (tg_optim_tile){t, first, rest < t->tile_reals ? rest : t->tile_reals};
}

double tg_optim_sum(const tg_optim *optim, const tg_optim_tensor *tensor) {
  double sum = 0;
  const double *sums = optim->sums + tensor->first_tile;
  for (uint32_t i = 0; i < tg_optim_tile_count(tensor); i++) sum += sums[i];
  return sum;
}

/* ---- slots ---- */

const char *tg_optim_slot_name(const tg_optim *optim, uint32_t slot) {
  const double *h = optim->values;
  if (slot < TG_RULE_SLOTS) {
    const tg_slot_rule *rule = &optim->rule->slots[slot];
    return rule->when == TG_ALWAYS || h[TG_OPTIONS + rule->when] != 0 ? rule->name : NULL;
  }
  if (slot == TG_SLOT_SUM && h[TG_ACCUMULATION_STEPS] > 1) return "gradientSum";
  if (slot == TG_SLOT_AVERAGE && h[TG_USE_EMA] != 0) return "average";
  if (slot == TG_SLOT_SLOW && h[TG_LOOKAHEAD_STEPS] > 0) return "slowWeights";
  return NULL;
}

uint64_t tg_optim_slot(const tg_optim *optim, uint32_t slot, uint32_t tensor, tg_shape *shape) {
  const tg_optim_tensor *t = optim->tensors, *end = t + optim->n_tensors;
  while (t < end && t->number != tensor) t++;
  *shape = (tg_shape){0, {1, 1, 1, 1}};
  if (t == end) return 0;
  *shape = part_of(t, slot < TG_RULE_SLOTS ? optim->rule->slots[slot].part : TG_SLOT_WHOLE);
  return slot < TG_RULE_SLOTS ? t->slots[slot] : t->common;
}

/* ---- making ---- */

static int is_called(const char *text, size_t length, const char *name) {
  return length == strlen(name) && !strncmp(text, name, length);
}

static tg_status read_values(tg_engine *engine, tg_optim *optim, const tg_graph *graph, const char *names,
                             const double *values, uint32_t n) {
  for (uint32_t i = 0; i < TG_OPTIONS + optim->rule->n_own; i++)
    optim->values[i] = hyperparameter(optim->rule, i)->fallback;
  optim->values[TG_LEARNING_RATE] = optim->rule->rate;
  optim->values[TG_WEIGHT_DECAY] = optim->rule->decay;
  for (uint32_t i = 0; i < n; i++) {
    size_t length = strcspn(names, ",");
    const int decay = is_called(names, length, "excludeDecay");
    if (decay || is_called(names, length, "exclude")) {
      if (!(values[i] >= 0 && values[i] < graph->n_tensors))
        return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: %s is %g, there are %u tensors",
                       decay ? "excludeDecay" : "exclude", values[i], graph->n_tensors);
      const tg_tensor *tensor = &graph->tensors[(uint32_t)values[i]];
      for (uint32_t t = 0; t < optim->n_tensors; t++) {
        if (tensor != &graph->tensors[optim->tensors[t].number]) continue;
        if (decay)
          optim->tensors[t].keeps = 1;
        else
          optim->tensors[t].matrix = 0;
      }
    } else {
      tg_status status = set_value(engine, optim, names, values[i]);
      if (status) return status;
    }
    names += length;
    names += *names == ',';
  }
  return check_clips(engine, optim);
}

static tg_status allocate(tg_engine *engine, tg_optim *optim, uint64_t common, const uint64_t ends[TG_RULE_SLOTS]) {
  uint64_t numbers = (uint64_t)optim->n_tiles + optim->n_matrices + optim->n_tensors;
  optim->sums = tg_allocate(engine, TG_BLOCK_PRIVATE, numbers * sizeof(double), 1, "optimizer sums");
  if (!optim->sums) return engine->status;
  optim->means = optim->sums + optim->n_tiles;
  optim->factors = optim->means + optim->n_matrices;
  uint64_t scratch = optim->rule->scratch ? optim->rule->scratch(optim) : 0;
  for (uint32_t slot = 0; slot <= TG_SLOTS; slot++) {
    int is_scratch = slot == TG_SLOTS;
    if (is_scratch ? !scratch : !tg_optim_slot_name(optim, slot)) continue;
    uint64_t n = is_scratch ? scratch : slot < TG_RULE_SLOTS ? ends[slot] : common;
    /* Kernels read a little past the end. */
    uint64_t bytes = tg_mul(tg_add(n, TG_OVERREAD_REALS), sizeof(tg_real));
    tg_real *vector = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 1, "optimizer state");
    if (!vector) return engine->status;
    *(is_scratch ? &optim->scratch : &optim->slots[slot]) = vector;
    int start = slot < TG_RULE_SLOTS ? optim->rule->slots[slot].start : TG_ZEROS;
    for (uint64_t i = 0; start != TG_ZEROS && i < n; i++) vector[i] = (tg_real)optim->values[TG_OPTIONS + start];
  }
  return TG_OK;
}

tg_status tg_optim_make(tg_optim *optim, const tg_graph *graph, const uint8_t *trained, tg_optimizer kind,
                        const char *names, const double *values, uint32_t n) {
  tg_engine *engine = graph->engine;
  if ((uint32_t)kind >= N_RULES) return tg_fail(engine, TG_E_CONFIG, "optimizer %g is unknown", (double)kind);
  tg_status missing = rules[kind]->rest ? tg_need_rest(engine, "this optimizer") : TG_OK;
  if (missing) return missing;
  *optim = (tg_optim){.rule = rules[kind]};
  uint64_t most = (uint64_t)graph->n_tensors + 1, common = 0;
  optim->tensors = tg_allocate(engine, TG_BLOCK_PRIVATE, most * sizeof(tg_optim_tensor), 1, "optimizer tensors");
  if (!optim->tensors) return engine->status;
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *from = &graph->tensors[i];
    if (!from->trainable || !trained[from->node]) continue;
    tg_optim_tensor *t = &optim->tensors[optim->n_tensors++];
    *t = (tg_optim_tensor){from->shape, from->offset,     from->size,
                           .number = i, .common = common, .matrix = from->shape.rank >= 2};
    common += from->size;
  }
  tg_status status = read_values(engine, optim, graph, names, values, n);
  if (!status) {
    uint64_t ends[TG_RULE_SLOTS] = {0};
    for (uint32_t i = 0; i < optim->n_tensors; i++) place(optim, &optim->tensors[i], ends);
    status = allocate(engine, optim, common, ends);
  }
  if (status) tg_optim_free(engine, optim);
  return status;
}

void tg_optim_free(tg_engine *engine, tg_optim *optim) {
  for (uint32_t slot = 0; slot < TG_SLOTS; slot++) tg_release(engine, optim->slots[slot]);
  tg_release(engine, optim->scratch);
  tg_release(engine, optim->sums);
  tg_release(engine, optim->tensors);
  *optim = (tg_optim){0};
}
