#include "model.h"

#include <math.h>
#include <string.h>

#include "initialize.h"
#include "kernels/conv2d.h"
#include "op.h"
#include "regularize.h"
#include "size.h"

/* Whole numbers up to here are exact in a double. */
#define MAX_SEED 9007199254740991.0

tg_model *tg_model_new(tg_engine *engine, double seed) {
  if (!(seed >= 0 && seed <= MAX_SEED && seed == floor(seed))) {
    tg_fail(engine, TG_E_CONFIG, "model: seed is %g, it must be a whole number from 0 to %g", seed, MAX_SEED);
    return NULL;
  }
  tg_model *model = tg_allocate(engine, TG_BLOCK_MODEL, sizeof *model, 1, "model");
  if (!model) return NULL;
  model->graph.engine = engine;
  model->seed = (uint64_t)seed;
  return model;
}

static void free_vectors(tg_model *model) {
  tg_engine *engine = model->graph.engine;
  tg_release(engine, model->vectors.weights);
  tg_release(engine, model->vectors.gradients);
  tg_release(engine, model->vectors.next_state);
  tg_release(engine, model->penalties);
  tg_optim_free(engine, &model->optim);
}

void tg_model_free(tg_model *model) {
  tg_engine *engine = model->graph.engine;
  tg_runner_free(engine, &model->training);
  tg_runner_free(engine, &model->inference);
  free_vectors(model);
  tg_release(engine, model->order);
  tg_release(engine, model->eval_order);
  tg_release(engine, model->class_weights);
  tg_graph_free(&model->graph);
  tg_release(engine, model);
}

/* Rows of weights are read eight at a time, past the end of the last. */
static tg_real *new_vector(tg_model *model, uint64_t reals, const char *what) {
  return tg_allocate(model->graph.engine, TG_BLOCK_PRIVATE, (reals + TG_OVERREAD_REALS) * sizeof(tg_real), 1, what);
}

static tg_status check_graph(tg_model *model) {
  tg_graph *graph = &model->graph;
  if (graph->n_nodes < 2)
    return tg_fail(graph->engine, TG_E_CONFIG, "model: it has %u nodes, it needs an input and at least one layer",
                   graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const tg_node *node = &graph->nodes[i];
    if (i && node->op == &tg_op_input)
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': a second input", node->name);
    if (!i && node->op != &tg_op_input)
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': the first node must be an input, it is %s", node->name,
                     node->op->name);
    uint32_t used = i + 1 == graph->n_nodes;
    for (uint32_t c = i + 1; c < graph->n_nodes && !used; c++)
      for (uint32_t k = 0; k < graph->nodes[c].n_inputs; k++) used |= graph->nodes[c].inputs[k] == i;
    if (i + 1 == graph->n_nodes && node->quantization.scale > 0)
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': the model's output must be floats, not bytes", node->name);
    if (!used) return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': nothing reads its output", node->name);
  }
  return TG_OK;
}

tg_status tg_model_finish(tg_model *model) {
  tg_engine *engine = model->graph.engine;
  if (model->built) return tg_fail(engine, TG_E_STATE, "model: it is built already");
  tg_status status = check_graph(model);
  if (status) return status;
  const tg_graph *graph = &model->graph;
  tg_vectors v = {.weights = new_vector(model, tg_graph_parameters(graph), "weights")};
  if (v.weights) v.gradients = new_vector(model, graph->trainable, "gradients");
  if (v.gradients) v.next_state = new_vector(model, graph->state, "state");
  if (!v.next_state) {
    tg_release(engine, v.weights);
    tg_release(engine, v.gradients);
    return engine->status;
  }
  model->vectors = v;
  const uint64_t room = tg_penalty_room(graph);
  if (room) {
    model->penalties = tg_allocate(engine, TG_BLOCK_PRIVATE, room * sizeof(double), 1, "penalties");
    if (!model->penalties) status = engine->status;
  }
  for (uint32_t i = 0; i < graph->n_tensors && !status; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    status = tg_initialize(engine, v.weights + tg_graph_offset(graph, tensor), tensor, model->seed, i);
  }
  if (status) {
    free_vectors(model);
    model->vectors = (tg_vectors){0};
    model->penalties = NULL;
    return status;
  }
  model->built = 1;
  return TG_OK;
}

tg_status tg_model_choose(tg_model *model, const tg_loss_plan *loss, tg_optimizer optimizer, const char *names,
                          const double *values, uint32_t n) {
  tg_engine *engine = model->graph.engine;
  tg_optim optim;
  tg_status status = tg_optim_make(&optim, &model->graph, optimizer, names, values, n);
  if (status) return status;
  /* Plans end at the node that the loss reads. */
  tg_runner_free(engine, &model->training);
  tg_runner_free(engine, &model->inference);
  tg_optim_free(engine, &model->optim);
  model->optim = optim;
  model->loss = *loss;
  model->compiled = 1;
  return TG_OK;
}

tg_status tg_model_weigh_classes(tg_model *model, const tg_real *weights, double n) {
  tg_engine *engine = model->graph.engine;
  if (!model->compiled) return tg_fail(engine, TG_E_STATE, "model: it is not compiled");
  const double classes = tg_loss_classes(&model->loss);
  if (!(n >= 0 && n <= classes))
    return tg_fail(engine, TG_E_LABEL_RANGE, "classWeight: class %g, the model has classes 0 to %g", n - 1,
                   classes - 1);
  for (uint32_t i = 0; i < n; i++)
    if (!isfinite(weights[i]))
      return tg_fail(engine, TG_E_NON_FINITE, "classWeight: the weight of class %u is %g", i, (double)weights[i]);
  tg_real *copy = NULL;
  if (n > 0) {
    copy = tg_allocate(engine, TG_BLOCK_PRIVATE, (uint64_t)n * sizeof(tg_real), 0, "class weights");
    if (!copy) return engine->status;
    memcpy(copy, weights, (size_t)n * sizeof(tg_real));
  }
  tg_release(engine, model->class_weights);
  model->class_weights = copy;
  model->n_class_weights = (uint32_t)n;
  return TG_OK;
}

uint64_t tg_model_output_size(const tg_model *model) {
  return model->graph.n_nodes ? model->graph.nodes[model->graph.n_nodes - 1].elements : 0;
}

int tg_model_fits(const tg_model *model, const tg_dataset *dataset) {
  const tg_node *input = &model->graph.nodes[0];
  const uint32_t *dims = input->shape.dims;
  int same = input->shape.rank == 1
                 ? dims[0] == dataset->sample_elements
                 : dims[0] == dataset->height && dims[1] == dataset->width && dims[2] == dataset->channels;
  if (same) return 1;
  tg_fail(model->graph.engine, TG_E_SHAPE, "layer '%s': samples are %u x %u x %u, the model takes %u x %u x %u",
          input->name, dataset->height, dataset->width, dataset->channels, input->shape.rank == 1 ? 1 : dims[0],
          input->shape.rank == 1 ? 1 : dims[1], input->shape.rank == 1 ? dims[0] : dims[2]);
  return 0;
}
