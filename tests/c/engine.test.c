/* The engine through its exports: bad input, determinism, memory, and the loops over batches. */
#include "graph.h"
#include "network.h"
#include "test.h"

static const tg_loss SPARSE = TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;

/* A small network with every operator in it. */
static tg_chain make_network(tg_engine *engine, double seed) {
  tg_chain chain = chain_start(engine, seed, 9, 10, 3);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 6.0, 3.0, 3.0, 1.0);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "maxPooling2d", "");
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", 9.0, 2.0, 3.0);
  chain_add(&chain, "sigmoid", "");
  chain_add(&chain, "averagePooling2d", "strideHeight,strideWidth", 1.0, 1.0);
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 20.0);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "dropout", "rate", 0.3);
  chain_add(&chain, "dense", "units", 4.0);
  chain_add(&chain, "softmax", "");
  CHECK(!chain_finish(&chain, SPARSE, 0, TG_OPTIMIZER_ADAM, 0.01));
  return chain;
}

/* A residual network: branches, moving statistics, dropout; wide enough that a batch is several chunks of rows. */
static tg_chain make_residual_network(tg_engine *engine, double seed) {
  tg_chain chain = chain_start(engine, seed, 9, 10, 3);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding,useBias", 40.0, 3.0, 3.0, 1.0, 0.0);
  chain_add(&chain, "batchNormalization", "momentum", 0.9);
  chain_add(&chain, "relu", "");
  int32_t fork = chain.last;
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,strideHeight,strideWidth,samePadding", 13.0, 3.0, 3.0,
            2.0, 2.0, 1.0);
  chain_add(&chain, "batchNormalization", "center", 0.0);
  chain_add(&chain, "dropout", "rate", 0.2);
  int32_t body = chain.last;
  chain.last = fork;
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,strideHeight,strideWidth", 13.0, 1.0, 1.0, 2.0, 2.0);
  chain_add(&chain, "batchNormalization", "");
  chain_join(&chain, "add", body);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "globalAveragePooling2d", "");
  chain_add(&chain, "dense", "units", 4.0);
  CHECK(!chain_finish(&chain, SPARSE, 1, TG_OPTIMIZER_ADAM, 0.01));
  return chain;
}

/* Wide enough for Winograd: cut tiles and whole ones, and batches that are large enough for it. */
static tg_chain make_wide(tg_engine *engine, double seed) {
  tg_chain chain = chain_start(engine, seed, 9, 10, 3);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 16.0, 3.0, 3.0, 1.0);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 17.0, 3.0, 3.0, 1.0);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", 24.0, 3.0, 3.0);
  chain_add(&chain, "relu", "");
  chain_add(&chain, "maxPooling2d", "");
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 4.0);
  CHECK(!chain_finish(&chain, SPARSE, 1, TG_OPTIMIZER_ADAM, 0.01));
  return chain;
}

static tg_dataset *make_data(tg_engine *engine, uint32_t count) {
  return noise_dataset(engine, count, 9, 10, 3, TG_LABELS_CLASS, 4, 21);
}

typedef tg_chain network(tg_engine *engine, double seed);

/* Floats of one of a model's vectors. */
static uint32_t vector_size(tg_engine *engine, tg_model *model, tg_vector vector) {
  return (uint32_t)tg_model_info(engine, model, vector == TG_VECTOR_WEIGHTS ? TG_MODEL_PARAMETERS : TG_MODEL_TRAINABLE);
}

/* Trains `epochs` epochs in batches of 7 (the last one short) and returns a hash of weights and slots. */
static uint64_t train_and_hash(network *make, uint32_t threads, uint32_t processors, uint32_t epochs) {
  tg_engine *engine = tg_engine_create(threads, processors);
  tg_chain chain = make(engine, 5);
  tg_dataset *dataset = make_data(engine, 40);
  double out[18];
  for (uint32_t epoch = 0; epoch < epochs; epoch++) {
    CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 40, 7, epoch, 1));
    double before = tg_engine_info(engine, TG_INFO_ALLOCATIONS);
    CHECK(!tg_train_steps(engine, chain.model, 0, 6, out));
    CHECK(tg_engine_info(engine, TG_INFO_ALLOCATIONS) == before);
    CHECK(out[5 * 3 + 2] == 5); /* 40 = 5 * 7 + 5 */
  }
  uint64_t hash = 14695981039346656037u;
  const tg_vector vectors[] = {TG_VECTOR_WEIGHTS, TG_VECTOR_SLOT0, TG_VECTOR_SLOT1};
  for (int v = 0; v < 3; v++) {
    uint32_t n = vector_size(engine, chain.model, vectors[v]);
    const unsigned char *bytes = (const unsigned char *)tg_model_vector(engine, chain.model, vectors[v]);
    for (uint32_t i = 0; i < n * sizeof(tg_real); i++) hash = (hash ^ bytes[i]) * 1099511628211u;
  }
  CHECK(!tg_dataset_destroy(engine, dataset));
  CHECK(!tg_model_destroy(engine, chain.model));
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_BYTES) == 0);
  CHECK(tg_engine_info(engine, TG_INFO_DATASET_BYTES) == 0);
  tg_engine_destroy(engine);
  return hash;
}

