/* What nodes hold when samples run through a model, and the gradients of an output or of the loss with respect to them.
 */
#include <math.h>
#include <string.h>

#include "lean.h"
#include "size.h"
#include "train.h"

typedef struct {
  const tg_model *model;
  const tg_inspection *what;
  uint32_t count;
  int with_gradients;
} inspection;

/* Where the numbers of entry k go: `count` samples of its values, then as many of its gradients. */
static tg_real *place_of(const inspection *in, uint32_t k) {
  uint64_t reals = 0;
  for (uint32_t j = 0; j < k; j++) reals += in->model->graph.nodes[in->what->nodes[j]].elements;
  return in->what->out + reals * in->count * (in->with_gradients ? 2 : 1);
}

static uint64_t reals_of(const inspection *in, uint32_t node) {
  return in->count * in->model->graph.nodes[node].elements;
}

static void copy_gradient(void *context, uint32_t node, const tg_real *dy) {
  const inspection *in = context;
  const uint64_t reals = reals_of(in, node);
  for (uint32_t k = 0; k < in->what->n_nodes; k++)
    if ((uint32_t)in->what->nodes[k] == node) memcpy(place_of(in, k) + reals, dy, (size_t)reals * sizeof(tg_real));
}

static tg_status check_nodes(const tg_model *model, const tg_inspection *what) {
  const tg_graph *graph = &model->graph;
  if (what->source < TG_SOURCE_LOSS || what->source >= (int32_t)graph->n_nodes)
    return tg_fail(graph->engine, TG_E_CONFIG, "gradients of node %g of %u", (double)what->source, graph->n_nodes);
  for (uint32_t k = 0; k < what->n_nodes; k++)
    if (what->nodes[k] < 0 || (uint32_t)what->nodes[k] >= graph->n_nodes)
      return tg_fail(graph->engine, TG_E_CONFIG, "node %g of %u", (double)what->nodes[k], graph->n_nodes);
  if (graph->quantized)
    return tg_fail(graph->engine, TG_E_STATE, "model: it is quantised, its layers hold bytes and have no gradients");
  return TG_OK;
}

static void give_roles(const tg_model *model, const tg_inspection *what, uint8_t *roles) {
  if (what->source == TG_SOURCE_LOSS) memcpy(roles, model->roles, model->graph.n_nodes);
  if (what->source >= 0) roles[what->source] = TG_ROLE_SEEDED;
  for (uint32_t k = 0; k < what->n_nodes; k++)
    roles[what->nodes[k]] |= what->source == TG_SOURCE_NONE ? TG_ROLE_READ : TG_ROLE_READ | TG_ROLE_WANTED;
}

/* TG_E_GRAPH when the source does not depend on a node whose gradient is wanted. */
static tg_status check_paths(const inspection *in, const tg_plan *plan) {
  const tg_graph *graph = &in->model->graph;
  for (uint32_t k = 0; in->with_gradients && k < in->what->n_nodes; k++) {
    const uint32_t node = (uint32_t)in->what->nodes[k];
    if (plan->steps[node].has_gradient) continue;
    return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': %s does not depend on it", graph->nodes[node].name,
                   in->what->source < 0 ? "the loss" : graph->nodes[in->what->source].name);
  }
  return TG_OK;
}

static tg_status run_batch(tg_model *model, tg_runner *runner, const tg_dataset *dataset, const inspection *in,
                           const uint32_t *order) {
  const tg_graph *graph = &model->graph;
  const tg_inspection *what = in->what;
  tg_status status = check_paths(in, &runner->plan);
  if (status) return status;
  const tg_run run = tg_make_run(model, in->count, in->with_gradients, !(what->flags & TG_INSPECT_TRAINING));
  tg_load_batch(model, runner, dataset, order, in->count, NULL);
  tg_plan_forward(&runner->plan, graph, &run, 0, graph->n_nodes - 1);
  for (uint32_t k = 0; k < what->n_nodes; k++)
    memcpy(place_of(in, k), runner->plan.steps[what->nodes[k]].buffers.y,
           (size_t)reals_of(in, (uint32_t)what->nodes[k]) * sizeof(tg_real));
  if (!in->with_gradients) return TG_OK;
  if (what->source == TG_SOURCE_LOSS)
    tg_measure_batch(model, runner, dataset, order, in->count, 1, NULL);
  else
    memcpy(runner->plan.steps[what->source].buffers.dy, what->seed,
           (size_t)reals_of(in, (uint32_t)what->source) * sizeof(tg_real));
  tg_plan_backward(&runner->plan, graph, &run, copy_gradient, (void *)in);
  return TG_OK;
}

tg_status tg_inspect(tg_model *model, const tg_dataset *dataset, double first, double count,
                     const tg_inspection *what) {
  const tg_graph *graph = &model->graph;
  tg_engine *engine = graph->engine;
  tg_sample_range r;
  tg_status status = tg_check_samples(model, dataset, NULL, first, count, count, what->source == TG_SOURCE_LOSS, &r);
  if (!status) status = check_nodes(model, what);
  if (status) return status;
  inspection in = {model, what, r.count, what->source != TG_SOURCE_NONE};
  uint8_t *roles = tg_allocate(engine, TG_BLOCK_PRIVATE, graph->n_nodes, 1, "roles");
  uint32_t *order = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(r.count, sizeof *order), 0, "order of samples");
  /* Gradients and averages of a model that is being trained are not touched. */
  tg_show_weights(model);
  tg_vectors vectors = {.weights = model->vectors.weights,
                        .seen = model->vectors.seen,
                        .gradients = tg_model_new_vector(model, graph->trainable, "gradients"),
                        .next_state = tg_model_new_vector(model, graph->state, "state")};
  tg_runner runner = {0};
  status = roles && order && vectors.gradients && vectors.next_state ? TG_OK : engine->status;
  if (!status) {
    give_roles(model, what, roles);
    const tg_plan_request request = {.samples = r.count,
                                     .training = in.with_gradients,
                                     .as_inference = !(what->flags & TG_INSPECT_TRAINING),
                                     .weights = what->flags & TG_INSPECT_WEIGHTS ? TG_ALL_WEIGHTS : TG_NO_WEIGHTS,
                                     .roles = roles};
    status = tg_runner_prepare(&runner, graph, &request, &vectors);
  }
  if (!status) {
    for (uint32_t i = 0; i < r.count; i++) order[i] = r.first + i;
    status = run_batch(model, &runner, dataset, &in, order);
  }
  if (!status && what->flags & TG_INSPECT_WEIGHTS)
    memcpy(place_of(&in, what->n_nodes), vectors.gradients, (size_t)graph->trainable * sizeof(tg_real));
  tg_runner_free(engine, &runner);
  tg_release(engine, vectors.next_state);
  tg_release(engine, vectors.gradients);
  tg_release(engine, order);
  tg_release(engine, roles);
  return status;
}
