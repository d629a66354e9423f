/* Pruned weights, weights that layers see in 8 bits, and values that wait in 16: what a model makes of them. */
#include "kernels/lean.h"
#include "kernels/fake_quantize.h"
#include "network.h"
#include "test.h"

enum { COUNT = 12 };

/* A network with every kind of reader that the backward pass has for values. */
static tg_chain network(tg_engine *engine, int int8, int depth) {
  tg_chain chain = chain_start(engine, 3, 8, 8, 3);
  /* With depth, what waits for the backward pass is most of a step's memory. ReLUs: a row of sigmoids gives almost the
   * same for every sample, and a batch normalisation of such values has few digits left in 16 bits. Behind it then
   * stands a sigmoid: a ReLU fused there finds its mask again from the rounded input, which turns some that are near 0,
   * and no bound of rounding holds for a step function. */
  for (int i = 0; i < depth; i++) {
    chain_add(&chain, "dense", "units", 12.0);
    chain_add(&chain, "relu", "");
  }
  chain_add(&chain, "conv2d",
            int8 ? "filters,kernelHeight,kernelWidth,kernel/int8" : "filters,kernelHeight,kernelWidth", 10.0, 3.0, 3.0,
            1.0);
  chain_add(&chain, "batchNormalization", "");
  chain_add(&chain, depth ? "sigmoid" : "relu", "");
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 7.0, 3.0, 3.0, 1.0);
  chain_add(&chain, "sigmoid", "");
  chain_add(&chain, "maxPooling2d", "");
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", int8 ? "units,kernel/int8" : "units", 9.0, 1.0);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "dense", "units", 3.0);
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 1, TG_OPTIMIZER_ADAM, 0.01));
  return chain;
}

static double train(tg_chain *chain, tg_dataset *data, uint32_t steps) {
  double out[3] = {NAN, 0, 0};
  for (uint32_t i = 0; i < steps; i++) {
    CHECK(!tg_train_begin(chain->engine, chain->model, data, 0, COUNT, COUNT, 0, 0));
    CHECK(!tg_train_steps(chain->engine, chain->model, 0, 1, out));
  }
  return out[0] / COUNT;
}

static size_t length(const tg_chain *chain, tg_model_field field) {
  return (size_t)tg_model_info(chain->engine, chain->model, field);
}

static void test_pruning(tg_engine *engine, tg_dataset *data) {
  tg_chain chain = network(engine, 0, 0);
  const size_t n = length(&chain, TG_MODEL_TRAINABLE);
  uint8_t *mask = test_block((n + 7) / 8);
  for (size_t i = 0; i < n; i++) mask[i / 8] |= (uint8_t)(((i % 3 == 0) | (i > n - 20)) << i % 8);
  const double start = train(&chain, data, 1);
  CHECK(!tg_model_set_mask(engine, chain.model, mask));
  for (int round = 0; round < 2; round++) {
    const tg_real *w = tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS);
    size_t zeros = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
      const int kept = mask[i / 8] >> i % 8 & 1;
      zeros += w[i] == 0;
      wrong += !kept && w[i] != 0;
    }
    CHECK(wrong == 0);
    CHECK(zeros > n / 2 && zeros < n * 3 / 4);
    CHECK(round || train(&chain, data, 40) < start);
  }
  CHECK(!tg_model_set_mask(engine, chain.model, NULL));
  train(&chain, data, 1);
  const tg_real *w = tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS);
  size_t zeros = 0;
  for (size_t i = 0; i < n; i++) zeros += w[i] == 0;
  CHECK(zeros < n / 10); /* all may change again; those behind a ReLU that is never open have no gradient */
  tg_model_destroy(engine, chain.model);
}

