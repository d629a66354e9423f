/* Gradients of activations, merging, shape and normalisation layers; see check_gradients.h. */
#include "check_gradients.h"
#include "graph.h"

#ifdef TG_DOUBLE

/* ---- activations ---- */

static const char *function;
static void add_activation(tg_chain *chain) { chain_add(chain, function, ""); }
static void add_elu(tg_chain *chain) { chain_add(chain, "elu", "alpha", 0.7); }
static void add_rectifier(tg_chain *chain) {
  chain_add(chain, "rectifier", "negativeSlope,maxValue,threshold", 0.3, 0.6, 0.2);
}
static double shared_axes;
static void add_prelu(tg_chain *chain) {
  chain_add(chain, "prelu", "sharedAxes,alphaInitializer", shared_axes, (double)TG_INIT_HE_NORMAL);
}

static void activations(tg_engine *engine) {
  static const char *const names[] = {"elu",       "exponential", "gelu",      "geluTanh", "hardSigmoid",
                                      "hardSwish", "mish",        "rectifier", "selu",     "sigmoid",
                                      "silu",      "softplus",    "softsign",  "tanh",     "logSoftmax"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    function = names[i];
    check_layer(engine, 3, 3, 6, function, add_activation);
  }
  check_layer(engine, 3, 3, 6, "elu with alpha", add_elu);
  check_layer(engine, 3, 3, 6, "rectifier with options", add_rectifier);
  for (shared_axes = 0; shared_axes <= 3; shared_axes++) check_layer(engine, 3, 3, 6, "prelu", add_prelu);
}

/* ---- two values become one ---- */

static void add_merge(tg_chain *chain) {
  int32_t fork = chain->last;
  chain_add(chain, "tanh", "");
  chain_join(chain, function, fork);
}
/* One value twice: both gradients count. */
static void add_merge_of_one(tg_chain *chain) { chain_join(chain, function, chain->last); }
static void add_dot(tg_chain *chain) {
  chain_add(chain, "flatten", "");
  add_merge(chain);
  chain_add(chain, "dense", "units", 4.0);
}
static double axis;
static void add_concatenate(tg_chain *chain) {
  int32_t inputs[2] = {chain->last, 0};
  chain_add(chain, "tanh", "");
  inputs[1] = chain->last;
  chain->last = tg_model_add(chain->engine, chain->model, "concatenate", "joined", inputs, 2, "axis", &axis, 1);
}

static void merges(tg_engine *engine) {
  static const char *const names[] = {"subtract", "multiply", "average", "maximum", "minimum"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    function = names[i];
    check_layer(engine, 3, 3, 5, function, add_merge);
    if (i < 3) check_layer(engine, 3, 3, 5, function, add_merge_of_one);
  }
  function = "dot";
  check_layer(engine, 3, 3, 5, function, add_dot);
  for (axis = -1; axis <= 3; axis++)
    if (axis != 0) check_layer(engine, 3, 4, 5, "concatenate", add_concatenate);
}

/* ---- shapes ---- */

static void add_reshape(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, 6.0, -1.0);
  chain_add(chain, "dense", "units", 4.0);
}
/* The value is read by two, so the bytes are copied. */
static void add_shared_reshape(tg_chain *chain) {
  int32_t fork = chain->last;
  chain_add(chain, "reshape", "rank,size1", 1.0, -1.0);
  int32_t flat = chain->last;
  chain->last = fork;
  chain_add(chain, "tanh", "");
  chain_add(chain, "flatten", "");
  chain_join(chain, "multiply", flat);
}
static double order[4];
static void add_permute(tg_chain *chain) {
  chain_add(chain, "permute", "rank,dims1,dims2,dims3", 3.0, order[0], order[1], order[2]);
  chain_add(chain, "dense", "units", 4.0);
}
static void add_permute_of_four(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2,size3,size4", 4.0, 3.0, 2.0, 2.0, 5.0);
  chain_add(chain, "permute", "rank,dims1,dims2,dims3,dims4", 4.0, order[0], order[1], order[2], order[3]);
  chain_add(chain, "dense", "units", 4.0);
}
static void add_padding(tg_chain *chain) {
  chain_add(chain, "zeroPadding2d", "top,bottom,left,right", 1.0, 0.0, 2.0, 3.0);
}
static void add_cropping(tg_chain *chain) {
  chain_add(chain, "cropping2d", "top,bottom,left,right", 1.0, 0.0, 2.0, 1.0);
}
static double bilinear;
static void add_up_sampling(tg_chain *chain) {
  chain_add(chain, "upSampling2d", "sizeHeight,sizeWidth,bilinear", 2.0, 3.0, bilinear);
}
static double output_height, output_width;
static void add_adaptive(tg_chain *chain) {
  chain_add(chain, function, "outputHeight,outputWidth", output_height, output_width);
}

