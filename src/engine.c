/* Memory of the engine: every block is counted and linked, so that nothing outlives the engine and a handle can be
 * checked before it is followed. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "size.h"

/* One cache line in front of the memory, so that the memory itself starts on one. */
enum { TG_LINE = 64 };

struct tg_block {
  tg_block *next, *previous;
  uint64_t bytes;
  tg_block_kind kind;
};

_Static_assert(sizeof(tg_block) <= TG_LINE, "a block's header fits one cache line");

static tg_block *header(void *memory) { return (tg_block *)((char *)memory - TG_LINE); }
static void *memory_of(tg_block *block) { return (char *)block + TG_LINE; }

void *tg_allocate(tg_engine *engine, tg_block_kind kind, uint64_t bytes, int zero, const char *what) {
  uint64_t total = tg_align_up(tg_add(bytes, TG_LINE), TG_LINE);
  if (total > SIZE_MAX / 2) {
    tg_fail(engine, TG_E_LIMIT, "%s: %g bytes are more than the engine can address", what, (double)bytes);
    return NULL;
  }
  tg_block *block = aligned_alloc(TG_LINE, (size_t)total);
  if (!block) {
    tg_fail(engine, TG_E_OOM, "%s: no memory for %g bytes (the engine holds %g)", what, (double)bytes,
            (double)engine->live_bytes);
    return NULL;
  }
  *block = (tg_block){.next = engine->blocks, .bytes = bytes, .kind = kind};
  if (engine->blocks) engine->blocks->previous = block;
  engine->blocks = block;
  engine->live_bytes += bytes;
  if (kind == TG_BLOCK_SAMPLES) engine->dataset_bytes += bytes;
  if (engine->live_bytes > engine->peak_bytes) engine->peak_bytes = engine->live_bytes;
  engine->live_allocations++;
  engine->allocations++;
  if (zero) memset(memory_of(block), 0, (size_t)bytes);
  return memory_of(block);
}

void tg_release(tg_engine *engine, void *memory) {
  if (!memory) return;
  tg_block *block = header(memory);
  if (block->previous)
    block->previous->next = block->next;
  else
    engine->blocks = block->next;
  if (block->next) block->next->previous = block->previous;
  engine->live_bytes -= block->bytes;
  if (block->kind == TG_BLOCK_SAMPLES) engine->dataset_bytes -= block->bytes;
  engine->live_allocations--;
  free(block);
}

int tg_is_live(const tg_engine *engine, const void *memory, tg_block_kind kind) {
  for (tg_block *block = engine->blocks; block; block = block->next)
    if (memory_of(block) == memory) return block->kind == kind;
  return 0;
}

static uint32_t clamp_threads(double threads) {
  return threads >= 1 ? (threads < TG_MAX_THREADS ? (uint32_t)threads : TG_MAX_THREADS) : 1;
}

tg_engine *tg_engine_create(double threads, double processors) {
  tg_engine *engine = calloc(1, sizeof *engine);
  if (!engine) return NULL;
  engine->pool = tg_pool_create(clamp_threads(threads), clamp_threads(processors));
  if (!engine->pool) {
    free(engine);
    return NULL;
  }
  return engine;
}

void tg_engine_destroy(tg_engine *engine) {
  if (!engine) return;
  tg_pool_destroy(engine->pool);
  while (engine->blocks) tg_release(engine, memory_of(engine->blocks));
  free(engine);
}
