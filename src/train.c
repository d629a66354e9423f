#include "train.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "kernels/elementwise.h"
#include "kernels/update.h"
#include "lean.h"
#include "op.h"
#include "regularize.h"
#include "rng.h"
#include "size.h"

/* ---- checks ---- */

static int is_whole(double value, double min, double max) {
  return value >= min && value <= max && value == floor(value);
}

static tg_status check_batch(tg_engine *engine, double batch) {
  if (is_whole(batch, 1, UINT32_MAX)) return TG_OK;
  return tg_fail(engine, TG_E_CONFIG, "batchSize is %g, it must be a whole number of at least 1", batch);
}

/* Layers that look numbers up must find every one of them. */
static tg_status check_indices(const tg_model *model, const tg_dataset *dataset, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < model->graph.n_nodes; i++) {
    const tg_node *node = &model->graph.nodes[i];
    if (!node->op->index_end) continue;
    uint32_t end = node->op->index_end(node), sample, source = node->inputs[0], number = 0;
    while (model->graph.nodes[source].op != &tg_op_input) source = model->graph.nodes[source].inputs[0];
    for (uint32_t k = 0; k < source; k++) number += model->graph.nodes[k].op == &tg_op_input;
    double value;
    if (tg_data_find_bad_index(tg_data_part(dataset, number), first, count, end, &sample, &value))
      return tg_fail(model->graph.engine, TG_E_INDEX_RANGE,
                     "layer '%s': sample %u holds %g, it must be a whole number from 0 to %u (inputDim is %u)%s",
                     node->name, sample, value, end - 1, end,
                     dataset->scale && dataset->scale[0] != 1
                         ? "; the data set scales its numbers, scale: 1 leaves bytes as they are"
                         : "");
  }
  return TG_OK;
}

static tg_status read_range(const tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                            tg_sample_range *r) {
  tg_engine *engine = model->graph.engine;
  if (count == 0) return tg_fail(engine, TG_E_EMPTY, "data set: a range of 0 samples");
  if (!is_whole(first, 0, dataset->count) || !is_whole(count, 1, dataset->count - first))
    return tg_fail(engine, TG_E_CONFIG, "data set: samples %g to %g of %u", first, first + count - 1, dataset->count);
  tg_status status = check_batch(engine, batch);
  if (status) return status;
  *r = (tg_sample_range){(uint32_t)first, (uint32_t)count, (uint32_t)(batch < count ? batch : count)};
  return check_indices(model, dataset, r->first, r->count);
}

static tg_status check_ready(tg_model *model, const tg_dataset *dataset, const tg_augment *augment, int labels) {
  tg_engine *engine = model->graph.engine;
  if (!model->built) return tg_fail(engine, TG_E_STATE, "model: it is not built");
  if (!dataset->sealed) return tg_fail(engine, TG_E_STATE, "data set: it is not sealed");
  if (!tg_model_fits(model, dataset, augment)) return engine->status;
  if (!labels) return TG_OK;
  if (!model->compiled) return tg_fail(engine, TG_E_STATE, "model: it is not compiled");
  for (uint32_t k = 0; k < model->n_outputs; k++) {
    const tg_dataset *part = tg_data_part(dataset, k);
    if (!model->targets[k].used) continue;
    tg_status status = part ? tg_loss_check_labels(engine, &model->targets[k].loss, part)
                            : tg_fail(engine, TG_E_SHAPE,
                                      "layer '%s': the data set has no labels for this output, the loss needs them",
                                      model->graph.nodes[model->outputs[k]].name);
    if (status) return status;
  }
  return TG_OK;
}

tg_status tg_check_samples(tg_model *model, const tg_dataset *dataset, const tg_augment *augment, double first,
                           double count, double batch, int labels, tg_sample_range *r) {
  tg_status status = check_ready(model, dataset, augment, labels);
  return status ? status : read_range(model, dataset, first, count, batch, r);
}

tg_status tg_check_data(tg_model *model, const tg_dataset *dataset, double first, double count) {
  tg_sample_range r;
  return tg_check_samples(model, dataset, NULL, first, count, 1, 1, &r);
}