static void test_determinism(network *make) {
  uint64_t one = train_and_hash(make, 1, 1, 3);
  /* All at once, more than images in a batch as well; then two at a time, and the caller alone. */
  static const uint32_t counts[] = {1, 2, 3, 4, 8};
  for (uint32_t i = 0; i < 5; i++) CHECK(train_and_hash(make, counts[i], 16, 3) == one);
  CHECK(train_and_hash(make, 4, 2, 3) == one);
  CHECK(train_and_hash(make, 4, 1, 3) == one);
  CHECK(train_and_hash(make, 1, 1, 2) != one);
}

/* Evaluation and prediction agree with each other and with any batch size. */
static void test_evaluate_and_predict(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_chain chain = make_network(engine, 5);
  tg_dataset *dataset = make_data(engine, 40);
  double whole[3], pieces[3];
  CHECK(!tg_evaluate(engine, chain.model, dataset, 0, 40, 40, whole));
  CHECK(!tg_evaluate(engine, chain.model, dataset, 0, 40, 9, pieces));
  CHECK(whole[2] == 40 && pieces[2] == 40);
  CHECK_CLOSE(pieces[0], whole[0], 1e-9 * 40);
  CHECK(pieces[1] == whole[1]);

  tg_real outputs[40 * 4], again[40 * 4];
  CHECK(!tg_predict(engine, chain.model, dataset, 0, 40, 13, outputs));
  CHECK(!tg_predict(engine, chain.model, dataset, 0, 40, 40, again));
  CHECK(test_same_bits(outputs, again, 160));
  const int32_t *labels = tg_dataset_labels(engine, dataset);
  double loss = 0, right = 0;
  for (int i = 0; i < 40; i++) {
    const tg_real *row = outputs + 4 * i;
    double sum = 0;
    int best = 0;
    for (int k = 0; k < 4; k++) {
      sum += (double)row[k];
      if (row[k] > row[best]) best = k;
    }
    CHECK_CLOSE(sum, 1, 1e-6);
    loss -= log((double)row[labels[i]]);
    right += best == labels[i];
  }
  CHECK_CLOSE(loss, whole[0], 40 * 1e-6);
  CHECK(right == whole[1]);
  CHECK(!tg_predict(engine, chain.model, dataset, 39, 1, 500, again)); /* a batch larger than the data */
  CHECK(test_same_bits(outputs + 156, again, 4));
  tg_engine_destroy(engine);
}

/* What metrics read of a batch: the outputs before the update, in the order of the samples, and the labels. */
static void test_watch(void) {
  enum { BATCH = 7, OUTPUTS = 4 };
  tg_engine *engine = tg_engine_create(2, 2);
  tg_chain chain = chain_start(engine, 3, 9, 10, 3);
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", (double)OUTPUTS);
  chain_add(&chain, "softmax", "");
  CHECK(!chain_finish(&chain, SPARSE, 0, TG_OPTIMIZER_SGD, 0.1));
  double measured[4];
  CHECK(!tg_model_measured(engine, chain.model, 0, measured));
  CHECK(measured[3] == 0); /* the loss reads logits, the model gives shares */
  CHECK(tg_model_watch(engine, chain.model, 1, NULL, NULL) == TG_E_CONFIG);
  tg_dataset *dataset = make_data(engine, 40);
  tg_real *outputs = tg_buffer_create(engine, BATCH * OUTPUTS * sizeof(tg_real));
  tg_real *labels = tg_buffer_create(engine, BATCH * sizeof(tg_real));
  double out[3];
  for (int shuffle = 0; shuffle < 2; shuffle++) {
    tg_real expected[BATCH * OUTPUTS];
    CHECK(!tg_predict(engine, chain.model, dataset, 35, 5, 5, expected));
    CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 40, BATCH, 0, (uint32_t)shuffle));
    CHECK(!tg_model_watch(engine, chain.model, 0, outputs, labels));
    CHECK(!tg_train_steps(engine, chain.model, 5, 1, out));
    CHECK(!tg_model_watch(engine, chain.model, 0, NULL, NULL));
    double loss = 0;
    for (int i = 0; i < 5; i++) loss -= log((double)outputs[OUTPUTS * i + (int)labels[i]]);
    CHECK_CLOSE(loss, out[0], 5e-6);
    const int32_t *classes = tg_dataset_labels(engine, dataset);
    for (int i = 0; i < 5 && !shuffle; i++) CHECK(labels[i] == (tg_real)classes[35 + i]);
    for (int i = 0; i < 5 * OUTPUTS && !shuffle; i++) CHECK_CLOSE((double)outputs[i], (double)expected[i], 1e-6);
    /* Not watched any more. */
    tg_real first = outputs[0];
    CHECK(!tg_train_steps(engine, chain.model, 4, 1, out));
    CHECK(outputs[0] == first);
  }
  CHECK(!tg_buffer_destroy(engine, outputs));
  CHECK(!tg_buffer_destroy(engine, labels));
  tg_engine_destroy(engine);
}

