#include "kernels/losses.h"

#include "kernels/ref/ref.h"
#include "test.h"

typedef struct {
  const char *name;
  tg_loss_kernel *kernel;
  tg_ref_loss *reference;
  int probabilities; /* x lies in (0, 1) */
  int classes;       /* labels may be classes: 1 of n, 2 a class is a value, and n is 1 */
  int kinks;         /* elements next to an edge of the loss are not compared by differences */
  double options[3];
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
    classes[row] = (int32_t)test_below(l->classes == 2 ? 2 : n);
    for (uint32_t j = 0; j < n && by_class; j++) {
      t[row * n + j] = l->classes == 2 ? (tg_real)classes[row] : (tg_real)(classes[row] == (int32_t)j);
    }
  }
  const tg_real scale = (tg_real)0.25;
  const tg_labels labels = {by_class ? classes : NULL, by_class ? NULL : t};
  l->kernel(losses, dx, x, labels, l->options, scale, rows, n);
  const double tolerance = sizeof(tg_real) == 4 ? 4e-6 : 1e-12;
  for (uint32_t row = 0; row < rows; row++) {
    double x_row[64], t_row[64];
    for (uint32_t j = 0; j < n; j++) {
      x_row[j] = x[row * n + j];
      t_row[j] = t[row * n + j];
    }
    double right = l->reference(x_row, t_row, l->options, n);
    CHECK_MESSAGE(fabs(losses[row] - right) <= tolerance * (1 + fabs(right)), "%s, n %u: %.9g, expected %.9g", l->name,
                  n, (double)losses[row], right);
    for (uint32_t j = 0; j < n; j++) {
      const double h = 1e-5, at = x_row[j];
      x_row[j] = at + h;
      double above = l->reference(x_row, t_row, l->options, n);
      x_row[j] = at - h;
      const double below = l->reference(x_row, t_row, l->options, n), slope = scale * (above - below) / (2 * h);
      x_row[j] = at;
      if (l->kinks && fabs(above + below - 2 * right) > 1e-7) continue; /* on both sides of a kink */
      CHECK_MESSAGE(fabs(dx[row * n + j] - slope) <= (tolerance + 1e-7) * (1 + fabs(slope)),
                    "%s gradient, n %u: %.9g, expected %.9g", l->name, n, (double)dx[row * n + j], slope);
    }
  }
  /* Without a gradient: the same losses. */
  tg_real *alone = test_reals(rows, 0);
  l->kernel(alone, NULL, x, labels, l->options, scale, rows, n);
  CHECK(test_same_bits(alone, losses, rows));
  test_free_blocks();
}

static void test_extremes(void) {
  tg_real x[3] = {1000, 0, -1000}, y[3], losses[1];
  int32_t classes[1] = {2};
  const tg_labels last = {classes, NULL};
  tg_softmax_crossentropy(losses, y, x, last, NULL, 1, 1, 3);
  CHECK(losses[0] == 2000 && y[0] == 1 && y[2] == -1);
  x[1] = (tg_real)NAN;
  tg_softmax_crossentropy(losses, NULL, x, last, NULL, 1, 1, 3);
  CHECK(isnan(losses[0]));
  /* Clipped probabilities: a finite loss and no gradient. */
  tg_real p[1] = {0}, dx[1], t[1] = {1};
  const tg_labels one = {NULL, t};
  tg_binary_crossentropy(losses, dx, p, one, NULL, 1, 1, 1);
  CHECK_CLOSE(losses[0], 16.118095650958319, 1e-5);
  CHECK(dx[0] == 0);
  tg_real logit[1] = {-1000};
  tg_sigmoid_crossentropy(losses, dx, logit, one, NULL, 1, 1, 1);
  CHECK(losses[0] == 1000 && dx[0] == -1);
  /* Sure and right, with a power whose slope is infinite there. */
  const double options[3] = {0.25, 0.5, 0};
  logit[0] = 1000;
  tg_sigmoid_focal(losses, dx, logit, one, options, 1, 1, 1);
  CHECK(losses[0] == 0 && dx[0] == 0);
  p[0] = 1;
  tg_binary_focal(losses, dx, p, one, options, 1, 1, 1);
  CHECK_CLOSE(losses[0], 0, 1e-9);
  CHECK_CLOSE(dx[0], 0, 1e-6);
  tg_real sure[3] = {1000, 0, -1000}, hot[3] = {1, 0, 0};
  tg_softmax_focal(losses, y, sure, (tg_labels){NULL, hot}, options, 1, 1, 3);
  CHECK(losses[0] == 0 && y[0] == 0 && y[1] == 0 && y[2] == 0);
  /* No length: no direction, and gradients that are finite. */
  tg_real none[3] = {0, 0, 0};
  tg_cosine_similarity(losses, y, none, (tg_labels){NULL, hot}, NULL, 1, 1, 3);
  CHECK(losses[0] == 0 && isfinite(y[0]) && y[1] == 0);
  /* NaN never looks like a good loss. */
  tg_real nan3[3] = {0, (tg_real)NAN, 0};
  tg_loss_kernel *const kernels[] = {tg_categorical_crossentropy,
                                     tg_softmax_focal,
                                     tg_categorical_focal,
                                     tg_categorical_hinge,
                                     tg_cosine_similarity,
                                     tg_sigmoid_crossentropy,
                                     tg_binary_crossentropy,
                                     tg_sigmoid_focal,
                                     tg_binary_focal,
                                     tg_mean_squared_error,
                                     tg_mean_absolute_error,
                                     tg_log_cosh,
                                     tg_huber,
                                     tg_mean_squared_logarithmic_error,
                                     tg_poisson,
                                     tg_hinge,
                                     tg_squared_hinge,
                                     tg_kl_divergence};
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    tg_real all[3] = {(tg_real)0.5, (tg_real)0.25, (tg_real)0.25};
    kernels[i](losses, NULL, nan3, (tg_labels){NULL, all}, options, 1, 1, 3);
    CHECK_MESSAGE(isnan(losses[0]), "kernel %d", (int)i);
  }
}