/* ---- plans ---- */

/* No value of a plan for inference needs more, unless that of a single sample does. */
enum { INFERENCE_BYTES = 1 << 25 };

/* Samples that inference takes at once of `batch`: what comes out for one does not depend on the others. */
static uint32_t inference_batch(const tg_graph *graph, uint32_t batch) {
  uint64_t most = 1;
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    most = graph->nodes[i].elements > most ? graph->nodes[i].elements : most;
  const uint64_t samples = INFERENCE_BYTES / sizeof(tg_real) / most;
  return samples < 1 ? 1 : samples < batch ? (uint32_t)samples : batch;
}

static tg_plan_request request_for(const tg_model *model, uint32_t batch, int training) {
  return (tg_plan_request){.samples = batch,
                           .training = training,
                           .rounds_stored = model->rounds_stored,
                           .roles = model->roles + (training ? 0 : model->graph.n_nodes)};
}

static tg_status prepare(tg_model *model, tg_runner *runner, uint32_t batch, int training) {
  const tg_plan_request request = request_for(model, batch, training);
  return tg_runner_prepare(runner, &model->graph, &request, &model->vectors);
}

int32_t tg_describe_plan(tg_model *model, double batch, int training, double *out, uint32_t room) {
  tg_engine *engine = model->graph.engine;
  tg_status status = check_batch(engine, batch);
  if (!status && !model->built) status = tg_fail(engine, TG_E_STATE, "model: it is not built");
  if (status) return -(int32_t)status;
  const uint32_t samples = training ? (uint32_t)batch : inference_batch(&model->graph, (uint32_t)batch);
  const tg_plan_request request = request_for(model, samples, training);
  return tg_plan_describe(&model->graph, &request, out, room);
}

/* Makes room for `count` numbers. */
static tg_status prepare_order(tg_engine *engine, uint32_t **order, uint32_t *capacity, uint32_t count) {
  if (*capacity >= count) return TG_OK;
  uint32_t *larger = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(count, sizeof(uint32_t)), 0, "order of samples");
  if (!larger) return engine->status;
  tg_release(engine, *order);
  *order = larger;
  *capacity = count;
  return TG_OK;
}

/* ---- a batch ---- */

tg_run tg_make_run(const tg_model *model, uint32_t samples, int training, int as_inference) {
  return (tg_run){.pool = model->graph.engine->pool,
                  .samples = samples,
                  .training = training,
                  .as_inference = as_inference,
                  .seed = model->seed,
                  .step = model->step,
                  .weights = model->weights_version + 1};
}

void tg_load_batch(const tg_model *model, tg_runner *runner, const tg_dataset *dataset, const uint32_t *order,
                   uint32_t n, const tg_augment_moment *moment) {
  tg_pool *pool = model->graph.engine->pool;
  for (uint32_t i = 0; dataset && i < model->graph.n_nodes; i++) {
    if (model->graph.nodes[i].op != &tg_op_input) continue;
    tg_real *batch = runner->plan.steps[i].buffers.y;
    if (batch && moment)
      tg_augment_gather(pool, batch, model->augment, moment, dataset, order, n, 0);
    else if (batch) /* else nobody reads it */
      tg_data_gather(pool, batch, dataset, order, n);
    dataset = dataset->next;
  }
}

/* The weights of a batch's samples, and their sum; NULL, and the number of samples, when nobody gave any. Classes are
 * weighed in training only, as in Keras. */
static const tg_real *batch_weights(const tg_model *model, tg_runner *runner, const tg_dataset *dataset,
                                    const uint32_t *order, uint32_t rows, int training, double *sum) {
  const int by_class = training && model->n_class_weights;
  *sum = rows;
  if (!dataset->weights && !by_class) return NULL;
  *sum = 0;
  for (uint32_t i = 0; i < rows; i++) {
    tg_real weight = dataset->weights ? (tg_real)dataset->weights[tg_data_row(dataset, order[i])] : 1;
    if (by_class) {
      const uint32_t label = tg_data_class_of(dataset, order[i]);
      if (label < model->n_class_weights) weight *= model->class_weights[label];
    }
    runner->weights[i] = weight;
    *sum += (double)weight;
  }
  return runner->weights;
}

