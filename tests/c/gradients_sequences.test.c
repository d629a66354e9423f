/* Gradients of layers over steps; see check_gradients.h. */
#include "check_gradients.h"

#ifdef TG_DOUBLE

static const char *function;

/* ---- recurrent layers ---- */

static double sequences, backwards, bias, own_option;
static void add_recurrent(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 3.0);
  static const char *const names[] = {"units,returnSequences,goBackwards,useBias",
                                      "units,returnSequences,goBackwards,useBias,unitForgetBias",
                                      "units,returnSequences,goBackwards,useBias,resetAfter"};
  const char *options = names[function[0] == 'l' ? 1 : function[0] == 'g' ? 2 : 0];
  chain_add(chain, function, options, 6.0, sequences, backwards, bias, own_option);
  if (sequences) chain_add(chain, function, "units", 5.0);
}
static void add_other_activations(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 3.0);
  chain_add(chain, function, "units,activation,recurrentActivation", 6.0, own_option, 2.0);
}

static void recurrent(tg_engine *engine) {
  static const char *const names[] = {"simpleRNN", "lstm", "gru"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    function = names[i];
    for (own_option = 0; own_option <= (i ? 1 : 0); own_option++)
      for (bias = 0; bias <= 1; bias++)
        for (sequences = 0; sequences <= 1; sequences++)
          for (backwards = 0; backwards <= 2; backwards++) check_layer(engine, 2, 3, 3, function, add_recurrent);
    for (own_option = 1; own_option <= 9 && i; own_option += 2)
      check_layer(engine, 2, 3, 3, function, add_other_activations);
  }
  sequences = bias = own_option = 1;
  backwards = 0;
  check_layer(engine, 1, 3, 1, "gru of one step", add_recurrent);
}

static void add_spatial_dropout(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 5.0);
  chain_add(chain, "spatialDropout1d", "rate", 0.3);
}

/* ---- attention ---- */

static double causal, rate;
static int32_t project(tg_chain *chain, const char *name, int32_t from, double units) {
  return tg_model_add(chain->engine, chain->model, "dense", name, &from, 1, "units", &units, 1);
}
/* Over its own steps, or with keys and values of fewer ones. */
static int crosses;
static void add_attention(tg_chain *chain) {
  const int32_t image = chain->last;
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 5.0);
  chain_add(chain, "positionEmbedding", "sequenceLength", 20.0);
  const int32_t steps = chain->last;
  int32_t other = steps;
  if (crosses) {
    chain->last = image;
    chain_add(chain, "averagePooling2d", "poolHeight,poolWidth,strideHeight,strideWidth", 2.0, 1.0, 2.0, 1.0);
    chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 5.0);
    other = chain->last;
  }
  const int32_t inputs[3] = {project(chain, "q", steps, 6), project(chain, "k", other, 6),
                             project(chain, "v", other, 9)};
  const double options[3] = {3, causal, rate};
  chain->last = tg_model_add(chain->engine, chain->model, "attention", "attention", inputs, 3,
                             "numHeads,causal,dropout", options, 3);
  chain_add(chain, "denseLike", "like", (double)steps);
  chain_join(chain, "add", steps);
}
/* One value as queries, keys and values: three gradients of it. */
static void add_bare_attention(tg_chain *chain) {
  chain_add(chain, "reshape", "rank,size1,size2", 2.0, -1.0, 6.0);
  const int32_t inputs[3] = {chain->last, chain->last, chain->last};
  const double heads = 2;
  chain->last = tg_model_add(chain->engine, chain->model, "attention", "attention", inputs, 3, "numHeads", &heads, 1);
}

static void attention(tg_engine *engine) {
  for (causal = 0; causal <= 1; causal++)
    for (crosses = 0; crosses <= 1; crosses++)
      for (rate = 0; rate <= 0.3; rate += 0.3) check_layer(engine, 4, 3, 5, "attention", add_attention);
  check_layer(engine, 2, 3, 6, "attention of one value", add_bare_attention);
}

int main(void) {
  tg_engine *engine = tg_engine_create(2, 2);
  recurrent(engine);
  attention(engine);
  check_layer(engine, 3, 3, 5, "spatialDropout1d", add_spatial_dropout);
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
