/*
 * simpleRNN, lstm, gru: (steps, features) to (units), or to (steps, units) (Keras SimpleRNN, LSTM, GRU).
 *
 * The input's part of all gates at all steps is one product before the first step, and the gradients of the weights
 * and of the input are one product each after the last one. In between a tile takes some samples through all steps,
 * so that threads wait for each other once and not at every step. Kernels and biases are those of Keras: (features,
 * gates · units), (units, gates · units), gates side by side in the order of kernels/recurrent.h.
 */
#include "recurrent.h"

#include <math.h>
#include <string.h>

#include "../kernels/elementwise.h"
#include "bias_relu.h"

/* gates: columns of the kernels, in units. slots: rows that the gates of one step take. first: gates whose product with
 * the state is made at once; the GRU's candidate waits for the others. */
static const struct {
  uint32_t gates, slots, first;
} kinds[] = {[TG_SIMPLE_RNN] = {1, 1, 1}, [TG_LSTM] = {4, 4, 4}, [TG_GRU] = {3, 4, 2}};

/* By number, as attributes name them. */
static const tg_gate_function functions[] = {
    {TG_TANH, {0}},         {TG_SIGMOID, {0}},
    {TG_HARD_SIGMOID, {0}}, {TG_RECTIFIER, {1, INFINITY, 0}}, /* linear */
    {TG_SOFTSIGN, {0}},     {TG_RECTIFIER, {0, INFINITY, 0}}, /* relu */
    {TG_ELU, {1}},          {TG_RECTIFIER, {0, 6, 0}},        /* relu6 */
    {TG_SELU, {0}},         {TG_RECTIFIER, {(tg_real)0.2, INFINITY, 0}} /* leakyRelu */};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

enum {
  UNITS,
  USE_BIAS,
  RETURN_SEQUENCES,
  GO_BACKWARDS,
  ACTIVATION,
  KERNEL_INIT,
  RECURRENT_INIT,
  BIAS_INIT,
  RECURRENT_ACTIVATION,
  UNIT_FORGET_BIAS,
  RESET_AFTER = UNIT_FORGET_BIAS
};

/* goBackwards 2: from the last step to the first, but outputs stand at the steps they belong to. */
#define ATTRIBUTES                                                                                     \
  {"units", TG_REQUIRED, 1, TG_MAX_SIZE, 1}, {"useBias", 1, 0, 1, 1}, {"returnSequences", 0, 0, 1, 1}, \
      {"goBackwards", 0, 0, 2, 1}, {"activation", 0, 0, FUNCTIONS - 1, 1},                             \
      {"kernelInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1},                          \
      {"recurrentInitializer", TG_INIT_ORTHOGONAL, 0, TG_INIT_COUNT - 1, 1},                           \
      {"biasInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1}
static const tg_attribute simple_attributes[] = {ATTRIBUTES};
static const tg_attribute lstm_attributes[] = {
    ATTRIBUTES, {"recurrentActivation", 1, 0, FUNCTIONS - 1, 1}, {"unitForgetBias", 1, 0, 1, 1}};
static const tg_attribute gru_attributes[] = {
    ATTRIBUTES, {"recurrentActivation", 1, 0, FUNCTIONS - 1, 1}, {"resetAfter", 1, 0, 1, 1}};

/* Samples that a tile takes through the steps: fewest and most. */
enum { LEAST_SAMPLES = 4, MOST_SAMPLES = 16 };