/* A view is its rows: the same outputs, losses and training bits as a data set of copies, weights and parts included.
 */
static void test_views(void) {
  static const uint32_t rows[] = {31, 3, 3, 0, 39, 17, 8};
  enum { ROWS = sizeof rows / sizeof *rows };
  tg_engine *engine = tg_engine_create(2, 2);
  tg_chain chains[2];
  tg_dataset *whole = tg_dataset_create(engine, TG_SAMPLES_U8, 40, 9, 10, 3, TG_LABELS_CLASS, 0);
  tg_dataset *copy = tg_dataset_create(engine, TG_SAMPLES_U8, ROWS + 2, 9, 10, 3, TG_LABELS_CLASS, 0);
  CHECK(!tg_dataset_view(engine, whole, rows, ROWS)); /* not sealed */
  CHECK(tg_dataset_truncate(engine, copy, ROWS + 3) == TG_E_CONFIG);
  CHECK(tg_dataset_truncate(engine, copy, 0) == TG_E_EMPTY);
  CHECK(!tg_dataset_truncate(engine, copy, ROWS));
  uint8_t *samples = tg_dataset_samples(engine, whole), *copies = tg_dataset_samples(engine, copy);
  int32_t *labels = tg_dataset_labels(engine, whole), *own_labels = tg_dataset_labels(engine, copy);
  float *weights = tg_dataset_weights(engine, whole), *own_weights = tg_dataset_weights(engine, copy);
  for (int i = 0; i < 40 * 270; i++) samples[i] = (uint8_t)(i * 2654435761u >> 24);
  for (int i = 0; i < 40; i++) {
    labels[i] = i % 4;
    weights[i] = 0.5f + (float)(i % 3);
  }
  for (int i = 0; i < ROWS; i++) {
    memcpy(copies + 270 * i, samples + 270 * rows[i], 270);
    own_labels[i] = labels[rows[i]];
    own_weights[i] = weights[rows[i]];
  }
  CHECK(!tg_dataset_seal(engine, whole) && !tg_dataset_seal(engine, copy));
  CHECK(tg_dataset_truncate(engine, copy, 1) == TG_E_STATE);
  static const uint32_t beyond[] = {40};
  CHECK(!tg_dataset_view(engine, whole, beyond, 1));
  CHECK(tg_last_status(engine) == TG_E_INDEX_RANGE);
  CHECK(!tg_dataset_view(engine, whole, rows, 0));
  /* Through a view of a view: 39 … 0, of which row 39 - r. */
  uint32_t reversed[40], back[ROWS];
  for (uint32_t i = 0; i < 40; i++) reversed[i] = 39 - i;
  for (uint32_t i = 0; i < ROWS; i++) back[i] = 39 - rows[i];
  double before = tg_engine_info(engine, TG_INFO_DATASET_BYTES);
  tg_dataset *middle = tg_dataset_view(engine, whole, reversed, 40);
  tg_dataset *view = tg_dataset_view(engine, middle, back, ROWS);
  CHECK(tg_engine_info(engine, TG_INFO_DATASET_BYTES) - before < 4096); /* numbers of rows, no sample */
  CHECK(!tg_dataset_destroy(engine, middle));
  CHECK(tg_dataset_destroy(engine, whole) == TG_E_STATE);
  tg_real outputs[2][ROWS * 4];
  double out[2][2][3];
  for (int i = 0; i < 2; i++) {
    tg_dataset *data = i ? view : copy;
    chains[i] = make_network(engine, 5);
    CHECK(!tg_predict(engine, chains[i].model, data, 0, ROWS, 3, outputs[i]));
    CHECK(!tg_train_begin(engine, chains[i].model, data, 1, ROWS - 1, 3, 0, 1));
    CHECK(!tg_train_steps(engine, chains[i].model, 0, 2, &out[i][0][0]));
  }
  CHECK(test_same_bits(outputs[0], outputs[1], ROWS * 4));
  CHECK(!memcmp(out[0], out[1], sizeof out[0]));
  /* A label that is too large is told by its place in the view; pictures of a view are resized as copies are. */
  labels[17] = own_labels[5] = 4;
  CHECK(!tg_dataset_seal(engine, whole) && !tg_dataset_seal(engine, copy));
  tg_dataset *bad = tg_dataset_view(engine, whole, rows, ROWS);
  CHECK(tg_model_check_data(engine, chains[0].model, bad, 0, ROWS) == TG_E_LABEL_RANGE);
  CHECK(strstr(tg_last_error(engine), "sample 5 is 4"));
  tg_dataset *small[2];
  for (int i = 0; i < 2; i++) {
    small[i] = tg_dataset_create(engine, TG_SAMPLES_U8, ROWS, 4, 5, 3, TG_LABELS_NONE, 0);
    CHECK(!tg_dataset_resize(engine, small[i], 0, i ? bad : copy, 0, ROWS, TG_RESIZE_ANTIALIAS));
  }
  CHECK(!memcmp(tg_dataset_samples(engine, small[0]), tg_dataset_samples(engine, small[1]), ROWS * 60));
  for (int i = 0; i < 2; i++) CHECK(!tg_dataset_destroy(engine, small[i]));
  CHECK(!tg_dataset_destroy(engine, bad));
  CHECK(!tg_dataset_destroy(engine, view));
  CHECK(!tg_dataset_destroy(engine, whole));
  CHECK(!tg_dataset_destroy(engine, copy));
  for (int i = 0; i < 2; i++) CHECK(!tg_model_destroy(engine, chains[i].model));
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
}

