#include "kernels/update.h"

#include "kernels/simd.h"

/* Four lanes of everything that a rule reads and writes. */
typedef struct {
  tg_v4 w, g, s[TG_RULE_SLOTS];
} lanes;

typedef void rule(lanes *l, const tg_v4 *k, const tg_update_range *range);

/*
 * x, or 0 where |x| < 1e-30. The moments of a weight without gradient decay into subnormal numbers, stay there (a tenth
 * of the smallest rounds to nothing), and make the pass three times slower. So small a moment moves no weight: Adam
 * divides it by at least epsilon and SGD adds it as it is, which is far below half a unit in the last place of any
 * weight.
 */
TG_INLINE tg_v4 flush_tiny(tg_v4 x) {
  return tg_v4_select(tg_v4_lt(tg_v4_abs(x), tg_v4_splat((tg_real)1e-30)), tg_v4_zero(), x); /* NaN stays */
}

/* mean + (x - mean) * take. */
TG_INLINE tg_v4 average(tg_v4 mean, tg_v4 x, tg_v4 take) {
  return flush_tiny(tg_v4_add(mean, tg_v4_mul(tg_v4_sub(x, mean), take)));
}

TG_INLINE tg_v4 square(tg_v4 x) { return tg_v4_mul(x, x); }

TG_INLINE tg_v4 splat(double x) { return tg_v4_splat((tg_real)x); }

TG_INLINE tg_v4 load(const tg_real *p, size_t i) { return p ? tg_v4_load(p + i) : tg_v4_zero(); }

/* The last one to three numbers, in room for four: a kernel has no code of its own for them. */
__attribute__((noinline)) static void run_rest(const tg_update_range *r, const double *constants, tg_update *kernel) {
  tg_real room[2 + TG_RULE_SLOTS][4] = {{0}};
  const size_t first = r->n & ~(size_t)3, rest = r->n - first;
  const tg_real *from[2 + TG_RULE_SLOTS] = {r->w, r->g, r->slots[0], r->slots[1], r->slots[2]};
  for (int a = 0; a < 2 + TG_RULE_SLOTS; a++)
    for (size_t i = 0; from[a] && i < rest; i++) room[a][i] = from[a][first + i];
  tg_update_range four = {room[0], r->g ? room[1] : NULL, {0}, 4};
  for (int s = 0; s < TG_RULE_SLOTS; s++)
    if (r->slots[s]) four.slots[s] = room[2 + s];
  kernel(&four, constants);
  for (size_t i = 0; i < rest; i++) {
    r->w[first + i] = room[0][i];
    for (int s = 0; s < TG_RULE_SLOTS; s++)
      if (r->slots[s]) r->slots[s][first + i] = room[2 + s][i];
  }
}

/* Runs a rule of at most `slots` slots over the range; `kernel` is the caller. Written out, not in loops over slots and
 * constants: those would keep the vectors in memory. */
TG_INLINE void run(const tg_update_range *r, const double *constants, int slots, rule *apply, tg_update *kernel) {
  tg_real *s0 = slots > 0 ? r->slots[0] : NULL, *s1 = slots > 1 ? r->slots[1] : NULL;
  tg_real *s2 = slots > 2 ? r->slots[2] : NULL;
  const tg_v4 k[TG_UPDATE_CONSTANTS] = {splat(constants[0]), splat(constants[1]), splat(constants[2]),
                                        splat(constants[3]), splat(constants[4]), splat(constants[5])};
  for (size_t i = 0; i + 4 <= r->n; i += 4) {
    lanes l = {.w = load(r->w, i), .g = load(r->g, i), .s = {load(s0, i), load(s1, i), load(s2, i)}};
    apply(&l, k, r);
    if (s0) tg_v4_store(s0 + i, l.s[0]);
    if (s1) tg_v4_store(s1 + i, l.s[1]);
    if (s2) tg_v4_store(s2 + i, l.s[2]);
    tg_v4_store(r->w + i, l.w);
  }
  if (r->n & 3) run_rest(r, constants, kernel);
}

