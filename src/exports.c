/* The exported functions: each checks its handles and hands over. No arithmetic lives here. */
#include <math.h>

#include "kernels/gemm.h"
#include "lean.h"
#include "resize.h"
#include "rest.h"
#include "train.h"

tg_status tg_last_status(const tg_engine *engine) { return engine->status; }

const char *tg_last_error(const tg_engine *engine) { return engine->text; }

static tg_status check_model(tg_engine *engine, const tg_model *model) {
  if (tg_is_live(engine, model, TG_BLOCK_MODEL)) return TG_OK;
  return tg_fail(engine, TG_E_DISPOSED, "this model was disposed");
}

static tg_status check_dataset(tg_engine *engine, const tg_dataset *dataset) {
  if (tg_is_live(engine, dataset, TG_BLOCK_DATASET)) return TG_OK;
  return tg_fail(engine, TG_E_DISPOSED, "this data set was disposed");
}

static tg_status check_both(tg_engine *engine, const tg_model *model, const tg_dataset *dataset) {
  tg_status status = check_model(engine, model);
  return status ? status : check_dataset(engine, dataset);
}

double tg_engine_info(const tg_engine *engine, tg_info field) {
  switch (field) {
    case TG_INFO_THREADS:
      return tg_pool_threads(engine->pool);
    case TG_INFO_RELAXED_SIMD:
#ifdef TG_RELAXED
      return 1;
#else
      return 0;
#endif
    case TG_INFO_LIVE_BYTES:
      return (double)engine->live_bytes;
    case TG_INFO_PEAK_BYTES:
      return (double)engine->peak_bytes;
    case TG_INFO_LIVE_ALLOCATIONS:
      return (double)engine->live_allocations;
    case TG_INFO_ALLOCATIONS:
      return (double)engine->allocations;
    case TG_INFO_DATASET_BYTES:
      return (double)engine->dataset_bytes;
  }
  return NAN;
}

static void peak_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)tile, (void)thread;
  const uint32_t *iterations = context;
  tg_gemm_peak(*iterations);
}

double tg_peak_run(tg_engine *engine, double iterations) {
  if (!(iterations >= 1 && iterations <= 1e9)) return 0;
  uint32_t whole = (uint32_t)iterations, threads = tg_pool_threads(engine->pool);
  tg_pool_run(engine->pool, threads, peak_tile, &whole);
  return tg_gemm_peak_flops(whole) * threads;
}

void *tg_buffer_create(tg_engine *engine, double bytes) {
  if (!(bytes >= 1 && bytes <= 4294967295.0)) {
    tg_fail(engine, TG_E_LIMIT, "buffer: %g bytes", bytes);
    return NULL;
  }
  return tg_allocate(engine, TG_BLOCK_BUFFER, (uint64_t)bytes, 0, "buffer");
}

tg_status tg_buffer_destroy(tg_engine *engine, void *buffer) {
  if (!tg_is_live(engine, buffer, TG_BLOCK_BUFFER)) return tg_fail(engine, TG_E_DISPOSED, "this buffer was given back");
  tg_release(engine, buffer);
  return TG_OK;
}

/* ---- data sets ---- */

tg_dataset *tg_dataset_create(tg_engine *engine, tg_sample_type samples, double count, double height, double width,
                              double channels, tg_label_type labels, double label_size) {
  return tg_data_create(engine, samples, count, height, width, channels, labels, label_size);
}

tg_status tg_dataset_destroy(tg_engine *engine, tg_dataset *dataset) {
  tg_status status = check_dataset(engine, dataset);
  if (!status && dataset->attached)
    status = tg_fail(engine, TG_E_STATE, "data set: this part goes with the data set that it belongs to");
  if (!status && dataset->views > 0)
    status = tg_fail(engine, TG_E_STATE, "data set: %u views share its memory", dataset->views);
  if (!status) tg_data_free(engine, dataset);
  return status;
}

void *tg_dataset_samples(tg_engine *engine, tg_dataset *dataset) {
  return check_dataset(engine, dataset) ? NULL : dataset->samples;
}

void *tg_dataset_labels(tg_engine *engine, tg_dataset *dataset) {
  return check_dataset(engine, dataset) ? NULL : dataset->labels;
}

float *tg_dataset_weights(tg_engine *engine, tg_dataset *dataset) {
  return check_dataset(engine, dataset) ? NULL : tg_data_weigh(engine, dataset);
}

