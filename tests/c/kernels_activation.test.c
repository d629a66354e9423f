#include "kernels/activation.h"
#include "kernels/prelu.h"
#include "kernels/ref/ref.h"
#include "test.h"

/* Each function, its parameters, how far its inputs are taken, and how near to 0: those below are left out. */
static const struct {
  const char *name;
  tg_activation f;
  int from_y;
  tg_real p[TG_ACTIVATION_PARAMETERS];
  double reach, least;
  int positive;
} functions[] = {
    {"abs", TG_ABS, 0, {0, 0, 0}, 20, 0, 0},
    {"clip", TG_CLIP, 0, {-3, 4, 0}, 20, 0, 0},
    {"line", TG_LINE, 0, {(tg_real)0.7, -2, 0}, 20, 0, 0},
    {"log", TG_LOG, 0, {0, 0, 0}, 60, 0.5, 1},
    {"reciprocal", TG_RECIPROCAL, 1, {0, 0, 0}, 20, 1, 0},
    {"sqrt", TG_SQRT, 1, {0, 0, 0}, 60, 0.5, 1},
    {"square", TG_SQUARE, 0, {0, 0, 0}, 20, 0, 0},
    {"elu", TG_ELU, 1, {(tg_real)0.7, 0, 0}, 20, 0, 0},
    {"exponential", TG_EXPONENTIAL, 1, {0, 0, 0}, 20, 0, 0},
    {"gelu", TG_GELU, 0, {0, 0, 0}, 20, 0, 0},
    {"gelu by tanh", TG_GELU_TANH, 0, {0, 0, 0}, 20, 0, 0},
    {"hardSigmoid", TG_HARD_SIGMOID, 1, {0, 0, 0}, 5, 0, 0},
    {"hardSwish", TG_HARD_SWISH, 0, {0, 0, 0}, 5, 0, 0},
    {"mish", TG_MISH, 0, {0, 0, 0}, 60, 0, 0},
    {"relu6", TG_RECTIFIER, 1, {0, 6, 0}, 10, 0, 0},
    {"leakyReLU", TG_RECTIFIER, 1, {(tg_real)0.3, (tg_real)INFINITY, 0}, 10, 0, 0},
    {"reLU with a threshold", TG_RECTIFIER, 1, {(tg_real)0.1, 4, 1}, 10, 0, 0},
    {"selu", TG_SELU, 1, {0, 0, 0}, 20, 0, 0},
    {"sigmoid", TG_SIGMOID, 1, {0, 0, 0}, 60, 0, 0},
    {"silu", TG_SILU, 0, {0, 0, 0}, 60, 0, 0},
    {"softplus", TG_SOFTPLUS, 0, {0, 0, 0}, 60, 0, 0},
    {"softsign", TG_SOFTSIGN, 1, {0, 0, 0}, 20, 0, 0},
    {"tanh", TG_TANH, 1, {0, 0, 0}, 10, 0, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* Values within 16 roundings of the numbers they are sums of: |x|, which a gelu is cut from, and 1, or the value. */
static double value_bound(unsigned k, double x, double right) {
  double size = functions[k].f == TG_EXPONENTIAL ? 0 : fmin(fabs(x), 1);
  return 16 * TEST_UNIT * fmax(fabs(right), size);
}

static void test_values(unsigned k, size_t n) {
  tg_real *x = test_filled(n, 0, 0), *y = test_reals(n, 0), *dy = test_filled(n, 0, 0), *dx = test_reals(n, 0);
  const tg_real *p = functions[k].p;
  for (size_t i = 0; i < n; i++) {
    const double far = fabs((double)x[i]) * functions[k].reach + functions[k].least;
    x[i] = (tg_real)(functions[k].positive ? far : copysign(far, (double)x[i]));
  }
  tg_activate(functions[k].f, y, x, n, p);
  tg_activate_backward(functions[k].f, dx, dy, functions[k].from_y ? y : x, n, p);
  double worst = 0;
  for (size_t i = 0; i < n; i++) {
    double right = tg_ref_activate(functions[k].f, x[i], p);
    double error = fabs(y[i] - right) / value_bound(k, x[i], right);
    if (error > worst) worst = error;
    /* Away from bends: central differences of the reference, fourth order. */
    const double h = 1e-3;
    double f1 = tg_ref_activate(functions[k].f, x[i] + h, p) - tg_ref_activate(functions[k].f, x[i] - h, p);
    double f2 = tg_ref_activate(functions[k].f, x[i] + 2 * h, p) - tg_ref_activate(functions[k].f, x[i] - 2 * h, p);
    double slope = (8 * f1 - f2) / (12 * h), bends[] = {-3, 0, 1, 3, 4, 6};
    int smooth = 1;
    for (unsigned b = 0; b < 6; b++) smooth &= fabs(x[i] - bends[b]) > 2 * h;
    if (smooth)
      CHECK_MESSAGE(fabs(dx[i] - dy[i] * slope) <= fabs((double)dy[i]) * (32 * TEST_UNIT + 1e-9) * (1 + fabs(slope)),
                    "%s slope at %g: %g, expected %g", functions[k].name, (double)x[i], (double)(dx[i] / dy[i]), slope);
  }
  CHECK_MESSAGE(worst <= 1, "%s is off by %g times the bound", functions[k].name, worst);
  /* In parts, and in place: the same bits. */
  tg_real *parts = test_reals(n, 0);
  for (size_t i = 0; i < n; i += 5) tg_activate(functions[k].f, parts + i, x + i, n - i < 5 ? n - i : 5, p);
  CHECK(test_same_bits(parts, y, n));
  tg_activate_backward(functions[k].f, dy, dy, functions[k].from_y ? y : x, n, p);
  CHECK(test_same_bits(dy, dx, n));
  tg_activate(functions[k].f, x, x, n, p);
  CHECK(test_same_bits(x, y, n));
  test_free_blocks();
}

static void test_extremes(unsigned k) {
  tg_real x[4] = {(tg_real)NAN, (tg_real)1e30, (tg_real)-1e30, 0}, y[4];
  tg_activate(functions[k].f, y, x, 4, functions[k].p);
  CHECK_MESSAGE(isnan(y[0]), "%s of NaN is %g", functions[k].name, (double)y[0]);
  for (unsigned i = functions[k].positive ? 3 : 1; i < 4; i++) {
    double right = tg_ref_activate(functions[k].f, x[i], functions[k].p);
    CHECK_MESSAGE((double)y[i] == (tg_real)right || fabs(y[i] - right) <= 1e-6 * fabs(right), "%s of %g is %g, not %g",
                  functions[k].name, (double)x[i], (double)y[i], right);
  }
}

/* The slope of a root at 0: infinite, or 0 where it is told to be flat. */
static void test_root(void) {
  const tg_real y[5] = {0, 2, 0, (tg_real)NAN, 4}, dy[5] = {1, 1, -3, 1, 1};
  tg_real dx[5];
  tg_activate_backward(TG_SQRT, dx, dy, y, 5, (tg_real[TG_ACTIVATION_PARAMETERS]){1});
  CHECK(dx[0] == 0 && dx[1] == (tg_real)0.25 && dx[2] == 0 && isnan(dx[3]) && dx[4] == (tg_real)0.125);
  tg_activate_backward(TG_SQRT, dx, dy, y, 5, (tg_real[TG_ACTIVATION_PARAMETERS]){0});
  CHECK(isinf(dx[0]) && dx[1] == (tg_real)0.25 && isinf(dx[2]) && isnan(dx[3]));
}

static void test_prelu(size_t rows, uint32_t n) {
  size_t size = rows * n;
  tg_real *x = test_filled(size, 0, 0), *dy = test_filled(size, 0, 0), *alpha = test_filled(n, 0, 0);
  tg_real *y = test_reals(size, 0), *dx = test_reals(size, 0), *sum = test_reals(n, 0), *alone = test_reals(n, 0);
  double *expected = test_doubles(size), *sums = test_doubles(n), *magnitude = test_doubles(n);
  tg_prelu(y, x, alpha, rows, n);
  tg_ref_prelu(expected, x, alpha, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(y[i], expected[i], 2 * TEST_UNIT * fabs(expected[i]));
  tg_prelu_backward(dx, sum, dy, x, alpha, rows, n);
  tg_prelu_backward(NULL, alone, dy, x, alpha, rows, n);
  CHECK(test_same_bits(sum, alone, n));
  tg_ref_prelu_backward(expected, sums, magnitude, dy, x, alpha, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dx[i], expected[i], 2 * TEST_UNIT * fabs(expected[i]));
  for (uint32_t j = 0; j < n; j++) CHECK_CLOSE(sum[j], sums[j], test_gamma((double)rows + 2) * magnitude[j]);
  test_free_blocks();
}

int main(void) {
  for (unsigned k = 0; k < FUNCTIONS; k++) {
    for (size_t n = 0; n <= 19; n++) test_values(k, n);
    test_values(k, 5000);
    test_extremes(k);
  }
  test_root();
  for (uint32_t n = 1; n <= 19; n += 3)
    for (size_t rows = 1; rows <= 70; rows += 23) test_prelu(rows, n);
  return test_report();
}
