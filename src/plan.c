/*
 * Time runs 0…n-1 forward, n at the losses, n+1…2n backward: node i is at i and at 2n-i. Every array lives over an
 * interval of that line, and two arrays may share bytes when their intervals do not meet. Offsets are found by first
 * fit, over several orders of the arrays.
 */
#include "plan.h"

#include <string.h>

#include "kernels/conv2d.h"
#include "size.h"

enum { LINE = 64, ARRAYS_A_NODE = 10 + TG_MAX_INPUTS };

typedef struct {
  uint32_t node;
  tg_array_kind kind;
  uint64_t bytes, offset;
  uint32_t first, last; /* on the time line */
  /* Of a value: when the backward pass reads it (0: it does not), whether it bears rounding until then, and the arrays
   * that it waits in and is restored to, or NONE. */
  uint32_t back_first, back_last;
  int exact;
  uint32_t stored, restored;
} tg_array;

/* Numbers of a node's arrays; NONE where it has no such array. */
enum { NONE = UINT32_MAX };
typedef struct {
  uint32_t value, gradient, saved, packed, scratch_forward, scratch_backward, temporary[TG_MAX_INPUTS];
  uint32_t dw_part, shared_dw; /* shares of a gradient of weights: a slice's; that of one of several calls of a layer */
  uint32_t consumers;
  uint32_t last_consumer, last_sharer; /* that have a gradient; sharers of the tensors that are this node's */
} tg_use;

typedef struct {
  const tg_graph *graph;
  tg_plan *plan;
  const uint8_t *roles;
  uint32_t n; /* nodes */
  tg_use *uses;
  tg_array *arrays;
  uint32_t n_arrays;
  int stores;        /* values wait in 16 bits where they can */
  uint32_t n_stored; /* so many do */
  uint32_t threads;
} tg_planner;

/* Nodes that take slices in turn run at the reader's time forward, at the producer's backward. */
static uint32_t forward_time(const tg_planner *p, uint32_t node) {
  return p->plan->steps[node].slice ? p->plan->steps[node].reader : node;
}

static uint32_t backward_time(const tg_planner *p, uint32_t node) {
  return 2 * p->n - (p->plan->steps[node].slice ? p->plan->steps[node].producer : node);
}

static uint32_t add_array(tg_planner *p, uint32_t node, tg_array_kind kind, uint64_t reals, uint32_t first,
                          uint32_t last) {
  if (!reals) return NONE;
  /* Tail loads of kernels may read a little past the end. */
  uint64_t bytes = tg_mul(tg_add(reals, TG_OVERREAD_REALS), sizeof(tg_real));
  p->arrays[p->n_arrays] = (tg_array){.node = node,
                                      .kind = kind,
                                      .bytes = tg_align_up(bytes, LINE),
                                      .first = first,
                                      .last = last,
                                      .stored = NONE,
                                      .restored = NONE};
  return p->n_arrays++;
}

static void extend(tg_planner *p, uint32_t array, uint32_t time) {
  if (p->arrays[array].last < time) p->arrays[array].last = time;
}

/* The backward pass of node i reads a value. */
static void extend_back(tg_planner *p, uint32_t array, uint32_t i) {
  tg_array *a = &p->arrays[array];
  const uint32_t time = backward_time(p, i);
  if (!a->back_first || time < a->back_first) a->back_first = time;
  if (time > a->back_last) a->back_last = time;
  if (!(p->graph->nodes[i].op->traits & TG_OP_TAKES_ROUNDED)) a->exact = 1;
}

static int role(const tg_planner *p, uint32_t node, int roles) { return p->roles[node] & roles; }

void tg_plan_reach(const tg_graph *graph, const uint8_t *node_roles, int roles, uint8_t *needed) {
  for (uint32_t i = 0; i < graph->n_nodes; i++) needed[i] = (node_roles[i] & roles) != 0;
  for (uint32_t i = graph->n_nodes; i-- > 0;)
    for (uint32_t k = 0; needed[i] && k < graph->nodes[i].n_inputs; k++) needed[graph->nodes[i].inputs[k]] = 1;
}

