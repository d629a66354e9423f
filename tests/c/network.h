/* Short ways to make models and data sets for the engine's tests. */
#ifndef TG_TESTS_NETWORK_H
#define TG_TESTS_NETWORK_H

#include <stdint.h>

#include "tabgrad.h"

/* A graph under construction: each layer reads `last`, which a test may set back to make branches. */
typedef struct {
  tg_engine *engine;
  tg_model *model;
  int32_t last; /* node number, or minus the status of the first failure */
} tg_chain;

tg_chain chain_start(tg_engine *engine, double seed, uint32_t height, uint32_t width, uint32_t channels);
tg_chain chain_start_steps(tg_engine *engine, double seed, uint32_t steps, uint32_t channels);
/* attributes: names joined by commas; the values follow as doubles. Later layers are skipped after a failure. */
void chain_add(tg_chain *chain, const char *op, const char *attributes, ...);
/* A node that reads chain.last and `other`. */
void chain_join(tg_chain *chain, const char *op, int32_t other);
/* Builds and compiles; returns the first status that is not TG_OK. */
tg_status chain_finish(tg_chain *chain, tg_loss loss, int from_logits, tg_optimizer optimizer, double learning_rate);
/* Compiles a built model of one output. */
tg_status chain_compile(tg_chain *chain, tg_loss loss, const char *loss_options, const double *loss_values,
                        uint32_t n_loss_options, tg_optimizer optimizer, const char *names, const double *values,
                        uint32_t n);

/* `count` samples of noise from -1 to 1; class labels 0…label_size-1 (CLASS), or values in [0, 1) (VALUES). */
tg_dataset *noise_dataset(tg_engine *engine, uint32_t count, uint32_t height, uint32_t width, uint32_t channels,
                          tg_label_type labels, uint32_t label_size, uint32_t seed);

#endif
