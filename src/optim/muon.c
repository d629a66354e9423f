/*
 * Muon (Jordan, 2024): the momentum of a matrix is made nearly orthogonal by Newton-Schulz steps; what is no matrix, or
 * excluded, takes Adam. Names and defaults of Keras 3; unlike Keras, and like Jordan, convolution kernels count as
 * matrices, [height * width * in, out].
 *
 * A matrix that is tall is transposed first and last. In between, with A = X X', a step is S = a I + b A + c A A, X = S
 * X.
 */
#include <math.h>
#include <string.h>

#include "kernels/conv2d.h"
#include "kernels/copy.h"
#include "kernels/gemm.h"
#include "optim/optim.h"
#include "size.h"

enum {
  ADAM_BETA1,
  ADAM_BETA2,
  ADAM_WEIGHT_DECAY,
  EPSILON,
  MUON_A,
  MUON_B,
  MUON_C,
  ADAM_LR_RATIO,
  MOMENTUM,
  NS_STEPS,
  NESTEROV,
  RMS_RATE
};
static const tg_hyperparameter own[] = {{"adamBeta1", 0.9, 0, TG_BELOW_ONE, 0},
                                        {"adamBeta2", 0.999, 0, TG_BELOW_ONE, 0},
                                        {"adamWeightDecay", 0.004, 0, 1e30, 0},
                                        {"epsilon", 1e-7, 1e-30, 1, 0},
                                        {"muonA", 3.4445, -1e3, 1e3, 0},
                                        {"muonB", -4.775, -1e3, 1e3, 0},
                                        {"muonC", 2.0315, -1e3, 1e3, 0},
                                        {"adamLrRatio", 1, 0, 1e30, 0},
                                        {"momentum", 0.95, 0, TG_BELOW_ONE, 0},
                                        {"nsSteps", 5, 1, 100, 1},
                                        {"nesterov", 1, 0, 1, 1},
                                        {"rmsRate", 0.2, 0, 1e30, 0}};
enum { MOMENTUM_SLOT, SECOND_MOMENT_SLOT };

/* ---- Adam, for the others ---- */

typedef struct {
  const tg_optim_job *job;
  double constants[TG_UPDATE_CONSTANTS];
} adam_pass;

static void adam_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const adam_pass *p = context;
  const tg_optim_job *j = p->job;
  tg_optim_tile at = tg_optim_find_tile(j->optim, tile);
  const tg_optim_tensor *t = at.tensor;
  if (t->matrix) return;
  uint64_t first = t->offset + at.first;
  tg_real *m = j->optim->slots[MOMENTUM_SLOT] + t->slots[MOMENTUM_SLOT] + at.first;
  tg_real *v = j->optim->slots[SECOND_MOMENT_SLOT] + t->slots[SECOND_MOMENT_SLOT] + at.first;
  if (!t->keeps) tg_approach(j->w + first, NULL, j->own[ADAM_WEIGHT_DECAY] * j->rate, (size_t)at.n);
  tg_update_range range = {j->w + first, j->g + first, {m, v}, (size_t)at.n};
  tg_adam_update(&range, p->constants);
}

/* ---- a matrix ---- */

typedef struct {
  const tg_optim_job *job;
  const tg_optim_tensor *tensor;
  uint32_t rows, columns; /* of the tensor */
  uint32_t small, large;  /* the same by size: x is (small, large) */
  tg_real *x, *next, *a, *s, *packed;
  double factor; /* of the pass that runs */
} matrix_pass;

/* A product c (M, N) = left (M, K) @ right, which is (K, N), or (N, K) when `transposed`. */
typedef struct {
  tg_real *c;
  const tg_real *left, *right;
  tg_real *packed;
  uint32_t M, K, N;
  int transposed;
} product;

enum { PRODUCT_ROWS = 32, PACK_PANELS = 16 };

static void pack_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const product *p = context;
  uint32_t first = tile * PACK_PANELS, end = tg_min(first + PACK_PANELS, tg_gemm_panels(p->N));
  (p->transposed ? tg_gemm_pack_transposed : tg_gemm_pack)(p->packed, p->right, p->K, p->N, first, end);
}

