#include "network.h"

#include <stdarg.h>
#include <stddef.h>

#include "rng.h"

static tg_chain start(tg_engine *engine, double seed, uint32_t height, uint32_t width, uint32_t channels,
                      uint32_t rank) {
  tg_chain chain = {engine, tg_model_create(engine, seed), -1};
  double values[4] = {height, width, channels, rank};
  chain.last = tg_model_add(engine, chain.model, "input", "input", NULL, 0, "height,width,channels,rank", values, 4);
  return chain;
}

tg_chain chain_start(tg_engine *engine, double seed, uint32_t height, uint32_t width, uint32_t channels) {
  return start(engine, seed, height, width, channels, height * width == 1 ? 1 : 3);
}

tg_chain chain_start_steps(tg_engine *engine, double seed, uint32_t steps, uint32_t channels) {
  return start(engine, seed, 1, steps, channels, 2);
}

/* "op_3" */
static void number_name(char *name, const char *op, int32_t number) {
  while (*op) *name++ = *op++;
  *name++ = '_';
  if (number >= 10) *name++ = (char)('0' + number / 10);
  *name++ = (char)('0' + number % 10);
  *name = 0;
}

/* Adds a node; later ones are skipped after a failure. */
static void add_node(tg_chain *chain, const char *op, const int32_t *inputs, uint32_t n_inputs, const char *attributes,
                     const double *values, uint32_t n) {
  char name[64];
  number_name(name, op, (int32_t)tg_model_info(chain->engine, chain->model, TG_MODEL_NODES));
  chain->last = tg_model_add(chain->engine, chain->model, op, name, inputs, n_inputs, attributes, values, n);
}

void chain_add(tg_chain *chain, const char *op, const char *attributes, ...) {
  if (chain->last < 0) return;
  double values[16];
  uint32_t n = *attributes ? 1 : 0;
  for (const char *c = attributes; *c; c++) n += *c == ',';
  va_list list;
  va_start(list, attributes);
  for (uint32_t i = 0; i < n; i++) values[i] = va_arg(list, double);
  va_end(list);
  add_node(chain, op, &chain->last, 1, attributes, values, n);
}

void chain_join(tg_chain *chain, const char *op, int32_t other) {
  int32_t inputs[2] = {chain->last, other};
  if (chain->last >= 0) add_node(chain, op, inputs, 2, "", NULL, 0);
}

tg_status chain_finish(tg_chain *chain, tg_loss loss, int from_logits, tg_optimizer optimizer, double learning_rate) {
  if (chain->last < 0) return (tg_status)-chain->last;
  tg_status status = tg_model_build(chain->engine, chain->model, NULL, 0);
  if (status) return status;
  const double logits = from_logits;
  return chain_compile(chain, loss, "fromLogits", &logits, 1, optimizer, "learningRate", &learning_rate, 1);
}

tg_status chain_compile(tg_chain *chain, tg_loss loss, const char *loss_options, const double *loss_values,
                        uint32_t n_loss_options, tg_optimizer optimizer, const char *names, const double *values,
                        uint32_t n) {
  tg_status status = tg_model_set_loss(chain->engine, chain->model, 0, loss, loss_options, loss_values, n_loss_options);
  return status ? status : tg_model_compile(chain->engine, chain->model, optimizer, names, values, n);
}

tg_dataset *noise_dataset(tg_engine *engine, uint32_t count, uint32_t height, uint32_t width, uint32_t channels,
                          tg_label_type labels, uint32_t label_size, uint32_t seed) {
  tg_dataset *dataset = tg_dataset_create(engine, TG_SAMPLES_F32, count, height, width, channels, labels, label_size);
  if (!dataset) return NULL;
  tg_rng rng = tg_rng_start(seed, 0, 0);
  float *samples = tg_dataset_samples(engine, dataset);
  for (uint32_t i = 0; i < count * height * width * channels; i++) samples[i] = (float)(2 * tg_rng_uniform(&rng) - 1);
  int32_t *classes = tg_dataset_labels(engine, dataset);
  float *values = tg_dataset_labels(engine, dataset);
  for (uint32_t i = 0; labels == TG_LABELS_CLASS && i < count; i++)
    classes[i] = (int32_t)tg_rng_below(&rng, label_size);
  for (uint32_t i = 0; labels == TG_LABELS_VALUES && i < count * label_size; i++)
    values[i] = (float)tg_rng_uniform(&rng);
  return tg_dataset_seal(engine, dataset) ? NULL : dataset;
}