tg_status tg_dataset_normalize(tg_engine *engine, tg_dataset *dataset, const tg_real *scale, const tg_real *offset,
                               double channels) {
  tg_status status = check_dataset(engine, dataset);
  return status ? status : tg_data_normalize(engine, dataset, scale, offset, channels);
}

tg_status tg_dataset_attach(tg_engine *engine, tg_dataset *dataset, tg_dataset *part) {
  tg_status status = check_dataset(engine, dataset);
  if (!status) status = check_dataset(engine, part);
  return status ? status : tg_data_attach(engine, dataset, part);
}

tg_status tg_dataset_resize(tg_engine *engine, tg_dataset *to, double to_first, tg_dataset *from, double from_first,
                            double count, tg_resize method) {
  tg_status status = tg_need_rest(engine, "resizing");
  if (!status) status = check_dataset(engine, to);
  if (!status) status = check_dataset(engine, from);
  return status ? status : tg_data_resize(engine, to, to_first, from, from_first, count, method);
}

tg_status tg_dataset_truncate(tg_engine *engine, tg_dataset *dataset, double count) {
  tg_status status = check_dataset(engine, dataset);
  return status ? status : tg_data_truncate(engine, dataset, count);
}

tg_dataset *tg_dataset_view(tg_engine *engine, tg_dataset *dataset, const uint32_t *rows, double n) {
  return check_dataset(engine, dataset) ? NULL : tg_data_view(engine, dataset, rows, n);
}

tg_status tg_dataset_preview(tg_engine *engine, tg_dataset *dataset, double seed, double epoch, double first,
                             double count, const double *list, uint32_t n, tg_real *out) {
  tg_status status = tg_need_rest(engine, "augmentation");
  if (!status) status = check_dataset(engine, dataset);
  return status ? status : tg_augment_preview(engine, dataset, seed, epoch, first, count, list, n, out);
}

tg_status tg_dataset_seal(tg_engine *engine, tg_dataset *dataset) {
  tg_status status = check_dataset(engine, dataset);
  return status ? status : tg_data_seal(engine, dataset);
}

/* ---- models ---- */

tg_model *tg_model_create(tg_engine *engine, double seed) { return tg_model_new(engine, seed); }

tg_status tg_model_destroy(tg_engine *engine, tg_model *model) {
  tg_status status = check_model(engine, model);
  if (!status) tg_model_free(model);
  return status;
}

int32_t tg_model_add(tg_engine *engine, tg_model *model, const char *op, const char *name, const int32_t *inputs,
                     uint32_t n_inputs, const char *attributes, const double *values, uint32_t n_attributes) {
  tg_status status = check_model(engine, model);
  if (!status && model->built) status = tg_fail(engine, TG_E_STATE, "model: it is built, layer '%s' is late", name);
  if (status) return -(int32_t)status;
  return tg_graph_add(&model->graph, op, name, inputs, n_inputs, attributes, values, n_attributes);
}

tg_status tg_model_build(tg_engine *engine, tg_model *model, const int32_t *outputs, uint32_t n_outputs) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_finish(model, outputs, n_outputs);
}

tg_status tg_model_set_trainable(tg_engine *engine, tg_model *model, uint32_t node, uint32_t trainable) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (node >= model->graph.n_nodes) return tg_fail(engine, TG_E_CONFIG, "node %u of %u", node, model->graph.n_nodes);
  model->graph.nodes[model->graph.nodes[node].root].freeze = !trainable;
  return TG_OK;
}

tg_status tg_model_set_loss(tg_engine *engine, tg_model *model, double output, tg_loss loss, const char *options,
                            const double *values, uint32_t n_options) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_stage_loss(model, output, loss, options, values, n_options);
}

tg_status tg_model_compile(tg_engine *engine, tg_model *model, tg_optimizer optimizer, const char *hyperparameters,
                           const double *values, uint32_t n_hyperparameters) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_choose(model, optimizer, hyperparameters, values, n_hyperparameters);
}

/* What an output is compiled with. */
static tg_status find_target(tg_engine *engine, tg_model *model, uint32_t output, tg_target **target) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (!model->compiled) return tg_fail(engine, TG_E_STATE, "model: it is not compiled");
  if (output >= model->n_outputs) return tg_fail(engine, TG_E_CONFIG, "output %u of %u", output, model->n_outputs);
  *target = &model->targets[output];
  return TG_OK;
}