/* Before the loss is run, which changes labels, and the backward pass, which uses the bytes of y again. */
static void watch_batch(tg_target *target, const tg_loss_batch *b, const int32_t *classes) {
  const tg_loss_plan *loss = &target->loss;
  const size_t at = target->watched_rows, size = (size_t)loss->places * loss->classes;
  tg_loss_outputs(loss, target->watched_outputs + at * size, b->y, b->rows);
  for (uint32_t i = 0; classes && i < b->rows; i++) target->watched_labels[at + i] = (tg_real)classes[i];
  if (!classes) memcpy(target->watched_labels + at * size, b->labels.values, b->rows * size * sizeof *b->y);
  target->watched_rows += b->rows;
}

/* The penalties on the weights, which the loss of every batch includes; their gradient is added unless NULL. */
static double penalty_of(const tg_model *model, tg_real *gradients) {
  if (!model->penalties) return 0;
  return tg_penalize(&model->graph, gradients, model->vectors.weights, model->penalties);
}

static void measure_target(tg_model *model, tg_runner *runner, tg_target *target, const tg_dataset *part,
                           const uint32_t *order, uint32_t rows, int training, const tg_augment_moment *moment) {
  const tg_buffers *b = &runner->plan.steps[target->loss.node].buffers;
  tg_pool *pool = model->graph.engine->pool;
  const int mixed = moment && model->augment->mixes, by_class = part->label_type == TG_LABELS_CLASS;
  if (mixed)
    tg_augment_labels(runner->classes, runner->values, model->augment, moment, part, order, rows,
                      target->loss.places * target->loss.classes);
  else
    tg_data_gather_labels(runner->classes, runner->values, part, order, rows);
  double weight;
  const tg_loss_batch batch = {
      .y = b->y,
      .labels = {by_class && !mixed ? runner->classes : NULL, by_class && !mixed ? NULL : runner->values},
      .weights = batch_weights(model, runner, part, order, rows, training, &weight),
      .values = runner->values,
      .losses = runner->losses,
      .dy = training ? b->dy : NULL,
      .rows = rows};
  if (target->watched_outputs) watch_batch(target, &batch, by_class ? runner->classes : NULL);
  target->measured[1] += tg_loss_run(pool, &target->loss, &batch);
  for (uint32_t i = 0; i < rows; i++) target->measured[0] += (double)runner->losses[i];
  target->measured[2] += target->loss.weighted_accuracy ? weight : rows;
  if (training && target->loss.weight != 1)
    tg_scale_sum(b->dy, NULL, target->loss.weight, (size_t)rows * target->loss.places * target->loss.classes);
}

void tg_measure_batch(tg_model *model, tg_runner *runner, const tg_dataset *dataset, const uint32_t *order,
                      uint32_t rows, int training, const tg_augment_moment *moment) {
  for (uint32_t k = 0; k < model->n_outputs; k++)
    if (model->targets[k].used)
      measure_target(model, runner, &model->targets[k], tg_data_part(dataset, k), order, rows, training, moment);
}

static void clear_measured(tg_model *model) {
  for (uint32_t k = 0; k < model->n_outputs; k++) {
    memset(model->targets[k].measured, 0, sizeof model->targets[k].measured);
    model->targets[k].watched_rows = 0;
  }
}

/* What was measured of `samples` samples: the losses by their weights, with the penalties on the weights, which the
 * loss of every batch includes and whose gradient is added unless NULL; the accuracies of the first output that has a
 * loss; the samples. */
static void sum_up(const tg_model *model, tg_real *gradients, double samples, double out[3]) {
  out[0] = penalty_of(model, gradients) * samples;
  for (uint32_t k = 0; k < model->n_outputs; k++)
    if (model->targets[k].used) out[0] += model->targets[k].measured[0] * model->targets[k].loss.weight;
  out[1] = tg_model_first_target(model)->measured[1];
  out[2] = samples;
}

