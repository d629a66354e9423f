/*
 * The specification: every kernel once more, as plain loops over one element at a time with `double` accumulators.
 * Nothing here is fast, packed, tiled or clever; tests hold the kernels against it. Not part of the shipped library.
 * Signatures are those of the kernels, less what only speed needs (packed weights, scratch, tiles).
 */
#ifndef TG_KERNELS_REF_H
#define TG_KERNELS_REF_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/conv2d.h"
#include "kernels/int8.h"
#include "kernels/pool2d.h"
#include "real.h"

/* Products also give `magnitude`: the sum of |a| * |b| behind each element, from which the error bound follows
 * (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1). It may be NULL. */
void tg_ref_gemm(double *c, double *magnitude, const tg_real *a, const tg_real *b, const tg_real *bias, uint32_t M,
                 uint32_t K, uint32_t N, int relu);
void tg_ref_gemm_transposed(double *c, double *magnitude, const tg_real *a, const tg_real *b, uint32_t M, uint32_t K,
                            uint32_t N);

void tg_ref_conv2d_forward(double *y, double *magnitude, const tg_real *x, const tg_real *w, const tg_real *bias,
                           const tg_conv2d_shape *s, uint32_t images, int relu);
void tg_ref_conv2d_input_gradient(double *dx, double *magnitude, const tg_real *dy, const tg_real *w,
                                  const tg_conv2d_shape *s, uint32_t images);
void tg_ref_conv2d_filter_gradient(double *dw, double *magnitude, const tg_real *x, const tg_real *dy,
                                   const tg_conv2d_shape *s, uint32_t images);

void tg_ref_max_pool2d(double *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t images);
void tg_ref_max_pool2d_backward(double *dx, const tg_real *dy, const tg_real *x, const tg_pool2d_shape *s,
                                uint32_t images);
void tg_ref_average_pool2d(double *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t images);
void tg_ref_average_pool2d_backward(double *dx, const tg_real *dy, const tg_pool2d_shape *s, uint32_t images);

void tg_ref_global_average_pool2d(double *y, double *magnitude, const tg_real *x, size_t cells, uint32_t channels);
void tg_ref_global_average_pool2d_backward(double *dx, const tg_real *dy, size_t cells, uint32_t channels);

void tg_ref_norm_statistics(double *mean, double *variance, const tg_real *x, size_t rows, uint32_t n);
void tg_ref_norm(double *y, const tg_real *x, const tg_real *mean, const tg_real *scale, const tg_real *shift,
                 size_t rows, uint32_t n, int relu);
/* y decides the mask of a ReLU; NULL without one. */
void tg_ref_norm_backward_sums(double *sums, double *magnitude, const tg_real *dy, const tg_real *x,
                               const tg_real *mean, const tg_real *y, size_t rows, uint32_t n);
void tg_ref_norm_backward(double *dx, const tg_real *dy, const tg_real *x, const tg_real *mean, const tg_real *scale,
                          const tg_real *slope, const tg_real *offset, const tg_real *y, size_t rows, uint32_t n);

void tg_ref_relu(double *y, const tg_real *x, size_t n);
void tg_ref_relu_backward(double *dx, const tg_real *dy, const tg_real *y, size_t n);
void tg_ref_sigmoid(double *y, const tg_real *x, size_t n);
void tg_ref_sigmoid_backward(double *dx, const tg_real *dy, const tg_real *y, size_t n);
void tg_ref_add_arrays(double *y, const tg_real *a, const tg_real *b, size_t n, int relu);
void tg_ref_accumulate(double *sum, const tg_real *y, const tg_real *x, size_t n);
int tg_ref_all_finite(const tg_real *x, size_t n);
void tg_ref_dropout(double *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale,
                    uint64_t key, uint32_t stream, uint64_t step);

void tg_ref_sum_rows(double *sum, double *magnitude, const tg_real *x, size_t rows, uint32_t n);

void tg_ref_softmax(double *y, const tg_real *x, uint32_t rows, uint32_t n);
void tg_ref_softmax_backward(double *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);

/* One loss of one sample of at most 64 numbers, x and t in double: gradients are checked by differences of it. */
typedef double tg_ref_loss(const double *x, const double *t, const double *options, uint32_t n);
tg_ref_loss tg_ref_softmax_crossentropy, tg_ref_categorical_crossentropy, tg_ref_sigmoid_crossentropy,
    tg_ref_binary_crossentropy, tg_ref_mean_squared_error, tg_ref_mean_absolute_error, tg_ref_log_cosh, tg_ref_huber,
    tg_ref_mean_squared_logarithmic_error, tg_ref_poisson, tg_ref_kl_divergence, tg_ref_hinge, tg_ref_squared_hinge,
    tg_ref_cosine_similarity, tg_ref_categorical_hinge, tg_ref_sigmoid_focal, tg_ref_binary_focal, tg_ref_softmax_focal,
    tg_ref_categorical_focal;

double tg_ref_penalty(double *g, const tg_real *w, double l1, double l2, size_t n);
void tg_ref_constrain_norms(double *y, const tg_real *w, const uint32_t dims[4], uint32_t axes, double min, double max,
                            double rate);

/* Twins of the kernels in update.h: w and the slots are changed in place. */
typedef void tg_ref_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n);
tg_ref_update tg_ref_sgd_update, tg_ref_adam_update, tg_ref_adamax_update, tg_ref_nadam_update, tg_ref_adagrad_update,
    tg_ref_rmsprop_update, tg_ref_adadelta_update, tg_ref_lion_update;
void tg_ref_adafactor_columns(double *moments, const tg_real *g, size_t rows, size_t stride, size_t n, double take,
                              double epsilon);

void tg_ref_gather_u8(double *y, const uint8_t *samples, const uint32_t *order, uint32_t n, size_t size,
                      uint32_t channels, const tg_real *scale, const tg_real *offset);
void tg_ref_gather_f32(double *y, const float *samples, const uint32_t *order, uint32_t n, size_t size,
                       uint32_t channels, const tg_real *scale, const tg_real *offset);

/* Floats, not doubles: where a number is rounded is part of these. */
uint8_t tg_ref_int8_round(float v);
void tg_ref_int8_quantize(uint8_t *y, const tg_real *x, size_t n, tg_quantization to);
void tg_ref_int8_dequantize(tg_real *y, const uint8_t *x, size_t n, tg_quantization from);
void tg_ref_int8_add(uint8_t *y, const uint8_t *a, const uint8_t *b, size_t n, const tg_quantization from[2],
                     tg_quantization to);
void tg_ref_int8_max_pool2d(uint8_t *y, const uint8_t *x, const tg_pool2d_shape *s, uint32_t images);
/* Sums, times factor, plus offset (out_c), before they are rounded. */
void tg_ref_int8_conv2d(float *y, const uint8_t *x, const tg_real *w, const float *factor, const float *offset,
                        int32_t zero, const tg_conv2d_shape *s, uint32_t images);

#endif