tg_status tg_model_measured(tg_engine *engine, tg_model *model, uint32_t output, double *out) {
  tg_target *target;
  tg_status status = find_target(engine, model, output, &target);
  if (status) return status;
  for (int i = 0; i < 3; i++) out[i] = target->measured[i];
  out[3] = target->loss.from_logits && !target->loss.absorbed;
  return TG_OK;
}

tg_status tg_model_set_hyperparameter(tg_engine *engine, tg_model *model, const char *name, double value) {
  tg_status status = check_model(engine, model);
  if (!status && !model->compiled) status = tg_fail(engine, TG_E_STATE, "model: it is not compiled");
  return status ? status : tg_optim_set(engine, &model->optim, name, value);
}

tg_status tg_model_set_attribute(tg_engine *engine, tg_model *model, uint32_t node, const char *name, double value) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_graph_set_attribute(&model->graph, node, name, value);
}

tg_status tg_model_set_mask(tg_engine *engine, tg_model *model, const uint8_t *mask) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_mask(model, mask);
}

tg_status tg_model_store_activations(tg_engine *engine, tg_model *model, double bits) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (bits != 16 && bits != 32)
    return tg_fail(engine, TG_E_CONFIG, "activationStorage: %g bits, it must be 16 or 32", bits);
  model->rounds_stored = bits == 16;
  tg_runner_free(engine, &model->training);
  return TG_OK;
}

tg_status tg_model_set_step(tg_engine *engine, tg_model *model, double step) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (!(step >= 0 && step <= 9007199254740991.0 && step == floor(step)))
    return tg_fail(engine, TG_E_CONFIG, "step is %g, it must be a whole number of at least 0", step);
  model->step = (uint64_t)step;
  return TG_OK;
}

double tg_model_info(tg_engine *engine, tg_model *model, tg_model_field field) {
  if (check_model(engine, model)) return NAN;
  switch (field) {
    case TG_MODEL_NODES:
      return model->graph.n_nodes;
    case TG_MODEL_TENSORS:
      return model->graph.n_tensors;
    case TG_MODEL_PARAMETERS:
      return (double)tg_graph_parameters(&model->graph);
    case TG_MODEL_TRAINABLE:
      return (double)model->graph.trainable;
    case TG_MODEL_STEP:
      return (double)model->step;
    case TG_MODEL_TRAINING_BYTES:
      return (double)model->training.plan.arena_bytes;
    case TG_MODEL_INFERENCE_BYTES:
      return (double)model->inference.plan.arena_bytes;
    case TG_MODEL_OUTPUT_SIZE:
      return (double)tg_model_output_size(model);
    case TG_MODEL_SEED:
      return (double)model->seed;
    case TG_MODEL_ACCURACY_WEIGHT:
      return model->compiled ? tg_model_first_target(model)->measured[2] : 0;
  }
  return NAN;
}

static void put_shape(double *out, const tg_shape *shape) {
  out[0] = shape->rank;
  for (int d = 0; d < TG_MAX_RANK; d++) out[1 + d] = shape->dims[d];
}

tg_status tg_model_describe_node(tg_engine *engine, tg_model *model, uint32_t node, double *out) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (node >= model->graph.n_nodes) return tg_fail(engine, TG_E_CONFIG, "node %u of %u", node, model->graph.n_nodes);
  const tg_node *n = &model->graph.nodes[node];
  put_shape(out, &n->shape);
  const int owns = n->root == node; /* else they are counted where they were made */
  out[5] = owns ? (double)(n->trainable + n->state) : 0;
  out[6] = (double)n->macs;
  out[7] = n->first_tensor;
  out[8] = owns ? (double)n->trainable : 0;
  return TG_OK;
}

tg_status tg_model_describe_tensor(tg_engine *engine, tg_model *model, uint32_t tensor, double *out) {
  tg_status status = check_model(engine, model);
  if (status) return status;
  if (tensor >= model->graph.n_tensors)
    return tg_fail(engine, TG_E_CONFIG, "tensor %u of %u", tensor, model->graph.n_tensors);
  const tg_tensor *t = &model->graph.tensors[tensor];
  out[0] = t->node;
  out[1] = (double)tg_graph_offset(&model->graph, t);
  put_shape(out + 2, &t->shape);
  out[7] = t->trainable;
  return TG_OK;
}