/* Who reads what, and which gradients there are. `reach` holds a byte a node. */
static void follow_edges(tg_planner *p, uint8_t *reach) {
  tg_step *steps = p->plan->steps;
  const tg_which_weights which = p->plan->request.weights;
  tg_plan_reach(p->graph, p->roles, ~0, reach);
  for (uint32_t i = 0; i < p->n; i++) steps[i].needed = reach[i];
  tg_plan_reach(p->graph, p->roles, TG_ROLE_SEEDED, reach);
  for (uint32_t i = 0; i < p->n; i++) {
    const tg_node *node = &p->graph->nodes[i];
    tg_buffers *b = &steps[i].buffers;
    if (!steps[i].needed) continue;
    b->frozen = p->graph->nodes[node->root].frozen;
    b->wants_dw = node->trainable > 0 && (which == TG_ALL_WEIGHTS || (which == TG_TRAINED_WEIGHTS && !b->frozen));
    int depends = b->wants_dw || role(p, i, TG_ROLE_WANTED);
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      depends |= steps[node->inputs[k]].has_gradient;
      p->uses[node->inputs[k]].consumers++;
    }
    steps[i].has_gradient = p->plan->request.training && depends && reach[i];
    if (!steps[i].has_gradient) continue;
    for (uint32_t k = 0; k < node->n_inputs; k++) p->uses[node->inputs[k]].last_consumer = i;
    p->uses[node->root].last_sharer = i;
  }
}

/* The node whose kernel writes what node i, the only reader of its input, reads; NONE if others read that as well. */
static uint32_t sole_producer(const tg_planner *p, uint32_t i) {
  uint32_t producer = i;
  do {
    producer = p->graph->nodes[producer].inputs[0];
    if (p->uses[producer].consumers > 1 || p->roles[producer]) return NONE;
  } while (p->plan->steps[producer].skip);
  return producer;
}

/* Node i applies the ReLU that its producer has fused. */
static void take_relu_over(tg_planner *p, uint32_t i) {
  tg_step *steps = p->plan->steps;
  uint32_t producer = sole_producer(p, i);
  if (producer == NONE) return;
  steps[i].buffers.relu = steps[producer].buffers.relu;
  steps[producer].buffers.relu = 0;
}

/* A slice is so large, or so many samples if those are more: two of a large network stay in the third-level cache. By
 * shape alone, since gradients are added up slice by slice. */
enum { SLICE_BYTES = 1 << 23, SLICE_SAMPLES = 2 };

/* Node i and the producer of its input, if backward passes need nothing of what stands between them. */
static void decide_slice(tg_planner *p, uint32_t i) {
  const tg_node *node = &p->graph->nodes[i];
  tg_step *step = &p->plan->steps[i];
  if (!(node->op->traits & TG_OP_SLICES) || node->op->traits & TG_OP_BACKWARD_READS_X || node->trainable ||
      step->skip || !step->has_gradient)
    return;
  const uint32_t k = sole_producer(p, i);
  if (k == NONE) return;
  const tg_node *producer = &p->graph->nodes[k];
  tg_step *before = &p->plan->steps[k];
  if (!(producer->op->traits & TG_OP_SLICES) || producer->op->traits & TG_OP_BACKWARD_READS_Y || before->buffers.relu ||
      before->slice || !before->has_gradient)
    return;
  const uint64_t bytes = tg_mul(producer->elements, sizeof(tg_real));
  const uint32_t slice = tg_max(SLICE_SAMPLES, (uint32_t)(SLICE_BYTES / bytes));
  if (slice >= p->plan->request.samples) return;
  step->slice = before->slice = slice;
  step->producer = before->producer = k;
  step->reader = before->reader = i;
}

/* Samples that a node's kernels see at once. */
static uint32_t samples_at_once(const tg_planner *p, uint32_t i) {
  const uint32_t slice = p->plan->steps[i].slice;
  return slice ? slice : p->plan->request.samples;
}

/* Samples that a node's value and gradient hold. */
static uint32_t samples_held(const tg_planner *p, uint32_t i) {
  const tg_step *step = &p->plan->steps[i];
  return step->slice && step->producer == i ? step->slice : p->plan->request.samples;
}

