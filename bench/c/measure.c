#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/conv2d.h"
#include "kernels/gemm.h"
#include "kernels/simd.h"

#ifdef __EMSCRIPTEN__
#include <emscripten.h>
double bench_now_ms(void) { return emscripten_get_now(); }
#else
double bench_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}
#endif

tg_real *bench_filled(size_t n) {
  tg_real *p = malloc((n + TG_OVERREAD_REALS) * sizeof *p);
  if (!p) exit(1);
  for (size_t i = 0; i < n + TG_OVERREAD_REALS; i++) p[i] = (tg_real)((int)(i * 7919 % 1999) - 999) / 1000;
  return p;
}

static void peak_kernel(const void *context) { *(tg_real *)context = tg_gemm_peak(256); }

typedef struct {
  tg_real *to, *from;
  size_t n;
} copy;

static void copy_kernel(const void *context) {
  const copy *c = context;
  tg_copy(c->to, c->from, c->n);
}

/* Units of 1e9 a second, over at least `ms` milliseconds. Apart from its callers: what they know of the pass would let
 * the compiler drop work whose results nobody reads. */
static __attribute__((noinline)) double chunk(const bench_pass *pass, const void *context, double ms) {
  double start = bench_now_ms(), elapsed = 0;
  int runs = 0;
  do {
    pass->run(context);
    runs++;
    elapsed = bench_now_ms() - start;
  } while (elapsed < ms);
  return pass->work * runs / elapsed * 1e-6;
}

static double best_of(int chunks, const bench_pass *pass, const void *context) {
  double best = 0;
  for (int i = 0; i < chunks; i++) {
    const double rate = chunk(pass, context, 1);
    if (rate > best) best = rate;
  }
  return best;
}

double bench_peak(void) {
  tg_real y;
  const bench_pass peak = {peak_kernel, tg_gemm_peak_flops(256)};
  chunk(&peak, &y, 1000); /* an engine compiles in the background */
  return best_of(80, &peak, &y);
}

enum { MEMORY_REALS = 16 << 20 };

double bench_memory(void) {
  const copy c = {bench_filled(MEMORY_REALS), bench_filled(MEMORY_REALS), MEMORY_REALS};
  const bench_pass pass = {copy_kernel, 2.0 * MEMORY_REALS * sizeof(tg_real)};
  const double best = best_of(20, &pass, &c);
  free(c.to);
  free(c.from);
  return best;
}

typedef struct {
  double rate, top;
} result;

/* The pass and its limit in turn, 80 chunks of a millisecond or two of each after 60 ms that let an engine compile what
 * is hot. Of each the best chunk counts: whatever else runs on the machine can only slow one down. */
static result measure(const bench_pass *pass, const void *context, const bench_pass *top, const void *top_context) {
  result best = {0, 0};
  chunk(pass, context, 60);
  for (int i = 0; i < 80; i++) {
    const double rate = chunk(pass, context, 2), limit = chunk(top, top_context, 1);
    if (rate > best.rate) best.rate = rate;
    if (limit > best.top) best.top = limit;
  }
  return best;
}

static result measure_arithmetic(const bench_pass *pass, const void *context) {
  tg_real y;
  const bench_pass top = {peak_kernel, tg_gemm_peak_flops(256)};
  return measure(pass, context, &top, &y);
}

/* Copying moves as many bytes as the pass, half of them read and half written. */
static result measure_memory(const bench_pass *pass, const void *context) {
  const size_t n = (size_t)pass->work / sizeof(tg_real) / 2;
  copy c = {bench_filled(n), bench_filled(n), n};
  const bench_pass top = {copy_kernel, pass->work};
  const result found = measure(pass, context, &top, &c);
  free(c.to);
  free(c.from);
  return found;
}

void bench_print_line(const char *path, int chosen, const void *context, const bench_pass passes[BENCH_PASSES],
                      bench_limit limit) {
  printf("{\"path\":\"%s\",\"chosen\":%s,\"passes\":[", path, chosen ? "true" : "false");
  for (int i = 0; i < BENCH_PASSES; i++) {
    const char *comma = i ? "," : "";
    if (!passes[i].run) {
      printf("%snull", comma);
    } else {
      const result r =
          limit == BENCH_MEMORY ? measure_memory(&passes[i], context) : measure_arithmetic(&passes[i], context);
      printf("%s[%.1f,%.3f]", comma, r.rate, r.rate / r.top);
    }
  }
  printf("]}\n");
}
