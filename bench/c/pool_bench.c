/*
 * From dispatch to join: what tg_pool_run costs by itself. Arguments: threads, processors. A line of JSON: microseconds
 * of a call, median and ninth decile, when the workers are awake (calls follow each other) and when they sleep (a
 * millisecond lies between calls).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "parallel.h"

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static _Atomic uint32_t arrived;

/* A tile for each thread that works, none of which ends before all have begun: else one thread would do them all. */
static void meet(void *context, uint32_t tile, uint32_t thread) {
  (void)tile, (void)thread;
  atomic_fetch_add(&arrived, 1);
  while (atomic_load_explicit(&arrived, memory_order_acquire) < *(const uint32_t *)context) continue;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* A clock takes part of a microsecond, so a sample is the mean of `calls` in a row. */
enum { SAMPLES = 1000 };

static void measure(tg_pool *pool, int calls, double pause_us, double out[2]) {
  double times[SAMPLES];
  uint32_t width = tg_pool_width(pool);
  for (int i = -SAMPLES / 10; i < SAMPLES; i++) {
    for (const double end = now_us() + pause_us; now_us() < end;) continue;
    const double start = now_us();
    for (int call = 0; call < calls; call++) {
      atomic_store(&arrived, 0);
      tg_pool_run(pool, width, meet, &width);
    }
    if (i >= 0) times[i] = (now_us() - start) / calls;
  }
  qsort(times, SAMPLES, sizeof *times, ascending);
  out[0] = times[SAMPLES / 2];
  out[1] = times[SAMPLES * 9 / 10];
}

int main(int count, char **arguments) {
  if (count != 3) return 1;
  tg_pool *pool = tg_pool_create((uint32_t)atoi(arguments[1]), (uint32_t)atoi(arguments[2]));
  if (!pool) return 1;
  double warm[2], cold[2];
  measure(pool, 100, 0, warm);
  measure(pool, 1, 1000, cold);
  printf("{\"threads\":%u,\"working\":%u,\"warm\":[%.2f,%.2f],\"asleep\":[%.2f,%.2f]}\n", tg_pool_threads(pool),
         tg_pool_width(pool), warm[0], warm[1], cold[0], cold[1]);
  tg_pool_destroy(pool);
  return 0;
}
