/*
 * The engine instance: its memory, its thread pool and the text of its last error. All mutable state hangs from here.
 */
#ifndef TG_ENGINE_H
#define TG_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "parallel.h"
#include "tabgrad.h"

/* What a block of memory is: the handle check of the exports looks for a block of the right kind. */
typedef enum { TG_BLOCK_PRIVATE, TG_BLOCK_MODEL, TG_BLOCK_DATASET, TG_BLOCK_BUFFER, TG_BLOCK_SAMPLES } tg_block_kind;

typedef struct tg_block tg_block;

enum { TG_ERROR_TEXT = 500 };

struct tg_engine {
  tg_pool *pool;
  tg_block *blocks; /* all live blocks, newest first */
  uint64_t live_bytes, peak_bytes, dataset_bytes, live_allocations, allocations;
  int held_back; /* the second file is not loaded; see rest.h */
  tg_status status;
  char text[TG_ERROR_TEXT];
};

/* `bytes` of memory aligned to a cache line, zeroed when `zero`; NULL and TG_E_OOM or TG_E_LIMIT set when it cannot be
 * had. `what` names it in that error. */
void *tg_allocate(tg_engine *engine, tg_block_kind kind, uint64_t bytes, int zero, const char *what);
/* Gives a block back; NULL is ignored. */
void tg_release(tg_engine *engine, void *memory);
/* 1 when `memory` is a live block of that kind. */
int tg_is_live(const tg_engine *engine, const void *memory, tg_block_kind kind);

/*
 * Sets the engine's last status and text, and returns the status. The format knows %s (NULL prints as nothing), %u and
 * %g (doubles that are whole print as integers); the text is cut at its capacity. Strings of a person that are longer
 * than 64 bytes should be shortened by the caller.
 */
__attribute__((format(printf, 3, 4))) tg_status tg_fail(tg_engine *engine, tg_status status, const char *format, ...);

#endif