/* Nodes that need no kernel of their own, and producers that take over a ReLU. */
static void decide_kernels(tg_planner *p) {
  for (uint32_t i = 0; i < p->n; i++) {
    const tg_node *node = &p->graph->nodes[i];
    tg_step *step = &p->plan->steps[i];
    if (!step->needed || node->n_inputs != 1) continue;
    uint32_t input = node->inputs[0];
    int training = p->plan->request.training;
    /* A gradient array can be shared only when nobody else, a loss included, reads the input. */
    int only_reader = p->uses[input].consumers == 1 && !p->roles[input];
    if (node->op->traits & TG_OP_IS_RELU && p->graph->nodes[input].op->traits & TG_OP_FUSES_RELU && only_reader) {
      p->plan->steps[input].buffers.relu = 1;
      step->skip = 1;
    }
    /* Predictions gain nothing by it, and calibration looks for the ReLU's range at its producer. */
    if (training && node->op->traits & TG_OP_BEFORE_RELU && only_reader) take_relu_over(p, i);
    if (node->op->traits & TG_OP_RENAMES && (only_reader || !training)) step->skip = 1;
    if (node->op->traits & TG_OP_IDENTITY_AT_INFERENCE && (!training || (p->plan->request.as_inference && only_reader)))
      step->skip = 1;
    if (training) decide_slice(p, i);
  }
}

/* Reals of a node's value. */
static uint64_t value_reals(const tg_node *node, uint32_t samples) {
  uint64_t elements = tg_mul(samples, node->elements);
  return node->quantization.scale > 0 ? elements / sizeof(tg_real) + 1 : elements;
}

static void place_values(tg_planner *p) {
  for (uint32_t i = 0; i < p->n; i++) {
    const tg_node *node = &p->graph->nodes[i];
    const tg_step *step = &p->plan->steps[i];
    const uint32_t time = forward_time(p, i);
    tg_use *use = &p->uses[i];
    use->value = NONE;
    if (!step->needed) continue;
    use->value = step->skip ? p->uses[node->inputs[0]].value
                            : add_array(p, i, TG_ARRAY_VALUE, value_reals(node, samples_held(p, i)), time, time);
    int backward = step->has_gradient;
    int reads_y =
        node->op->traits & TG_OP_BACKWARD_READS_Y || (step->buffers.relu && !(node->op->traits & TG_OP_KEEPS_MASK));
    int reads_x = node->op->traits & TG_OP_BACKWARD_READS_X;
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      extend(p, p->uses[node->inputs[k]].value, time);
      if (backward && reads_x && !step->skip) extend_back(p, p->uses[node->inputs[k]].value, i);
    }
    if (backward && reads_y && !step->skip) extend_back(p, use->value, i);
    if (role(p, i, TG_ROLE_READ | TG_ROLE_SEEDED)) extend(p, use->value, p->n);
  }
}

/* Between the passes values stay where they are, or wait in half the bytes. */
static void keep_values(tg_planner *p) {
  for (uint32_t i = 0; i < p->n; i++) {
    const uint32_t value = p->uses[i].value;
    if (value == NONE || p->plan->steps[i].skip) continue;
    tg_array *a = &p->arrays[value];
    if (!a->back_first) continue;
    /* Bytes are won only while something else runs in between. */
    if (!p->stores || a->exact || a->last >= p->n || a->back_first <= a->last + 2) {
      extend(p, value, a->back_last);
      continue;
    }
    const uint64_t reals = value_reals(&p->graph->nodes[i], samples_held(p, i));
    const uint64_t halves = tg_mul(reals, sizeof(uint16_t)) / sizeof(tg_real) + 1;
    a->stored = add_array(p, i, TG_ARRAY_STORED, halves, a->last, a->back_first);
    a->restored = add_array(p, i, TG_ARRAY_RESTORED, reals, a->back_first, a->back_last);
    p->n_stored++;
  }
}