static double total_loss(const tg_model *model) {
  double sum = 0;
  for (uint32_t k = 0; k < model->n_outputs; k++)
    if (model->targets[k].used) sum += model->targets[k].measured[0];
  return sum;
}

/* ---- training ---- */

/* What the data set, the layers and the losses do not allow. */
static tg_status check_augment(tg_model *model, const tg_dataset *dataset) {
  const tg_graph *graph = &model->graph;
  tg_status status = tg_augment_prepare(graph->engine, model->augment, dataset);
  for (uint32_t i = 0; i < graph->n_nodes && !status; i++)
    if (graph->nodes[i].op->index_end)
      status = tg_fail(graph->engine, TG_E_CONFIG, "augment: layer '%s' looks numbers up, they are no pictures",
                       graph->nodes[i].name);
  if (status || !model->augment->mixes || !model->compiled) return status;
  if (dataset->weights || model->n_class_weights)
    return tg_fail(graph->engine, TG_E_CONFIG, "augment: mixup does not go with sampleWeight or classWeight");
  for (uint32_t k = 0; k < model->n_outputs && !status; k++)
    if (model->targets[k].used && !tg_loss_mixes(&model->targets[k].loss))
      status =
          tg_fail(graph->engine, TG_E_CONFIG, "augment: mixup does not go with a hinge loss, whose labels are sides");
  return status;
}

tg_status tg_epoch_begin(tg_model *model, tg_dataset *dataset, double first, double count, double batch, double epoch,
                         int shuffle) {
  tg_engine *engine = model->graph.engine;
  tg_sample_range r;
  if (model->augment) model->dataset = NULL; /* whose batches may have had another size */
  tg_status status = model->augment ? check_augment(model, dataset) : TG_OK;
  if (!status) status = tg_check_samples(model, dataset, model->augment, first, count, batch, 1, &r);
  if (!status && !is_whole(epoch, 0, 9007199254740991.0))
    status = tg_fail(engine, TG_E_CONFIG, "epoch is %g, it must be a whole number of at least 0", epoch);
  if (!status && model->graph.quantized)
    status = tg_fail(engine, TG_E_STATE, "model: it is quantised, which is for inference alone");
  if (!status && !model->optim.n_tensors) status = tg_fail(engine, TG_E_STATE, "model: it has no weights to train");
  if (status) return status;
  model->dataset = NULL;
  status = prepare(model, &model->training, r.batch, 1);
  if (!status) status = prepare_order(engine, &model->order, &model->order_capacity, r.count);
  if (status) return status;
  tg_rng rng = tg_rng_start(model->seed, TG_STREAM_SHUFFLE, (uint64_t)epoch);
  if (shuffle)
    tg_rng_shuffle(&rng, model->order, r.first, r.count);
  else
    for (uint32_t i = 0; i < r.count; i++) model->order[i] = r.first + i;
  model->dataset = dataset;
  model->epoch = (uint64_t)epoch;
  model->order_count = r.count;
  model->batch = r.batch;
  return TG_OK;
}

/* Checks the gradient in parallel: any tile that finds a bad number raises the flag. */
typedef struct {
  const tg_real *values;
  uint64_t n;
  atomic_int bad;
} finite_job;

enum { FINITE_TILE = 16384 };

static void finite_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  finite_job *j = context;
  uint64_t first = (uint64_t)tile * FINITE_TILE, rest = j->n - first;
  if (!tg_all_finite(j->values + first, (size_t)(rest < FINITE_TILE ? rest : FINITE_TILE))) atomic_store(&j->bad, 1);
}

static int is_finite(tg_pool *pool, const tg_real *values, uint64_t n) {
  finite_job j = {.values = values, .n = n};
  tg_pool_run(pool, (uint32_t)((n + FINITE_TILE - 1) / FINITE_TILE), finite_tile, &j);
  return !atomic_load(&j.bad);
}