static void product_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const product *p = context;
  uint32_t first = tile * PRODUCT_ROWS;
  tg_gemm(p->c, p->left, p->packed, NULL, p->K, p->N, first, tg_min(first + PRODUCT_ROWS, p->M), 0,
          tg_gemm_panels(p->N), 0);
}

static void multiply(tg_pool *pool, product p) {
  tg_pool_run(pool, tg_ceil_div(tg_gemm_panels(p.N), PACK_PANELS), pack_tile, &p);
  tg_pool_run(pool, tg_ceil_div(p.M, PRODUCT_ROWS), product_tile, &p);
}

typedef struct {
  tg_real *y;
  const tg_real *x;
  uint32_t rows, columns;
} transposition;

static void transpose_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const transposition *t = context;
  uint32_t first = tile * PRODUCT_ROWS;
  tg_transpose(t->y + first, t->rows, t->x + (size_t)first * t->columns, t->columns,
               tg_min(PRODUCT_ROWS, t->rows - first), t->columns);
}

static void swap(matrix_pass *p) {
  tg_real *x = p->x;
  p->x = p->next;
  p->next = x;
}

static void transpose(matrix_pass *p, uint32_t rows, uint32_t columns) {
  transposition t = {p->next, p->x, rows, columns};
  tg_pool_run(p->job->pool, tg_ceil_div(rows, PRODUCT_ROWS), transpose_tile, &t);
  swap(p);
}

/* x = the direction: the momentum, or a look ahead; and its squares. */
static void direction_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const matrix_pass *p = context;
  const tg_optim_job *j = p->job;
  tile += p->tensor->first_tile;
  tg_optim_tile at = tg_optim_find_tile(j->optim, tile);
  size_t n = (size_t)at.n;
  const tg_real *g = j->g + p->tensor->offset + at.first;
  tg_real *m = j->optim->slots[MOMENTUM_SLOT] + p->tensor->slots[MOMENTUM_SLOT] + at.first, *x = p->x + at.first;
  const double mu = j->own[MOMENTUM];
  /* SGD of rate -1 on zeros gives the direction itself. */
  memset(x, 0, n * sizeof *x);
  tg_sgd_update(&(tg_update_range){x, g, {m}, n}, (double[TG_UPDATE_CONSTANTS]){-1, mu, j->own[NESTEROV]});
  j->optim->sums[tile] = tg_sum_squares(x, n);
}

static void normalize_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const matrix_pass *p = context;
  tg_optim_tile at = tg_optim_find_tile(p->job->optim, p->tensor->first_tile + tile);
  tg_scale_sum(p->x + at.first, NULL, p->factor, (size_t)at.n);
}

static void apply_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const matrix_pass *p = context;
  const tg_optim_job *j = p->job;
  tg_optim_tile at = tg_optim_find_tile(j->optim, p->tensor->first_tile + tile);
  tg_real *w = j->w + p->tensor->offset + at.first;
  if (!p->tensor->keeps) tg_approach(w, NULL, j->optim->values[TG_WEIGHT_DECAY] * j->rate, (size_t)at.n);
  tg_update_range range = {w, p->x + at.first, {0}, (size_t)at.n};
  tg_sgd_update(&range, (double[TG_UPDATE_CONSTANTS]){p->factor});
}

static void newton_schulz(matrix_pass *p) {
  const double *h = p->job->own;
  tg_pool *pool = p->job->pool;
  uint32_t m = p->small, n = p->large;
  size_t squares = (size_t)m * m;
  multiply(pool, (product){p->a, p->x, p->x, p->packed, m, n, m, 1});
  multiply(pool, (product){p->s, p->a, p->a, p->packed, m, m, m, 0});
  tg_scale_sum(p->s, NULL, h[MUON_C], squares);
  tg_sgd_update(&(tg_update_range){p->s, p->a, {0}, squares}, (double[TG_UPDATE_CONSTANTS]){-h[MUON_B]});
  for (uint32_t i = 0; i < m; i++) p->s[(size_t)i * m + i] += (tg_real)h[MUON_A];
  multiply(pool, (product){p->next, p->s, p->x, p->packed, m, m, n, 0});
  swap(p);
}