/*
 * The node whose gradient array node i writes and reads as its own, or NONE: one whose kernel does i's work too, or
 * whose gradient is i's own (add). Its value must be i's alone, for both passes may overwrite the array.
 */
static uint32_t gradient_owner(const tg_planner *p, uint32_t i) {
  const tg_node *node = &p->graph->nodes[i];
  if (p->plan->steps[i].skip) return p->uses[node->inputs[0]].gradient == NONE ? NONE : node->inputs[0];
  if (!(node->op->traits & TG_OP_PASSES_GRADIENT)) return NONE;
  for (uint32_t k = 0; k < node->n_inputs; k++) {
    const tg_use *input = &p->uses[node->inputs[k]];
    const int fits = p->graph->nodes[node->inputs[k]].elements == node->elements;
    if (fits && input->consumers == 1 && input->gradient != NONE && !role(p, node->inputs[k], TG_ROLE_SEEDED))
      return node->inputs[k];
  }
  return NONE;
}

/* Gradients, from the losses back. A value's gradient is first written by a loss, or else by its last consumer. */
static void place_gradients(tg_planner *p) {
  const uint32_t samples = p->plan->request.samples;
  for (uint32_t i = 0; i < p->n; i++) {
    tg_use *use = &p->uses[i];
    use->gradient = use->shared_dw = NONE;
    for (uint32_t k = 0; k < TG_MAX_INPUTS; k++) use->temporary[k] = NONE;
    if (!p->plan->steps[i].has_gradient) continue;
    const tg_node *node = &p->graph->nodes[i];
    uint32_t owner = gradient_owner(p, i);
    uint32_t written = role(p, i, TG_ROLE_SEEDED) ? p->n : backward_time(p, use->last_consumer);
    if (owner == NONE)
      use->gradient =
          add_array(p, i, TG_ARRAY_GRADIENT, tg_mul(samples_held(p, i), node->elements), written, backward_time(p, i));
    else
      use->gradient = p->uses[owner].gradient;
    /* Shared bytes are written earlier, by the consumers of this node. */
    if (p->arrays[use->gradient].first > written) p->arrays[use->gradient].first = written;
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      const tg_use *input = &p->uses[node->inputs[k]];
      int again = role(p, node->inputs[k], TG_ROLE_SEEDED) != 0;
      for (uint32_t j = 0; j < k; j++) again |= node->inputs[k] == node->inputs[j]; /* the same value twice */
      if (input->gradient != NONE && (input->last_consumer != i || again))
        use->temporary[k] =
            add_array(p, i, TG_ARRAY_GRADIENT_PART, tg_mul(samples, p->graph->nodes[node->inputs[k]].elements),
                      backward_time(p, i), backward_time(p, i));
    }
    if (p->uses[node->root].last_sharer != i)
      use->shared_dw =
          add_array(p, i, TG_ARRAY_GRADIENT_PART, node->trainable, backward_time(p, i), backward_time(p, i));
  }
}

static int wants_dx(const tg_planner *p, uint32_t node) {
  const tg_node *n = &p->graph->nodes[node];
  for (uint32_t k = 0; k < n->n_inputs; k++)
    if (p->uses[n->inputs[k]].gradient != NONE) return 1;
  return 0;
}

static void place_scratch(tg_planner *p) {
  for (uint32_t i = 0; i < p->n; i++) {
    const tg_node *node = &p->graph->nodes[i];
    tg_use *use = &p->uses[i];
    use->scratch_forward = use->scratch_backward = use->saved = use->packed = use->dw_part = NONE;
    tg_step *step = &p->plan->steps[i];
    if (!node->op->plan || step->skip || !step->needed) continue;
    tg_needs needs = {0};
    node->op->plan(p->graph, node, samples_at_once(p, i), p->threads, wants_dx(p, i), &needs);
    const int training = p->plan->request.training, backward = step->has_gradient;
    const uint32_t time = forward_time(p, i), end = backward_time(p, i);
    if (training && node->op->traits & TG_OP_PACKS_TO_PREDICT) needs.packed = 0;
    if (step->slice) {
      step->saved_reals = needs.saved;
      needs.saved = tg_mul(needs.saved, tg_ceil_div(p->plan->request.samples, step->slice));
      if (step->producer == i) use->dw_part = add_array(p, i, TG_ARRAY_GRADIENT_PART, node->trainable, end, end);
    }
    use->scratch_forward = add_array(p, i, TG_ARRAY_SCRATCH_FORWARD, needs.forward, time, time);
    if (backward) use->scratch_backward = add_array(p, i, TG_ARRAY_SCRATCH_BACKWARD, needs.backward, end, end);
    use->saved = add_array(p, i, TG_ARRAY_SAVED, needs.saved, time, backward ? end : time);
    /* Kept from one prediction to the next. */
    use->packed = add_array(p, i, TG_ARRAY_PACKED, needs.packed, training ? time : 0, training ? time : p->n);
  }
}

