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

tg_status tg_runner_prepare(tg_runner *runner, const tg_graph *graph, uint32_t batch, int training, uint32_t loss_node,
                            const tg_vectors *vectors) {
  tg_engine *engine = graph->engine;
  if (training ? runner->rows == batch : runner->rows >= batch) return TG_OK;
  tg_runner_free(engine, runner);
  const tg_node *output = &graph->nodes[graph->n_nodes - 1];
  uint64_t outputs = output->elements, places = outputs / output->shape.dims[output->shape.rank - 1];
  tg_status status = tg_plan_make(&runner->plan, graph, batch, training, loss_node, vectors);
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
