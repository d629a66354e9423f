/* exp, log, tanh and erf against the C library in double, all exponents and the special values. */
#include "kernels/math.h"

#include "test.h"

static double exp1(double x) { return (double)tg_v4_lane0(tg_v4_exp(tg_v4_splat((tg_real)x))); }
static double log1(double x) { return (double)tg_v4_lane0(tg_v4_log(tg_v4_splat((tg_real)x))); }

/* Functions of one exponential. */
#define ONE_NUMBER(name, function)                                                                  \
  static double name(double x) {                                                                    \
    const tg_v4 v = tg_v4_splat((tg_real)x);                                                        \
    return (double)tg_v4_lane0(tg_v4_##function##_from(v, tg_v4_exp(tg_v4_##function##_power(v)))); \
  }
ONE_NUMBER(tanh1, tanh)
ONE_NUMBER(erf1, erf)
ONE_NUMBER(expm1_1, expm1)

/* Largest relative error over [1e-6, 12], both signs, or for one sign only. */
static double worst_error(double (*mine)(double), double (*right)(double), int signs) {
  double worst = 0;
  for (double size = 1e-6; size < 12; size *= size < 1e-2 ? 1.01 : 1.00005)
    for (int sign = -1; sign <= signs; sign += 2) {
      double at = (tg_real)(sign * size), error = fabs(mine(at) - right(at)) / fabs(right(at));
      if (error > worst) worst = error;
    }
  return worst;
}

static void test_odd_functions(void) {
  const double bound = sizeof(tg_real) == 4 ? 3e-7 : 1e-15;
  double worst_tanh = worst_error(tanh1, tanh, 1), worst_erf = worst_error(erf1, erf, 1);
  double worst_expm1 = worst_error(expm1_1, expm1, -1);
  printf("relative errors: tanh %.2g, erf %.2g, expm1 %.2g\n", worst_tanh, worst_erf, worst_expm1);
  CHECK_CLOSE(worst_tanh, 0, bound);
  CHECK_CLOSE(worst_erf, 0, bound);
  CHECK_CLOSE(worst_expm1, 0, 2 * bound);
  CHECK(tanh1(INFINITY) == 1 && tanh1(-INFINITY) == -1 && isnan(tanh1(NAN)) && tanh1(0) == 0);
  CHECK(erf1(INFINITY) == 1 && erf1(-INFINITY) == -1 && isnan(erf1(NAN)) && erf1(0) == 0);
  CHECK(expm1_1(-INFINITY) == -1 && isnan(expm1_1(NAN)) && expm1_1(0) == 0);
}

int main(void) {
  test_odd_functions();
  const double exp_error = sizeof(tg_real) == 4 ? 2e-7 : 1e-15, log_error = sizeof(tg_real) == 4 ? 3e-7 : 1e-15;
  double worst_exp = 0, worst_log = 0, worst_log1p = 0;
  for (double x = -87.3; x < 88.7; x += 0.0007) {
    double at = (tg_real)x, right = exp(at), error = fabs(exp1(x) - right) / right;
    if (error > worst_exp) worst_exp = error;
  }
  for (double x = 1.2e-38; x < 3.3e38; x *= 1.0003) {
    double at = (tg_real)x, right = log(at), error = right == 0 ? 0 : fabs(log1(x) - right) / fabs(right);
    if (error > worst_log) worst_log = error;
  }
  for (double x = 0.5; x < 2; x += 0.00001) {
    double at = (tg_real)x, right = log(at), error = right == 0 ? fabs(log1(x)) : fabs(log1(x) - right) / fabs(right);
    if (error > worst_log) worst_log = error;
  }
  for (double x = 1e-30; x <= 1e37; x *= 1.001) {
    double at = (tg_real)x, right = log1p(at);
    double error = fabs((double)tg_v4_lane0(tg_v4_log1p(tg_v4_splat((tg_real)x))) - right) / right;
    if (error > worst_log1p) worst_log1p = error;
  }
  printf("relative errors: exp %.2g, log %.2g, log1p %.2g\n", worst_exp, worst_log, worst_log1p);
  CHECK_CLOSE(worst_exp, 0, exp_error);
  CHECK_CLOSE(worst_log, 0, log_error);
  CHECK_CLOSE(worst_log1p, 0, 2 * log_error);

  CHECK(exp1(0) == 1 && exp1(-0.0) == 1 && log1(1) == 0);
  CHECK(exp1(INFINITY) == INFINITY && exp1(-INFINITY) == 0 && isnan(exp1(NAN)));
  CHECK(log1(0) == -INFINITY && log1(-0.0) == -INFINITY && log1(INFINITY) == INFINITY);
  CHECK(isnan(log1(-1)) && isnan(log1(-INFINITY)) && isnan(log1(NAN)) && isnan(log1(-1e-40)));
  CHECK(exp1(1e4) == INFINITY && exp1(-1e4) == 0);
  if (sizeof(tg_real) == 4) {
    CHECK(exp1(88.72284) == INFINITY && exp1(88.7228) < INFINITY);
    /* Subnormal results: within one step of their spacing. */
    for (double x = -110; x < -87.3; x += 0.01) CHECK_CLOSE(exp1(x), exp((tg_real)x), 1.5e-45);
    for (double x = 1.5e-45; x < 1.2e-38; x *= 1.1) CHECK_CLOSE(log1(x), log((tg_real)x), 3e-7 * 104);
  }
  /* Every lane is computed alike. */
  tg_real x[4] = {(tg_real)-3.25, (tg_real)0.5, (tg_real)71, (tg_real)1e-3}, y[4];
  tg_v4_store(y, tg_v4_exp(tg_v4_load(x)));
  for (size_t i = 0; i < 4; i++) CHECK((double)y[i] == exp1(x[i]));
  return test_report();
}