static tg_status too_large(const tg_planner *p) {
  return tg_fail(p->graph->engine, TG_E_LIMIT, "a batch of %u samples needs more than the %g bytes a plan may have",
                 p->plan->request.samples, (double)(TG_MAX_ELEMENTS * sizeof(tg_real)));
}

/* Before operators reckon with so many samples in 32 bits. */
static tg_status check_values(const tg_planner *p) {
  for (uint32_t i = 0; i < p->n; i++)
    if (tg_mul(p->plan->request.samples, p->graph->nodes[i].elements) > TG_MAX_ELEMENTS) return too_large(p);
  return TG_OK;
}

/* First fit in this order; *total becomes the end of the last array, and the array there is returned as its place in
 * the order. Quadratic in the arrays, which are a few hundred. */
static uint32_t first_fit(tg_planner *p, const uint32_t *order, uint32_t *placed, uint64_t *total) {
  uint32_t highest = 0;
  *total = 0;
  for (uint32_t i = 0; i < p->n_arrays; i++) {
    tg_array *array = &p->arrays[order[i]];
    uint64_t offset = 0;
    for (uint32_t k = 0; k < i; k++) { /* `placed` is kept in order of offset */
      const tg_array *other = &p->arrays[placed[k]];
      if (other->last < array->first || array->last < other->first) continue;
      if (tg_add(offset, array->bytes) <= other->offset) break;
      if (other->offset + other->bytes > offset) offset = other->offset + other->bytes;
    }
    array->offset = offset;
    uint64_t end = tg_add(offset, array->bytes);
    if (end > *total) {
      *total = end;
      highest = i;
    }
    if (end == TG_SIZE_OVERFLOW) break;
    uint32_t at = i;
    while (at > 0 && p->arrays[placed[at - 1]].offset > offset) {
      placed[at] = placed[at - 1];
      at--;
    }
    placed[at] = order[i];
  }
  return highest;
}

/* order[0…i] with i first. */
static void move_to_front(uint32_t *order, uint32_t i) {
  uint32_t array = order[i];
  memmove(order + 1, order, i * sizeof *order);
  order[0] = array;
}

/* Comparisons that the search for a better order may take: some milliseconds. */
enum { MAX_TRIES = 100, MAX_COMPARISONS = 10000000 };

/*
 * Largest first; then, again and again, the array that reached highest is placed first of all. Where a large value and
 * its gradient meet at one moment with a smaller pair, that finds what no order by size does. The best order counts.
 * `room` holds three numbers an array.
 */
static tg_status place_arrays(tg_planner *p, uint32_t *room) {
  const uint32_t n = p->n_arrays;
  uint32_t *order = room, *placed = room + n, *best = room + 2 * n;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = i;
    while (at > 0 && p->arrays[order[at - 1]].bytes < p->arrays[i].bytes) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = i;
  }
  uint64_t least = TG_SIZE_OVERFLOW, total;
  for (uint32_t tries = tg_min(MAX_TRIES, 1 + MAX_COMPARISONS / (n * n + 1)); tries > 0; tries--) {
    uint32_t highest = first_fit(p, order, placed, &total);
    if (total < least) {
      least = total;
      memcpy(best, order, n * sizeof *order);
    }
    move_to_front(order, highest);
  }
  if (least > TG_MAX_ELEMENTS * sizeof(tg_real)) return too_large(p);
  first_fit(p, best, placed, &p->plan->arena_bytes);
  return TG_OK;
}

