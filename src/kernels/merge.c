/*
 * One triple of inline functions a kind: the value, and the shares of dy that a and b get. As in activation.c, tails go
 * through the same loop as one vector more. Powers are power.c's.
 */
#include "kernels/merge.h"

#include "kernels/simd.h"

#define FUNCTION(name) TG_INLINE tg_v4 name(tg_v4 dy, tg_v4 a, tg_v4 b, tg_v4 factor)
#define IGNORE(x, y, z) (void)x, (void)y, (void)z

FUNCTION(add) { return IGNORE(dy, factor, factor), tg_v4_add(a, b); }
FUNCTION(add_a) { return IGNORE(a, b, factor), dy; }

FUNCTION(subtract) { return IGNORE(dy, factor, factor), tg_v4_sub(a, b); }
FUNCTION(subtract_a) { return IGNORE(a, b, factor), dy; }
FUNCTION(subtract_b) { return IGNORE(a, b, factor), tg_v4_sub(tg_v4_zero(), dy); }

FUNCTION(multiply) { return IGNORE(dy, factor, factor), tg_v4_mul(a, b); }
FUNCTION(multiply_a) { return IGNORE(a, factor, factor), tg_v4_mul(dy, b); }
FUNCTION(multiply_b) { return IGNORE(b, factor, factor), tg_v4_mul(dy, a); }

FUNCTION(average) { return IGNORE(dy, dy, dy), tg_v4_mul(tg_v4_add(a, b), factor); }
FUNCTION(average_a) { return IGNORE(a, b, b), tg_v4_mul(dy, factor); }

/* The maximum and minimum of simd.h drop a NaN that comes second. */
TG_INLINE tg_v4 with_nan(tg_v4 best, tg_v4 b) { return tg_v4_select(tg_v4_ne(b, b), b, best); }

FUNCTION(maximum) { return IGNORE(dy, factor, factor), with_nan(tg_v4_max(a, b), b); }
FUNCTION(maximum_a) { return IGNORE(factor, factor, factor), tg_v4_keep(tg_v4_le(b, a), dy); }
FUNCTION(maximum_b) { return IGNORE(factor, factor, factor), tg_v4_keep(tg_v4_lt(a, b), dy); }

FUNCTION(minimum) { return IGNORE(dy, factor, factor), with_nan(tg_v4_min(a, b), b); }
FUNCTION(minimum_a) { return IGNORE(factor, factor, factor), tg_v4_keep(tg_v4_le(a, b), dy); }
FUNCTION(minimum_b) { return IGNORE(factor, factor, factor), tg_v4_keep(tg_v4_lt(b, a), dy); }

FUNCTION(divide) { return IGNORE(dy, factor, factor), tg_v4_div(a, b); }
FUNCTION(divide_a) { return IGNORE(a, factor, factor), tg_v4_div(dy, b); }
FUNCTION(divide_b) {
  return IGNORE(factor, factor, factor), tg_v4_sub(tg_v4_zero(), tg_v4_div(tg_v4_mul(dy, tg_v4_div(a, b)), b));
}

/* n is a multiple of four. */
typedef void body(tg_real *to, const tg_real *dy, const tg_real *a, const tg_real *b, size_t n, tg_v4 factor);

#define BODY(name)                                                                                      \
  static void name##_body(tg_real *to, const tg_real *dy, const tg_real *a, const tg_real *b, size_t n, \
                          tg_v4 factor) {                                                               \
    for (size_t i = 0; i < n; i += 4)                                                                   \
      tg_v4_store(to + i, name(tg_v4_load(dy + i), tg_v4_load(a + i), tg_v4_load(b + i), factor));      \
  }
BODY(add)
BODY(add_a)
BODY(subtract)
BODY(subtract_a)
BODY(subtract_b)
BODY(multiply)
BODY(multiply_a)
BODY(multiply_b)
BODY(average)
BODY(average_a)
BODY(maximum)
BODY(maximum_a)
BODY(maximum_b)
BODY(minimum)
BODY(minimum_a)
BODY(minimum_b)
BODY(divide)
BODY(divide_a)
BODY(divide_b)

static const struct {
  body *value, *a, *b;
} bodies[] = {
    [TG_ADD] = {add_body, add_a_body, add_a_body},
    [TG_SUBTRACT] = {subtract_body, subtract_a_body, subtract_b_body},
    [TG_MULTIPLY] = {multiply_body, multiply_a_body, multiply_b_body},
    [TG_AVERAGE] = {average_body, average_a_body, average_a_body},
    [TG_MAXIMUM] = {maximum_body, maximum_a_body, maximum_b_body},
    [TG_MINIMUM] = {minimum_body, minimum_a_body, minimum_b_body},
    [TG_DIVIDE] = {divide_body, divide_a_body, divide_b_body},
};

static void run(body *f, tg_real *to, const tg_real *dy, const tg_real *a, const tg_real *b, size_t n, tg_real factor) {
  const size_t whole = n & ~(size_t)3, left = n - whole;
  f(to, dy, a, b, whole, tg_v4_splat(factor));
  if (!left) return;
  tg_real tail[4], dy_tail[4], a_tail[4], b_tail[4];
  tg_v4_store(dy_tail, tg_v4_load_part(dy + whole, left, 0));
  tg_v4_store(a_tail, tg_v4_load_part(a + whole, left, 0));
  tg_v4_store(b_tail, tg_v4_load_part(b + whole, left, 0));
  f(tail, dy_tail, a_tail, b_tail, 4, tg_v4_splat(factor));
  tg_v4_store_part(to + whole, tg_v4_load(tail), left);
}

void tg_merge(tg_merge_kind kind, tg_real *y, const tg_real *a, const tg_real *b, size_t n, tg_real factor) {
  if (kind == TG_POWER) {
    tg_merge_power(TG_POWER_VALUE, y, a, a, b, n);
    return;
  }
  run(bodies[kind].value, y, a, a, b, n, factor);
}

int tg_merge_reads(tg_merge_kind kind) { return kind == TG_MULTIPLY || kind >= TG_MAXIMUM; }

void tg_merge_backward(tg_merge_kind kind, tg_real *da, tg_real *db, const tg_real *dy, const tg_real *a,
                       const tg_real *b, size_t n, tg_real factor) {
  if (!tg_merge_reads(kind)) a = b = dy; /* their bytes may be others' by now */
  if (kind == TG_POWER) {
    if (da) tg_merge_power(TG_POWER_A, da, dy, a, b, n);
    if (db) tg_merge_power(TG_POWER_B, db, dy, a, b, n);
    return;
  }
  if (da) run(bodies[kind].a, da, dy, a, b, n, factor);
  if (db) run(bodies[kind].b, db, dy, a, b, n, factor);
}

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

void tg_dot_rows(tg_real *y, const tg_real *a, const tg_real *b, size_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, a += n, b += n) {
    tg_v4 sum = tg_v4_zero();
    for (uint32_t j = 0; j < n; j += 4) sum = tg_v4_madd(load4(a + j, n - j), load4(b + j, n - j), sum);
    y[row] = tg_v4_sum(sum);
  }
}

void tg_scale_rows(tg_real *y, const tg_real *x, const tg_real *factors, size_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, y += n, x += n) {
    const tg_v4 factor = tg_v4_splat(factors[row]);
    for (uint32_t j = 0; j < n; j += 4) tg_v4_store_part(y + j, tg_v4_mul(load4(x + j, n - j), factor), n - j);
  }
}
