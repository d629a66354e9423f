/*
 * The plan: which nodes run, where every array lies. Made once for a (graph, batch size, mode); running it allocates
 * nothing.
 */
#ifndef TG_PLAN_H
#define TG_PLAN_H

#include "graph.h"
#include "op.h"

/* What the plan decided for one node. */
typedef struct {
  tg_buffers buffers; /* w and dw too: the flat vectors of the model never move */
  tg_real *scratch_forward, *scratch_backward;
  int skip;         /* forward and backward are done elsewhere: a renamed or fused node, or dropout at inference */
  int has_gradient; /* backward runs: the node, or one before it, has weights */
  /* Where a gradient with several readers is gathered: dx[i] is added to sum[i] after the node's backward pass. */
  tg_real *sum[TG_MAX_INPUTS];
  uint64_t packed_from; /* tg_run.weights that buffers.packed was made from */
  /* Where a value is large and has one reader that needs it no more afterwards, the two nodes take so many samples in
   * turn, and value and gradient are as large as that. 0: all samples at once. */
  uint32_t slice;
  uint32_t producer, reader; /* the two */
  uint64_t saved_reals;      /* of a slice */
  tg_real *dw_part;          /* the producer's gradients from one slice */
} tg_step;

/* The flat vectors of a model that steps read and write. */
typedef struct {
  tg_real *weights;    /* trainable tensors, then the others */
  tg_real *gradients;  /* of the trainable part */
  tg_real *next_state; /* what the other tensors become when the step is made */
} tg_vectors;

typedef struct {
  uint32_t samples; /* batch size it is made for; smaller batches may run */
  int training;
  uint32_t loss_node; /* whose value the loss reads; later nodes run only for predictions */
  tg_step *steps;     /* one a node */
  char *arena;
  uint64_t arena_bytes;
} tg_plan;

/*
 * Plans `graph` for `samples` samples. loss_node is the node whose value the loss reads (its gradient array is where
 * the loss writes). vectors are the model's, which never move. TG_E_LIMIT, TG_E_OOM; *plan is then empty.
 */
tg_status tg_plan_make(tg_plan *plan, const tg_graph *graph, uint32_t samples, int training, uint32_t loss_node,
                       const tg_vectors *vectors);
void tg_plan_free(tg_engine *engine, tg_plan *plan);

/* What such a plan would hold, array by array: tg_model_describe_plan. */
enum { TG_ARRAY_FIELDS = 6 };
int32_t tg_plan_describe(const tg_graph *graph, uint32_t samples, int training, uint32_t loss_node, double *out,
                         uint32_t room);

/* Runs nodes first…last on the batch that lies in the input's buffer, those before `first` having run. */
void tg_plan_forward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t first, uint32_t last);
/* Runs backward from the loss node, whose dy the loss has written. */
void tg_plan_backward(const tg_plan *plan, const tg_graph *graph, const tg_run *run);

#endif