TG_INLINE void sgd(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->w = tg_v4_sub(l->w, tg_v4_mul(k[0], l->g));
}

TG_INLINE void momentum(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  tg_v4 step = tg_v4_mul(k[0], l->g), m = flush_tiny(tg_v4_sub(tg_v4_mul(k[1], l->s[0]), step));
  l->s[0] = m;
  tg_v4 ahead = tg_v4_sub(tg_v4_mul(k[1], m), step);
  l->w = tg_v4_add(l->w, tg_v4_select(tg_v4_ne(k[2], tg_v4_zero()), ahead, m));
}

void tg_sgd_update(const tg_update_range *range, const double *k) {
  if (range->slots[0])
    run(range, k, 1, momentum, tg_sgd_update);
  else
    run(range, k, 0, sgd, tg_sgd_update);
}

TG_INLINE void adam(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  l->s[0] = average(l->s[0], l->g, k[1]);
  l->s[1] = average(l->s[1], square(l->g), k[2]);
  tg_v4 v = l->s[1];
  if (r->slots[2]) v = l->s[2] = tg_v4_max(v, l->s[2]);
  l->w = tg_v4_sub(l->w, tg_v4_div(tg_v4_mul(k[0], l->s[0]), tg_v4_add(tg_v4_sqrt(v), k[3])));
}

void tg_adam_update(const tg_update_range *range, const double *k) { run(range, k, 3, adam, tg_adam_update); }

TG_INLINE void adamax(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->s[0] = average(l->s[0], l->g, k[1]);
  l->s[1] = flush_tiny(tg_v4_max(tg_v4_abs(l->g), tg_v4_mul(k[2], l->s[1])));
  l->w = tg_v4_sub(l->w, tg_v4_div(tg_v4_mul(k[0], l->s[0]), tg_v4_add(l->s[1], k[3])));
}

void tg_adamax_update(const tg_update_range *range, const double *k) { run(range, k, 2, adamax, tg_adamax_update); }

TG_INLINE void nadam(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->s[0] = average(l->s[0], l->g, k[2]);
  l->s[1] = average(l->s[1], square(l->g), k[3]);
  tg_v4 step = tg_v4_add(tg_v4_mul(k[0], l->s[0]), tg_v4_mul(k[1], l->g));
  l->w = tg_v4_sub(l->w, tg_v4_div(step, tg_v4_add(tg_v4_sqrt(tg_v4_mul(k[4], l->s[1])), k[5])));
}

void tg_nadam_update(const tg_update_range *range, const double *k) { run(range, k, 2, nadam, tg_nadam_update); }

TG_INLINE void adagrad(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->s[0] = tg_v4_add(l->s[0], square(l->g));
  l->w = tg_v4_sub(l->w, tg_v4_div(tg_v4_mul(k[0], l->g), tg_v4_sqrt(tg_v4_add(l->s[0], k[1]))));
}

void tg_adagrad_update(const tg_update_range *range, const double *k) { run(range, k, 1, adagrad, tg_adagrad_update); }

TG_INLINE void rmsprop(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  l->s[0] = average(l->s[0], square(l->g), k[1]);
  tg_v4 v = l->s[0];
  if (r->slots[2]) {
    l->s[2] = average(l->s[2], l->g, k[1]);
    /* A variance; rounding must not make it negative. */
    v = tg_v4_max(tg_v4_sub(v, square(l->s[2])), tg_v4_zero());
  }
  tg_v4 step = tg_v4_div(tg_v4_mul(k[0], l->g), tg_v4_sqrt(tg_v4_add(v, k[3])));
  if (r->slots[1]) step = l->s[1] = flush_tiny(tg_v4_add(tg_v4_mul(k[2], l->s[1]), step));
  l->w = tg_v4_sub(l->w, step);
}

void tg_rmsprop_update(const tg_update_range *range, const double *k) { run(range, k, 3, rmsprop, tg_rmsprop_update); }