static void shapes(tg_engine *engine) {
  check_layer(engine, 3, 4, 5, "reshape", add_reshape);
  check_layer(engine, 3, 4, 5, "shared reshape", add_shared_reshape);
  static const double orders[][4] = {{1, 2, 3, 4}, {2, 1, 3, 4}, {1, 3, 2, 4}, {3, 1, 2, 4},
                                     {2, 3, 1, 4}, {3, 2, 1, 4}, {4, 3, 2, 1}, {2, 4, 1, 3},
                                     {1, 2, 4, 3}, {4, 1, 2, 3}, {2, 3, 4, 1}, {3, 4, 2, 1}};
  for (unsigned i = 0; i < 12; i++) {
    memcpy(order, orders[i], sizeof order);
    if (i < 6) check_layer(engine, 3, 4, 5, "permute", add_permute);
    check_layer(engine, 3, 4, 5, "permute of four axes", add_permute_of_four);
  }
  check_layer(engine, 3, 4, 5, "zeroPadding2d", add_padding);
  check_layer(engine, 3, 4, 5, "cropping2d", add_cropping);
  for (bilinear = 0; bilinear <= 1; bilinear++) check_layer(engine, 3, 4, 5, "upSampling2d", add_up_sampling);
  for (output_height = 1; output_height <= 7; output_height += 2) {
    output_width = output_height == 3 ? 2 : output_height;
    function = "adaptiveAveragePooling2d";
    check_layer(engine, 5, 4, 5, function, add_adaptive);
    function = "adaptiveMaxPooling2d";
    check_layer(engine, 5, 4, 5, function, add_adaptive);
  }
}

/* ---- noise ---- */

static void add_noise(tg_chain *chain) { chain_add(chain, function, function[8] == 'N' ? "stddev" : "rate", 0.3); }
static void add_shared_noise(tg_chain *chain) {
  add_noise(chain);
  int32_t fork = chain->last;
  chain_add(chain, "tanh", "");
  chain_join(chain, "multiply", fork);
}

static void noises(tg_engine *engine) {
  static const char *const names[] = {"gaussianNoise", "gaussianDropout", "alphaDropout", "spatialDropout2d"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    function = names[i];
    check_layer(engine, 3, 3, 5, function, add_noise);
    check_layer(engine, 3, 3, 5, function, add_shared_noise);
  }
}

/* ---- normalisation ---- */

static double axes, center, scale, groups;
static void add_layer_norm(tg_chain *chain) {
  chain_add(chain, "layerNormalization", "axes,center,scale", axes, center, scale);
}
static void add_axes_norm(tg_chain *chain) { chain_add(chain, function, "axes", axes); }
static void add_group_norm(tg_chain *chain) {
  chain_add(chain, "groupNormalization", "groups,center,scale", groups, center, scale);
}
static void add_group_norm_relu(tg_chain *chain) {
  add_group_norm(chain);
  chain_add(chain, "relu", ""); /* fused */
}

static void norms(tg_engine *engine) {
  for (center = 0; center <= 1; center++)
    for (scale = 0; scale <= 1; scale++) {
      for (axes = 1; axes <= 3; axes++) check_layer(engine, 3, 4, 6, "layerNormalization", add_layer_norm);
      for (groups = -1; groups <= 3; groups += groups < 0 ? 2 : 1) {
        check_layer(engine, 3, 4, 6, "groupNormalization", add_group_norm);
        check_layer(engine, 3, 4, 6, "groupNormalization with relu", add_group_norm_relu);
      }
    }
  for (axes = 1; axes <= 3; axes += 2) {
    function = "rmsNormalization";
    check_layer(engine, 3, 4, 6, function, add_axes_norm);
    function = "unitNormalization";
    check_layer(engine, 3, 4, 6, function, add_axes_norm);
  }
  axes = center = scale = 1;
  check_layer(engine, 40, 60, 7, "layerNormalization of several chunks", add_layer_norm);
}

/* ---- embedding ---- */

static void embeddings(tg_engine *engine) {
  tg_chain chain = chain_start(engine, 3, 1, 1, 6);
  chain_add(&chain, "embedding", "inputDim,outputDim", 5.0, 7.0);
  chain_add(&chain, "tanh", "");
  chain_add(&chain, "flatten", "");
  chain_add(&chain, "dense", "units", 3.0);
  CHECK(!chain_finish(&chain, TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, 1, TG_OPTIMIZER_SGD, 0));
  tg_dataset *dataset = tg_dataset_create(engine, TG_SAMPLES_F32, 4, 1, 1, 6, TG_LABELS_CLASS, 0);
  float *samples = tg_dataset_samples(engine, dataset);
  int32_t *labels = tg_dataset_labels(engine, dataset);
  for (int i = 0; i < 24; i++) samples[i] = (float)test_below(5);
  for (int i = 0; i < 4; i++) labels[i] = i % 3;
  CHECK(!tg_dataset_seal(engine, dataset));
  check_gradients("embedding", &chain, dataset, 4);
  tg_dataset_destroy(engine, dataset);
  tg_model_destroy(engine, chain.model);
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 2);
  activations(engine);
  merges(engine);
  shapes(engine);
  noises(engine);
  norms(engine);
  embeddings(engine);
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
  return test_report();
}

#else

int main(void) {
  printf("finite differences run in the double build\n");
  return test_report();
}

#endif
