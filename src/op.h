/*
 * What an operator is. One file in ops/ holds its attribute table, shape rule, memory needs, forward and backward;
 * one row of ops/ops.inc makes it known.
 *
 * Rules
 *   - forward writes y from x; backward writes dx (never adds) and the gradients of the node's tensors.
 *   - Neither allocates; scratch comes from the plan, as large as `plan` asked for.
 *   - backward may overwrite dy.
 *   - A value whose node has a quantization is an array of bytes behind the same pointers. Ops that read or write such
 *     values have no backward pass.
 *   - A fused ReLU (buffers->relu) is applied in the store of y; backward then masks dy itself, by y > 0 or by what
 *     forward saved (TG_OP_KEEPS_MASK).
 */
#ifndef TG_OP_H
#define TG_OP_H

#include "graph.h"

/* An attribute of an op: a number between min and max, whole when `whole`. A NaN default makes it required. */
typedef struct {
  const char *name;
  double fallback, min, max;
  int whole;
} tg_attribute;

#define TG_REQUIRED __builtin_nan("")
/* The largest size an attribute may name. Products of sizes are checked apart (TG_MAX_ELEMENTS). */
#define TG_MAX_SIZE ((double)(1 << 28))

enum {
  TG_OP_BACKWARD_READS_X = 1, /* its inputs must live until its backward pass */
  TG_OP_BACKWARD_READS_Y = 2, /* so must its output */
  TG_OP_FUSES_RELU = 4,       /* can apply a ReLU in its store */
  TG_OP_IS_RELU = 8,          /* can be applied in the producer's store */
  TG_OP_RENAMES = 16,         /* output is the input's bytes under another shape */
  TG_OP_IDENTITY_AT_INFERENCE = 32,
  TG_OP_PASSES_GRADIENT = 64,    /* dx is dy (but for a fused ReLU), so one dx[k] may be dy itself */
  TG_OP_READS_INT8 = 128,        /* its inputs are bytes (quantization.h); those of others are tg_real */
  TG_OP_KEEPS_MASK = 256,        /* its backward pass knows what a fused ReLU stopped without reading y */
  TG_OP_BEFORE_RELU = 512,       /* gives the same before a ReLU as after one: may take over its producer's */
  TG_OP_PACKS_TO_PREDICT = 1024, /* in training it reads the weights as they stand */
  TG_OP_SLICES =
      2048, /* may run for some samples after others, dw being added up; where in a batch they are is nothing to it */
  TG_OP_LIVE = 4096,          /* its attributes may change between steps: no shape or plan depends on them */
  TG_OP_OVER_STEPS = 8192,    /* takes (steps, channels): the 2-D operator over an image of one row */
  TG_OP_TAKES_ROUNDED = 16384 /* its backward pass may read x and y rounded to 16 bits: it looks nothing up by them, and
                                 small differences make small ones */
};

/* What one step means for all nodes. */
typedef struct {
  tg_pool *pool;
  uint32_t samples; /* in this batch */
  int training;     /* a backward pass follows, or is this one */
  int as_inference; /* and yet layers do what they do in predictions: gradients of a model that is not being trained */
  uint64_t seed, step;
  uint64_t weights; /* another number whenever the weights may be others; never 0 */
} tg_run;

/* Where a node's arrays are. dx[i] is NULL when nobody wants that gradient. */
typedef struct {
  const tg_real *x[TG_MAX_INPUTS];
  tg_real *y, *dy;
  tg_real *dx[TG_MAX_INPUTS];
  const tg_real *w;     /* the node's first trainable tensor in the weight vector; the others follow */
  tg_real *dw;          /* the same in the gradient vector */
  const tg_real *state; /* the node's first tensor that is not trainable; the others follow */
  tg_real *next_state;  /* where forward in training writes what they become if the step is made */
  tg_real *packed;      /* the weights as forward wants them, or NULL; see tg_op.pack */
  tg_real *saved;       /* what forward leaves for backward */
  tg_real *scratch;
  tg_quantization from[TG_MAX_INPUTS], to; /* of x and y */
  int relu;
  int wants_dw; /* else nobody reads dw, which may be written all the same */
  int frozen;   /* in training too the node does what it does in predictions */
} tg_buffers;

/* Reals a node needs for `samples` samples on `threads` threads: scratch of each pass, what lives between them, and
 * weights in another order, which predictions keep as long as the weights are the same. */
typedef struct {
  uint64_t forward, backward, saved, packed;
} tg_needs;

struct tg_op {
  const char *name;
  const tg_attribute *attributes;
  uint32_t n_attributes;
  uint32_t n_inputs;
  uint32_t traits;
  uint32_t variant; /* which one of a family that shares its functions */
  /* Checks the node and fills shape, macs and tensors. */
  tg_status (*infer)(tg_graph *graph, tg_node *node);
  /* NULL, or changes the node's trainable tensors, from w on, after their initialisers. */
  void (*initialize)(const tg_graph *graph, const tg_node *node, tg_real *w);
  /* NULL, or the op looks numbers of the model's input up: the first whole number that is none of its rows. */
  uint32_t (*index_end)(const tg_node *node);
  /* NULL: no scratch. want_dx: somebody wants the gradient of the input. */
  void (*plan)(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
               tg_needs *needs);
  /* NULL, or writes buffers->packed from the weights: before every forward pass in training, else when they changed. */
  void (*pack)(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers);
  void (*forward)(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers);
  void (*backward)(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers);
};

#define TG_OP(name) extern const tg_op tg_op_##name;
#include "ops/ops.inc"
#undef TG_OP

#endif
