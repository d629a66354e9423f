/* exp and log against the C library in double, all exponents and the special values. */
#include "kernels/math.h"

#include "test.h"

static double exp1(double x) { return (double)tg_v4_lane0(tg_v4_exp(tg_v4_splat((tg_real)x))); }
static double log1(double x) { return (double)tg_v4_lane0(tg_v4_log(tg_v4_splat((tg_real)x))); }

int main(void) {
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
  for (double x = 1e-30; x <= 1; x *= 1.001) {
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
