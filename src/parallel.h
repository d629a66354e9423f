/*
 * Fork-join over tiles: the only place that knows threads. A build without TG_THREADS has the same functions, serial.
 *
 * Tiles are taken one by one by whoever is free, so which thread computes a tile is left to chance; a task must
 * therefore compute a tile in the same way on any thread, and may use its thread number for private scratch only.
 */
#ifndef TG_PARALLEL_H
#define TG_PARALLEL_H

#include <stdint.h>

enum { TG_MAX_THREADS = 16 };

typedef struct tg_pool tg_pool;
typedef void (*tg_task)(void *context, uint32_t tile, uint32_t thread);

/* A pool of `threads` threads, the caller's among them; fewer when they cannot be started. No more than `processors`
 * (at least 1) are woken for a job. NULL: no memory. */
tg_pool *tg_pool_create(uint32_t threads, uint32_t processors);
void tg_pool_destroy(tg_pool *pool);
/* Threads that a task may find itself on: what has a number here needs scratch. */
uint32_t tg_pool_threads(const tg_pool *pool);
/* Threads that work at a time: what work is divided for. */
uint32_t tg_pool_width(const tg_pool *pool);

/* Makes the functions of the engine's second file (rest.h) known to the caller's thread, and to each other one before
 * its next tile; the bytes must live as long as the pool. 0: it could not be done, and nothing is known. */
int tg_pool_load_rest(tg_pool *pool, const void *bytes, uint32_t size);

/* Calls task(context, tile, thread) for tile 0…tiles-1 and returns when all are done. Not reentrant. */
void tg_pool_run(tg_pool *pool, uint32_t tiles, tg_task task, void *context);

#endif