TG_INLINE void adadelta(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->s[0] = average(l->s[0], square(l->g), k[1]);
  tg_v4 before = tg_v4_sqrt(tg_v4_add(l->s[1], k[2]));
  tg_v4 step = tg_v4_div(tg_v4_mul(before, l->g), tg_v4_sqrt(tg_v4_add(l->s[0], k[2])));
  l->s[1] = average(l->s[1], square(step), k[1]);
  l->w = tg_v4_sub(l->w, tg_v4_mul(k[0], step));
}

void tg_adadelta_update(const tg_update_range *range, const double *k) {
  run(range, k, 2, adadelta, tg_adadelta_update);
}

TG_INLINE void lion(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  const tg_v4 zero = tg_v4_zero();
  tg_v4 direction = tg_v4_add(tg_v4_mul(k[1], l->s[0]), tg_v4_mul(k[2], l->g));
  tg_v4 up = tg_v4_keep(tg_v4_lt(zero, direction), k[0]), down = tg_v4_keep(tg_v4_lt(direction, zero), k[0]);
  l->w = tg_v4_sub(l->w, tg_v4_sub(up, down));
  l->s[0] = average(l->s[0], l->g, k[3]);
}

void tg_lion_update(const tg_update_range *range, const double *k) { run(range, k, 1, lion, tg_lion_update); }

/* ---- around an update ---- */

TG_INLINE void approach(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->w = tg_v4_add(l->w, tg_v4_mul(k[0], tg_v4_sub(l->g, l->w)));
}

TG_INLINE void scale_sum(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->w = tg_v4_mul(k[0], tg_v4_add(l->w, l->g));
}

TG_INLINE void clip(lanes *l, const tg_v4 *k, const tg_update_range *r) {
  (void)r;
  l->w = tg_v4_min(tg_v4_max(l->w, tg_v4_sub(tg_v4_zero(), k[0])), k[0]);
}

static void approach_all(const tg_update_range *range, const double *k) { run(range, k, 0, approach, approach_all); }
static void scale_sum_all(const tg_update_range *range, const double *k) { run(range, k, 0, scale_sum, scale_sum_all); }
static void clip_all(const tg_update_range *range, const double *k) { run(range, k, 0, clip, clip_all); }

void tg_approach(tg_real *y, const tg_real *x, double share, size_t n) {
  approach_all(&(tg_update_range){.w = y, .g = x, .n = n}, (double[TG_UPDATE_CONSTANTS]){share});
}

void tg_scale_sum(tg_real *y, const tg_real *x, double factor, size_t n) {
  scale_sum_all(&(tg_update_range){.w = y, .g = x, .n = n}, (double[TG_UPDATE_CONSTANTS]){factor});
}

void tg_clip(tg_real *y, double limit, size_t n) {
  clip_all(&(tg_update_range){.w = y, .n = n}, (double[TG_UPDATE_CONSTANTS]){limit});
}

/* Squares added up in tg_real before their sum joins the total in double. */
enum { SQUARES_A_BLOCK = 512 };

double tg_sum_squares(const tg_real *x, size_t n) {
  double total = 0;
  for (size_t first = 0; first < n; first += SQUARES_A_BLOCK) {
    const size_t end = n - first < SQUARES_A_BLOCK ? n : first + SQUARES_A_BLOCK;
    tg_v4 a = tg_v4_zero(), b = a;
    size_t i = first;
    for (; i + 8 <= end; i += 8) {
      a = tg_v4_add(a, square(tg_v4_load(x + i)));
      b = tg_v4_add(b, square(tg_v4_load(x + i + 4)));
    }
    for (; i < end; i += 4) a = tg_v4_add(a, square(tg_v4_load_part(x + i, end - i, 0)));
    double sum = (double)tg_v4_sum(tg_v4_add(a, b));
    if (!(sum <= 1e38))
      for (sum = 0, i = first; i < end; i++) sum += (double)x[i] * (double)x[i];
    total += sum;
  }
  return total;
}
