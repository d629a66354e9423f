/* What runs batches: a plan, and beside its arena the labels and losses of one batch. */
#ifndef TG_RUNNER_H
#define TG_RUNNER_H

#include "plan.h"

typedef struct {
  tg_plan plan;
  uint32_t rows;    /* room for the labels of so many samples */
  int32_t *classes; /* (rows) */
  tg_real *values;  /* (rows, output size) */
  tg_real *losses;  /* (rows, places): a place is a row of the output's last dimension */
  tg_real *weights; /* (rows) */
} tg_runner;

/*
 * Makes the runner fit for batches of `batch` samples; nothing is done when it is. A training plan is made for just its
 * batch, so that memory is what the batch needs; a larger inference plan serves smaller batches too.
 * See tg_plan_make for the other arguments and the errors; after one the runner is empty.
 */
tg_status tg_runner_prepare(tg_runner *runner, const tg_graph *graph, const tg_plan_request *request,
                            const tg_vectors *vectors);
void tg_runner_free(tg_engine *engine, tg_runner *runner);

#endif
