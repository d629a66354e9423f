/* Functions of single elements: relu, which others can apply in their store, and the family of kernels/activation.h. */
#include "../kernels/activation.h"

#include <math.h>

#include "../kernels/elementwise.h"
#include "elementwise.h"

/* ---- relu: max(0, x) ---- */

static void relu_forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_relu(b->y + first, b->x[0] + first, n);
}

static void relu_backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_relu_backward(b->dx[0] + first, b->dy + first, b->y + first, n);
}

static void relu_forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, relu_forward_range);
}

static void relu_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) tg_run_ranges(run, node, buffers, relu_backward_range);
}

const tg_op tg_op_relu = {.name = "relu",
                          .n_inputs = 1,
                          .traits = TG_OP_BACKWARD_READS_Y | TG_OP_IS_RELU | TG_OP_TAKES_ROUNDED,
                          .infer = tg_infer_same_shape,
                          .forward = relu_forward,
                          .backward = relu_backward};

/* ---- the family ---- */

static void read_parameters(const tg_node *node, tg_real parameters[TG_ACTIVATION_PARAMETERS]) {
  for (uint32_t i = 0; i < TG_ACTIVATION_PARAMETERS; i++)
    parameters[i] = i < node->op->n_attributes ? (tg_real)node->attributes[i] : 0;
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run;
  tg_real parameters[TG_ACTIVATION_PARAMETERS];
  read_parameters(node, parameters);
  tg_activate((tg_activation)node->op->variant, b->y + first, b->x[0] + first, n, parameters);
}

static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run;
  tg_real parameters[TG_ACTIVATION_PARAMETERS];
  read_parameters(node, parameters);
  const tg_real *v = node->op->traits & TG_OP_BACKWARD_READS_Y ? b->y : b->x[0];
  tg_activate_backward((tg_activation)node->op->variant, b->dx[0] + first, b->dy + first, v + first, n, parameters);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) tg_run_ranges(run, node, buffers, backward_range);
}

/* Non-negative, so that the output's sign tells on which side of the bend its input was. */
static const tg_attribute elu_attributes[] = {{"alpha", 1, 0, 1e6, 0}};
static const tg_attribute rectifier_attributes[] = {
    {"negativeSlope", 0, 0, 1e6, 0}, {"maxValue", INFINITY, 1e-30, INFINITY, 0}, {"threshold", 0, 0, 1e6, 0}};

static const tg_attribute clip_attributes[] = {{"min", -INFINITY, -INFINITY, INFINITY, 0},
                                               {"max", INFINITY, -INFINITY, INFINITY, 0}};
/* flat: the slope at 0 is 0, not infinite. That of a length is 0 there (reduce 'l2'), since the squares in it have
 * none. */
static const tg_attribute sqrt_attributes[] = {{"flat", 0, 0, 1, 1}};
static const tg_attribute line_attributes[] = {{"scale", 1, -3e38, 3e38, 0}, {"offset", 0, -3e38, 3e38, 0}};

#define TG_ACTIVATION(id, name_, variant_, reads, attributes_, n)                         \
  const tg_op tg_op_##id = {.name = name_,                                                \
                            .attributes = attributes_,                                    \
                            .n_attributes = n,                                            \
                            .n_inputs = 1,                                                \
                            .variant = variant_,                                          \
                            .traits = TG_OP_BACKWARD_READS_##reads | TG_OP_TAKES_ROUNDED, \
                            .infer = tg_infer_same_shape,                                 \
                            .forward = forward,                                           \
                            .backward = backward};

TG_ACTIVATION(abs, "abs", TG_ABS, X, NULL, 0)
TG_ACTIVATION(clip, "clip", TG_CLIP, X, clip_attributes, 2)
TG_ACTIVATION(elu, "elu", TG_ELU, Y, elu_attributes, 1)
TG_ACTIVATION(exponential, "exponential", TG_EXPONENTIAL, Y, NULL, 0)
TG_ACTIVATION(gelu, "gelu", TG_GELU, X, NULL, 0)
TG_ACTIVATION(gelu_tanh, "geluTanh", TG_GELU_TANH, X, NULL, 0)
TG_ACTIVATION(hard_sigmoid, "hardSigmoid", TG_HARD_SIGMOID, Y, NULL, 0)
TG_ACTIVATION(hard_swish, "hardSwish", TG_HARD_SWISH, X, NULL, 0)
TG_ACTIVATION(log, "log", TG_LOG, X, NULL, 0)
TG_ACTIVATION(mish, "mish", TG_MISH, X, NULL, 0)
TG_ACTIVATION(reciprocal, "reciprocal", TG_RECIPROCAL, Y, NULL, 0)
TG_ACTIVATION(rectifier, "rectifier", TG_RECTIFIER, Y, rectifier_attributes, 3)
TG_ACTIVATION(rescaling, "rescaling", TG_LINE, X, line_attributes, 2)
TG_ACTIVATION(selu, "selu", TG_SELU, Y, NULL, 0)
TG_ACTIVATION(sigmoid, "sigmoid", TG_SIGMOID, Y, NULL, 0)
TG_ACTIVATION(silu, "silu", TG_SILU, X, NULL, 0)
TG_ACTIVATION(softplus, "softplus", TG_SOFTPLUS, X, NULL, 0)
TG_ACTIVATION(softsign, "softsign", TG_SOFTSIGN, Y, NULL, 0)
TG_ACTIVATION(sqrt, "sqrt", TG_SQRT, Y, sqrt_attributes, 1)
TG_ACTIVATION(square, "square", TG_SQUARE, X, NULL, 0)
TG_ACTIVATION(tanh, "tanh", TG_TANH, Y, NULL, 0)