static int is_reset_after(const tg_node *node) {
  return node->op->variant == TG_GRU && tg_attribute_u32(node, RESET_AFTER);
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 2, "steps, features");
  if (status) return status;
  const uint32_t *in = tg_graph_input(graph, node, 0)->shape.dims, n = tg_attribute_u32(node, UNITS);
  uint32_t columns = kinds[node->op->variant].gates * n;
  node->shape =
      tg_attribute_u32(node, RETURN_SEQUENCES) ? (tg_shape){2, {in[0], n, 1, 1}} : (tg_shape){1, {n, 1, 1, 1}};
  node->macs = tg_mul(in[0], tg_mul(columns, (uint64_t)in[1] + n));
  status = tg_graph_add_tensor(graph, node, "kernel", (tg_shape){2, {in[1], columns, 1, 1}},
                               (tg_initializer)tg_attribute_u32(node, KERNEL_INIT), in[1], columns);
  if (!status)
    status = tg_graph_add_tensor(graph, node, "recurrent_kernel", (tg_shape){2, {n, columns, 1, 1}},
                                 (tg_initializer)tg_attribute_u32(node, RECURRENT_INIT), n, columns);
  if (status || !tg_attribute_u32(node, USE_BIAS)) return status;
  tg_shape bias = is_reset_after(node) ? (tg_shape){2, {2, columns, 1, 1}} : (tg_shape){1, {columns, 1, 1, 1}};
  return tg_graph_add_tensor(graph, node, "bias", bias, (tg_initializer)tg_attribute_u32(node, BIAS_INIT), columns,
                             columns);
}

/* Arrays one behind the other; without memory, only how much they take. */
typedef struct {
  tg_real *memory;
  uint64_t reals;
} arrays;

static tg_real *take(arrays *from, uint64_t reals) {
  tg_real *at = from->memory ? from->memory + from->reals : NULL;
  from->reals = tg_add(from->reals, reals);
  return at;
}

static void arrange(tg_recurrent *j, arrays *packed, arrays *saved, arrays *backward, uint32_t threads) {
  const uint64_t n = j->n, rows = tg_mul(j->samples, j->steps), candidate = j->gates - j->first;
  const uint64_t candidate_size = candidate ? tg_gemm_packed_size(j->n, j->n) : 0;
  j->packed_bias = take(packed, j->gates * n);
  j->packed_kernel = take(packed, tg_gemm_packed_size(j->features, j->gates * j->n));
  j->packed_first = take(packed, tg_gemm_packed_size(j->n, j->first * j->n));
  j->packed_candidate = take(packed, candidate_size);

  j->slot = take(saved, tg_mul(rows, j->slots * n));
  j->before = take(saved, tg_mul(rows, n));
  j->cell = take(saved, j->kind == TG_LSTM ? tg_mul(rows, n) : 0);

  j->dh = take(backward, tg_mul(j->samples, n));
  j->dc = take(backward, tg_mul(j->samples, n));
  j->scratch = take(backward, tg_mul(threads, tg_cell_scratch(j->n)));
  j->sums = take(backward, j->slots * n);
  j->partial_sums = take(backward, tg_bias_relu_scratch(rows, j->slots * j->n));
  j->turned_first = take(backward, tg_gemm_packed_size(j->first * j->n, j->n));
  j->turned_candidate = take(backward, candidate_size);
  j->turned_kernel = take(backward, tg_gemm_packed_size(j->gates * j->n, j->features));
}

static tg_recurrent describe(const tg_graph *graph, const tg_node *node, uint32_t samples) {
  const uint32_t *in = tg_graph_input(graph, node, 0)->shape.dims, kind = node->op->variant;
  return (tg_recurrent){
      .kind = kind,
      .samples = samples,
      .steps = in[0],
      .features = in[1],
      .n = tg_attribute_u32(node, UNITS),
      .gates = kinds[kind].gates,
      .slots = kinds[kind].slots,
      .first = kinds[kind].first,
      .sequences = (int)tg_attribute_u32(node, RETURN_SEQUENCES),
      .backwards = (int)tg_attribute_u32(node, GO_BACKWARDS),
      .reset_after = is_reset_after(node),
      .f = {.inner = functions[tg_attribute_u32(node, ACTIVATION)],
            .gate = functions[kind == TG_SIMPLE_RNN ? 0 : tg_attribute_u32(node, RECURRENT_ACTIVATION)]}};
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)want_dx;
  tg_recurrent j = describe(graph, node, samples);
  arrays packed = {0}, saved = {0}, backward = {0};
  arrange(&j, &packed, &saved, &backward, threads);
  needs->packed = packed.reals;
  needs->saved = saved.reals;
  needs->backward = backward.reals;
}