/* Room for a matrix: itself twice, two squares of its smaller side, and the largest packed factor. Packed there are X
 * and its transpose; panels of A are no more than those. Each may be read a little past its end. */
static uint64_t lay_out(matrix_pass *p, tg_real *scratch) {
  uint64_t size = tg_align_up(p->tensor->size + TG_OVERREAD_REALS, 16);
  uint64_t square = tg_align_up((uint64_t)p->small * p->small + TG_OVERREAD_REALS, 16);
  uint64_t wide = tg_gemm_packed_size(p->small, p->large), tall = tg_gemm_packed_size(p->large, p->small);
  if (scratch) {
    p->x = scratch;
    p->next = p->x + size;
    p->a = p->next + size;
    p->s = p->a + square;
    p->packed = p->s + square;
  }
  return 2 * size + 2 * square + (wide > tall ? wide : tall);
}

static matrix_pass matrix_of(const tg_optim_job *job, const tg_optim_tensor *t) {
  uint32_t rows = (uint32_t)(t->size / t->columns), columns = t->columns;
  return (matrix_pass){.job = job,
                       .tensor = t,
                       .rows = rows,
                       .columns = columns,
                       .small = tg_min(rows, columns),
                       .large = tg_max(rows, columns)};
}

static uint64_t scratch(const tg_optim *optim) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < optim->n_tensors; i++) {
    if (!optim->tensors[i].matrix) continue;
    matrix_pass p = matrix_of(NULL, &optim->tensors[i]);
    uint64_t wanted = lay_out(&p, NULL);
    if (wanted > most) most = wanted;
  }
  return most;
}

static void update_matrix(const tg_optim_job *job, const tg_optim_tensor *t) {
  const double *h = job->own;
  matrix_pass p = matrix_of(job, t);
  lay_out(&p, job->optim->scratch);
  uint32_t tiles = tg_optim_tile_count(t);
  tg_pool_run(job->pool, tiles, direction_tile, &p);
  p.factor = 1 / (sqrt(tg_optim_sum(job->optim, t)) + 1e-7);
  tg_pool_run(job->pool, tiles, normalize_tile, &p);
  int tall = p.rows > p.columns;
  if (tall) transpose(&p, p.rows, p.columns);
  for (int i = 0; i < (int)h[NS_STEPS]; i++) newton_schulz(&p);
  if (tall) transpose(&p, p.columns, p.rows);
  p.factor = job->rate * (h[RMS_RATE] > 0 ? h[RMS_RATE] * sqrt(p.large) : 1);
  tg_pool_run(job->pool, tiles, apply_tile, &p);
}

static void update_tensors(const tg_optim_job *job) {
  const double *h = job->own;
  adam_pass adam = {.job = job};
  tg_adam_constants(adam.constants, job->rate * h[ADAM_LR_RATIO], h[ADAM_BETA1], h[ADAM_BETA2], h[EPSILON], job->step);
  tg_pool_run(job->pool, job->optim->n_tiles, adam_tile, &adam);
  for (uint32_t i = 0; i < job->optim->n_tensors; i++)
    if (job->optim->tensors[i].matrix) update_matrix(job, &job->optim->tensors[i]);
}

const tg_rule tg_rule_muon = {.own = own,
                              .n_own = sizeof own / sizeof *own,
                              .rate = 0.001,
                              .decay = 0.004,
                              .slots = {{"momentum", TG_SLOT_WHOLE, TG_ALWAYS, TG_ZEROS},
                                        {"secondMoment", TG_SLOT_ELEMENTWISE, TG_ALWAYS, TG_ZEROS}},
                              .update_tensors = update_tensors,
                              .scratch = scratch,
                              .own_decay = 1,
                              .rest = 1};
