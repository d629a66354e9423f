/*
 * The plan: which nodes run, where every array lies. Made once for a (graph, batch size, mode); running it allocates
 * nothing.
 */
#ifndef TG_PLAN_H
#define TG_PLAN_H

#include "graph.h"
#include "op.h"

/* What others than the graph's own nodes do with a node: flags. Those that nobody reads, directly or through other
 * nodes, are not run. */
enum {
  TG_ROLE_READ = 1,   /* read its value when the forward pass is done */
  TG_ROLE_SEEDED = 2, /* that, and write its gradient before the backward pass: a loss */
  TG_ROLE_WANTED = 4  /* read its gradient when the backward pass comes to it */
};

/* Whose gradients a backward pass computes: those of weights that are trained, of all, or of none. */
typedef enum { TG_TRAINED_WEIGHTS, TG_ALL_WEIGHTS, TG_NO_WEIGHTS } tg_which_weights;

/* What a plan is made for. */
typedef struct {
  uint32_t samples; /* batch size; smaller batches may run */
  int training;     /* with a backward pass */
  int as_inference; /* see tg_run */
  /* Values wait for the backward pass in 16 bits (bfloat16) where all that read them then are TG_OP_TAKES_ROUNDED, if
   * the whole takes less memory so. */
  int rounds_stored;
  tg_which_weights weights;
  const uint8_t *roles; /* of every node; read while the plan is made */
} tg_plan_request;

/* What the plan decided for one node. */
typedef struct {
  tg_buffers buffers; /* w and dw too: the flat vectors of the model never move */
  tg_real *scratch_forward, *scratch_backward;
  const tg_real *kept_x[TG_MAX_INPUTS], *kept_y; /* x and y in the backward pass: buffers', or restored from 16 bits */
  uint32_t store, restore;                       /* one more than the first of tg_plan.stored that is then due, or 0 */
  int needed;                                    /* somebody reads it */
  int skip;         /* forward and backward are done elsewhere: a renamed or fused node, or dropout at inference */
  int has_gradient; /* backward runs: the node, or one before it, has weights or is wanted, and a loss depends on it */
  /* Where a gradient with several readers is gathered: dx[i] is added to sum[i] after the node's backward pass, and so
   * is dw to sum_w. NULL: it is already there. */
  tg_real *sum[TG_MAX_INPUTS];
  tg_real *sum_w;
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
  tg_real *seen;       /* the trainable ones as layers see them (lean.h); NULL: as they are */
  tg_real *gradients;  /* of the trainable part */
  tg_real *next_state; /* what the other tensors become when the step is made */
} tg_vectors;

/* A value that waits in 16 bits: written after the forward pass of one node, read before the backward pass of another.
 */
typedef struct {
  const tg_real *value;
  uint16_t *bits;
  tg_real *restored;
  uint64_t elements;                 /* a sample */
  uint32_t next_store, next_restore; /* others at the same moment, counted as tg_step does */
} tg_stored;

typedef struct {
  tg_plan_request request; /* its roles are gone */
  tg_step *steps;          /* one a node */
  tg_stored *stored;       /* NULL: none */
  char *arena;
  uint64_t arena_bytes;
} tg_plan;

/* Plans `graph`. vectors are the model's, which never move. TG_E_LIMIT, TG_E_OOM; *plan is then empty. */
tg_status tg_plan_make(tg_plan *plan, const tg_graph *graph, const tg_plan_request *request, const tg_vectors *vectors);
void tg_plan_free(tg_engine *engine, tg_plan *plan);

/* What such a plan would hold, array by array: tg_model_describe_plan. */
enum { TG_ARRAY_FIELDS = 6 };
int32_t tg_plan_describe(const tg_graph *graph, const tg_plan_request *request, double *out, uint32_t room);

/* needed[i] = 1 for the nodes that those with one of `roles` depend on, themselves included; 0 for the others. */
void tg_plan_reach(const tg_graph *graph, const uint8_t *node_roles, int roles, uint8_t *needed);

/* Runs nodes first…last on the batch that lies in the inputs' buffers, those before `first` having run. */
void tg_plan_forward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t first, uint32_t last);
/* Runs backward from the seeded nodes, whose dy others have written. `look`, unless NULL, is shown every node whose
 * gradient is whole. */
typedef void tg_plan_look(void *context, uint32_t node, const tg_real *dy);
void tg_plan_backward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, tg_plan_look *look, void *context);

#endif
