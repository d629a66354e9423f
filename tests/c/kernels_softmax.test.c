#include "kernels/softmax.h"

#include "kernels/ref/ref.h"
#include "test.h"

typedef void kernel_loss(tg_real *, tg_real *, const tg_real *, const int32_t *, const tg_real *, tg_real, uint32_t,
                         uint32_t);

typedef struct {
  const char *name;
  kernel_loss *kernel;
  tg_ref_loss *reference;
  int probabilities; /* x lies in (0, 1) */
  int value_classes; /* a class is a value, and n is 1 */
} loss_case;

/* Loss and gradient of rows x n against the reference and central differences of it. */
static void test_loss(const loss_case *l, uint32_t rows, uint32_t n, int by_class) {
  const size_t size = (size_t)rows * n;
  tg_real *x = test_filled(size, 0, 0), *t = test_reals(size, 0), *losses = test_reals(rows, 0);
  tg_real *dx = test_reals(size, 0);
  int32_t *classes = test_block(rows * sizeof *classes);
  for (size_t i = 0; i < size; i++) {
    x[i] = l->probabilities ? (tg_real)test_uniform(0.05, 0.95) : x[i] * 4;
    t[i] = (tg_real)test_uniform(0, 1);
  }
  for (uint32_t row = 0; row < rows; row++) {
    classes[row] = (int32_t)test_below(l->value_classes ? 2 : n);
    for (uint32_t j = 0; j < n && by_class; j++) {
      t[row * n + j] = l->value_classes ? (tg_real)classes[row] : (tg_real)(classes[row] == (int32_t)j);
    }
  }
  const tg_real scale = (tg_real)0.25;
  l->kernel(losses, dx, x, by_class ? classes : NULL, by_class ? NULL : t, scale, rows, n);
  const double tolerance = sizeof(tg_real) == 4 ? 4e-6 : 1e-12;
  for (uint32_t row = 0; row < rows; row++) {
    double x_row[64], t_row[64];
    for (uint32_t j = 0; j < n; j++) {
      x_row[j] = x[row * n + j];
      t_row[j] = t[row * n + j];
    }
    double right = l->reference(x_row, t_row, n);
    CHECK_MESSAGE(fabs(losses[row] - right) <= tolerance * (1 + fabs(right)), "%s, n %u: %.9g, expected %.9g", l->name,
                  n, (double)losses[row], right);
    for (uint32_t j = 0; j < n; j++) {
      const double h = 1e-5, at = x_row[j];
      x_row[j] = at + h;
      double above = l->reference(x_row, t_row, n);
      x_row[j] = at - h;
      double slope = scale * (above - l->reference(x_row, t_row, n)) / (2 * h);
      x_row[j] = at;
      CHECK_MESSAGE(fabs(dx[row * n + j] - slope) <= (tolerance + 1e-7) * (1 + fabs(slope)),
                    "%s gradient, n %u: %.9g, expected %.9g", l->name, n, (double)dx[row * n + j], slope);
    }
  }
  /* Without a gradient: the same losses. */
  tg_real *alone = test_reals(rows, 0);
  l->kernel(alone, NULL, x, by_class ? classes : NULL, by_class ? NULL : t, scale, rows, n);
  CHECK(test_same_bits(alone, losses, rows));
  test_free_blocks();
}

static void test_softmax(uint32_t rows, uint32_t n) {
  const size_t size = (size_t)rows * n;
  tg_real *x = test_filled(size, 0, 0), *dy = test_filled(size, 0, 0), *y = test_reals(size, 0);
  tg_real *dx = test_reals(size, 0);
  double *expected = test_doubles(size);
  for (size_t i = 0; i < size; i++) x[i] *= 20;
  tg_softmax(y, x, rows, n);
  tg_ref_softmax(expected, x, rows, n);
  const double tolerance = 64 * TEST_UNIT;
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(y[i], expected[i], tolerance * expected[i]);
  tg_softmax_backward(dx, dy, y, rows, n);
  tg_ref_softmax_backward(expected, dy, y, rows, n);
  for (size_t i = 0; i < size; i++) CHECK_CLOSE(dx[i], expected[i], tolerance * (double)y[i]);
  tg_softmax(x, x, rows, n); /* in place */
  CHECK(test_same_bits(x, y, size));
  test_free_blocks();
}

static void test_extremes(void) {
  tg_real x[3] = {1000, 0, -1000}, y[3], losses[1];
  int32_t classes[1] = {2};
  tg_softmax(y, x, 1, 3);
  CHECK(y[0] == 1 && y[1] == 0 && y[2] == 0);
  tg_softmax_crossentropy(losses, y, x, classes, NULL, 1, 1, 3);
  CHECK(losses[0] == 2000 && y[0] == 1 && y[2] == -1);
  x[1] = (tg_real)NAN;
  tg_softmax_crossentropy(losses, NULL, x, classes, NULL, 1, 1, 3);
  CHECK(isnan(losses[0]));
  /* Clipped probabilities: a finite loss and no gradient. */
  tg_real p[1] = {0}, dx[1], t[1] = {1};
  tg_binary_crossentropy(losses, dx, p, NULL, t, 1, 1, 1);
  CHECK_CLOSE(losses[0], 16.118095650958319, 1e-5);
  CHECK(dx[0] == 0);
  tg_real logit[1] = {-1000};
  tg_sigmoid_crossentropy(losses, dx, logit, NULL, t, 1, 1, 1);
  CHECK(losses[0] == 1000 && dx[0] == -1);
}

int main(void) {
  static const loss_case cases[] = {
      {"softmax crossentropy", tg_softmax_crossentropy, tg_ref_softmax_crossentropy, 0, 0},
      {"categorical crossentropy", tg_categorical_crossentropy, tg_ref_categorical_crossentropy, 1, 0},
      {"sigmoid crossentropy", tg_sigmoid_crossentropy, tg_ref_sigmoid_crossentropy, 0, 1},
      {"binary crossentropy", tg_binary_crossentropy, tg_ref_binary_crossentropy, 1, 1},
      {"mean squared error", tg_mean_squared_error, tg_ref_mean_squared_error, 0, 1}};
  static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 10, 13, 33};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (uint32_t rows = 1; rows <= 3; rows++) {
      test_softmax(rows, sizes[i]);
      for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        test_loss(&cases[c], rows, sizes[i], 0);
        if (!cases[c].value_classes || sizes[i] == 1) test_loss(&cases[c], rows, sizes[i], 1);
      }
    }
  }
  test_extremes();
  return test_report();
}