/* An untrained network on balanced noise learns it by heart. */
static void test_learning(void) {
  const tg_optimizer optimizers[] = {TG_OPTIMIZER_SGD, TG_OPTIMIZER_ADAM};
  for (int o = 0; o < 2; o++) {
    tg_engine *engine = tg_engine_create(1, 16);
    tg_chain chain = chain_start(engine, 1, 1, 1, 20);
    chain_add(&chain, "dense", "units", 64.0);
    chain_add(&chain, "relu", "");
    chain_add(&chain, "dense", "units", 3.0);
    CHECK(!chain_finish(&chain, SPARSE, 1, optimizers[o], o ? 0.01 : 0.5));
    tg_dataset *dataset = noise_dataset(engine, 64, 1, 1, 20, TG_LABELS_CLASS, 3, 2);
    double out[3 * 4], before[3], after[3];
    CHECK(!tg_evaluate(engine, chain.model, dataset, 0, 64, 32, before));
    for (int epoch = 0; epoch < 100; epoch++) {
      CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 64, 16, epoch, 1));
      CHECK(!tg_train_steps(engine, chain.model, 0, 4, out));
    }
    CHECK(!tg_evaluate(engine, chain.model, dataset, 0, 64, 32, after));
    CHECK_MESSAGE(after[0] < before[0] / 20 && after[1] == 64, "loss %g, right %g", after[0], after[1]);
    tg_engine_destroy(engine);
  }
}

/* ---- bad input ---- */

/* The engine refused with this status, and its text holds both words. */
static void check_error(tg_engine *engine, int status, tg_status wanted, const char *first, const char *second) {
  const char *text = tg_last_error(engine);
  CHECK_MESSAGE(status == (int)wanted && tg_last_status(engine) == wanted, "status %d, wanted %d: %s", status,
                (int)wanted, text);
  CHECK_MESSAGE(strstr(text, first) && strstr(text, second), "'%s' names neither '%s' nor '%s'", text, first, second);
}

static void test_bad_layers(void) {
  static const struct {
    const char *op, *attributes;
    double values[3];
    tg_status status;
    const char *first, *second;
  } cases[] = {
      {"conv2d", "filters,kernelHeight,kernelWidth", {0, 3, 3}, TG_E_CONFIG, "filters", "0"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {-1, 3, 3}, TG_E_CONFIG, "filters", "-1"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {1.5, 3, 3}, TG_E_CONFIG, "filters", "1.5"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {NAN, 3, 3}, TG_E_CONFIG, "filters", "NaN"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {INFINITY, 3, 3}, TG_E_CONFIG, "filters", "Infinity"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {4294967296.0, 3, 3}, TG_E_CONFIG, "filters", "4294967296"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {4, 9, 3}, TG_E_CONFIG, "kernelHeight is 9", "height 8"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {4, 3, 7}, TG_E_CONFIG, "kernelWidth is 7", "width 6"},
      {"conv2d", "filters,kernelHeight", {4, 3}, TG_E_CONFIG, "kernelWidth", "missing"},
      {"conv2d", "filters,kernelHeight,kernelwidth", {4, 3, 3}, TG_E_CONFIG, "kernelwidth", "no attribute"},
      {"conv2d", "filters,kernelHeight,kernelWidth", {268435456, 3, 3}, TG_E_LIMIT, "limit", "268435456"},
      {"maxPooling2d", "poolHeight,poolWidth", {9, 2}, TG_E_CONFIG, "poolHeight is 9", "height 8"},
      {"maxPooling2d", "poolHeight,strideHeight", {2, 0}, TG_E_CONFIG, "strideHeight", "0"},
      {"dense", "units", {0}, TG_E_CONFIG, "units", "0"},
      {"dense", "units", {200000000}, TG_E_LIMIT, "kernel", "limit"},
      {"dropout", "rate", {1}, TG_E_CONFIG, "rate", "1"},
      {"dropout", "rate", {-0.1}, TG_E_CONFIG, "rate", "-0.1"},
      {"batchNormalization", "momentum", {1.5}, TG_E_CONFIG, "momentum", "1.5"},
      {"batchNormalization", "epsilon", {0}, TG_E_CONFIG, "epsilon", "0"},
      {"batchNormalization", "center", {0.5}, TG_E_CONFIG, "center", "0.5"},
      {"add", "", {0}, TG_E_GRAPH, "takes 2 inputs", "given 1"},
      {"nothing", "", {0}, TG_E_CONFIG, "there is no op", "nothing"},
  };
  tg_engine *engine = tg_engine_create(1, 16);
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    tg_chain chain = chain_start(engine, 0, 8, 6, 3);
    double live = tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS);
    chain_add(&chain, cases[i].op, cases[i].attributes, cases[i].values[0], cases[i].values[1], cases[i].values[2]);
    check_error(engine, -chain.last, cases[i].status, cases[i].first, cases[i].second);
    /* Tables may have grown, but nothing of the refused layer is left, and the model goes on. */
    CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) <= live + 1);
    CHECK(tg_model_info(engine, chain.model, TG_MODEL_PARAMETERS) == 0);
    chain.last = 0;
    chain_add(&chain, "flatten", "");
    chain_add(&chain, "dense", "units", 2.0);
    CHECK(!chain_finish(&chain, SPARSE, 1, TG_OPTIMIZER_SGD, 0.1));
    CHECK(!tg_model_destroy(engine, chain.model));
  }
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
}

