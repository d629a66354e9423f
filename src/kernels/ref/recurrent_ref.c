#include <math.h>

#include "kernels/ref/ref.h"

static double apply(const tg_gate_function *f, double x) { return tg_ref_activate(f->kind, x, f->parameters); }

void tg_ref_simple_cell(double *h, const double *sums, const tg_cell_functions *f, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) h[j] = apply(&f->inner, sums[j]);
}

void tg_ref_lstm_cell(double *h, double *c, const double *sums, const double *c_before, const tg_cell_functions *f,
                      uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    double input = apply(&f->gate, sums[j]), forget = apply(&f->gate, sums[n + j]);
    double candidate = apply(&f->inner, sums[2 * n + j]), output = apply(&f->gate, sums[3 * n + j]);
    c[j] = forget * c_before[j] + input * candidate;
    h[j] = output * apply(&f->inner, c[j]);
  }
}

void tg_ref_gru_cell(double *h, const double *sums, const double *h_before, const tg_cell_functions *f, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    double update = apply(&f->gate, sums[j]), reset = apply(&f->gate, sums[n + j]);
    double candidate = apply(&f->inner, sums[2 * n + j] + reset * sums[3 * n + j]);
    h[j] = update * h_before[j] + (1 - update) * candidate;
  }
}
