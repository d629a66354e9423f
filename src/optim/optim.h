/* The optimizer of a compiled model: hyperparameters, a view of the weight tensors, state, and the step. */
#ifndef TG_OPTIM_H
#define TG_OPTIM_H

#include "optim/rule.h"

/* Slots of the optimizer itself, then those of the common options: gradients gathered, averages, slow weights. */
enum { TG_SLOT_SUM = TG_RULE_SLOTS, TG_SLOT_AVERAGE, TG_SLOT_SLOW, TG_SLOTS };

/* Hyperparameters that all optimizers have. */
enum {
  TG_LEARNING_RATE,
  TG_WEIGHT_DECAY,
  TG_CLIP_NORM,
  TG_CLIP_VALUE,
  TG_GLOBAL_CLIP_NORM,
  TG_ACCUMULATION_STEPS,
  TG_USE_EMA,
  TG_EMA_MOMENTUM,
  TG_EMA_OVERWRITE_FREQUENCY,
  TG_LOOKAHEAD_STEPS,
  TG_LOOKAHEAD_ALPHA,
  TG_OPTIONS
};

/* A weight tensor that training changes. */
typedef struct {
  tg_shape shape;
  uint64_t offset, size;
  uint32_t number;        /* in the graph */
  uint64_t common;        /* its part of the slots of the common options */
  uint32_t columns, rows; /* of its matrices, the last two dimensions; a vector is one row */
  int matrix;             /* of rank 2 or more, and not excluded */
  int keeps;              /* weightDecay leaves it alone */
  uint64_t slots[TG_RULE_SLOTS];
  uint64_t tile_reals; /* of a tile: whole rows of a matrix */
  uint32_t strip;      /* columns of a strip */
  uint32_t first_tile, first_strip, first_matrix;
} tg_optim_tensor;

struct tg_optim {
  const tg_rule *rule;
  double values[TG_OPTIONS + TG_MAX_OWN]; /* the common ones, then the rule's own */
  tg_real *slots[TG_SLOTS];               /* NULL: not in use */
  tg_optim_tensor *tensors;
  uint32_t n_tensors, n_tiles, n_strips, n_matrices;
  double *sums;     /* one a tile: what it has to add to a total */
  double *means;    /* one a matrix */
  double *factors;  /* one a tensor */
  tg_real *scratch; /* as the rule asked for */
};

/*
 * Makes an optimizer from its defaults and the named values, for the graph's trainable tensors of the nodes that are
 * `trained` (one byte a node; those of a shared tensor's root count); "exclude", any number of times, names a tensor
 * that Muon leaves to Adam, "excludeDecay" one that does not decay. TG_E_CONFIG, TG_E_HYPERPARAM, TG_E_OOM; nothing is
 * then left to free.
 */
tg_status tg_optim_make(tg_optim *optim, const tg_graph *graph, const uint8_t *trained, tg_optimizer kind,
                        const char *names, const double *values, uint32_t n);
void tg_optim_free(tg_engine *engine, tg_optim *optim);
/* Sets the one named (the text up to a comma or the end). TG_E_HYPERPARAM; TG_E_STATE when other slots would be needed;
 * *optim is then unchanged. */
tg_status tg_optim_set(tg_engine *engine, tg_optim *optim, const char *name, double value);
/* The slot's name in checkpoints, NULL when it is not in use. */
const char *tg_optim_slot_name(const tg_optim *optim, uint32_t slot);
/* Offset and shape of a tensor's part of a slot; rank 0 when it has none. `tensor` is its number in the graph. */
uint64_t tg_optim_slot(const tg_optim *optim, uint32_t slot, uint32_t tensor, tg_shape *shape);

/* Takes gradients g number `step` (the first is 1) and updates w; with accumulation every k-th time. g is then what the
 * update used: averaged and clipped. Both are vectors of the graph; tensors that are not the optimizer's stay as they
 * are. */
void tg_optim_step(tg_pool *pool, const tg_optim *optim, tg_real *w, tg_real *g, uint64_t step);
/* Updates made in `steps` steps. */
uint64_t tg_optim_updates(const tg_optim *optim, uint64_t steps);

/* ---- for optimizers that see tensors ---- */

/* A tile's share of a vector: 32 KiB, so that the four of Adam stay in the second-level cache. */
enum { TG_OPTIM_TILE_REALS = 8192 };

/* A tile: rows of one tensor, all numbers of which are neighbours. Sizes depend on shapes alone. */
typedef struct {
  const tg_optim_tensor *tensor;
  uint64_t first, n; /* numbers, from the start of the tensor */
} tg_optim_tile;
tg_optim_tile tg_optim_find_tile(const tg_optim *optim, uint32_t tile);
/* The tensor that a strip, a block of columns of one matrix, belongs to. */
const tg_optim_tensor *tg_optim_find_strip(const tg_optim *optim, uint32_t strip);
uint32_t tg_optim_tile_count(const tg_optim_tensor *tensor);
/* Sum of the tensor's tiles in optim->sums, in order. */
double tg_optim_sum(const tg_optim *optim, const tg_optim_tensor *tensor);

#endif
