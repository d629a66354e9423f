/* The optimizers that treat every number alike: a kernel, and the constants of a step. Names and defaults of Keras 3.
 */
#include <math.h>
#include <stddef.h>

#include "optim/rule.h"

#define OWN(table) .own = table, .n_own = sizeof table / sizeof *table
#define BETA(name, fallback) {name, fallback, 0, TG_BELOW_ONE, 0}
#define EPSILON(name) {name, 1e-7, 1e-30, 1, 0}
#define FLAG(name, fallback) {name, fallback, 0, 1, 1}

double tg_power(double base, uint64_t exponent) {
  double result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

/* ---- SGD ---- */

static const tg_hyperparameter sgd[] = {BETA("momentum", 0), FLAG("nesterov", 0)};

static void sgd_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate;
  k[1] = j->own[0];
  k[2] = j->own[1];
}

/* Files have always held the slot, whether there is momentum or not. */
static void sgd_update(const tg_update_range *range, const double *k) {
  tg_update_range own = *range;
  if (k[1] == 0) own.slots[0] = NULL;
  tg_sgd_update(&own, k);
}

const tg_rule tg_rule_sgd = {OWN(sgd), .rate = 0.01, .slots = {{"momentum", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}},
                             .update = sgd_update, .constants = sgd_constants};

/* ---- Adam and its kin ---- */

enum { BETA1, BETA2, ADAM_EPSILON, AMSGRAD };
static const tg_hyperparameter adam[] = {BETA("beta1", 0.9), BETA("beta2", 0.999), EPSILON("epsilon"),
                                         FLAG("amsgrad", 0)};

void tg_adam_constants(double *k, double rate, double beta1, double beta2, double epsilon, uint64_t step) {
  k[0] = rate * sqrt(1 - tg_power(beta2, step)) / (1 - tg_power(beta1, step));
  k[1] = 1 - beta1;
  k[2] = 1 - beta2;
  k[3] = epsilon;
}

static void adam_constants(const tg_optim_job *j, double *k) {
  tg_adam_constants(k, j->rate, j->own[BETA1], j->own[BETA2], j->own[ADAM_EPSILON], j->step);
}

#define FIRST_MOMENT {"firstMoment", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}
#define SECOND_MOMENT {"secondMoment", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}
#define ADAM                                                                                         \
  OWN(adam), .rate = 0.001,                                                                          \
      .slots = {FIRST_MOMENT, SECOND_MOMENT, {"maxSecondMoment", TG_SLOT_WHOLE, AMSGRAD, TG_ZEROS}}, \
      .update = tg_adam_update, .constants = adam_constants

const tg_rule tg_rule_adam = {ADAM};
const tg_rule tg_rule_adamw = {ADAM, .decay = 0.004};

static const tg_hyperparameter adamax[] = {BETA("beta1", 0.9), BETA("beta2", 0.999), EPSILON("epsilon")};

static void adamax_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate / (1 - tg_power(j->own[BETA1], j->step));
  k[1] = 1 - j->own[BETA1];
  k[2] = j->own[BETA2];
  k[3] = j->own[ADAM_EPSILON];
}

const tg_rule tg_rule_adamax = {OWN(adamax), .rate = 0.001,
                                .slots = {FIRST_MOMENT, {"norm", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}},
                                .update = tg_adamax_update, .constants = adamax_constants};

/* Dozat's schedule: momentum number t is beta1 * (1 - 0.96^t / 2). */
static double nadam_momentum(double beta1, uint64_t t) { return beta1 * (1 - 0.5 * tg_power(0.96, t)); }

static void nadam_constants(const tg_optim_job *j, double *k) {
  double beta1 = j->own[BETA1], now = nadam_momentum(beta1, j->step), next = nadam_momentum(beta1, j->step + 1);
  /* The product of all momenta so far, from the step alone. Beyond 1000 the schedule's factors are 1 to the last bit.
   */
  double product = tg_power(beta1, j->step);
  for (uint64_t t = 1; t <= j->step && t <= 1000; t++) product *= 1 - 0.5 * tg_power(0.96, t);
  k[0] = j->rate * next / (1 - product * next);
  k[1] = j->rate * (1 - now) / (1 - product);
  k[2] = 1 - beta1;
  k[3] = 1 - j->own[BETA2];
  k[4] = 1 / (1 - tg_power(j->own[BETA2], j->step));
  k[5] = j->own[ADAM_EPSILON];
}

const tg_rule tg_rule_nadam = {OWN(adamax), .rate = 0.001, .slots = {FIRST_MOMENT, SECOND_MOMENT},
                               .update = tg_nadam_update, .constants = nadam_constants};

/* ---- scaled by past gradients ---- */

static const tg_hyperparameter adagrad[] = {{"initialAccumulatorValue", 0.1, 0, 1e30, 0}, EPSILON("epsilon")};

static void adagrad_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate;
  k[1] = j->own[1];
}

const tg_rule tg_rule_adagrad = {OWN(adagrad), .rate = 0.001, .slots = {{"accumulator", TG_SLOT_WHOLE, TG_ALWAYS, 0}},
                                 .update = tg_adagrad_update, .constants = adagrad_constants};

enum { RHO, MOMENTUM, RMSPROP_EPSILON, CENTERED };
static const tg_hyperparameter rmsprop[] = {BETA("rho", 0.9), BETA("momentum", 0), EPSILON("epsilon"),
                                            FLAG("centered", 0)};

static void rmsprop_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate;
  k[1] = 1 - j->own[RHO];
  k[2] = j->own[MOMENTUM];
  k[3] = j->own[RMSPROP_EPSILON];
}

const tg_rule tg_rule_rmsprop = {OWN(rmsprop), .rate = 0.001,
                                 .slots = {SECOND_MOMENT,
                                           {"momentum", TG_SLOT_WHOLE, MOMENTUM, TG_ZEROS},
                                           {"firstMoment", TG_SLOT_WHOLE, CENTERED, TG_ZEROS}},
                                 .update = tg_rmsprop_update, .constants = rmsprop_constants};

static const tg_hyperparameter adadelta[] = {BETA("rho", 0.95), EPSILON("epsilon")};

static void adadelta_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate;
  k[1] = 1 - j->own[RHO];
  k[2] = j->own[1];
}

const tg_rule tg_rule_adadelta = {OWN(adadelta), .rate = 0.001,
                                  .slots = {SECOND_MOMENT, {"stepMoment", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}},
                                  .update = tg_adadelta_update, .constants = adadelta_constants};

/* ---- Lion ---- */

/* With beta1 0 it would be the sign of the gradient alone, which Keras refuses. */
static const tg_hyperparameter lion[] = {{"beta1", 0.9, 1e-9, 1, 0}, BETA("beta2", 0.99)};

static void lion_constants(const tg_optim_job *j, double *k) {
  k[0] = j->rate;
  k[1] = j->own[BETA1];
  k[2] = 1 - j->own[BETA1];
  k[3] = 1 - j->own[BETA2];
}

const tg_rule tg_rule_lion = {OWN(lion), .rate = 0.001, .slots = {{"momentum", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS}},
                              .update = tg_lion_update, .constants = lion_constants};
