/* Every optimizer through the exports: memory, slots, threads, and refusals. Values are checked in tests/golden. */
#include "network.h"
#include "test.h"

static const tg_loss SPARSE = TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
static const double one = 1;
enum { N_OPTIMIZERS = TG_OPTIMIZER_MUON + 1, SLOTS = 6, OPTIONS = 5 };
static const char all_options[] = "weightDecay,globalClipNorm,gradientAccumulationSteps,useEma,lookaheadSteps";
static const double all_values[OPTIONS] = {0.01, 0.5, 2, 1, 2};

/* Kernels of rank 4 and 2, taller and wider than square, vectors, and tensors without gradients in between. */
static tg_chain make_network(tg_engine *engine) {
  tg_chain chain = chain_start(engine, 5, 6, 6, 3);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", 40.0, 3.0, 3.0);
  chain_add(&chain, "batchNormalization", "");
  chain_add(&chain, "relu", "");
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 20.0);
  chain_add(&chain, "dense", "units", 70.0);
  chain_add(&chain, "dense", "units", 4.0);
  CHECK(!chain_finish(&chain, SPARSE, 1, TG_OPTIMIZER_ADAM, 0.01));
  return chain;
}

/* Marks what slots keep for each tensor: nothing twice, nothing beyond the vector (where a sanitizer looks). */
static void check_slots(tg_engine *engine, tg_model *model) {
  uint32_t tensors = (uint32_t)tg_model_info(engine, model, TG_MODEL_TENSORS);
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    tg_real *vector = tg_model_vector(engine, model, (tg_vector)(TG_VECTOR_SLOT0 + slot));
    double out[6], end = 0;
    CHECK(!vector == !tg_model_describe_slot(engine, model, slot, 0, out));
    for (uint32_t t = 0; vector && t < tensors; t++) {
      CHECK(tg_model_describe_slot(engine, model, slot, t, out) != NULL);
      if (out[1] == 0) continue;
      CHECK(out[0] == end);
      end += out[2] * out[3] * out[4] * out[5];
      for (uint32_t i = (uint32_t)out[0]; i < end; i++) vector[i] += 0;
    }
  }
}

static void test_optimizer(tg_optimizer kind, uint32_t options) {
  uint64_t hashes[3];
  for (uint32_t threads = 1; threads <= 3; threads++) {
    tg_engine *engine = tg_engine_create(threads, threads);
    tg_chain chain = make_network(engine);
    CHECK(!chain_compile(&chain, SPARSE, "fromLogits", &one, 1, kind, all_options, all_values, options));
    check_slots(engine, chain.model);
    tg_dataset *dataset = noise_dataset(engine, 30, 6, 6, 3, TG_LABELS_CLASS, 4, 21);
    double out[3 * 5];
    CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 30, 7, 0, 1));
    double before = tg_engine_info(engine, TG_INFO_ALLOCATIONS);
    CHECK(!tg_train_steps(engine, chain.model, 0, 5, out));
    CHECK(tg_engine_info(engine, TG_INFO_ALLOCATIONS) == before);
    CHECK(!tg_model_set_hyperparameter(engine, chain.model, "learningRate", 0.002));
    CHECK(!tg_train_steps(engine, chain.model, 0, 5, out));
    uint32_t n = (uint32_t)tg_model_info(engine, chain.model, TG_MODEL_PARAMETERS);
    const unsigned char *bytes = (const unsigned char *)tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS);
    hashes[threads - 1] = 14695981039346656037u;
    for (uint32_t i = 0; i < n * sizeof(tg_real); i++)
      hashes[threads - 1] = (hashes[threads - 1] ^ bytes[i]) * 1099511628211u;
    CHECK(!tg_dataset_destroy(engine, dataset));
    CHECK(!tg_model_destroy(engine, chain.model));
    CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
    tg_engine_destroy(engine);
  }
  CHECK_MESSAGE(hashes[0] == hashes[1] && hashes[0] == hashes[2], "optimizer %d", (int)kind);
}

static void test_refusals(void) {
  tg_engine *engine = tg_engine_create(1, 1);
  tg_chain chain = make_network(engine);
  tg_dataset *dataset = noise_dataset(engine, 30, 6, 6, 3, TG_LABELS_CLASS, 4, 21);
  const double allocations = tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS);
  const double many = 99, two[2] = {1, 1};
  double out[3 * 5];
  struct {
    const char *names;
    const double *values;
    uint32_t n;
    const char *text;
  } refused[] = {{"exclude", &many, 1, "exclude is 99"},
                 {"excludeDecay", &many, 1, "excludeDecay is 99"},
                 {"clipNorm,clipValue", two, 2, "one of clipNorm"},
                 {"beta1", &one, 1, "beta1 is 1, it must be from 0"},
                 {"beta", &one, 1, "'beta'"}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    CHECK(chain_compile(&chain, SPARSE, "fromLogits", &one, 1, TG_OPTIMIZER_NADAM, refused[i].names, refused[i].values,
                        refused[i].n) == TG_E_HYPERPARAM);
    CHECK_MESSAGE(strstr(tg_last_error(engine), refused[i].text), "%s", tg_last_error(engine));
  }
  CHECK(chain_compile(&chain, SPARSE, "fromLogits", &one, 1, (tg_optimizer)N_OPTIMIZERS, "", &one, 0) == TG_E_CONFIG);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == allocations);
  /* What needs a slot that is not there is refused; the optimizer of before works on. */
  CHECK(tg_model_set_hyperparameter(engine, chain.model, "amsgrad", 1) == TG_E_STATE);
  CHECK(tg_model_set_hyperparameter(engine, chain.model, "useEma", 1) == TG_E_STATE);
  CHECK(tg_model_set_hyperparameter(engine, chain.model, "nothing", 1) == TG_E_HYPERPARAM);
  CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 30, 7, 0, 1));
  CHECK(!tg_train_steps(engine, chain.model, 0, 5, out));
  tg_engine_destroy(engine);
}

int main(void) {
  for (uint32_t options = 0; options <= OPTIONS; options += OPTIONS)
    for (int kind = 0; kind < N_OPTIMIZERS; kind++) test_optimizer((tg_optimizer)kind, options);
  test_refusals();
  return test_report();
}
