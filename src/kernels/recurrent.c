#include "kernels/recurrent.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

static void activate(const tg_gate_function *f, tg_real *x, size_t n) { tg_activate(f->kind, x, x, n, f->parameters); }

/* dx (n) = dy times the slope where the value is y. */
static void slope(const tg_gate_function *f, tg_real *dx, const tg_real *dy, const tg_real *y, size_t n) {
  tg_activate_backward(f->kind, dx, dy, y, n, f->parameters);
}

void tg_simple_cell(tg_real *gates, const tg_cell_functions *f, uint32_t n) { activate(&f->inner, gates, n); }

void tg_simple_cell_backward(tg_real *gates, const tg_real *dh, const tg_cell_functions *f, uint32_t n) {
  slope(&f->inner, gates, dh, gates, n);
}

/* ---- LSTM: gates i, f, g, o ---- */

void tg_lstm_cell(tg_real *h, tg_real *c, tg_real *gates, const tg_real *c_before, const tg_cell_functions *f,
                  uint32_t n) {
  tg_real *forget = gates + n, *candidate = forget + n, *output = candidate + n;
  activate(&f->gate, gates, 2 * (size_t)n);
  activate(&f->inner, candidate, n);
  activate(&f->gate, output, n);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 v = tg_v4_mul(load(gates + j, left), load(candidate + j, left));
    if (c_before) v = tg_v4_add(tg_v4_mul(load(forget + j, left), load(c_before + j, left)), v);
    tg_v4_store_part(c + j, v, left);
  }
  tg_activate(f->inner.kind, h, c, n, f->inner.parameters);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4_store_part(h + j, tg_v4_mul(load(h + j, left), load(output + j, left)), left);
  }
}

void tg_lstm_cell_backward(tg_real *gates, tg_real *dc, const tg_real *dh, const tg_real *c, const tg_real *c_before,
                           tg_real *scratch, const tg_cell_functions *f, uint32_t n) {
  const tg_real *forget = gates + n, *candidate = forget + n, *output = candidate + n;
  tg_real *inner = scratch, *d_input = inner + n, *d_forget = d_input + n, *d_candidate = d_forget + n;
  tg_real *d_output = d_candidate + n;
  tg_activate(f->inner.kind, inner, c, n, f->inner.parameters);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 d = load(dh + j, left);
    tg_v4_store_part(d_output + j, tg_v4_mul(d, load(inner + j, left)), left);
    tg_v4_store_part(d_input + j, tg_v4_mul(d, load(output + j, left)), left);
  }
  slope(&f->inner, inner, d_input, inner, n);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 d = tg_v4_add(load(dc + j, left), load(inner + j, left));
    tg_v4 before = c_before ? load(c_before + j, left) : tg_v4_zero();
    tg_v4_store_part(d_input + j, tg_v4_mul(d, load(candidate + j, left)), left);
    tg_v4_store_part(d_forget + j, tg_v4_mul(d, before), left);
    tg_v4_store_part(d_candidate + j, tg_v4_mul(d, load(gates + j, left)), left);
    tg_v4_store_part(dc + j, tg_v4_mul(d, load(forget + j, left)), left);
  }
  slope(&f->gate, gates, d_input, gates, 2 * (size_t)n);
  slope(&f->inner, gates + 2 * (size_t)n, d_candidate, candidate, n);
  slope(&f->gate, gates + 3 * (size_t)n, d_output, output, n);
}

/* ---- GRU: gates z, r, g, q ---- */

void tg_gru_reset(tg_real *gates, const tg_real *h_before, const tg_cell_functions *f, int reset_after, uint32_t n) {
  const tg_real *reset = gates + n;
  tg_real *candidate = gates + 2 * (size_t)n, *q = candidate + n;
  activate(&f->gate, gates, 2 * (size_t)n);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 r = load(reset + j, left);
    if (reset_after) {
      tg_v4 sum = tg_v4_add(load(candidate + j, left), tg_v4_mul(r, load(q + j, left)));
      tg_v4_store_part(candidate + j, sum, left);
    } else {
      tg_v4_store_part(q + j, tg_v4_mul(r, load(h_before + j, left)), left);
    }
  }
}

void tg_gru_output(tg_real *h, tg_real *gates, const tg_real *h_before, const tg_cell_functions *f, uint32_t n) {
  tg_real *candidate = gates + 2 * (size_t)n;
  activate(&f->inner, candidate, n);
  const tg_v4 one = tg_v4_splat(1);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 z = load(gates + j, left);
    tg_v4 kept = tg_v4_mul(z, load(h_before + j, left));
    tg_v4_store_part(h + j, tg_v4_add(kept, tg_v4_mul(tg_v4_sub(one, z), load(candidate + j, left))), left);
  }
}

void tg_gru_output_backward(tg_real *gates, tg_real *dh, const tg_real *h_before, tg_real *scratch,
                            const tg_cell_functions *f, uint32_t n) {
  tg_real *candidate = gates + 2 * (size_t)n, *d_update = scratch, *d_candidate = scratch + n;
  const tg_v4 one = tg_v4_splat(1);
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 d = load(dh + j, left), z = load(gates + j, left);
    tg_v4 change = tg_v4_sub(load(h_before + j, left), load(candidate + j, left));
    tg_v4_store_part(d_update + j, tg_v4_mul(d, change), left);
    tg_v4_store_part(d_candidate + j, tg_v4_mul(d, tg_v4_sub(one, z)), left);
    tg_v4_store_part(dh + j, tg_v4_mul(d, z), left);
  }
  slope(&f->gate, gates, d_update, gates, n);
  slope(&f->inner, candidate, d_candidate, candidate, n);
}

void tg_gru_reset_backward(tg_real *gates, tg_real *dh, const tg_real *dq, const tg_real *h_before, tg_real *scratch,
                           const tg_cell_functions *f, int reset_after, uint32_t n) {
  tg_real *reset = gates + n, *q = gates + 3 * (size_t)n;
  const tg_real *candidate = reset + n;
  for (uint32_t j = 0; j < n; j += 4) {
    const size_t left = n - j;
    tg_v4 r = load(reset + j, left);
    if (reset_after) {
      tg_v4 d = load(candidate + j, left);
      tg_v4_store_part(scratch + j, tg_v4_mul(d, load(q + j, left)), left);
      tg_v4_store_part(q + j, tg_v4_mul(d, r), left);
    } else {
      tg_v4 d = load(dq + j, left);
      tg_v4_store_part(scratch + j, tg_v4_mul(d, load(h_before + j, left)), left);
      tg_v4_store_part(dh + j, tg_v4_add(load(dh + j, left), tg_v4_mul(d, r)), left);
    }
  }
  slope(&f->gate, reset, scratch, reset, n);
}
