/* Initial values of weights. */
#ifndef TG_INITIALIZE_H
#define TG_INITIALIZE_H

#include "graph.h"

/* w (tensor's shape) drawn from the stream of `seed` and the tensor's number. TG_E_OOM (orthogonal needs room). */
tg_status tg_initialize(tg_engine *engine, tg_real *w, const tg_tensor *tensor, uint64_t seed, uint32_t number);

#endif