int main(void) {
  static const loss_case cases[] = {
      {"softmax crossentropy", tg_softmax_crossentropy, tg_ref_softmax_crossentropy, 0, 1, 0, {0}},
      {"categorical crossentropy", tg_categorical_crossentropy, tg_ref_categorical_crossentropy, 1, 1, 0, {0}},
      {"softmax focal", tg_softmax_focal, tg_ref_softmax_focal, 0, 0, 0, {0.25, 2}},
      {"softmax focal, gamma 0.5", tg_softmax_focal, tg_ref_softmax_focal, 0, 0, 0, {0.75, 0.5}},
      {"categorical focal", tg_categorical_focal, tg_ref_categorical_focal, 1, 0, 0, {0.25, 2}},
      {"categorical focal, gamma 0", tg_categorical_focal, tg_ref_categorical_focal, 1, 0, 0, {1, 0}},
      {"categorical hinge", tg_categorical_hinge, tg_ref_categorical_hinge, 0, 0, 1, {0}},
      {"cosine similarity", tg_cosine_similarity, tg_ref_cosine_similarity, 0, 0, 0, {0}},
      {"sigmoid crossentropy", tg_sigmoid_crossentropy, tg_ref_sigmoid_crossentropy, 0, 2, 0, {0}},
      {"binary crossentropy", tg_binary_crossentropy, tg_ref_binary_crossentropy, 1, 2, 0, {0}},
      {"sigmoid focal", tg_sigmoid_focal, tg_ref_sigmoid_focal, 0, 2, 0, {0.25, 2, 0}},
      {"sigmoid focal, balanced", tg_sigmoid_focal, tg_ref_sigmoid_focal, 0, 2, 0, {0.25, 3, 1}},
      {"binary focal", tg_binary_focal, tg_ref_binary_focal, 1, 2, 0, {0.25, 2, 0}},
      {"binary focal, balanced", tg_binary_focal, tg_ref_binary_focal, 1, 2, 0, {0.75, 0.5, 1}},
      {"mean squared error", tg_mean_squared_error, tg_ref_mean_squared_error, 0, 2, 0, {0}},
      {"mean absolute error", tg_mean_absolute_error, tg_ref_mean_absolute_error, 0, 2, 1, {0}},
      {"log cosh", tg_log_cosh, tg_ref_log_cosh, 0, 2, 0, {0}},
      {"huber", tg_huber, tg_ref_huber, 0, 2, 0, {1, 0}},
      {"smooth L1", tg_huber, tg_ref_huber, 0, 2, 0, {0.5, 1}},
      {"squared logarithmic error",
       tg_mean_squared_logarithmic_error,
       tg_ref_mean_squared_logarithmic_error,
       1,
       2,
       0,
       {0}},
      {"poisson", tg_poisson, tg_ref_poisson, 1, 2, 0, {0}},
      {"hinge", tg_hinge, tg_ref_hinge, 0, 2, 1, {0}},
      {"squared hinge", tg_squared_hinge, tg_ref_squared_hinge, 0, 2, 0, {0}},
      {"KL divergence", tg_kl_divergence, tg_ref_kl_divergence, 1, 2, 0, {0}}};
  static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 10, 13, 33};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (uint32_t rows = 1; rows <= 3; rows++) {
      for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        test_loss(&cases[c], rows, sizes[i], 0);
        if (cases[c].classes == 1 || (cases[c].classes == 2 && sizes[i] == 1)) test_loss(&cases[c], rows, sizes[i], 1);
      }
    }
  }
  test_extremes();
  return test_report();
}