/* Layers see what a model of those weights would be given; what is trained are the weights themselves. */
static void test_seen(tg_engine *engine, tg_dataset *data) {
  tg_chain aware = network(engine, 1, 0), plain = network(engine, 0, 0);
  for (int round = 0; round < 2; round++) {
    const size_t n = length(&aware, TG_MODEL_PARAMETERS), outputs = COUNT * 3;
    tg_real *own = test_block(n * sizeof *own), *seen = test_block(n * sizeof *seen);
    memcpy(own, tg_model_vector(engine, aware.model, TG_VECTOR_WEIGHTS), n * sizeof *own);
    memcpy(seen, own, n * sizeof *seen);
    const uint32_t tensors = (uint32_t)tg_model_info(engine, aware.model, TG_MODEL_TENSORS);
    for (uint32_t t = 0; t < tensors; t++) {
      double d[8];
      CHECK(!tg_model_describe_tensor(engine, aware.model, t, d));
      const char *name = tg_model_tensor_name(engine, aware.model, t);
      if (strcmp(name, "conv2d_1/kernel") && strcmp(name, "dense_8/kernel")) continue;
      const size_t columns = (size_t)d[2 + (int)d[2]], rows = (size_t)(d[3] * d[4] * d[5] * d[6]) / columns;
      tg_real *at = seen + (size_t)d[1];
      tg_fake_quantize_columns(at, own + (size_t)d[1], rows, columns, 0, columns);
    }
    CHECK(memcmp(seen, own, n * sizeof *own) != 0);
    memcpy(tg_model_vector(engine, plain.model, TG_VECTOR_WEIGHTS), seen, n * sizeof *seen);
    tg_real *a = test_block(outputs * sizeof *a), *b = test_block(outputs * sizeof *b);
    CHECK(!tg_predict(engine, aware.model, data, 0, COUNT, COUNT, a));
    CHECK(!tg_predict(engine, plain.model, data, 0, COUNT, COUNT, b));
    CHECK(test_same_bits(a, b, outputs));
    /* The same gradients too, and they move the weights that are kept. */
    CHECK(train(&aware, data, 1) == train(&plain, data, 1));
    CHECK(test_same_bits(tg_model_vector(engine, aware.model, TG_VECTOR_GRADIENTS),
                         tg_model_vector(engine, plain.model, TG_VECTOR_GRADIENTS),
                         length(&aware, TG_MODEL_TRAINABLE)));
    CHECK(memcmp(tg_model_vector(engine, aware.model, TG_VECTOR_WEIGHTS), own, n * sizeof *own) != 0);
  }
  tg_model_destroy(engine, aware.model);
  tg_model_destroy(engine, plain.model);
  test_free_blocks();
}

/* The largest size of what the batch normalisation reads, in standard deviations of its channel, after the first step:
 * its moving averages are then 0.01 mean and 0.99 + 0.01 variance. */
static double spread_of(const tg_chain *chain) {
  double most = 1, mean[16], d[8];
  const tg_real *w = tg_model_vector(chain->engine, chain->model, TG_VECTOR_WEIGHTS);
  for (uint32_t t = 0; t < length(chain, TG_MODEL_TENSORS); t++) {
    const char *name = strrchr(tg_model_tensor_name(chain->engine, chain->model, t), '/');
    CHECK(!tg_model_describe_tensor(chain->engine, chain->model, t, d));
    const int is_mean = !strcmp(name, "/moving_mean"), is_variance = !strcmp(name, "/moving_variance");
    for (size_t i = 0; (is_mean || is_variance) && i < (size_t)d[3]; i++) {
      const double value = (double)w[(size_t)d[1] + i];
      if (is_mean) mean[i] = value / 0.01;
      if (is_variance) most = fmax(most, sqrt(1 + mean[i] * mean[i] / ((value - 0.99) / 0.01)));
    }
  }
  return most;
}

/* A value of 8 significant bits is off by a part of 2^-9 at most, and gradients that are sums of products with one such
 * value by no more; a batch normalisation's by that in standard deviations of what it reads. */
static void test_stored(tg_engine *engine, tg_dataset *data) {
  tg_chain whole = network(engine, 0, 8), half = network(engine, 0, 8);
  CHECK(tg_model_store_activations(engine, half.model, 8) == TG_E_CONFIG);
  CHECK(!tg_model_store_activations(engine, half.model, 16));
  CHECK(train(&whole, data, 1) == train(&half, data, 1)); /* the forward pass is that of floats */
  const size_t n = length(&whole, TG_MODEL_TRAINABLE);
  const tg_real *a = tg_model_vector(engine, whole.model, TG_VECTOR_GRADIENTS);
  const tg_real *b = tg_model_vector(engine, half.model, TG_VECTOR_GRADIENTS);
  double square = 0, off = 0;
  for (size_t i = 0; i < n; i++) {
    square += (double)a[i] * (double)a[i];
    off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
  }
  CHECK_MESSAGE(off > 0 && sqrt(off / square) < spread_of(&whole) / 256, "gradients are off by %g, spread %g",
                sqrt(off / square), spread_of(&whole));
  CHECK(train(&half, data, 60) < 0.7 * train(&whole, data, 1));
  const double halves = tg_model_info(engine, half.model, TG_MODEL_TRAINING_BYTES);
  CHECK(!tg_model_store_activations(engine, half.model, 32));
  train(&half, data, 1);
  CHECK(halves < 0.8 * tg_model_info(engine, half.model, TG_MODEL_TRAINING_BYTES));
  CHECK(tg_model_info(engine, half.model, TG_MODEL_TRAINING_BYTES) ==
        tg_model_info(engine, whole.model, TG_MODEL_TRAINING_BYTES));
  tg_model_destroy(engine, whole.model);
  tg_model_destroy(engine, half.model);
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_dataset *data = noise_dataset(engine, COUNT, 8, 8, 3, TG_LABELS_CLASS, 3, 5);
  test_pruning(engine, data);
  test_seen(engine, data);
  test_stored(engine, data);
  tg_dataset_destroy(engine, data);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
  return test_report();
}