/* Products that wrap 32 bits, and shapes that do not fit. */
static void test_bad_graphs(void) {
  tg_engine *engine = tg_engine_create(1, 16);
  tg_chain chain = chain_start(engine, 0, 46341, 46341, 3);
  check_error(engine, -chain.last, TG_E_LIMIT, "input", "6442");
  chain = chain_start(engine, 0, 1, 1, 65536);
  chain_add(&chain, "dense", "units", 65536.0);
  check_error(engine, -chain.last, TG_E_LIMIT, "4294967296", "268435456");
  chain = chain_start(engine, 0, 1, 1, 8);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth", 1.0, 1.0, 1.0);
  check_error(engine, -chain.last, TG_E_SHAPE, "3 dimensions", "gets 1");
  chain = chain_start(engine, 0, 4, 1048576, 1);
  chain_add(&chain, "conv2d", "filters,kernelHeight,kernelWidth,samePadding", 1.0, 100000000.0, 1.0, 1.0);
  check_error(engine, -chain.last, TG_E_LIMIT, "kernel", "limit");
  double huge[4] = {1, 1, 9007199254740992.0, 1};
  check_error(engine, -tg_model_add(engine, chain.model, "input", "x", NULL, 0, "height,width,channels,rank", huge, 4),
              TG_E_CONFIG, "channels", "9007199254740992");
  chain = chain_start(engine, 0, 8, 6, 3);
  chain_add(&chain, "maxPooling2d", "");
  chain_join(&chain, "add", 0);
  check_error(engine, -chain.last, TG_E_SHAPE, "is 4 x 3 x 3", "'input' is 8 x 6 x 3");
  chain = chain_start(engine, 0, 1, 1, 8);
  chain_add(&chain, "globalAveragePooling2d", "");
  check_error(engine, -chain.last, TG_E_SHAPE, "3 dimensions", "gets 1");
  chain = chain_start(engine, 0, 4, 1048576, 1);
  int32_t bad = 7;
  check_error(engine, -tg_model_add(engine, chain.model, "flatten", "f", &bad, 1, "", NULL, 0), TG_E_GRAPH, "node 7",
              "of 1");
  CHECK(tg_model_create(engine, -1) == NULL);
  check_error(engine, TG_E_CONFIG, TG_E_CONFIG, "seed", "-1");
  tg_chain empty = chain_start(engine, 0, 2, 2, 2);
  check_error(engine, tg_model_build(engine, empty.model, NULL, 0), TG_E_CONFIG, "1 nodes", "needs");
  tg_engine_destroy(engine);
}

