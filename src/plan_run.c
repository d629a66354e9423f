/* Running a plan: the passes over its nodes, the slices in which some of them take turns, and the values that wait in
 * 16 bits between the passes. */
#include <string.h>

#include "kernels/elementwise.h"
#include "kernels/lean.h"
#include "plan.h"
#include "size.h"

/* The part of a batch that a step takes: all of it, or a slice. */
typedef struct {
  uint32_t first, count;
} tg_part;

/* The arrays of node i for such a part. What stands between producer and reader holds one slice and does not move. */
static tg_buffers buffers_of(const tg_plan *plan, const tg_graph *graph, uint32_t i, tg_part part, int backward) {
  const tg_step *step = &plan->steps[i];
  const tg_node *node = &graph->nodes[i];
  tg_buffers b = step->buffers;
  if (backward) {
    b.y = (tg_real *)step->kept_y;
    memcpy(b.x, step->kept_x, sizeof b.x);
  }
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
  tg_buffers buffers = buffers_of(plan, graph, i, part, 0);
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

/* Reals of a tile: 64 KiB. */
enum { TILE_REALS = 16384 };

typedef struct {
  const tg_stored *stored;
  uint64_t n;
} stored_job;

static size_t tile_of(const stored_job *j, uint64_t first) {
  const uint64_t rest = j->n - first;
  return (size_t)(rest < TILE_REALS ? rest : TILE_REALS);
}

static void store_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const stored_job *j = context;
  const uint64_t first = (uint64_t)tile * TILE_REALS;
  tg_store_bfloat16(j->stored->bits + first, j->stored->value + first, tile_of(j, first));
}

static void restore_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const stored_job *j = context;
  const uint64_t first = (uint64_t)tile * TILE_REALS;
  tg_load_bfloat16(j->stored->restored + first, j->stored->bits + first, tile_of(j, first));
}

static void run_stored(const tg_run *run, const tg_stored *stored,
                       void (*tile)(void *context, uint32_t tile, uint32_t thread)) {
  stored_job job = {stored, run->samples * stored->elements};
  tg_pool_run(run->pool, (uint32_t)((job.n + TILE_REALS - 1) / TILE_REALS), tile, &job);
}

static void store_values(const tg_plan *plan, const tg_run *run, const tg_step *step) {
  for (uint32_t k = step->store; k; k = plan->stored[k - 1].next_store)
    run_stored(run, &plan->stored[k - 1], store_tile);
}

static void restore_values(const tg_plan *plan, const tg_run *run, const tg_step *step) {
  for (uint32_t k = step->restore; k; k = plan->stored[k - 1].next_restore)
    run_stored(run, &plan->stored[k - 1], restore_tile);
}

/* Whether node i runs, by itself or after its producer, when its turn comes. */
static int has_turn(const tg_step *step, const tg_node *node, uint32_t i) {
  return step->needed && !step->skip && node->op->forward && !(step->slice && i == step->producer);
}

void tg_plan_forward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i <= last; i++) {
    const tg_step *step = &plan->steps[i];
    tg_part part = {0, 0};
    while (has_turn(step, &graph->nodes[i], i) && part.first + part.count < run->samples) {
      part = part_at(step, run, part.first + part.count);
      if (step->slice) run_forward(plan, graph, run, step->producer, part);
      run_forward(plan, graph, run, i, part);
    }
    store_values(plan, run, step);
  }
}

typedef struct {
  tg_real *sum;
  const tg_real *x;
  uint64_t n;
} sum_job;

static void sum_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const sum_job *j = context;
  uint64_t first = (uint64_t)tile * TILE_REALS, rest = j->n - first;
  tg_accumulate(j->sum + first, j->x + first, (size_t)(rest < TILE_REALS ? rest : TILE_REALS));
}

/* sum (n) += x (n). */
static void add_up(const tg_run *run, tg_real *sum, const tg_real *x, uint64_t n) {
  sum_job job = {sum, x, n};
  tg_pool_run(run->pool, (uint32_t)((n + TILE_REALS - 1) / TILE_REALS), sum_tile, &job);
}

static void run_backward(const tg_plan *plan, const tg_graph *graph, const tg_run *run, uint32_t i, tg_part part) {
  const tg_step *step = &plan->steps[i];
  const tg_node *node = &graph->nodes[i];
  tg_buffers buffers = buffers_of(plan, graph, i, part, 1);
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
    restore_values(plan, run, step);
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
