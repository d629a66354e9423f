#include "loss.h"

#include <string.h>

#include "kernels/softmax.h"
#include "op.h"

static int is_categorical(tg_loss kind) {
  return kind == TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY || kind == TG_LOSS_CATEGORICAL_CROSSENTROPY;
}

tg_status tg_loss_make(tg_loss_plan *loss, const tg_graph *graph, tg_loss kind, int from_logits) {
  tg_engine *engine = graph->engine;
  if (kind < TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY || kind > TG_LOSS_MEAN_SQUARED_ERROR)
    return tg_fail(engine, TG_E_CONFIG, "loss %g is unknown", (double)kind);
  uint32_t output = graph->n_nodes - 1;
  const tg_node *node = &graph->nodes[output];
  if (is_categorical(kind) && node->elements < 2)
    return tg_fail(engine, TG_E_SHAPE, "layer '%s': a categorical cross-entropy needs at least 2 outputs, it has 1",
                   node->name);
  if (is_categorical(kind) && node->shape.rank != 1)
    return tg_fail(engine, TG_E_SHAPE, "layer '%s': a categorical cross-entropy needs 1 dimension, its output has %u",
                   node->name, node->shape.rank);
  *loss = (tg_loss_plan){kind, from_logits, output};
  if ((is_categorical(kind) && node->op == &tg_op_softmax) ||
      (kind == TG_LOSS_BINARY_CROSSENTROPY && node->op == &tg_op_sigmoid)) {
    loss->node = node->inputs[0];
    loss->from_logits = 1;
  }
  return TG_OK;
}

tg_status tg_loss_check_labels(tg_engine *engine, const tg_loss_plan *loss, const tg_dataset *dataset, uint64_t n) {
  switch (dataset->label_type) {
    case TG_LABELS_NONE:
      return tg_fail(engine, TG_E_SHAPE, "data set: it has no labels, the loss needs them");
    case TG_LABELS_VALUES:
      if (loss->kind == TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY)
        return tg_fail(engine, TG_E_SHAPE, "data set: labels of %u values a sample, this loss needs class numbers",
                       dataset->label_size);
      if (dataset->label_size != n)
        return tg_fail(engine, TG_E_SHAPE, "data set: labels of %u values a sample, the model has %g outputs",
                       dataset->label_size, (double)n);
      return TG_OK;
    case TG_LABELS_CLASS:
      break;
  }
  if (loss->kind == TG_LOSS_CATEGORICAL_CROSSENTROPY || (!is_categorical(loss->kind) && n != 1))
    return tg_fail(engine, TG_E_SHAPE, "data set: labels are class numbers, this loss needs %g values a sample",
                   (double)n);
  double classes = is_categorical(loss->kind)                  ? (double)n
                   : loss->kind == TG_LOSS_BINARY_CROSSENTROPY ? 2
                                                               : 2147483648.0;
  if (dataset->highest_label < classes) return TG_OK;
  const int32_t *labels = dataset->labels;
  uint32_t i = 0;
  while (labels[i] < classes) i++;
  return tg_fail(engine, TG_E_LABEL_RANGE, "data set: the label of sample %u is %g, the model has classes 0 to %g", i,
                 (double)labels[i], classes - 1);
}

void tg_loss_run(const tg_loss_plan *loss, tg_real *losses, tg_real *dy, const tg_real *y, tg_labels labels,
                 tg_real scale, uint32_t rows, uint32_t n) {
  switch (loss->kind) {
    case TG_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY:
    case TG_LOSS_CATEGORICAL_CROSSENTROPY:
      (loss->from_logits ? tg_softmax_crossentropy : tg_categorical_crossentropy)(losses, dy, y, labels.classes,
                                                                                  labels.values, scale, rows, n);
      return;
    case TG_LOSS_BINARY_CROSSENTROPY:
      (loss->from_logits ? tg_sigmoid_crossentropy : tg_binary_crossentropy)(losses, dy, y, labels.classes,
                                                                             labels.values, scale, rows, n);
      return;
    case TG_LOSS_MEAN_SQUARED_ERROR:
      tg_mean_squared_error(losses, dy, y, labels.classes, labels.values, scale, rows, n);
      return;
  }
}

/* The first of the largest. */
static uint32_t argmax(const tg_real *row, uint32_t n) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

double tg_loss_accuracy(const tg_loss_plan *loss, const tg_real *y, tg_labels labels, uint32_t rows, uint32_t n) {
  double sum = 0;
  int binary = loss->kind == TG_LOSS_BINARY_CROSSENTROPY || n == 1;
  tg_real edge = loss->kind == TG_LOSS_BINARY_CROSSENTROPY && loss->from_logits ? 0 : (tg_real)0.5;
  for (uint32_t r = 0; r < rows; r++) {
    const tg_real *row = y + (uint64_t)r * n, *target = labels.values ? labels.values + (uint64_t)r * n : NULL;
    if (!binary) {
      sum += argmax(row, n) == (target ? argmax(target, n) : (uint32_t)labels.classes[r]);
      continue;
    }
    uint32_t right = 0;
    for (uint32_t i = 0; i < n; i++)
      right += (row[i] > edge) == ((target ? target[i] : (tg_real)labels.classes[r]) > (tg_real)0.5);
    sum += (double)right / n;
  }
  return sum;
}
