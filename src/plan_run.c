/* Running a plan: the passes over its nodes, and the slices in which some of them take turns. */
#include <string.h>

#include "kernels/elementwise.h"
#include "plan.h"
#include "size.h"

/* The part of a batch that a step takes: all of it, or a slice. */
typedef struct {
  uint32_t first, count;
} tg_part;

/* The arrays of node i for such a part. What stands between producer and reader holds one slice and does not move. */
static tg_buffers buffers_of(const tg_plan *plan, const tg_graph *graph, uint32_t i, tg_part part) {
  const tg_step *step = &plan->steps[i];
  const tg_node *node = &graph->nodes[i];
  tg_buffers b = step->buffers;
  if (part.first == 0) return b;
  if (b.saved) b.saved += part.first / step->slice * step->saved_reals;
  if (i == step->reader) {
    b.y += part.first * node->elements;
    b.dy += part.first * node->elements;
    return b;
  }
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    const uint64_t offset = part.first * graph->nodes[node->inputs[k]].elements;
    b.x[k] += offset;
    if (b.dx[k]) b.dx[k] += offset;
  }
  if (step->dw_part) b.dw = step->dw_part;
  return b;
}

/* The part that begins at `first`. */
static tg_part part_at(const tg_step *step, const tg_run *run, uint32_t first) {
  const uint32_t left = run->samples - first;
  return (tg_part){first, step->slice ? tg_min(step->slice, left) : left};
}

/* An identity that the plan could not leave out, since others read its input too. */
static int is_copy(const tg_op *op, const tg_run *run) {
  return run->as_inference && op->traits & TG_OP_IDENTITY_AT_INFERENCE;
}

static void run_forward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t i, tg_part part) {
  tg_step *step = &plan->steps[i];
  const tg_op *op = graph->nodes[i].op;
  tg_buffers buffers = buffers_of(plan, graph, i, part);
  buffers.scratch = step->scratch_forward;
  tg_run some = *run;
  some.samples = part.count;
  if (is_copy(op, run)) {
    memcpy(buffers.y, buffers.x[0], run->samples * graph->nodes[i].elements * sizeof(tg_real));
    return;
  }
  if (buffers.packed && step->packed_from != run->weights) op->pack(&some, graph, &graph->nodes[i], &buffers);
  /* In training others use its bytes in between. */
  step->packed_from = plan->request.training ? 0 : run->weights;
  op->forward(&some, graph, &graph->nodes[i], &buffers);
}

void tg_plan_forward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i <= last; i++) {
    const tg_step *step = &plan->steps[i];
    if (!step->needed || step->skip || !graph->nodes[i].op->forward || (step->slice && i == step->producer)) continue;
    tg_part part = {0, 0};
    do {
      part = part_at(step, run, part.first + part.count);
      if (step->slice) run_forward(plan, graph, run, step->producer, part);
      run_forward(plan, graph, run, i, part);
    } while (part.first + part.count < run->samples);
  }
}

/* A tile of 64 KiB. */
enum { SUM_TILE_REALS = 16384 };

typedef struct {
  tg_real *sum;
  const tg_real *x;
  uint64_t n;
} sum_job;

static void sum_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const sum_job *j = context;
  uint64_t first = (uint64_t)tile * SUM_TILE_REALS, rest = j->n - first;
  tg_accumulate(j->sum + first, j->x + first, (size_t)(rest < SUM_TILE_REALS ? rest : SUM_TILE_REALS));
}

/* sum (n) += x (n). */
static void add_up(const tg_run *run, tg_real *sum, const tg_real *x, uint64_t n) {
  sum_job job = {sum, x, n};
  tg_pool_run(run->pool, (uint32_t)((n + SUM_TILE_REALS - 1) / SUM_TILE_REALS), sum_tile, &job);
}

static void run_backward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t i, tg_part part) {
  const tg_step *step = &plan->steps[i];
  const tg_node *node = &graph->nodes[i];
  tg_buffers buffers = buffers_of(plan, graph, i, part);
  buffers.scratch = step->scratch_backward;
  tg_run some = *run;
  some.samples = part.count;
  if (is_copy(node->op, run))
    memcpy(buffers.dx[0], buffers.dy, run->samples * node->elements * sizeof(tg_real));
  else
    node->op->backward(&some, graph, node, &buffers);
  if (part.first > 0 && step->dw_part) add_up(run, step->buffers.dw, step->dw_part, node->trainable);
}

void tg_plan_backward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, tg_plan_look *look,
                      void *context) {
  for (uint32_t i = graph->n_nodes; i-- > 0;) {
    const tg_step *step = &plan->steps[i];
    const tg_node *node = &graph->nodes[i];
    if (!step->has_gradient) continue;
    if (look) look(context, i, step->buffers.dy);
    if (step->skip || !node->op->backward || (step->slice && i == step->reader)) continue;
    tg_part part = {0, 0};
    do {
      part = part_at(step, run, part.first + part.count);
      if (step->slice) run_backward(plan, graph, run, step->reader, part);
      run_backward(plan, graph, run, i, part);
    } while (part.first + part.count < run->samples);
    for (uint32_t k = 0; k < node->n_inputs; k++)
      if (step->sum[k])
        add_up(run, step->sum[k], step->buffers.dx[k], run->samples * graph->nodes[node->inputs[k]].elements);
    if (step->sum_w) add_up(run, step->sum_w, step->buffers.dw, node->trainable);
  }
}
