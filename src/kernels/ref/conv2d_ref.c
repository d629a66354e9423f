#include <math.h>

#include "kernels/ref/ref.h"

/* Calls `body` for every product of the convolution: y[at_y] takes part with x[at_x] and w[at_w]. */
#define FOR_EACH_PRODUCT(s, images, body)                                                                         \
  for (int64_t image = 0; image < (int64_t)(images); image++)                                                     \
    for (int64_t oh = 0; oh < (int64_t)(s)->out_h; oh++)                                                          \
      for (int64_t ow = 0; ow < (int64_t)(s)->out_w; ow++)                                                        \
        for (int64_t kh = 0; kh < (int64_t)(s)->kernel_h; kh++)                                                   \
          for (int64_t kw = 0; kw < (int64_t)(s)->kernel_w; kw++) {                                               \
            int64_t ih = oh * (s)->stride_h + kh * ((s)->skip_h + 1) - (s)->pad_top;                              \
            int64_t iw = ow * (s)->stride_w + kw * ((s)->skip_w + 1) - (s)->pad_left;                             \
            if (ih < 0 || iw < 0 || ih >= (int64_t)(s)->in_h || iw >= (int64_t)(s)->in_w) continue;               \
            for (int64_t ic = 0; ic < (int64_t)(s)->in_c; ic++)                                                   \
              for (int64_t oc = 0; oc < (int64_t)(s)->out_c; oc++) {                                              \
                int64_t at_x = ((image * (s)->in_h + ih) * (s)->in_w + iw) * ((s)->in_c + (s)->skip_in) + ic;     \
                int64_t at_y = ((image * (s)->out_h + oh) * (s)->out_w + ow) * ((s)->out_c + (s)->skip_out) + oc; \
                int64_t at_w = ((kh * (s)->kernel_w + kw) * (s)->in_c + ic) * ((s)->out_c + (s)->skip_out) + oc;  \
                body                                                                                              \
              }                                                                                                   \
          }

static void add(double *sum, double *magnitude, int64_t at, double product) {
  sum[at] += product;
  if (magnitude) magnitude[at] += fabs(product);
}

/* Clears rows of n elements, `skip` others between them. */
static void clear(double *sum, double *magnitude, size_t rows, size_t n, size_t skip) {
  for (size_t i = 0; i < rows * (n + skip); i++) {
    if (i % (n + skip) >= n) continue;
    sum[i] = 0;
    if (magnitude) magnitude[i] = 0;
  }
}

void tg_ref_conv2d_forward(double *y, double *magnitude, const tg_real *x, const tg_real *w, const tg_real *bias,
                           const tg_conv2d_shape *s, uint32_t images, int relu) {
  /* y (images, out_h, out_w, out_c), x (images, in_h, in_w, in_c), w (kernel_h, kernel_w, in_c, out_c), bias (out_c) */
  const size_t pixels = (size_t)images * s->out_h * s->out_w, pixel = s->out_c + s->skip_out;
  clear(y, magnitude, pixels, s->out_c, s->skip_out);
  for (size_t i = 0; bias && i < pixels * s->out_c; i++) {
    add(y, magnitude, (int64_t)(i / s->out_c * pixel + i % s->out_c), bias[i % s->out_c]);
  }
  FOR_EACH_PRODUCT(s, images, add(y, magnitude, at_y, (double)x[at_x] * w[at_w]);)
  for (size_t i = 0; i < pixels * s->out_c; i++) {
    double *at = y + i / s->out_c * pixel + i % s->out_c;
    if (relu && *at < 0) *at = 0;
  }
}

void tg_ref_conv2d_input_gradient(double *dx, double *magnitude, const tg_real *dy, const tg_real *w,
                                  const tg_conv2d_shape *s, uint32_t images) {
  /* dx (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c), w (kernel_h, kernel_w, in_c, out_c) */
  clear(dx, magnitude, (size_t)images * s->in_h * s->in_w, s->in_c, s->skip_in);
  FOR_EACH_PRODUCT(s, images, add(dx, magnitude, at_x, (double)dy[at_y] * w[at_w]);)
}

void tg_ref_conv2d_filter_gradient(double *dw, double *magnitude, const tg_real *x, const tg_real *dy,
                                   const tg_conv2d_shape *s, uint32_t images) {
  /* dw (kernel_h, kernel_w, in_c, out_c), x (images, in_h, in_w, in_c), dy (images, out_h, out_w, out_c) */
  clear(dw, magnitude, (size_t)s->kernel_h * s->kernel_w * s->in_c, s->out_c, s->skip_out);
  FOR_EACH_PRODUCT(s, images, add(dw, magnitude, at_w, (double)x[at_x] * dy[at_y]);)
}
