/*
 * The specification: every kernel once more, as plain loops over one element at a time with `double` accumulators.
 * Nothing here is fast, packed, tiled or clever; tests hold the kernels against it. Not part of the shipped library.
 * Signatures are those of the kernels, less what only speed needs (packed weights, scratch, tiles).
 */
#ifndef TG_KERNELS_REF_H
#define TG_KERNELS_REF_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/activation.h"
#include "kernels/conv2d.h"
#include "kernels/fold.h"
#include "kernels/int8.h"
#include "kernels/merge.h"
#include "kernels/noise.h"
#include "kernels/picture.h"
#include "kernels/pool2d.h"
#include "kernels/recurrent.h"
#include "kernels/resize2d.h"
#include "kernels/row_norm.h"
#include "kernels/slice.h"
#include "real.h"

/* f(x); slopes are checked by differences of it. */
double tg_ref_activate(tg_activation f, double x, const tg_real parameters[TG_ACTIVATION_PARAMETERS]);

void tg_ref_prelu(double *y, const tg_real *x, const tg_real *alpha, size_t rows, uint32_t n);
void tg_ref_prelu_backward(double *dx, double *sum, double *magnitude, const tg_real *dy, const tg_real *x,
                           const tg_real *alpha, size_t rows, uint32_t n);

double tg_ref_merge(tg_merge_kind kind, double a, double b, double factor);
/* What a and b get of dy = 1. */
void tg_ref_merge_slopes(double slopes[2], tg_merge_kind kind, double a, double b, double factor);
void tg_ref_dot_rows(double *y, double *magnitude, const tg_real *a, const tg_real *b, size_t rows, uint32_t n);

/* Where element i of the view lies in its array. */
size_t tg_ref_view_offset(const tg_view *v, size_t i);
/* The gradient of the largest is its share among equals. */
void tg_ref_fold(tg_fold_kind kind, double *y, double *dx, double *magnitude, const tg_real *x, const tg_real *dy,
                 const tg_view *v, size_t in, size_t out, double factor);
/* All rows. */
void tg_ref_slice(double *y, double *dx, const tg_real *x, const tg_real *dy, const tg_slice_shape *s);
void tg_ref_hardmax(double *y, const tg_real *x, uint32_t rows, uint32_t n);

/* to (columns, rows), from (rows, columns). */
void tg_ref_transpose(double *to, const tg_real *from, size_t rows, size_t columns);
void tg_ref_place_image(double *to, uint32_t to_h, uint32_t to_w, const tg_real *from, uint32_t from_h, uint32_t from_w,
                        int64_t top, int64_t left, uint32_t channels);

void tg_ref_embed(double *y, double *dtable, const tg_real *x, const tg_real *table, const tg_real *dy, size_t tokens,
                  uint32_t size, uint32_t n);

void tg_ref_row_norm(tg_row_norm_kind kind, double *y, const tg_real *x, const tg_real *gamma, const tg_real *beta,
                     double epsilon, size_t rows, uint32_t n);
void tg_ref_row_norm_backward(tg_row_norm_kind kind, double *dx, double *sums, const tg_real *dy, const tg_real *x,
                              const tg_real *gamma, double epsilon, size_t rows, uint32_t n);

void tg_ref_resize2d(double *y, double *dx, const tg_real *x, const tg_real *dy, const tg_resize2d_shape *s);

void tg_ref_attention_weights(double *p, const tg_real *scores, uint32_t rows, uint32_t n, double scale, int causal);
void tg_ref_attention_weights_backward(double *ds, const tg_real *dp, const tg_real *p, uint32_t rows, uint32_t n,
                                       double scale);

/* One sample at one step, from the sums of all gates; gradients are checked by differences of it. The GRU's is that of
 * reset after, with q behind the three sums; reset before is the same with r q in the sum and q = 0. */
void tg_ref_simple_cell(double *h, const double *sums, const tg_cell_functions *f, uint32_t n);
void tg_ref_lstm_cell(double *h, double *c, const double *sums, const double *c_before, const tg_cell_functions *f,
                      uint32_t n);
void tg_ref_gru_cell(double *h, const double *sums, const double *h_before, const tg_cell_functions *f, uint32_t n);

/* The standard normal number that a word stands for. */
double tg_ref_normal(uint32_t word);
void tg_ref_add_noise(double *y, const tg_real *x, size_t n, uint64_t first, const tg_noise *noise, uint64_t key,
                      uint32_t stream, uint64_t step);

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

/* in_c and out_c are both the channels; `magnitude` is not NULL. */
void tg_ref_depthwise_forward(double *y, double *magnitude, const tg_real *x, const tg_real *w, const tg_real *bias,
                              const tg_conv2d_shape *s, uint32_t images, int relu);
void tg_ref_depthwise_input_gradient(double *dx, double *magnitude, const tg_real *dy, const tg_real *w,
                                     const tg_conv2d_shape *s, uint32_t images);
void tg_ref_depthwise_filter_gradient(double *dw, double *magnitude, const tg_real *x, const tg_real *dy,
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
void tg_ref_add_arrays(double *y, const tg_real *a, const tg_real *b, size_t n, int relu);
void tg_ref_accumulate(double *sum, const tg_real *y, const tg_real *x, size_t n);
int tg_ref_all_finite(const tg_real *x, size_t n);
void tg_ref_dropout(double *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale,
                    uint64_t key, uint32_t stream, uint64_t step);

void tg_ref_sum_rows(double *sum, double *magnitude, const tg_real *x, size_t rows, uint32_t n);

void tg_ref_softmax(double *y, const tg_real *x, uint32_t rows, uint32_t n);
void tg_ref_softmax_backward(double *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);
void tg_ref_log_softmax(double *y, const tg_real *x, uint32_t rows, uint32_t n);
void tg_ref_log_softmax_backward(double *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);

/* One loss of one sample of at most 64 numbers, x and t in double: gradients are checked by differences of it. */
typedef double tg_ref_loss(const double *x, const double *t, const double *options, uint32_t n);
tg_ref_loss tg_ref_softmax_crossentropy, tg_ref_categorical_crossentropy, tg_ref_sigmoid_crossentropy,
    tg_ref_binary_crossentropy, tg_ref_mean_squared_error, tg_ref_mean_absolute_error, tg_ref_log_cosh, tg_ref_huber,
    tg_ref_mean_squared_logarithmic_error, tg_ref_poisson, tg_ref_kl_divergence, tg_ref_hinge, tg_ref_squared_hinge,
    tg_ref_cosine_similarity, tg_ref_categorical_hinge, tg_ref_sigmoid_focal, tg_ref_binary_focal, tg_ref_softmax_focal,
    tg_ref_categorical_focal;

double tg_ref_penalty(double *g, const tg_real *w, double l1, double l2, size_t n);
void tg_ref_fake_quantize_columns(double *y, const tg_real *w, size_t rows, size_t columns);
/* slope: of the straight-through estimator. */
void tg_ref_fake_quantize(double *y, double *slope, const tg_real *x, size_t n, double scale, double zero);
double tg_ref_bfloat16(double x);
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

void tg_ref_draw_picture(double *y, const tg_picture *v);
void tg_ref_change_colors(double *y, size_t pixels, uint32_t channels, const tg_real *scale, const tg_real *offset,
                          const tg_colors *colors);
/* One of bytes and floats; see tg_dataset_resize. */
void tg_ref_resample(double *y, const uint8_t *bytes, const float *floats, uint32_t in_h, uint32_t in_w, uint32_t out_h,
                     uint32_t out_w, uint32_t channels, int bilinear, int antialias);

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