/* TG_E_NON_FINITE, naming the layer of the first tensor whose gradient or new state is not finite. */
static tg_status check_finite(const tg_model *model) {
  const tg_graph *graph = &model->graph;
  tg_pool *pool = graph->engine->pool;
  const tg_vectors *v = &model->vectors;
  if (is_finite(pool, v->gradients, graph->trainable) && is_finite(pool, v->next_state, graph->state)) return TG_OK;
  const tg_tensor *tensor = graph->tensors;
  while (tg_all_finite((tensor->trainable ? v->gradients : v->next_state) + tensor->offset, (size_t)tensor->size))
    tensor++;
  return tg_fail(graph->engine, TG_E_NON_FINITE,
                 "step %g: the %s of layer '%s' is not finite; the weights are those before this step",
                 (double)model->step, tensor->trainable ? "gradient" : "state", graph->nodes[tensor->node].name);
}

/* Names the first layer whose output is not finite. The batch runs again, layer by layer, since values share memory. */
static tg_status blame_layer(const tg_model *model, tg_runner *runner, const uint32_t *order, const tg_run *run,
                             const tg_augment_moment *moment, double loss) {
  const tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  tg_load_batch(model, runner, model->dataset, order, run->samples, moment);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const tg_step *step = &runner->plan.steps[i];
    /* Of a value that is there in slices alone its reader, a pooling, tells. */
    const tg_node *node = &graph->nodes[step->slice ? step->producer : i];
    tg_plan_forward(&runner->plan, graph, run, i, i);
    if (!step->needed || step->skip || (step->slice && i == step->producer)) continue;
    if (!is_finite(engine->pool, step->buffers.y, graph->nodes[i].elements * run->samples))
      return tg_fail(engine, TG_E_NON_FINITE,
                     "step %g: the loss is %g, the output of layer '%s' is not finite; the weights are those before "
                     "this step",
                     (double)model->step, loss, node->name);
  }
  return tg_fail(engine, TG_E_NON_FINITE,
                 "step %g: the loss is %g on a finite output of layer '%s'; the weights are those before this step",
                 (double)model->step, loss, graph->nodes[tg_model_first_target(model)->loss.node].name);
}

static tg_status train_step(tg_model *model, uint32_t step, double out[3]) {
  tg_engine *engine = model->graph.engine;
  tg_runner *runner = &model->training;
  const uint32_t *order = model->order + (uint64_t)step * model->batch;
  uint32_t rows = tg_min(model->batch, model->order_count - step * model->batch);
  tg_run run = tg_make_run(model, rows, 1, 0);
  const tg_augment_moment now = {.seed = model->seed, .epoch = model->epoch, .batch = step};
  const tg_augment_moment *moment = model->augment ? &now : NULL;
  clear_measured(model);
  tg_load_batch(model, runner, model->dataset, order, rows, moment);
  tg_show_weights(model);
  tg_vectors *v = &model->vectors;
  const uint64_t trainable = model->graph.trainable, state_bytes = model->graph.state * sizeof(tg_real);
  memcpy(v->next_state, v->weights + trainable, (size_t)state_bytes); /* for nodes that do not run, or are frozen */
  tg_plan_forward(&runner->plan, &model->graph, &run, 0, model->graph.n_nodes - 1);
  tg_measure_batch(model, runner, model->dataset, order, rows, 1, moment);
  if (!isfinite(total_loss(model))) return blame_layer(model, runner, order, &run, moment, total_loss(model) / rows);
  tg_plan_backward(&runner->plan, &model->graph, &run, NULL, NULL);
  sum_up(model, v->gradients, rows, out);
  if (!isfinite(out[0])) return blame_layer(model, runner, order, &run, moment, out[0] / rows);
  tg_status status = check_finite(model);
  if (status) return status;
  model->step++;
  model->weights_version++;
  tg_prune(model, v->gradients);
  tg_optim_step(engine->pool, &model->optim, v->weights, v->gradients, model->step);
  tg_constrain(&model->graph, v->weights);
  tg_prune(model, v->weights);
  memcpy(v->weights + trainable, v->next_state, (size_t)state_bytes);
  return TG_OK;
}