tg_recurrent tg_recurrent_make(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  tg_recurrent j = describe(graph, node, run->samples);
  arrays packed = {b->packed, 0}, saved = {b->saved, 0}, backward = {b->scratch, 0};
  arrange(&j, &packed, &saved, &backward, tg_pool_threads(run->pool));
  j.b = b;
  j.rows = j.samples * j.steps;
  j.recurrent = b->w + (size_t)j.features * j.gates * j.n;
  j.bias = tg_attribute_u32(node, USE_BIAS) ? j.recurrent + (size_t)j.n * j.gates * j.n : NULL;
  /* Two tiles a thread where there are samples enough; in fours, which a product takes at once. */
  uint32_t share = tg_ceil_div(j.samples, 2 * tg_pool_width(run->pool));
  j.block = tg_max(LEAST_SAMPLES, tg_min(MOST_SAMPLES, tg_ceil_div(share, 4) * 4));
  return j;
}

/* ---- forward ---- */

static void pack_panel(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  const uint32_t n = j->n, columns = j->gates * n;
  if (panel < tg_kernel_panels(j)) {
    tg_gemm_pack(j->packed_kernel, j->b->w, j->features, columns, panel, panel + 1);
    return;
  }
  panel -= tg_kernel_panels(j);
  if (panel < tg_first_panels(j)) {
    tg_gemm_part_pack(j->packed_first, j->recurrent, columns, n, j->first * n, panel, panel + 1);
    return;
  }
  panel -= tg_first_panels(j);
  tg_gemm_part_pack(j->packed_candidate, j->recurrent + (size_t)j->first * n, columns, n, n, panel, panel + 1);
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  tg_recurrent j = tg_recurrent_make(run, graph, node, buffers);
  tg_pool_run(run->pool, tg_kernel_panels(&j) + tg_first_panels(&j) + tg_candidate_panels(&j), pack_panel, &j);
  if (!j.bias) return;
  memcpy(j.packed_bias, j.bias, j.gates * j.n * sizeof(tg_real));
  /* Reset after: the state's bias joins the input's but for the candidate, where the reset gate stands between. */
  if (j.reset_after) tg_accumulate(j.packed_bias, j.bias + (size_t)j.gates * j.n, (size_t)j.first * j.n);
}

/* The input's part of all gates, for some samples and steps. */
static void input_rows(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  const tg_gemm_part p = {.c = j->slot,
                          .a = j->b->x[0],
                          .b = j->packed_kernel,
                          .bias = j->bias ? j->packed_bias : NULL,
                          .c_step = (size_t)j->slots * j->n,
                          .a_step = j->features,
                          .K = j->features,
                          .N = j->gates * j->n};
  const uint32_t first = tile * TG_RECURRENT_ROWS;
  tg_gemm_part_run(&p, first, tg_min(first + TG_RECURRENT_ROWS, j->rows), 0, tg_gemm_panels(p.N));
}

/* The candidate's product with the state, or with what the reset gate leaves of it. */
static void add_candidate(const tg_recurrent *j, size_t sample, size_t step, uint32_t count) {
  const size_t n = j->n;
  tg_real *candidate = tg_slot_row(j, sample, step) + 2 * n, *q = candidate + n;
  tg_recurrent_multiply((tg_gemm_part){.c = j->reset_after ? q : candidate,
                                       .a = j->reset_after ? tg_before_row(j, sample, step) : q,
                                       .b = j->packed_candidate,
                                       .bias = j->bias ? j->bias + (j->gates + j->first) * n : NULL,
                                       .c_step = tg_slot_step(j),
                                       .a_step = j->reset_after ? tg_before_step(j) : tg_slot_step(j),
                                       .K = j->n,
                                       .N = j->n,
                                       .add = !j->reset_after},
                        count);
}

