#include "kernels/activation.h"

#include <math.h>

#include "kernels/ref/ref.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double bend(double x) { return tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }
static double phi(double x) { return 0.5 * erfc(-x / sqrt(2)); }

double tg_ref_activate(tg_activation f, double x, const tg_real p[3]) {
  const double scale = 1.0507009873554805, alpha = 1.6732632423543772;
  switch (f) {
    case TG_ABS:
      return fabs(x);
    case TG_CLIP:
      return fmin(fmax(x, p[0]), p[1]);
    case TG_ELU:
      return x > 0 ? x : p[0] * expm1(x);
    case TG_EXPONENTIAL:
      return exp(x);
    case TG_GELU:
      return x * phi(x);
    case TG_GELU_TANH:
      return 0.5 * x * (1 + bend(x));
    case TG_HARD_SIGMOID:
      return fmin(fmax(x / 6 + 0.5, 0), 1);
    case TG_HARD_SWISH:
      return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case TG_LINE:
      return p[0] * x + p[1];
    case TG_LOG:
      return log(x);
    case TG_MISH:
      return x * tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
    case TG_RECIPROCAL:
      return 1 / x;
    case TG_RECTIFIER:
      return x >= p[2] ? fmin(x, p[1]) : p[0] * (x - p[2]);
    case TG_SELU:
      return scale * (x > 0 ? x : alpha * expm1(x));
    case TG_SIGMOID:
      return sigmoid(x);
    case TG_SILU:
      return x * sigmoid(x);
    case TG_SOFTPLUS:
      return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case TG_SOFTSIGN:
      return x / (1 + fabs(x));
    case TG_SQRT:
      return sqrt(x);
    case TG_SQUARE:
      return x * x;
    case TG_TANH:
      return tanh(x);
    case TG_ACTIVATIONS:
      break;
  }
  return NAN;
}
