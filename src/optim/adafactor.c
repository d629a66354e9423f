/*
 * Adafactor as Keras has it: matrices (the last two dimensions of a kernel) keep row and column means of the squared
 * gradients, vectors all of them. Four passes over the tensors: row means; column means and
 * their inverse roots; the steps' size; the update.
 */
#include "kernels/adafactor.h"

#include <math.h>

#include "kernels/math.h"
#include "optim/optim.h"
#include "size.h"

enum { BETA2_DECAY, EPSILON1, EPSILON2, CLIP_THRESHOLD, RELATIVE_STEP };
static const tg_hyperparameter own[] = {{"beta2Decay", -0.8, -1, 0, 0},
                                        {"epsilon1", 1e-30, 1e-34, 1, 0},
                                        {"epsilon2", 1e-3, 0, 1, 0},
                                        {"clipThreshold", 1, 1e-30, 1e30, 0},
                                        {"relativeStep", 1, 0, 1, 1}};
enum { ROWS, COLUMNS, VECTOR };

typedef struct {
  const tg_optim_job *job;
  double take; /* share of the new squares in the means */
} pass;

/* 1 / sqrt of the columns' means, or of a vector's: matrices and vectors in the tensors' order. */
static uint64_t root_offset(const tg_optim_tensor *t) { return t->slots[COLUMNS] + t->slots[VECTOR]; }

static int is_vector(const tg_optim_tensor *t) { return t->shape.rank < 2; }

static void row_means_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim *optim = p->job->optim;
  tg_optim_tile at = tg_optim_find_tile(optim, tile);
  const tg_optim_tensor *t = at.tensor;
  uint64_t first = t->offset + at.first;
  optim->sums[tile] = tg_sum_squares(p->job->w + first, (size_t)at.n);
  if (is_vector(t)) return;
  tg_real *means = optim->slots[ROWS] + t->slots[ROWS] + at.first / t->columns;
  for (uint64_t row = 0; row < at.n / t->columns; row++) {
    double mean = tg_sum_squares(p->job->g + first + row * t->columns, t->columns) / t->columns;
    means[row] += (tg_real)((mean + p->job->own[EPSILON1] - (double)means[row]) * p->take);
  }
}

static void column_means_strip(void *context, uint32_t strip, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim *optim = p->job->optim;
  const tg_optim_tensor *t = tg_optim_find_strip(optim, strip);
  uint32_t strips = tg_ceil_div(t->columns, t->strip), number = strip - t->first_strip;
  uint32_t first = number % strips * t->strip, n = tg_min(t->strip, t->columns - first);
  uint64_t matrix = number / strips, at = matrix * t->columns + first;
  tg_real *moments = is_vector(t) ? optim->slots[VECTOR] + t->slots[VECTOR] : optim->slots[COLUMNS] + t->slots[COLUMNS];
  tg_adafactor_columns(moments + at, p->job->g + t->offset + matrix * t->rows * t->columns + first, t->rows, t->columns,
                       n, p->take, p->job->own[EPSILON1]);
  tg_inverse_roots(optim->scratch + root_offset(t) + at, moments + at, n);
}

/* The sum of the squares of a tile's steps, or with a rate the steps themselves. A piece of a vector is one row. */
static double step_tile(const pass *p, uint32_t tile, const double *rate) {
  const tg_optim *optim = p->job->optim;
  const tg_optim_tile at = tg_optim_find_tile(optim, tile);
  const tg_optim_tensor *t = at.tensor;
  const int vector = is_vector(t);
  const uint64_t columns = vector ? at.n : t->columns, end = at.first + at.n;
  double sum = 0;
  for (uint64_t first = at.first; first < end; first += columns) {
    const uint64_t row = first / columns, matrix = vector ? 0 : row / t->rows;
    const tg_real *roots = optim->scratch + root_offset(t) + (vector ? first : matrix * columns);
    const double factor =
        vector ? 1 : sqrt(optim->means[t->first_matrix + matrix] / (double)optim->slots[ROWS][t->slots[ROWS] + row]);
    if (rate)
      tg_adafactor_update(p->job->w + t->offset + first, p->job->g + t->offset + first, roots, *rate * factor, columns);
    else
      sum += factor * factor * tg_adafactor_squares(p->job->g + t->offset + first, roots, columns);
  }
  return sum;
}

static void squares_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  p->job->optim->sums[tile] = step_tile(p, tile, NULL);
}

static void update_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim *optim = p->job->optim;
  step_tile(p, tile, &optim->factors[tg_optim_find_tile(optim, tile).tensor - optim->tensors]);
}

/* Means of the row means, matrix by matrix. */
static void find_means(const tg_optim *optim) {
  for (uint32_t i = 0; i < optim->n_tensors; i++) {
    const tg_optim_tensor *t = &optim->tensors[i];
    if (is_vector(t)) continue;
    const tg_real *rows = optim->slots[ROWS] + t->slots[ROWS];
    for (uint64_t matrix = 0; matrix < t->size / t->columns / t->rows; matrix++, rows += t->rows) {
      double sum = 0;
      for (uint32_t row = 0; row < t->rows; row++) sum += (double)rows[row];
      optim->means[t->first_matrix + matrix] = sum / t->rows;
    }
  }
}

static double root_mean(const tg_optim *optim, const tg_optim_tensor *t) {
  return sqrt(tg_optim_sum(optim, t) / (double)t->size);
}

static uint64_t scratch_size(const tg_optim *optim) {
  if (!optim->n_tensors) return 0;
  const tg_optim_tensor *last = &optim->tensors[optim->n_tensors - 1];
  return root_offset(last) + last->size / last->rows;
}

static void update_tensors(const tg_optim_job *job) {
  const tg_optim *optim = job->optim;
  const double *h = job->own;
  tg_pool *pool = job->pool;
  double by_step = 1 / sqrt((double)job->step);
  double rate = h[RELATIVE_STEP] != 0 && by_step < job->rate ? by_step : job->rate;
  tg_v4 exponent = tg_v4_splat((tg_real)h[BETA2_DECAY] * tg_log((tg_real)job->step));
  pass p = {job, (double)tg_v4_lane0(tg_v4_exp(exponent))}; /* step^beta2Decay */
  tg_pool_run(pool, optim->n_tiles, row_means_tile, &p);
  for (uint32_t i = 0; i < optim->n_tensors; i++) {
    double size = root_mean(optim, &optim->tensors[i]);
    optim->factors[i] = rate * (size > h[EPSILON2] ? size : h[EPSILON2]);
  }
  tg_pool_run(pool, optim->n_strips, column_means_strip, &p);
  find_means(optim);
  tg_pool_run(pool, optim->n_tiles, squares_tile, &p);
  for (uint32_t i = 0; i < optim->n_tensors; i++) {
    double excess = root_mean(optim, &optim->tensors[i]) / h[CLIP_THRESHOLD];
    if (excess > 1) optim->factors[i] /= excess;
  }
  tg_pool_run(pool, optim->n_tiles, update_tile, &p);
}

const tg_rule tg_rule_adafactor = {.own = own,
                                   .n_own = sizeof own / sizeof *own,
                                   .rate = 0.001,
                                   .slots = {{"rowMoment", TG_SLOT_ROWS, TG_ALWAYS, TG_ZEROS},
                                             {"columnMoment", TG_SLOT_COLUMNS, TG_ALWAYS, TG_ZEROS},
                                             {"secondMoment", TG_SLOT_VECTOR, TG_ALWAYS, TG_ZEROS}},
                                   .scratch = scratch_size,
                                   .update_tensors = update_tensors,
                                   .rest = 1};
