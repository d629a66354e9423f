/*
 * The graph: nodes with a name, an op, inputs and attributes; the shape of every value; the tensors of the weights.
 * It knows nothing of memory or batches: those are the plan's.
 */
#ifndef TG_GRAPH_H
#define TG_GRAPH_H

#include <stdint.h>

#include "engine.h"
#include "quantization.h"
#include "tensor_settings.h"

enum { TG_MAX_NODES = 4096, TG_MAX_NAME = 255, TG_MAX_RANK = 4, TG_MAX_INPUTS = 3, TG_MAX_ATTRIBUTES = 20 };

typedef struct tg_op tg_op;
typedef struct tg_graph tg_graph;

/* The shape of one sample's value: (height, width, channels) or (features). */
typedef struct {
  uint32_t rank;
  uint32_t dims[TG_MAX_RANK]; /* unused ones are 1 */
} tg_shape;

/* How a weight tensor starts. Numbers are part of the interface: attributes carry them. */
typedef enum {
  TG_INIT_ZEROS,
  TG_INIT_ONES,
  TG_INIT_GLOROT_UNIFORM,
  TG_INIT_GLOROT_NORMAL,
  TG_INIT_HE_UNIFORM,
  TG_INIT_HE_NORMAL,
  TG_INIT_LECUN_UNIFORM,
  TG_INIT_LECUN_NORMAL,
  TG_INIT_RANDOM_NORMAL,
  TG_INIT_TRUNCATED_NORMAL,
  TG_INIT_RANDOM_UNIFORM,
  TG_INIT_CONSTANT,
  TG_INIT_IDENTITY,
  TG_INIT_ORTHOGONAL,
  TG_INIT_VARIANCE_SCALING,
  TG_INIT_COUNT
} tg_initializer;

typedef struct {
  uint32_t node;
  tg_initializer initializer;
  uint32_t fan_in, fan_out;
  tg_shape shape;
  uint64_t offset, size; /* floats, among the tensors of its kind; see tg_graph_offset */
  double settings[TG_SET_COUNT];
  int trainable; /* 0: state such as a moving mean, which no gradient changes */
  char *name;    /* "layer/kernel" */
} tg_tensor;

typedef struct {
  const tg_op *op;
  char *name;
  uint32_t index; /* in the graph */
  uint32_t n_inputs;
  uint32_t inputs[TG_MAX_INPUTS];
  double attributes[TG_MAX_ATTRIBUTES]; /* in the order of the op's table */
  tg_shape shape;
  uint64_t elements;            /* of the shape */
  tg_quantization quantization; /* of the output; a scale of 0: it is tg_real */
  uint64_t macs;                /* multiply-accumulates of the forward pass, one sample */
  uint64_t trainable, state;    /* floats of its tensors that are trainable, and of those that are not */
  uint32_t first_tensor, n_tensors;
  int freeze;    /* of a root: from the next tg_model_compile on, training leaves its tensors as they are */
  int frozen;    /* it does */
  uint32_t root; /* the node whose tensors it uses: itself, unless a layer is called again */
} tg_node;

struct tg_graph {
  tg_engine *engine;
  uint32_t n_nodes, nodes_capacity;
  tg_node *nodes;
  uint32_t n_tensors, tensors_capacity;
  tg_tensor *tensors;
  uint64_t trainable, state; /* floats of all tensors of each kind */
  int quantized;             /* some values are bytes: for inference alone */
};

/* Appends a node; its number or minus a tg_status, with the graph as it was. See tg_model_add. */
int32_t tg_graph_add(tg_graph *graph, const char *op, const char *name, const int32_t *inputs, uint32_t n_inputs,
                     const char *attributes, const double *values, uint32_t n_attributes);
void tg_graph_free(tg_graph *graph);

/* Floats of the weight vector. */
static inline uint64_t tg_graph_parameters(const tg_graph *graph) { return graph->trainable + graph->state; }
/* Where a tensor starts in the weight vector: trainable ones come first, the others behind, so that the vectors of
 * gradients and optimizer slots are as long as the trainable part and share its offsets. */
static inline uint64_t tg_graph_offset(const tg_graph *graph, const tg_tensor *tensor) {
  return tensor->trainable ? tensor->offset : graph->trainable + tensor->offset;
}

/* ---- for the shape rules of ops ---- */

static inline const tg_node *tg_graph_input(const tg_graph *graph, const tg_node *node, uint32_t input) {
  return &graph->nodes[node->inputs[input]];
}

/* Whole-number attribute `index` of the node, already checked against its range. */
static inline uint32_t tg_attribute_u32(const tg_node *node, uint32_t index) {
  return (uint32_t)node->attributes[index];
}

/* See tg_model_set_attribute. */
tg_status tg_graph_set_attribute(tg_graph *graph, uint32_t node, const char *name, double value);
/* TG_E_SHAPE unless the node's input has `rank` dimensions. */
tg_status tg_graph_require_rank(tg_graph *graph, const tg_node *node, uint32_t rank, const char *meaning);
/* TG_E_SHAPE unless all inputs of the node have the shape of its first. */
tg_status tg_graph_require_same_shapes(tg_graph *graph, const tg_node *node);
/* TG_E_SHAPE: the node's first input and input `input` break `rule`; both shapes are named. */
tg_status tg_graph_shapes_differ(tg_graph *graph, const tg_node *node, uint32_t input, const char *rule);
/* The axis of the node's input that attribute `index` names, from 0: 1…rank and -rank…-1 name one, as in Keras, where
 * 0 is the batch (TG_E_SHAPE). */
tg_status tg_graph_axis(tg_graph *graph, const tg_node *node, uint32_t index, uint32_t *axis);
/* The same, for ops that know the last axis alone (TG_E_CONFIG). */
tg_status tg_graph_require_last_axis(tg_graph *graph, const tg_node *node, uint32_t index);
/* Declares the node's next trainable tensor; its floats come after those of all earlier ones. A node that shares
 * another one's tensors is given the next of those; TG_E_SHAPE when they do not fit it. */
tg_status tg_graph_add_tensor(tg_graph *graph, tg_node *node, const char *suffix, tg_shape shape,
                              tg_initializer initializer, uint64_t fan_in, uint64_t fan_out);
/* Declares the node's next tensor that is not trainable; they are numbered apart. */
tg_status tg_graph_add_state(tg_graph *graph, tg_node *node, const char *suffix, tg_shape shape,
                             tg_initializer initializer);

#endif
