/* Gradients of arithmetic on tensors; see check_gradients.h. */
#include "check_gradients.h"
#include "graph.h"

#ifdef TG_DOUBLE

static const char *function;

/* ---- two values, the axes of 1 of either repeated ---- */

static double repeated[3];
/* A variable of another shape joined with the value, on either side. */
static void add_broadcast(tg_chain *chain) {
  const int32_t value = chain->last;
  int32_t side =
      tg_model_add(chain->engine, chain->model, "variable", "side", NULL, 0, "rank,size1,size2,size3,valueInitializer",
                   (double[]){3, repeated[0], repeated[1], repeated[2], TG_INIT_HE_NORMAL}, 5);
  int32_t inputs[2] = {value, side};
  chain->last = tg_model_add(chain->engine, chain->model, function, "joined", inputs, 2, "", NULL, 0);
  inputs[0] = side;
  inputs[1] = chain->last;
  chain->last = tg_model_add(chain->engine, chain->model, function, "turned", inputs, 2, "", NULL, 0);
}
/* Both sides positive, as division and powers want them. */
static void add_positive(tg_chain *chain) {
  chain_add(chain, "exponential", "");
  int32_t value = chain->last, side;
  side =
      tg_model_add(chain->engine, chain->model, "variable", "side", NULL, 0, "rank,size1,size2,size3,valueInitializer",
                   (double[]){3, repeated[0], repeated[1], repeated[2], TG_INIT_HE_NORMAL}, 5);
  chain->last = tg_model_add(chain->engine, chain->model, "exponential", "positive", &side, 1, "", NULL, 0);
  chain_join(chain, function, value);
}
/* The value against its own mean, which a ReLU follows: shared gradients, and a mask. */
static void add_centred(tg_chain *chain) {
  const int32_t value = chain->last;
  chain_add(chain, "reduceSum", "axes,keepdims,mean", 3.0, 1.0, 1.0);
  chain_join(chain, "add", value);
  chain_add(chain, "relu", "");
}
/* A vector and a picture. */
static void add_ranks(tg_chain *chain) {
  const int32_t value = chain->last;
  chain_add(chain, "reduceMax", "axes", 3.0);
  chain_join(chain, "multiply", value);
}

static void broadcasts(tg_engine *engine) {
  static const char *const names[] = {"add", "subtract", "multiply", "average", "maximum", "minimum"};
  static const double shapes[][3] = {{3, 4, 5}, {1, 1, 5}, {3, 1, 1}, {1, 4, 1}, {3, 1, 5}, {1, 1, 1}};
  for (unsigned k = 0; k < 6; k++) {
    memcpy(repeated, shapes[k], sizeof repeated);
    for (unsigned i = 0; i < 6; i++) {
      function = names[i];
      check_layer(engine, 3, 4, 5, function, add_broadcast);
    }
    function = "divide";
    check_layer(engine, 3, 4, 5, function, add_positive);
    function = "power";
    check_layer(engine, 3, 4, 5, function, add_positive);
  }
  check_layer(engine, 3, 4, 5, "add of a mean", add_centred);
  check_layer(engine, 3, 4, 5, "multiply of two ranks", add_ranks);
  check_layer(engine, 17, 19, 3, "multiply of several chunks", add_ranks);
}

/* ---- reductions ---- */

static double folded, kept;
static void add_fold(tg_chain *chain) {
  chain_add(chain, function, "axes,keepdims", folded, kept);
  chain_add(chain, "tanh", "");
}

static void folds(tg_engine *engine) {
  static const char *const names[] = {"reduceSum", "reduceAbs", "reduceSquare",
                                      "reduceMax", "reduceMin", "reduceProduct"};
  for (unsigned i = 0; i < 6; i++)
    for (folded = 1; folded < 8; folded++) {
      function = names[i];
      kept = folded > 4;
      check_layer(engine, 3, 4, 5, function, add_fold);
    }
}

/* ---- products ---- */

static void add_products(tg_chain *chain) {
  const int32_t value = chain->last;
  chain_add(chain, "permute", "rank,dims1,dims2,dims3", 3.0, 1.0, 3.0, 2.0);
  chain_join(chain, "matMul", value);
}
static void add_product(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, 12.0, -1.0);
  const int32_t value = chain->last;
  chain_add(chain, "tanh", "");
  chain_add(chain, "permute", "rank,dims1,dims2", 2.0, 2.0, 1.0);
  chain_join(chain, "matMul", value);
}

/* ---- windows ---- */

static double outside, start[3], size[3], step[3];
static void add_slice(tg_chain *chain) {
  chain_add(chain, "slice", "rank,start1,start2,start3,size1,size2,size3,step1,step2,step3,outside,value", 3.0,
            start[0], start[1], start[2], size[0], size[1], size[2], step[0], step[1], step[2], outside, 0.5);
}
static void add_pad(tg_chain *chain) {
  chain_add(chain, "pad", "rank,before1,before2,before3,behind1,behind2,behind3,outside", 3.0, 1.0, 0.0, 2.0, 2.0, -1.0,
            3.0, outside);
}

static void windows(tg_engine *engine) {
  for (outside = 0; outside < 4; outside++) {
    check_layer(engine, 3, 4, 5, "pad", add_pad);
    memcpy(start, (double[]){-1, 3, 4}, sizeof start);
    memcpy(size, (double[]){4, 2, 3}, sizeof size);
    memcpy(step, (double[]){1, -2, -1}, sizeof step);
    check_layer(engine, 3, 4, 5, "slice", add_slice);
  }
}

/* ---- functions of single numbers ---- */

static void add_function(tg_chain *chain) { chain_add(chain, function, ""); }
static void add_positive_function(tg_chain *chain) {
  chain_add(chain, "exponential", "");
  chain_add(chain, function, "");
}
static void add_clip(tg_chain *chain) { chain_add(chain, "clip", "min,max", -0.3, 0.4); }
static void add_line(tg_chain *chain) { chain_add(chain, "rescaling", "scale,offset", -0.7, 0.2); }

static void functions(tg_engine *engine) {
  static const char *const any[] = {"abs", "square"}, *const positive[] = {"log", "reciprocal", "sqrt"};
  for (unsigned i = 0; i < 2; i++) check_layer(engine, 3, 4, 5, function = any[i], add_function);
  for (unsigned i = 0; i < 3; i++) check_layer(engine, 3, 4, 5, function = positive[i], add_positive_function);
  check_layer(engine, 3, 4, 5, "clip", add_clip);
  check_layer(engine, 3, 4, 5, "rescaling", add_line);
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 2);
  broadcasts(engine);
  folds(engine);
  check_layer(engine, 3, 4, 5, "matMul of several", add_products);
  check_layer(engine, 3, 4, 5, "matMul", add_product);
  check_layer(engine, 12, 9, 11, "matMul of larger ones", add_product);
  windows(engine);
  functions(engine);
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
