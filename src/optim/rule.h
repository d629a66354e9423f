/*
 * What an optimizer is: one row of the table in rules.inc, whose file tells its hyperparameters, the state it keeps for
 * each weight, and its update. Learning rate, weight decay, clipping, accumulation and averages are common to all.
 */
#ifndef TG_OPTIM_RULE_H
#define TG_OPTIM_RULE_H

#include "graph.h"
#include "kernels/update.h"

/* A number between min and max, whole when `whole`. */
typedef struct {
  const char *name;
  double fallback, min, max;
  int whole;
} tg_hyperparameter;

/* Largest float: a rate above it would be infinite in the kernels. */
#define TG_MAX_RATE 3.4e38
#define TG_BELOW_ONE (1 - 1e-9)

enum { TG_MAX_OWN = 14 };

/* Which part of a weight tensor a slot has. */
typedef enum {
  TG_SLOT_NONE,
  TG_SLOT_WHOLE,
  TG_SLOT_ROWS,       /* without the last dimension; nothing for vectors */
  TG_SLOT_COLUMNS,    /* without the last but one; nothing for vectors */
  TG_SLOT_VECTOR,     /* all of a vector, nothing of others */
  TG_SLOT_ELEMENTWISE /* all of what Muon leaves to Adam, nothing of matrices */
} tg_slot_part;

enum { TG_ALWAYS = -1, TG_ZEROS = -1 };
typedef struct {
  const char *name; /* in checkpoints */
  tg_slot_part part;
  int when;  /* the own hyperparameter that must not be 0 for the slot to be, or TG_ALWAYS */
  int start; /* the own hyperparameter that it starts with, or TG_ZEROS */
} tg_slot_rule;

typedef struct tg_optim tg_optim;

/* One step of the optimizer. */
typedef struct {
  tg_pool *pool;
  const tg_optim *optim;
  const double *own; /* hyperparameters, in the order of the rule's table */
  double rate;
  tg_real *w;
  const tg_real *g;
  uint64_t step; /* the first is 1 */
} tg_optim_job;

typedef struct {
  const tg_hyperparameter *own;
  uint32_t n_own;
  double rate, decay; /* defaults of learningRate and weightDecay */
  tg_slot_rule slots[TG_RULE_SLOTS];
  /* An elementwise optimizer: the kernel and the constants of a step. */
  tg_update *update;
  void (*constants)(const tg_optim_job *job, double *k);
  /* Or one that sees tensors, with the reals of scratch that it wants. */
  void (*update_tensors)(const tg_optim_job *job);
  uint64_t (*scratch)(const tg_optim *optim);
  int own_decay; /* it applies weightDecay itself */
  int rest;      /* its functions are in the engine's second file */
} tg_rule;

#define TG_RULE(name) extern const tg_rule tg_rule_##name;
#include "optim/rules.inc"
#undef TG_RULE

/* base^exponent by squaring: the C library's pow brings tables as large as a kernel. */
double tg_power(double base, uint64_t exponent);
/* Adam's constants for its kernel. */
void tg_adam_constants(double *k, double rate, double beta1, double beta2, double epsilon, uint64_t step);

#endif
