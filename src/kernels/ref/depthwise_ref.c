#include "kernels/ref/ref.h"

/* The channel by itself is a convolution of one channel, whose neighbours belong to other groups. */
static tg_conv2d_shape one_channel(const tg_conv2d_shape *s) {
  tg_conv2d_shape one = *s;
  one.in_c = one.out_c = 1;
  one.skip_in = one.skip_out = s->in_c - 1;
  return one;
}

void tg_ref_depthwise_forward(double *y, double *magnitude, const tg_real *x, const tg_real *w, const tg_real *bias,
                              const tg_conv2d_shape *s, uint32_t images, int relu) {
  const tg_conv2d_shape one = one_channel(s);
  for (uint32_t c = 0; c < s->in_c; c++) {
    tg_ref_conv2d_forward(y + c, magnitude + c, x + c, w + c, bias ? bias + c : NULL, &one, images, relu);
  }
}

void tg_ref_depthwise_input_gradient(double *dx, double *magnitude, const tg_real *dy, const tg_real *w,
                                     const tg_conv2d_shape *s, uint32_t images) {
  const tg_conv2d_shape one = one_channel(s);
  for (uint32_t c = 0; c < s->in_c; c++) {
    tg_ref_conv2d_input_gradient(dx + c, magnitude + c, dy + c, w + c, &one, images);
  }
}

void tg_ref_depthwise_filter_gradient(double *dw, double *magnitude, const tg_real *x, const tg_real *dy,
                                      const tg_conv2d_shape *s, uint32_t images) {
  const tg_conv2d_shape one = one_channel(s);
  for (uint32_t c = 0; c < s->in_c; c++) {
    tg_ref_conv2d_filter_gradient(dw + c, magnitude + c, x + c, dy + c, &one, images);
  }
}