static void test_bad_data(void) {
  tg_engine *engine = tg_engine_create(1, 16);
  CHECK(!tg_dataset_create(engine, TG_SAMPLES_U8, 0, 2, 2, 1, TG_LABELS_NONE, 0));
  check_error(engine, TG_E_EMPTY, TG_E_EMPTY, "0 samples", "data set");
  CHECK(!tg_dataset_create(engine, TG_SAMPLES_U8, 1, 2, 0.5, 1, TG_LABELS_NONE, 0));
  check_error(engine, TG_E_CONFIG, TG_E_CONFIG, "width", "0.5");
  CHECK(!tg_dataset_create(engine, TG_SAMPLES_F32, 1, 65536, 65536, 1, TG_LABELS_NONE, 0));
  check_error(engine, TG_E_LIMIT, TG_E_LIMIT, "4294967296", "limit");
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);

  tg_chain chain = make_network(engine, 5);
  tg_dataset *dataset = make_data(engine, 10);
  tg_real *weights = tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS);
  uint32_t n = (uint32_t)tg_model_info(engine, chain.model, TG_MODEL_PARAMETERS);
  tg_real *kept = test_reals(n, 0);
  memcpy(kept, weights, n * sizeof *kept);

  float *samples = tg_dataset_samples(engine, dataset);
  float sample = samples[3 * 270 + 5];
  samples[3 * 270 + 5] = NAN;
  check_error(engine, tg_dataset_seal(engine, dataset), TG_E_NON_FINITE, "sample 3", "of 10");
  samples[3 * 270 + 5] = sample;
  int32_t *labels = tg_dataset_labels(engine, dataset);
  labels[6] = -2;
  check_error(engine, tg_dataset_seal(engine, dataset), TG_E_LABEL_RANGE, "sample 6", "-2");
  labels[6] = 4;
  CHECK(!tg_dataset_seal(engine, dataset));
  double out[18];
  check_error(engine, tg_train_begin(engine, chain.model, dataset, 0, 10, 4, 0, 1), TG_E_LABEL_RANGE, "sample 6 is 4",
              "0 to 3");
  labels[6] = 3;
  CHECK(!tg_dataset_seal(engine, dataset));
  check_error(engine, tg_train_begin(engine, chain.model, dataset, 0, 10, 0.5, 0, 1), TG_E_CONFIG, "batchSize", "0.5");
  check_error(engine, tg_train_begin(engine, chain.model, dataset, 0, 10, NAN, 0, 1), TG_E_CONFIG, "batchSize", "NaN");
  check_error(engine, tg_train_begin(engine, chain.model, dataset, 5, 10, 4, 0, 1), TG_E_CONFIG, "14", "of 10");
  check_error(engine, tg_train_begin(engine, chain.model, dataset, 0, 0, 4, 0, 1), TG_E_EMPTY, "0 samples", "");
  check_error(engine, tg_train_steps(engine, chain.model, 0, 1, out), TG_E_STATE, "no epoch", "");
  tg_dataset *other = noise_dataset(engine, 4, 9, 9, 3, TG_LABELS_CLASS, 4, 1);
  check_error(engine, tg_evaluate(engine, chain.model, other, 0, 4, 4, out), TG_E_SHAPE, "9 x 9 x 3", "9 x 10 x 3");
  check_error(engine, tg_model_set_hyperparameter(engine, chain.model, "learningRate", NAN), TG_E_HYPERPARAM,
              "learningRate", "NaN");
  check_error(engine, tg_model_set_hyperparameter(engine, chain.model, "momentum", 0.5), TG_E_HYPERPARAM, "momentum",
              "no");
  check_error(engine, tg_model_set_attribute(engine, chain.model, 99, "rate", 0.5), TG_E_CONFIG, "node 99",
              "there are");
  check_error(engine, tg_model_set_attribute(engine, chain.model, 1, "filters", 2), TG_E_CONFIG, "filters",
              "cannot change");
  check_error(engine, tg_model_set_attribute(engine, chain.model, 1, "kernel/gain", 2), TG_E_CONFIG, "kernel/gain",
              "cannot change");
  check_error(engine, tg_model_set_attribute(engine, chain.model, 1, "kernel/l2", -1), TG_E_CONFIG, "l2", "-1");
  check_error(engine, tg_model_set_attribute(engine, chain.model, 1, "nothing/l2", 1), TG_E_CONFIG, "nothing/l2",
              "no attribute");
  CHECK(test_same_bits(kept, weights, n));

  /* Far too large a rate: refused at the step whose loss or gradient is no number, and the engine goes on. (A double
   * bears it.) */
  CHECK(!tg_model_set_hyperparameter(engine, chain.model, "learningRate", 1e30));
  CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 10, 2, 0, 1));
  tg_status status = tg_train_steps(engine, chain.model, 0, 5, out);
  if (sizeof(tg_real) == 4) check_error(engine, status, TG_E_NON_FINITE, "step", "before this step");
  memcpy(weights, kept, n * sizeof *kept);
  CHECK(!tg_model_set_hyperparameter(engine, chain.model, "learningRate", 0));
  CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 10, 2, 0, 1));
  CHECK(!tg_train_steps(engine, chain.model, 0, 1, out));
  CHECK(test_same_bits(kept, weights, n)); /* a rate of 0 changes nothing */

  CHECK(!tg_dataset_destroy(engine, dataset));
  check_error(engine, tg_train_steps(engine, chain.model, 1, 1, out), TG_E_STATE, "gone", "");
  check_error(engine, tg_dataset_destroy(engine, dataset), TG_E_DISPOSED, "disposed", "");
  CHECK(!tg_model_destroy(engine, chain.model));
  check_error(engine, tg_model_destroy(engine, chain.model), TG_E_DISPOSED, "disposed", "");
  CHECK(tg_model_vector(engine, chain.model, TG_VECTOR_WEIGHTS) == NULL);
  check_error(engine, tg_buffer_destroy(engine, weights), TG_E_DISPOSED, "buffer", "");
  tg_engine_destroy(engine);
}