static void forward_step(const tg_recurrent *j, uint32_t sample, uint32_t count, uint32_t s) {
  const size_t n = j->n, t = tg_recurrent_taken(j, s);
  tg_recurrent_multiply((tg_gemm_part){.c = tg_slot_row(j, sample, t),
                                       .a = tg_before_row(j, sample, t),
                                       .b = j->packed_first,
                                       .c_step = tg_slot_step(j),
                                       .a_step = tg_before_step(j),
                                       .K = j->n,
                                       .N = j->first * j->n,
                                       .add = 1},
                        count);
  if (j->kind == TG_GRU) {
    if (j->reset_after) add_candidate(j, sample, t, count);
    for (uint32_t i = sample; i < sample + count; i++)
      tg_gru_reset(tg_slot_row(j, i, t), tg_before_row(j, i, t), &j->f, j->reset_after, j->n);
    if (!j->reset_after) add_candidate(j, sample, t, count);
  }
  for (uint32_t i = sample; i < sample + count; i++) {
    tg_real *gates = tg_slot_row(j, i, t);
    tg_real *y = j->sequences ? j->b->y + ((size_t)i * j->steps + tg_recurrent_written(j, s)) * n : j->b->y + i * n;
    tg_real *h = s + 1 < j->steps ? tg_before_row(j, i, tg_recurrent_taken(j, s + 1)) : y;
    if (j->kind == TG_LSTM) {
      tg_lstm_cell(h, tg_cell_row(j, i, t), gates, s ? tg_cell_row(j, i, tg_recurrent_taken(j, s - 1)) : NULL, &j->f,
                   j->n);
    } else if (j->kind == TG_GRU) {
      tg_gru_output(h, gates, tg_before_row(j, i, t), &j->f, j->n);
    } else {
      tg_simple_cell(gates, &j->f, j->n);
      memcpy(h, gates, n * sizeof(tg_real));
    }
    if (j->sequences && h != y) memcpy(y, h, n * sizeof(tg_real));
  }
}

static void forward_block(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const tg_recurrent *j = context;
  uint32_t count, first = tg_recurrent_block(j, tile, &count);
  for (uint32_t i = first; i < first + count; i++)
    memset(tg_before_row(j, i, tg_recurrent_taken(j, 0)), 0, j->n * sizeof(tg_real));
  for (uint32_t s = 0; s < j->steps; s++) forward_step(j, first, count, s);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  tg_recurrent j = tg_recurrent_make(run, graph, node, buffers);
  tg_pool_run(run->pool, tg_ceil_div(j.rows, TG_RECURRENT_ROWS), input_rows, &j);
  tg_pool_run(run->pool, tg_ceil_div(j.samples, j.block), forward_block, &j);
}

/* The forget gate starts open (Jozefowicz et al. 2015). */
static void initialize(const tg_graph *graph, const tg_node *node, tg_real *w) {
  if (!tg_attribute_u32(node, UNIT_FORGET_BIAS) || !tg_attribute_u32(node, USE_BIAS)) return;
  const tg_recurrent j = describe(graph, node, 1);
  tg_real *forget = w + (size_t)(j.features + j.n) * j.gates * j.n + j.n;
  for (uint32_t i = 0; i < j.n; i++) forget[i] = 1;
}

#define TG_RECURRENT(id, name_, variant_, attributes_, initialize_)                   \
  const tg_op tg_op_##id = {.name = name_,                                            \
                            .attributes = attributes_,                                \
                            .n_attributes = sizeof attributes_ / sizeof *attributes_, \
                            .n_inputs = 1,                                            \
                            .variant = variant_,                                      \
                            .traits = TG_OP_BACKWARD_READS_X,                         \
                            .infer = infer,                                           \
                            .initialize = initialize_,                                \
                            .plan = plan,                                             \
                            .pack = pack,                                             \
                            .forward = forward,                                       \
                            .backward = tg_recurrent_backward};

TG_RECURRENT(simple_rnn, "simpleRNN", TG_SIMPLE_RNN, simple_attributes, NULL)
TG_RECURRENT(lstm, "lstm", TG_LSTM, lstm_attributes, initialize)
TG_RECURRENT(gru, "gru", TG_GRU, gru_attributes, NULL)
