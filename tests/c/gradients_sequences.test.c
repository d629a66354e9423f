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

int main(void) {
  tg_engine *engine = tg_engine_create(2, 2);
  recurrent(engine);
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
