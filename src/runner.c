#include "runner.h"

#include "size.h"

void tg_runner_free(tg_engine *engine, tg_runner *runner) {
  tg_plan_free(engine, &runner->plan);
  tg_release(engine, runner->classes);
  tg_release(engine, runner->values);
  tg_release(engine, runner->losses);
  tg_release(engine, runner->weights);
  *runner = (tg_runner){0};
}

tg_status tg_runner_prepare(tg_runner *runner, const tg_graph *graph, const tg_plan_request *request,
                            const tg_vectors *vectors) {
  tg_engine *engine = graph->engine;
  const uint32_t batch = request->samples;
  if (request->training ? runner->rows == batch : runner->rows >= batch) return TG_OK;
  tg_runner_free(engine, runner);
  uint64_t outputs = 1, places = 1; /* the most numbers, and rows of them, a sample that are compared with labels */
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const tg_node *node = &graph->nodes[i];
    const uint64_t rows = node->elements / node->shape.dims[node->shape.rank - 1];
    if (!request->roles[i]) continue;
    outputs = node->elements > outputs ? node->elements : outputs;
    places = rows > places ? rows : places;
  }
  tg_status status = tg_plan_make(&runner->plan, graph, request, vectors);
  if (status) return status;
  runner->classes = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(batch, sizeof(int32_t)), 0, "labels of a batch");
  if (runner->classes)
    runner->values =
        tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(tg_mul(batch, outputs), sizeof(tg_real)), 0, "labels of a batch");
  if (runner->values)
    runner->losses =
        tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(tg_mul(batch, places), sizeof(tg_real)), 0, "losses of a batch");
  if (runner->losses)
    runner->weights = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(batch, sizeof(tg_real)), 0, "weights of a batch");
  if (!runner->weights) {
    tg_runner_free(engine, runner);
    return engine->status;
  }
  runner->rows = batch;
  return TG_OK;
}
