/* Optimizers: hyperparameters by name, and one parallel pass over the flat vectors. */
#ifndef TG_OPTIM_H
#define TG_OPTIM_H

#include <stdint.h>

#include "engine.h"

enum { TG_MAX_SLOTS = 2, TG_MAX_HYPERPARAMETERS = 4 };

typedef struct {
  tg_optimizer kind;
  double values[TG_MAX_HYPERPARAMETERS]; /* in the order of the kind's table */
} tg_optim;

/* Fills *optim with the defaults of `kind` and then the named values. TG_E_HYPERPARAM. */
tg_status tg_optim_read(tg_engine *engine, tg_optim *optim, tg_optimizer kind, const char *names, const double *values,
                        uint32_t n);
/* Sets the one named (the text up to a comma or the end). TG_E_HYPERPARAM; *optim is then unchanged. */
tg_status tg_optim_set(tg_engine *engine, tg_optim *optim, const char *name, double value);
/* Slot vectors that this optimizer with these values needs. */
uint32_t tg_optim_slots(const tg_optim *optim);

/* Makes step number `step` (the first is 1): w from g and the slots, all `n` long. */
void tg_optim_update(tg_pool *pool, const tg_optim *optim, tg_real *w, const tg_real *g,
                     tg_real *const slots[TG_MAX_SLOTS], uint64_t n, uint64_t step);

#endif