int32_t tg_model_describe_plan(tg_engine *engine, tg_model *model, double batch, uint32_t training, double *out,
                               uint32_t room) {
  tg_status status = check_model(engine, model);
  return status ? -(int32_t)status : tg_describe_plan(model, batch, training != 0, out, room);
}

const char *tg_model_tensor_name(tg_engine *engine, tg_model *model, uint32_t tensor) {
  if (check_model(engine, model) || tensor >= model->graph.n_tensors) return NULL;
  return model->graph.tensors[tensor].name;
}

tg_real *tg_model_vector(tg_engine *engine, tg_model *model, tg_vector vector) {
  if (check_model(engine, model)) return NULL;
  switch (vector) {
    case TG_VECTOR_WEIGHTS:
      model->weights_version++;
      return model->vectors.weights;
    case TG_VECTOR_GRADIENTS:
      return model->vectors.gradients;
    default:
      return (uint32_t)vector < TG_VECTOR_SLOT0 + TG_SLOTS ? model->optim.slots[vector - TG_VECTOR_SLOT0] : NULL;
  }
}

const char *tg_model_describe_slot(tg_engine *engine, tg_model *model, uint32_t slot, uint32_t tensor, double *out) {
  if (check_model(engine, model) || !model->compiled || slot >= TG_SLOTS) return NULL;
  const tg_graph *graph = &model->graph;
  const char *name = tg_optim_slot_name(&model->optim, slot);
  if (!name || tensor >= graph->n_tensors) return NULL;
  tg_shape shape = {0, {1, 1, 1, 1}};
  out[0] = (double)tg_optim_slot(&model->optim, slot, tensor, &shape);
  put_shape(out + 1, &shape);
  return name;
}

/* ---- training, evaluation, prediction ---- */

tg_status tg_model_check_data(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count) {
  tg_status status = check_both(engine, model, dataset);
  return status ? status : tg_check_data(model, dataset, first, count);
}

tg_status tg_train_class_weights(tg_engine *engine, tg_model *model, const tg_real *weights, double n) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_weigh_classes(model, weights, n);
}

tg_status tg_train_augment(tg_engine *engine, tg_model *model, const double *list, uint32_t n) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_model_augment(model, list, n);
}

tg_status tg_model_watch(tg_engine *engine, tg_model *model, uint32_t output, tg_real *outputs, tg_real *labels) {
  tg_target *target;
  tg_status status = find_target(engine, model, output, &target);
  if (!status && !target->used) status = tg_fail(engine, TG_E_STATE, "output %u has no loss", output);
  if (status) return status;
  target->watched_outputs = outputs;
  target->watched_labels = labels;
  return TG_OK;
}

tg_status tg_train_begin(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                         double batch, double epoch, uint32_t shuffle) {
  tg_status status = check_both(engine, model, dataset);
  return status ? status : tg_epoch_begin(model, dataset, first, count, batch, epoch, shuffle != 0);
}

tg_status tg_train_steps(tg_engine *engine, tg_model *model, double first_step, double steps, double *out) {
  tg_status status = check_model(engine, model);
  return status ? status : tg_epoch_steps(model, first_step, steps, out);
}

tg_status tg_evaluate(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count, double batch,
                      double *out) {
  tg_status status = check_both(engine, model, dataset);
  return status ? status : tg_evaluate_range(model, dataset, first, count, batch, out);
}

tg_status tg_calibrate(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                       double batch, double percentile, double *out) {
  tg_status status = tg_need_rest(engine, "calibration");
  if (!status) status = check_both(engine, model, dataset);
  return status ? status : tg_calibrate_range(model, dataset, first, count, batch, percentile, out);
}

tg_status tg_predict(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count, double batch,
                     tg_real *out) {
  tg_status status = check_both(engine, model, dataset);
  return status ? status : tg_predict_range(model, dataset, first, count, batch, out);
}

tg_status tg_model_inspect(tg_engine *engine, tg_model *model, tg_dataset *dataset, double first, double count,
                           int32_t source, const tg_real *seed, const int32_t *nodes, uint32_t n_nodes, uint32_t flags,
                           tg_real *out) {
  tg_status status = tg_need_rest(engine, "looking into a model");
  if (!status) status = check_both(engine, model, dataset);
  const tg_inspection what = {source, seed, nodes, n_nodes, flags, out};
  return status ? status : tg_inspect(model, dataset, first, count, &what);
}