tg_status tg_epoch_steps(tg_model *model, double first_step, double steps, double *out) {
  tg_engine *engine = model->graph.engine;
  if (!model->dataset || !tg_is_live(engine, model->dataset, TG_BLOCK_DATASET))
    return tg_fail(engine, TG_E_STATE, "model: no epoch is begun, or its data set is gone");
  uint32_t total = tg_ceil_div(model->order_count, model->batch);
  if (!is_whole(first_step, 0, total) || !is_whole(steps, 0, total - first_step))
    return tg_fail(engine, TG_E_CONFIG, "steps %g to %g of an epoch of %u", first_step, first_step + steps - 1, total);
  for (uint32_t i = 0; i < (uint32_t)steps; i++) {
    tg_status status = train_step(model, (uint32_t)first_step + i, out + (uint64_t)i * 3);
    if (status) return status;
  }
  return TG_OK;
}

/* ---- evaluation and prediction ---- */

tg_status tg_inference_begin(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                             int labels, tg_sample_range *r) {
  tg_status status = tg_check_samples(model, dataset, NULL, first, count, batch, labels, r);
  if (!status) r->batch = inference_batch(&model->graph, r->batch);
  if (!status) status = prepare(model, &model->inference, r->batch, 0);
  if (!status) status = prepare_order(model->graph.engine, &model->eval_order, &model->eval_capacity, r->batch);
  if (!status) tg_show_weights(model);
  return status;
}

tg_run tg_inference_load(tg_model *model, const tg_dataset *dataset, tg_sample_range r, uint32_t number) {
  uint32_t at = number * r.batch, rows = tg_min(r.batch, r.count - at);
  for (uint32_t i = 0; i < rows; i++) model->eval_order[i] = r.first + at + i;
  tg_run run = tg_make_run(model, rows, 0, 0);
  tg_load_batch(model, &model->inference, dataset, model->eval_order, rows, NULL);
  return run;
}

/* Gathers batch number `number` of the range and runs it up to node `last`; returns its samples. */
static uint32_t infer_batch(tg_model *model, const tg_dataset *dataset, tg_sample_range r, uint32_t number,
                            uint32_t last) {
  tg_run run = tg_inference_load(model, dataset, r, number);
  tg_plan_forward(&model->inference.plan, &model->graph, &run, 0, last);
  return run.samples;
}

tg_status tg_evaluate_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                            double *out) {
  tg_sample_range r;
  tg_status status = tg_inference_begin(model, dataset, first, count, batch, 1, &r);
  if (status) return status;
  double total[3];
  uint32_t last = 0;
  for (uint32_t k = 0; k < model->n_outputs; k++)
    if (model->targets[k].used) last = tg_max(last, model->targets[k].loss.node);
  clear_measured(model);
  for (uint32_t number = 0; number < tg_ceil_div(r.count, r.batch); number++) {
    uint32_t rows = infer_batch(model, dataset, r, number, last);
    tg_measure_batch(model, &model->inference, dataset, model->eval_order, rows, 0, NULL);
  }
  sum_up(model, NULL, r.count, total);
  if (!isfinite(total[0]))
    return tg_fail(model->graph.engine, TG_E_NON_FINITE, "the loss of samples %u to %u is %g", r.first,
                   r.first + r.count - 1, total[0] / r.count);
  memcpy(out, total, sizeof total);
  return TG_OK;
}

tg_status tg_predict_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                           tg_real *out) {
  tg_sample_range r;
  tg_status status = tg_inference_begin(model, dataset, first, count, batch, 0, &r);
  if (status) return status;
  for (uint32_t number = 0; number < tg_ceil_div(r.count, r.batch); number++) {
    uint32_t rows = infer_batch(model, dataset, r, number, model->graph.n_nodes - 1);
    tg_real *all = out; /* of one output */
    for (uint32_t k = 0; k < model->n_outputs; k++) {
      const uint64_t n = model->graph.nodes[model->outputs[k]].elements;
      memcpy(all + (uint64_t)number * r.batch * n, model->inference.plan.steps[model->outputs[k]].buffers.y,
             (size_t)(rows * n * sizeof(tg_real)));
      all += r.count * n;
    }
  }
  return TG_OK;
}
