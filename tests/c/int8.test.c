/* Quantised graphs through the exports: calibration, what may read what, weights that change, training refused. The
 * kernels have a test of their own. */
#include "network.h"
#include "test.h"

/* Samples 0, 1, 2 … count - 1, one number each. */
static tg_dataset *counting(tg_engine *engine, uint32_t count) {
  tg_dataset *data = tg_dataset_create(engine, TG_SAMPLES_F32, count, 1, 1, 1, TG_LABELS_NONE, 0);
  float *samples = tg_dataset_samples(engine, data);
  for (uint32_t i = 0; i < count; i++) samples[i] = (float)i;
  CHECK(!tg_dataset_seal(engine, data));
  return data;
}

static void test_calibration(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_chain chain = chain_start(engine, 1, 1, 1, 1);
  chain_add(&chain, "dense", "units", 2.0);
  chain_add(&chain, "relu", "");
  CHECK(!tg_model_build(engine, chain.model, NULL, 0));
  tg_real *w = tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS);
  const tg_real weights[4] = {1, -2, 0, 500}; /* y = x and 500 - 2 x */
  memcpy(w, weights, sizeof weights);
  tg_dataset *data = counting(engine, 1000);
  double out[6];
  CHECK(!tg_calibrate(engine, chain.model, data, 0, 1000, 32, 100, out));
  static const double all[6] = {0, 999, 0, 999, 0, 999}; /* the dense layer's values behind its ReLU */
  for (int i = 0; i < 6; i++) CHECK_CLOSE(out[i], all[i], 1e-9);

  /* 2,000 values from 0 to 999, of which 20 may lie beyond: 980 and more. A bin is half a unit. */
  CHECK(!tg_calibrate(engine, chain.model, data, 0, 1000, 7, 99, out));
  CHECK_CLOSE(out[1], 999, 1e-9);
  CHECK_CLOSE(out[2], 0, 1);
  CHECK_CLOSE(out[3], 980, 1);
  CHECK(out[4] == out[2] && out[5] == out[3]);
  CHECK(!tg_calibrate(engine, chain.model, data, 100, 1, 1, 99.99, out));
  CHECK_CLOSE(out[3], 300, 1e-3);

  CHECK(tg_calibrate(engine, chain.model, data, 0, 1000, 32, 50, out) == TG_E_CONFIG);
  CHECK(tg_calibrate(engine, chain.model, data, 0, 1000, 32, NAN, out) == TG_E_CONFIG);
  CHECK(tg_calibrate(engine, chain.model, data, 0, 0, 32, 99, out) == TG_E_EMPTY);
  CHECK(tg_calibrate(engine, chain.model, data, 999, 2, 32, 99, out) == TG_E_CONFIG);
  tg_engine_destroy(engine);
}

/* -1…1 in bytes: steps of 1/100 around 100. */
#define QUANTIZE "scale,zeroPoint", 0.01, 100.0

static void test_graphs(void) {
  tg_engine *engine = tg_engine_create(1, 16);
  tg_chain chain = chain_start(engine, 1, 4, 4, 2);
  const int32_t picture = chain.last;
  chain_add(&chain, "denseInt8", "units,scale", 2.0, 0.0);
  CHECK(chain.last == -TG_E_GRAPH && strstr(tg_last_error(engine), "reads bytes, 'input' gives floats"));
  chain.last = picture;
  chain_add(&chain, "quantize", "scale", 0.0);
  CHECK(chain.last == -TG_E_CONFIG);
  chain.last = picture;
  chain_add(&chain, "quantize", "scale,zeroPoint", 1.0, 256.0);
  CHECK(chain.last == -TG_E_CONFIG);
  chain.last = picture;
  chain_add(&chain, "quantize", QUANTIZE);
  const int32_t bytes = chain.last;
  chain_add(&chain, "relu", "");
  CHECK(chain.last == -TG_E_GRAPH && strstr(tg_last_error(engine), "reads floats, 'quantize_1' gives bytes"));
  chain.last = bytes;
  chain_add(&chain, "conv2dInt8", "filters,kernelHeight,kernelWidth,scale,pool", 2.0, 4.0, 4.0, 1.0, 2.0);
  CHECK(chain.last == -TG_E_CONFIG && strstr(tg_last_error(engine), "pool is 2, larger than its height 1"));
  CHECK(tg_model_build(engine, chain.model, NULL, 0) == TG_E_GRAPH &&
        strstr(tg_last_error(engine), "floats, not bytes"));
  tg_engine_destroy(engine);
}

static void test_weights(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_chain chain = chain_start(engine, 1, 1, 1, 2);
  chain_add(&chain, "quantize", QUANTIZE);
  chain_add(&chain, "denseInt8", "units,scale", 1.0, 0.0);
  CHECK(!chain_finish(&chain, TG_LOSS_MEAN_SQUARED_ERROR, 0, TG_OPTIMIZER_ADAM, 0.1));
  tg_model *model = chain.model;
  tg_dataset *data = noise_dataset(engine, 9, 1, 1, 2, TG_LABELS_VALUES, 1, 3);
  const float *x = tg_dataset_samples(engine, data);
  /* kernel, scale, bias; the second set is written after the plan has packed the first. */
  static const tg_real sets[2][4] = {{127, -5, (tg_real)0.5, 3}, {-1, 2, 4, -7}};
  for (int set = 0; set < 2; set++) {
    tg_real y[9];
    memcpy(tg_model_vector(engine, model, TG_VECTOR_WEIGHTS), sets[set], sizeof sets[set]);
    CHECK(!tg_predict(engine, model, data, 0, 9, 4, y));
    for (int i = 0; i < 9; i++) {
      double sum = 0;
      for (int k = 0; k < 2; k++) sum += (nearbyint((double)x[2 * i + k] * 100)) / 100 * (double)sets[set][k];
      CHECK_CLOSE(y[i], sum * (double)sets[set][2] + (double)sets[set][3], 1e-4);
    }
  }
  double out[3];
  CHECK(!tg_evaluate(engine, model, data, 0, 9, 4, out) && out[2] == 9);
  CHECK(tg_train_begin(engine, model, data, 0, 9, 4, 0, 0) == TG_E_STATE);
  CHECK(strstr(tg_last_error(engine), "quantised"));
  double ranges[6];
  CHECK(tg_calibrate(engine, model, data, 0, 9, 4, 100, ranges) == TG_E_STATE);
  tg_engine_destroy(engine);
}

int main(void) {
  test_calibration();
  test_graphs();
  test_weights();
  return test_report();
}