static tg_real *address(const tg_planner *p, uint32_t array) {
  return array == NONE ? NULL : (tg_real *)(p->plan->arena + p->arrays[array].offset);
}

static int moves_state(const tg_planner *p, uint32_t node) {
  return p->plan->request.training && !p->plan->request.as_inference && !p->plan->steps[node].buffers.frozen;
}

/* Where the backward pass finds a value. */
static const tg_real *kept_address(const tg_planner *p, uint32_t value) {
  if (value == NONE || p->arrays[value].restored == NONE) return address(p, value);
  return address(p, p->arrays[value].restored);
}

/* Lists the values that wait in 16 bits with the nodes after and before which they do. */
static void list_stored(tg_planner *p) {
  tg_plan *plan = p->plan;
  uint32_t number = 0;
  for (uint32_t value = 0; value < p->n_arrays; value++) {
    const tg_array *a = &p->arrays[value];
    if (a->stored == NONE) continue;
    uint32_t *store = &plan->steps[a->last].store, *restore = &plan->steps[2 * p->n - a->back_first].restore;
    plan->stored[number++] = (tg_stored){.value = address(p, value),
                                         .bits = (uint16_t *)address(p, a->stored),
                                         .restored = address(p, a->restored),
                                         .elements = p->graph->nodes[a->node].elements,
                                         .next_store = *store,
                                         .next_restore = *restore};
    *store = *restore = number;
  }
}

/* Writes the pointers of every node. */
static void bind(tg_planner *p, const tg_vectors *vectors) {
  for (uint32_t i = 0; i < p->n; i++) {
    const tg_node *node = &p->graph->nodes[i];
    const tg_use *use = &p->uses[i];
    tg_step *step = &p->plan->steps[i];
    tg_buffers *b = &step->buffers;
    b->y = address(p, use->value);
    step->kept_y = kept_address(p, use->value);
    b->dy = address(p, use->gradient);
    step->scratch_forward = address(p, use->scratch_forward);
    step->scratch_backward = address(p, use->scratch_backward);
    b->saved = address(p, use->saved);
    b->packed = address(p, use->packed);
    step->dw_part = address(p, use->dw_part);
    b->to = node->quantization;
    for (uint32_t t = node->n_tensors; t-- > 0;) {
      const tg_tensor *tensor = &p->graph->tensors[node->first_tensor + t];
      const tg_real *at = vectors->weights + tg_graph_offset(p->graph, tensor);
      if (tensor->trainable) {
        b->w = vectors->seen ? vectors->seen + tensor->offset : at;
        b->dw = vectors->gradients + tensor->offset;
      } else {
        b->next_state = vectors->next_state + tensor->offset;
        /* A layer called again goes on from what its earlier call made of its state. */
        b->state = node->root != i && moves_state(p, i) ? b->next_state : at;
      }
    }
    if (use->shared_dw != NONE) {
      step->sum_w = b->dw;
      b->dw = address(p, use->shared_dw);
    }
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      const tg_use *input = &p->uses[node->inputs[k]];
      b->x[k] = address(p, input->value);
      step->kept_x[k] = kept_address(p, input->value);
      b->from[k] = p->graph->nodes[node->inputs[k]].quantization;
      b->dx[k] = address(p, use->temporary[k] == NONE ? input->gradient : use->temporary[k]);
      step->sum[k] = use->temporary[k] == NONE ? NULL : address(p, input->gradient);
    }
  }
}

/* Places all arrays for so many threads. `room` holds three numbers an array. */
static tg_status arrange(tg_planner *p, int stores, uint32_t threads, uint32_t *room) {
  memset(p->plan->steps, 0, p->n * sizeof(tg_step));
  memset(p->uses, 0, p->n * sizeof(tg_use));
  p->n_arrays = p->n_stored = 0;
  p->stores = stores;
  p->threads = threads;
  follow_edges(p, (uint8_t *)room);
  decide_kernels(p);
  place_values(p);
  keep_values(p);
  place_gradients(p);
  place_scratch(p);
  return place_arrays(p, room);
}

