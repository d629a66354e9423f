/* The passes of a depthwise convolution, spread over threads: see kernels/depthwise.h. */
#ifndef TG_OPS_DEPTHWISE_H
#define TG_OPS_DEPTHWISE_H

#include "../kernels/depthwise.h"
#include "../op.h"

typedef struct {
  tg_conv2d_shape s; /* in_c and out_c: the channels of y */
  uint32_t times;    /* filters a channel of x */
  uint64_t macs;
} tg_depthwise;

/* Scratch reals of each pass. */
uint64_t tg_depthwise_needs(const tg_depthwise *d, uint32_t threads); /* forward, gradient of the input */
uint64_t tg_depthwise_filter_needs(const tg_depthwise *d, uint32_t threads);

void tg_depthwise_run_forward(const tg_run *run, const tg_buffers *buffers, const tg_real *bias, const tg_depthwise *d);
void tg_depthwise_run_input_gradient(const tg_run *run, const tg_buffers *buffers, const tg_depthwise *d);
void tg_depthwise_run_filter_gradient(const tg_run *run, const tg_buffers *buffers, const tg_depthwise *d);

#endif
