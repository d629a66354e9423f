/* What the kernel bench measures with: a pass and its limit in turn, and a line of JSON for them. */
#ifndef TG_BENCH_MEASURE_H
#define TG_BENCH_MEASURE_H

#include <stddef.h>

#include "real.h"

enum { BENCH_PASSES = 3 };

/* What a pass is held against: the peak kernel, whose unit is a FLOP, or copying, whose unit is a byte. */
typedef enum { BENCH_ARITHMETIC, BENCH_MEMORY } bench_limit;

/* One run of a pass does so many units of work. Kernels are called through pointers, as in the engine: else the linker
 * makes one function of them all, in which registers run out. */
typedef struct {
  void (*run)(const void *context); /* NULL: there is no such pass */
  double work;
} bench_pass;

double bench_now_ms(void);
/* n reals between -1 and 1, and room behind them that may be read; to be freed. Ends the program where there is none.
 */
tg_real *bench_filled(size_t n);
/* GFLOP/s of the peak kernel, once the host has compiled its best code. */
double bench_peak(void);
/* GB/s that copying 64 MB reads and writes: more than a cache holds. */
double bench_memory(void);
/* {"path":…,"chosen":…,"passes":[…]}: GFLOP/s or GB/s of each pass, and the part of its limit that this is. */
void bench_print_line(const char *path, int chosen, const void *context, const bench_pass passes[BENCH_PASSES],
                      bench_limit limit);

#endif
