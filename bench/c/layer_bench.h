/* Operators and optimizers by themselves, for the kernel bench: on arrays of their own, on one thread. */
#ifndef TG_BENCH_LAYER_H
#define TG_BENCH_LAYER_H

#include <stdint.h>

#include "measure.h"

/*
 * Prints the line of operator `op` (its name in JavaScript) on `samples` samples of height x width x channels, as each
 * of its inputs; rank 2 is (width, channels), 1 (channels). options: "name=number,…", what the operator is not left to
 * choose. Passes are forward and backward, the latter with all gradients. Of the arithmetic limit a unit is a FLOP of
 * the operator's products, twice as many backward; of memory a byte of inputs, outputs and their gradients, each once
 * if the pass needs it.
 */
void layer_bench(const char *op, uint32_t rank, const uint32_t size[3], uint32_t samples, const char *options,
                 bench_limit limit);

/* Prints the line of an update of rows x columns weights by rule number `optimizer` (tg_optimizer), in bytes of
 * weights, gradients and slots, of which what is written was read too; Muon in FLOP of its products. */
void update_bench(uint32_t optimizer, uint32_t rows, uint32_t columns);

#endif