/* Whether a step takes less memory when values wait in 16 bits: not so where one layer takes most of it. Gradients
 * depend on the answer, so it must not depend on the threads: one is reckoned with. */
static int storing_helps(tg_planner *p, uint32_t *room) {
  if (!p->plan->request.rounds_stored || !p->plan->request.training) return 0;
  if (arrange(p, 0, 1, room)) return 1;
  const uint64_t whole = p->plan->arena_bytes;
  return !arrange(p, 1, 1, room) && p->plan->arena_bytes < whole;
}

/* Decides what runs and where every array lies. What it allocates, also when it fails, end_layout gives back. */
static tg_status lay_out(tg_planner *p) {
  tg_engine *engine = p->graph->engine;
  uint64_t most = (uint64_t)p->n * ARRAYS_A_NODE;
  p->plan->steps = tg_allocate(engine, TG_BLOCK_PRIVATE, p->n * sizeof(tg_step), 1, "plan");
  p->uses = tg_allocate(engine, TG_BLOCK_PRIVATE, p->n * sizeof(tg_use), 1, "plan");
  p->arrays = tg_allocate(engine, TG_BLOCK_PRIVATE, most * sizeof(tg_array), 1, "plan");
  uint32_t *room = tg_allocate(engine, TG_BLOCK_PRIVATE, 3 * most * sizeof(uint32_t), 1, "plan");
  tg_status status = p->plan->steps && p->uses && p->arrays && room ? check_values(p) : engine->status;
  if (!status) status = arrange(p, storing_helps(p, room), tg_pool_threads(engine->pool), room);
  tg_release(engine, room);
  return status;
}

static void end_layout(tg_planner *p) {
  tg_release(p->graph->engine, p->uses);
  tg_release(p->graph->engine, p->arrays);
}

static tg_planner start_planner(tg_plan *plan, const tg_graph *graph, const tg_plan_request *request) {
  *plan = (tg_plan){.request = *request};
  plan->request.roles = NULL;
  return (tg_planner){.graph = graph, .plan = plan, .roles = request->roles, .n = graph->n_nodes};
}

tg_status tg_plan_make(tg_plan *plan, const tg_graph *graph, const tg_plan_request *request,
                       const tg_vectors *vectors) {
  tg_engine *engine = graph->engine;
  tg_planner p = start_planner(plan, graph, request);
  tg_status status = lay_out(&p);
  if (!status) {
    plan->arena = tg_allocate(engine, TG_BLOCK_PRIVATE, plan->arena_bytes, 1,
                              request->training ? "training plan" : "inference plan");
    if (p.n_stored)
      plan->stored = tg_allocate(engine, TG_BLOCK_PRIVATE, p.n_stored * sizeof(tg_stored), 1, "training plan");
    if (plan->arena && (plan->stored || !p.n_stored)) {
      bind(&p, vectors);
      list_stored(&p);
    } else {
      status = engine->status;
    }
  }
  end_layout(&p);
  if (status) tg_plan_free(engine, plan);
  return status;
}

int32_t tg_plan_describe(const tg_graph *graph, const tg_plan_request *request, double *out, uint32_t room) {
  tg_plan plan;
  tg_planner p = start_planner(&plan, graph, request);
  tg_status status = lay_out(&p);
  for (uint32_t i = 0; !status && i < tg_min(room, p.n_arrays); i++, out += TG_ARRAY_FIELDS) {
    const tg_array *a = &p.arrays[i];
    const double fields[TG_ARRAY_FIELDS] = {a->node, a->kind, (double)a->offset, (double)a->bytes, a->first, a->last};
    memcpy(out, fields, sizeof fields);
  }
  end_layout(&p);
  tg_plan_free(graph->engine, &plan);
  return status ? -(int32_t)status : (int32_t)p.n_arrays;
}

void tg_plan_free(tg_engine *engine, tg_plan *plan) {
  tg_release(engine, plan->steps);
  tg_release(engine, plan->stored);
  tg_release(engine, plan->arena);
  *plan = (tg_plan){0};
}
