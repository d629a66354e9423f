#include "optim.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels/update.h"

typedef struct {
  const char *name;
  double fallback, min, max;
} hyperparameter;

/* Largest float: a rate above it would be infinite in the kernels. */
#define MAX_RATE 3.4e38
#define BELOW_ONE (1 - 1e-9)

enum { LEARNING_RATE, MOMENTUM, NESTEROV };
enum { BETA1 = 1, BETA2, EPSILON };

static const hyperparameter sgd[TG_MAX_HYPERPARAMETERS] = {
    {"learningRate", 0.01, 0, MAX_RATE}, {"momentum", 0, 0, BELOW_ONE}, {"nesterov", 0, 0, 1}, {NULL, 0, 0, 0}};
static const hyperparameter adam[TG_MAX_HYPERPARAMETERS] = {{"learningRate", 0.001, 0, MAX_RATE},
                                                            {"beta1", 0.9, 0, BELOW_ONE},
                                                            {"beta2", 0.999, 0, BELOW_ONE},
                                                            {"epsilon", 1e-7, 1e-30, 1}};

static const hyperparameter *table(tg_optimizer kind) { return kind == TG_OPTIMIZER_SGD ? sgd : adam; }

tg_status tg_optim_set(tg_engine *engine, tg_optim *optim, const char *name, double value) {
  const hyperparameter *h = table(optim->kind);
  size_t length = strcspn(name, ",");
  for (int i = 0; i < TG_MAX_HYPERPARAMETERS && h[i].name; i++) {
    if (strncmp(h[i].name, name, length) || h[i].name[length]) continue;
    if (!(value >= h[i].min && value <= h[i].max))
      return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: %s is %g, it must be from %g to %g", h[i].name, value,
                     h[i].min, h[i].max);
    optim->values[i] = value;
    return TG_OK;
  }
  return tg_fail(engine, TG_E_HYPERPARAM, "optimizer: it has no hyperparameter '%s'", length < 64 ? name : "…");
}

tg_status tg_optim_read(tg_engine *engine, tg_optim *optim, tg_optimizer kind, const char *names, const double *values,
                        uint32_t n) {
  if (kind != TG_OPTIMIZER_SGD && kind != TG_OPTIMIZER_ADAM)
    return tg_fail(engine, TG_E_CONFIG, "optimizer %g is unknown", (double)kind);
  optim->kind = kind;
  for (int i = 0; i < TG_MAX_HYPERPARAMETERS; i++) optim->values[i] = table(kind)[i].fallback;
  for (uint32_t i = 0; i < n; i++) {
    tg_status status = tg_optim_set(engine, optim, names, values[i]);
    if (status) return status;
    names += strcspn(names, ",");
    names += *names == ',';
  }
  return TG_OK;
}

uint32_t tg_optim_slots(const tg_optim *optim) { return optim->kind == TG_OPTIMIZER_ADAM ? 2 : 1; }

/* A tile's share of the vectors: 32 KiB each, so that the four of Adam stay in the second-level cache. */
enum { TILE_REALS = 8192 };

typedef struct {
  const tg_optim *optim;
  tg_real *w, *m, *v;
  const tg_real *g;
  uint64_t n;
  tg_real alpha;
} job;

static void update_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const double *h = j->optim->values;
  uint64_t first = (uint64_t)tile * TILE_REALS, rest = j->n - first;
  size_t n = (size_t)(rest < TILE_REALS ? rest : TILE_REALS);
  tg_real *w = j->w + first;
  const tg_real *g = j->g + first;
  if (j->optim->kind == TG_OPTIMIZER_ADAM)
    tg_adam_update(w, j->m + first, j->v + first, g, j->alpha, h[BETA1], h[BETA2], (tg_real)h[EPSILON], n);
  else if (h[MOMENTUM] != 0)
    tg_momentum_update(w, j->m + first, g, (tg_real)h[LEARNING_RATE], (tg_real)h[MOMENTUM], h[NESTEROV] != 0, n);
  else
    tg_sgd_update(w, g, (tg_real)h[LEARNING_RATE], n);
}

/* base^exponent by squaring: the C library's pow brings tables as large as a kernel. */
static double power(double base, uint64_t exponent) {
  double result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

void tg_optim_update(tg_pool *pool, const tg_optim *optim, tg_real *w, const tg_real *g,
                     tg_real *const slots[TG_MAX_SLOTS], uint64_t n, uint64_t step) {
  job j = {.optim = optim, .w = w, .m = slots[0], .v = slots[1], .g = g, .n = n};
  if (optim->kind == TG_OPTIMIZER_ADAM) {
    const double *h = optim->values;
    j.alpha = (tg_real)(h[LEARNING_RATE] * sqrt(1 - power(h[BETA2], step)) / (1 - power(h[BETA1], step)));
  }
  tg_pool_run(pool, (uint32_t)((n + TILE_REALS - 1) / TILE_REALS), update_tile, &j);
}