/* Checkpoint arithmetic: the same step number and epoch give the same continuation. */
static void test_resume(network *make) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_chain straight = make(engine, 8), resumed = make(engine, 8);
  tg_dataset *dataset = make_data(engine, 30);
  double out[3 * 6];
  CHECK(!tg_train_begin(engine, straight.model, dataset, 0, 30, 5, 4, 1));
  CHECK(!tg_train_steps(engine, straight.model, 0, 2, out));
  const tg_vector vectors[] = {TG_VECTOR_WEIGHTS, TG_VECTOR_SLOT0, TG_VECTOR_SLOT1};
  for (int v = 0; v < 3; v++)
    memcpy(tg_model_vector(engine, resumed.model, vectors[v]), tg_model_vector(engine, straight.model, vectors[v]),
           vector_size(engine, straight.model, vectors[v]) * sizeof(tg_real));
  CHECK(!tg_model_set_step(engine, resumed.model, tg_model_info(engine, straight.model, TG_MODEL_STEP)));
  CHECK(!tg_train_steps(engine, straight.model, 2, 4, out));
  CHECK(!tg_train_begin(engine, resumed.model, dataset, 0, 30, 5, 4, 1));
  CHECK(!tg_train_steps(engine, resumed.model, 2, 4, out));
  for (int v = 0; v < 3; v++)
    CHECK(test_same_bits(tg_model_vector(engine, resumed.model, vectors[v]),
                         tg_model_vector(engine, straight.model, vectors[v]),
                         vector_size(engine, straight.model, vectors[v])));
  tg_engine_destroy(engine);
}

/* Moving averages: what one step makes of them, who leaves them alone, and what inference does with them. */
static void test_moving_statistics(void) {
  tg_engine *engine = tg_engine_create(2, 16);
  tg_chain chain = chain_start(engine, 1, 1, 1, 5);
  chain_add(&chain, "batchNormalization", "momentum,epsilon", 0.75, 0.25);
  chain_add(&chain, "dense", "units", 2.0);
  CHECK(!chain_finish(&chain, SPARSE, 1, TG_OPTIMIZER_SGD, 0));
  tg_model *model = chain.model;
  CHECK(tg_model_info(engine, model, TG_MODEL_PARAMETERS) == 5 * 4 + 5 * 2 + 2);
  CHECK(tg_model_info(engine, model, TG_MODEL_TRAINABLE) == 5 * 2 + 5 * 2 + 2);
  static const char *const names[] = {"/gamma", "/beta", "/moving_mean", "/moving_variance", "/kernel", "/bias"};
  static const double offsets[] = {0, 5, 22, 27, 10, 20}, trainable[] = {1, 1, 0, 0, 1, 1};
  for (uint32_t t = 0; t < 6; t++) {
    double d[8];
    CHECK(!tg_model_describe_tensor(engine, model, t, d));
    CHECK(d[1] == offsets[t] && d[7] == trainable[t]);
    CHECK(strstr(tg_model_tensor_name(engine, model, t), names[t]));
  }

  enum { COUNT = 9 };
  tg_dataset *dataset = noise_dataset(engine, COUNT, 1, 1, 5, TG_LABELS_CLASS, 2, 4);
  const float *x = tg_dataset_samples(engine, dataset);
  tg_real *w = tg_model_vector(engine, model, TG_VECTOR_WEIGHTS), *moving = w + 22;
  double out[3];
  CHECK(!tg_train_begin(engine, model, dataset, 0, COUNT, COUNT, 0, 0));
  CHECK(!tg_train_steps(engine, model, 0, 1, out));
  for (int j = 0; j < 5; j++) {
    double mean = 0, variance = 0;
    for (int i = 0; i < COUNT; i++) mean += (double)x[i * 5 + j] / COUNT;
    for (int i = 0; i < COUNT; i++) variance += pow((double)x[i * 5 + j] - mean, 2) / COUNT;
    CHECK_CLOSE(moving[j], 0.25 * mean, 1e-6);
    CHECK_CLOSE(moving[5 + j], 0.75 + 0.25 * variance, 1e-6);
  }

  tg_real before[10], y[COUNT * 2];
  memcpy(before, moving, sizeof before);
  CHECK(!tg_predict(engine, model, dataset, 0, COUNT, 4, y));
  CHECK(!tg_evaluate(engine, model, dataset, 0, COUNT, 2, out));
  CHECK(test_same_bits(before, moving, 10));
  for (int i = 0; i < COUNT; i++)
    for (int k = 0; k < 2; k++) {
      double sum = (double)w[20 + k];
      for (int j = 0; j < 5; j++) {
        double normal = ((double)x[i * 5 + j] - (double)moving[j]) / sqrt((double)moving[5 + j] + 0.25);
        sum += (normal * (double)w[j] + (double)w[5 + j]) * (double)w[10 + j * 2 + k];
      }
      CHECK_CLOSE(y[i * 2 + k], sum, 1e-6);
    }

  /* A step that is refused leaves them alone too. */
  tg_dataset *huge = noise_dataset(engine, COUNT, 1, 1, 5, TG_LABELS_CLASS, 2, 4);
  float *samples = tg_dataset_samples(engine, huge);
  for (int i = 0; i < COUNT * 5; i++) samples[i] *= 1e38f;
  CHECK(!tg_dataset_seal(engine, huge));
  CHECK(!tg_train_begin(engine, model, huge, 0, COUNT, COUNT, 0, 0));
  tg_status status = tg_train_steps(engine, model, 0, 1, out);
  if (sizeof(tg_real) == 4) {
    CHECK(status == TG_E_NON_FINITE);
    CHECK(strstr(tg_last_error(engine), "batchNormalization") && strstr(tg_last_error(engine), "before this step"));
    CHECK(test_same_bits(before, moving, 10));
  }
  tg_engine_destroy(engine);
}

