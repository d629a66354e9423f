/*
 * embedding: whole numbers 0…inputDim-1 to rows of a trained table (Keras Embedding, PyTorch Embedding). The numbers
 * are the model's input; tg_op.index_end has the engine check them before a call computes or changes anything.
 */
#include "../kernels/embedding.h"

#include "../op.h"
#include "../size.h"

enum { INPUT_DIM, OUTPUT_DIM, TABLE_INIT };

/* Whole numbers beyond 2^24 are not exact in float. */
static const tg_attribute attributes[] = {{"inputDim", TG_REQUIRED, 1, 1 << 24, 1},
                                          {"outputDim", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
                                          {"embeddingsInitializer", TG_INIT_RANDOM_UNIFORM, 0, TG_INIT_COUNT - 1, 1}};

/* 64 KiB a tile forward; columns a tile backward, each of which reads all tokens. */
enum { TILE_REALS = 16384, TILE_COLUMNS = 32 };

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_node *input = tg_graph_input(graph, node, 0), *source = input;
  while (source->op->traits & TG_OP_RENAMES) source = tg_graph_input(graph, source, 0);
  if (source->op != &tg_op_input)
    return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s' (embedding) must read the model's input, it reads '%s' (%s)",
                   node->name, source->name, source->op->name);
  if (input->shape.rank == TG_MAX_RANK)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s' (embedding): its input has %u dimensions, the most are %u",
                   node->name, input->shape.rank, TG_MAX_RANK - 1u);
  uint32_t rows = tg_attribute_u32(node, INPUT_DIM), n = tg_attribute_u32(node, OUTPUT_DIM);
  node->shape = input->shape;
  node->shape.dims[node->shape.rank++] = n;
  return tg_graph_add_tensor(graph, node, "embeddings", (tg_shape){2, {rows, n, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, TABLE_INIT), rows, n);
}

static uint32_t index_end(const tg_node *node) { return tg_attribute_u32(node, INPUT_DIM); }

typedef struct {
  const tg_buffers *b;
  size_t tokens;
  uint32_t rows, n, tile_tokens;
} job;

static job make_job(const tg_run *run, const tg_node *node, const tg_buffers *buffers) {
  uint32_t n = tg_attribute_u32(node, OUTPUT_DIM);
  return (job){buffers, (size_t)(run->samples * (node->elements / n)), tg_attribute_u32(node, INPUT_DIM), n,
               tg_max(1, TILE_REALS / n)};
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  size_t first = (size_t)tile * j->tile_tokens, rest = j->tokens - first;
  tg_embed(j->b->y + first * j->n, j->b->x[0] + first, j->b->w, rest < j->tile_tokens ? rest : j->tile_tokens, j->rows,
           j->n);
}

static void backward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint32_t first = tile * TILE_COLUMNS;
  tg_embed_backward(j->b->dw, j->b->x[0], j->b->dy, j->tokens, j->rows, j->n, first,
                    tg_min(first + TILE_COLUMNS, j->n));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, (uint32_t)((j.tokens + j.tile_tokens - 1) / j.tile_tokens), forward_tile, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, tg_ceil_div(j.n, TILE_COLUMNS), backward_tile, &j);
}

const tg_op tg_op_embedding = {.name = "embedding",
                               .attributes = attributes,
                               .n_attributes = sizeof attributes / sizeof *attributes,
                               .n_inputs = 1,
                               .traits = TG_OP_BACKWARD_READS_X,
                               .infer = infer,
                               .index_end = index_end,
                               .forward = forward,
                               .backward = backward};
