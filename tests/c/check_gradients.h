/*
 * Every gradient against central differences of the loss, in the double build: the kernels that ship, with tg_real =
 * double. Bounds: |analytic - numeric| <= 1e-7 + 1e-5 |numeric|, with a step of 1e-6.
 */
#ifndef TG_TESTS_CHECK_GRADIENTS_H
#define TG_TESTS_CHECK_GRADIENTS_H

#include "network.h"
#include "test.h"

static const double STEP = 1e-6, ABSOLUTE = 1e-7, RELATIVE = 1e-5;

/* Mean loss of the one batch, at the weights as they stand. A learning rate of 0 leaves them alone, and the step number
 * is put back so that dropout draws the same mask. */
static inline double loss_of(tg_chain *chain, uint32_t count) {
  double out[3] = {NAN, 0, 0};
  CHECK(!tg_model_set_step(chain->engine, chain->model, 3));
  CHECK(!tg_train_steps(chain->engine, chain->model, 0, 1, out));
  return out[0] / count;
}

/* Checks up to 40 elements of every tensor, evenly spread. */
static inline void check_gradients(const char *what, tg_chain *chain, tg_dataset *dataset, uint32_t count) {
  CHECK(!tg_train_begin(chain->engine, chain->model, dataset, 0, count, count, 0, 0));
  loss_of(chain, count);
  uint32_t tensors = (uint32_t)tg_model_info(chain->engine, chain->model, TG_MODEL_TENSORS);
  tg_real *w = tg_model_vector(chain->engine, chain->model, TG_VECTOR_WEIGHTS);
  tg_real *g = tg_model_vector(chain->engine, chain->model, TG_VECTOR_GRADIENTS);
  for (uint32_t t = 0; t < tensors; t++) {
    double d[8], worst = 0;
    tg_model_describe_tensor(chain->engine, chain->model, t, d);
    if (d[7] == 0) continue; /* not trainable: it has no gradient */
    uint32_t offset = (uint32_t)d[1], size = (uint32_t)(d[3] * d[4] * d[5] * d[6]);
    uint32_t stride = size > 40 ? size / 40 : 1;
    for (uint32_t i = 0; i < size; i += stride) {
      loss_of(chain, count);
      double analytic = g[offset + i], kept = w[offset + i];
      w[offset + i] = kept + STEP;
      double above = loss_of(chain, count);
      w[offset + i] = kept - STEP;
      double below = loss_of(chain, count);
      w[offset + i] = kept;
      double numeric = (above - below) / (2 * STEP);
      double excess = fabs(analytic - numeric) / (ABSOLUTE + RELATIVE * fabs(numeric));
      if (excess > worst) worst = excess;
    }
    CHECK_MESSAGE(worst <= 1, "%s: %s is off by %g times the bound", what,
                  tg_model_tensor_name(chain->engine, chain->model, t), worst);
  }
}

/* The layer under test between two layers with weights, so that its input gradient shows in the first one's. */
static inline void check_layer(tg_engine *engine, uint32_t height, uint32_t width, uint32_t channels, const char *what,
                               void (*add)(tg_chain *)) {
  tg_chain chain = chain_start(engine, 11, height, width, 2);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", (double)channels, 1.0, 1.0);
  add(&chain);
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 3.0);
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 1, TG_OPTIMIZER_SGD, 0));
  tg_dataset *dataset = noise_dataset(engine, 3, height, width, 2, TG_LABELS_CLASS, 3, 5);
  check_gradients(what, &chain, dataset, 3);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

#endif