/* While the second file is not loaded, what lies in it is refused by name and nothing else is. */
static void test_held_back(void) {
  static const struct {
    const char *op, *attributes;
    double values[4];
    const char *first;
  } cases[] = {
      {"gelu", "", {0}, "gelu"},
      {"upSampling2d", "", {0}, "upSampling2d"},
      {"conv2d", "filters,kernelHeight,kernelWidth,groups", {4, 3, 3, 2}, "in groups"},
      {"conv2d", "filters,kernelHeight,kernelWidth,kernel/l2", {4, 3, 3, 0.1}, "a penalty"},
      {"conv2d", "filters,kernelHeight,kernelWidth,bias/constraint", {4, 3, 3, 1}, "a constraint"},
      {"conv2d", "filters,kernelHeight,kernelWidth,kernelInitializer", {4, 3, 3, TG_INIT_ORTHOGONAL}, "orthogonal"},
  };
  tg_engine *engine = tg_engine_create(1, 16);
  CHECK(!tg_load_rest(engine, NULL, 0));
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double *v = cases[i].values;
    tg_chain chain = chain_start(engine, 0, 8, 6, 4);
    chain_add(&chain, cases[i].op, cases[i].attributes, v[0], v[1], v[2], v[3]);
    check_error(engine, -chain.last, TG_E_REST, cases[i].first, "second file");
    CHECK(tg_model_info(engine, chain.model, TG_MODEL_PARAMETERS) == 0);
    CHECK(!tg_model_destroy(engine, chain.model));
  }
  tg_chain chain = make_residual_network(engine, 3);
  tg_dataset *dataset = make_data(engine, 20);
  double out[3 * 5], one = 1;
  check_error(engine, tg_model_set_loss(engine, chain.model, 0, TG_LOSS_HUBER, "", &one, 0), TG_E_REST, "this loss",
              "second file");
  for (tg_optimizer kind = TG_OPTIMIZER_SGD; kind <= TG_OPTIMIZER_MUON; kind++) {
    CHECK(!tg_model_set_loss(engine, chain.model, 0, SPARSE, "", &one, 0));
    const int status = tg_model_compile(engine, chain.model, kind, "", &one, 0);
    if (kind < TG_OPTIMIZER_ADAFACTOR)
      CHECK(!status);
    else
      check_error(engine, status, TG_E_REST, "this optimizer", "second file");
  }
  check_error(engine, tg_calibrate(engine, chain.model, dataset, 0, 20, 4, 100, out), TG_E_REST, "calibration",
              "second file");
  check_error(engine, tg_model_inspect(engine, chain.model, dataset, 0, 4, TG_SOURCE_LOSS, NULL, NULL, 0, 0, NULL),
              TG_E_REST, "looking into", "second file");
  CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 20, 4, 0, 1));
  CHECK(!tg_train_steps(engine, chain.model, 0, 5, out));
  CHECK(tg_load_rest(engine, dataset, 16) == TG_E_DISPOSED);
  void *buffer = tg_buffer_create(engine, 16);
  tg_chain other = chain_start(engine, 0, 8, 6, 4);
#ifdef __EMSCRIPTEN__
  /* The bytes are no module: all stays as it is. */
  CHECK(tg_load_rest(engine, buffer, 16) == TG_E_CONFIG);
  chain_add(&other, "gelu", "");
  CHECK(-other.last == TG_E_REST);
#else
  CHECK(!tg_load_rest(engine, buffer, 16));
  chain_add(&other, "gelu", "");
  CHECK(other.last > 0);
#endif
  tg_engine_destroy(engine);
}

/* A thousand steps leave the live bytes where they were. */
static void test_memory_is_flat(void) {
  tg_engine *engine = tg_engine_create(1, 16);
  tg_chain chain = make_network(engine, 5);
  tg_dataset *dataset = make_data(engine, 20);
  double out[3 * 5], bytes = 0, allocations = 0;
  for (int epoch = 0; epoch < 200; epoch++) {
    CHECK(!tg_train_begin(engine, chain.model, dataset, 0, 20, 4, epoch, 1));
    CHECK(!tg_train_steps(engine, chain.model, 0, 5, out));
    if (epoch == 0) {
      bytes = tg_engine_info(engine, TG_INFO_LIVE_BYTES);
      allocations = tg_engine_info(engine, TG_INFO_ALLOCATIONS);
    }
  }
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_BYTES) == bytes);
  CHECK(tg_engine_info(engine, TG_INFO_ALLOCATIONS) == allocations);
  tg_engine_destroy(engine);
}

int main(void) {
  test_determinism(make_network);
  test_determinism(make_wide);
  test_determinism(make_residual_network);
  test_evaluate_and_predict();
  test_watch();
  test_views();
  test_learning();
  test_bad_layers();
  test_bad_graphs();
  test_bad_data();
  test_resume(make_network);
  test_resume(make_residual_network);
  test_moving_statistics();
  test_held_back();
  test_memory_is_flat();
  return test_report();
}
