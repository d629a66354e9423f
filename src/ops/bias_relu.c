#include "bias_relu.h"

#include "../kernels/elementwise.h"
#include "../kernels/reduce.h"
#include "../size.h"

/* About 64 KiB of dy a chunk: a share of the second-level cache, and some hundred tiles for a large layer. */
enum { CHUNK_REALS = 16384 };

static uint32_t chunk_rows(uint32_t n) { return tg_max(1, CHUNK_REALS / n); }

uint64_t tg_bias_relu_scratch(uint64_t rows, uint32_t n) { return tg_mul(rows / chunk_rows(n) + 1, n); }

typedef struct {
  tg_real *db, *dy, *partial;
  const tg_real *y;
  uint64_t rows;
  uint32_t n;
  int relu;
} job;

static void chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint64_t first = (uint64_t)tile * chunk_rows(j->n);
  size_t rows = (size_t)(j->rows - first < chunk_rows(j->n) ? j->rows - first : chunk_rows(j->n));
  tg_real *dy = j->dy + first * j->n, *partial = j->partial + (uint64_t)tile * j->n;
  if (!j->relu)
    tg_sum_rows(partial, dy, rows, j->n);
  else if (j->db)
    tg_relu_backward_sum_rows(dy, partial, j->y + first * j->n, rows, j->n);
  else
    tg_relu_backward(dy, dy, j->y + first * j->n, rows * j->n);
}

void tg_bias_relu_backward(tg_pool *pool, tg_real *db, tg_real *dy, const tg_real *y, tg_real *scratch, uint64_t rows,
                           uint32_t n, int relu) {
  if (!db && !relu) return;
  job j = {db, dy, scratch, y, rows, n, relu};
  uint32_t chunks = (uint32_t)((rows + chunk_rows(n) - 1) / chunk_rows(n));
  tg_pool_run(pool, chunks, chunk, &j);
  if (db) tg_sum_rows(db, scratch, chunks, n);
}
