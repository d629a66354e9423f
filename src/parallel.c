/*
 * The pool. One 64-bit word is the job: its generation above, the tiles not yet taken below. A thread takes a tile by
 * lowering the word with compare-and-swap; the generation makes a late thread's swap fail, so nobody waits for a thread
 * that sleeps or was descheduled: the caller waits for tiles, not for threads. Of more threads than processors the
 * others sleep on: they could only take turns, and one that loses its turn holds a tile for which all wait.
 */
#include "parallel.h"

#include <stdlib.h>

#include "rest.h"

#ifndef TG_THREADS

struct tg_pool {
  char unused;
};

tg_pool *tg_pool_create(uint32_t threads, uint32_t processors) {
  (void)threads, (void)processors;
  return calloc(1, sizeof(tg_pool));
}

void tg_pool_destroy(tg_pool *pool) { free(pool); }

uint32_t tg_pool_threads(const tg_pool *pool) {
  (void)pool;
  return 1;
}

uint32_t tg_pool_width(const tg_pool *pool) { return tg_pool_threads(pool); }

int tg_pool_load_rest(tg_pool *pool, const void *bytes, uint32_t size) {
  (void)pool;
  return tg_rest_instantiate(bytes, size);
}

void tg_pool_run(tg_pool *pool, uint32_t tiles, tg_task task, void *context) {
  (void)pool;
  for (uint32_t tile = 0; tile < tiles; tile++) task(context, tile, 0);
}

#else

#include <pthread.h>
#include <stdatomic.h>

/* Looks at the job word before sleeping: about 20 µs, longer than the serial gaps between the kernels of a step, so a
 * step runs without system calls, and short enough that a pool between steps costs nothing. */
enum { SPINS = 20000 };

/* Waits until *word is no longer `value` (or a wake, or for no reason); wakes so many of those who wait on *word. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value);
static void futex_wake(_Atomic uint32_t *word, uint32_t count);

#ifdef __wasm__

static void wait32(_Atomic uint32_t *word, uint32_t value) {
  __builtin_wasm_memory_atomic_wait32((int *)word, (int)value, -1);
}

/* By a call that no compiler sees through: by all signs V8's baseline compiler (in Node 20) loses locals of the
 * function that the instruction stands in. */
static void (*const volatile opaque_wait)(_Atomic uint32_t *word, uint32_t value) = wait32;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) { opaque_wait(word, value); }

static void futex_wake(_Atomic uint32_t *word, uint32_t count) {
  __builtin_wasm_memory_atomic_notify((int *)word, count);
}

static void relax(void) {}

#else

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

#endif

typedef struct {
  tg_pool *pool;
  uint32_t thread;
  int has_rest; /* of the pool's */
  pthread_t handle;
} tg_worker;

struct tg_pool {
  /* Written by the caller before the job word is published, stable until the last tile is done. */
  tg_task task;
  void *context;
  uint32_t tiles;
  /* Written by the caller between jobs. */
  const void *rest;
  uint32_t rest_size;

  _Atomic uint64_t job;      /* generation << 32 | tiles not yet taken */
  _Atomic uint32_t bell;     /* rung (raised) at each job: what sleeping workers wait on */
  _Atomic uint32_t sleepers; /* workers at the bell, or about to be */
  _Atomic uint32_t done;     /* tiles finished: what a sleeping caller waits on */
  _Atomic uint32_t waiting;  /* the caller sleeps */
  _Atomic uint32_t quit;

  uint32_t threads;
  uint32_t helpers; /* workers that a job is rung for */
  tg_worker workers[TG_MAX_THREADS];
};

/* Whether this thread has all functions that a job may need. Each thread of WebAssembly has an instance of its own. */
static int has_rest(tg_pool *pool, uint32_t thread) {
  tg_worker *worker = &pool->workers[thread];
  if (pool->rest && !worker->has_rest) worker->has_rest = tg_rest_instantiate(pool->rest, pool->rest_size);
  return !pool->rest || worker->has_rest;
}

/* Takes tiles until none is left. A thread that lacks functions for want of memory leaves them to the others. */
static void work(tg_pool *pool, uint32_t thread) {
  uint64_t job = atomic_load_explicit(&pool->job, memory_order_acquire);
  while ((uint32_t)job != 0 && has_rest(pool, thread)) {
    if (!atomic_compare_exchange_weak_explicit(&pool->job, &job, job - 1, memory_order_acquire, memory_order_acquire))
      continue;
    /* The tile is ours, so the caller cannot leave this job and task, context and tiles are stable. */
    pool->task(pool->context, pool->tiles - (uint32_t)job, thread);
    atomic_fetch_add(&pool->done, 1);
    if (atomic_load(&pool->waiting)) futex_wake(&pool->done, 1);
    job = atomic_load_explicit(&pool->job, memory_order_acquire);
  }
}

static void *worker_main(void *argument) {
  tg_worker *worker = argument;
  tg_pool *pool = worker->pool;
  for (;;) {
    uint32_t bell = atomic_load(&pool->bell);
    if (atomic_load(&pool->quit)) return NULL;
    work(pool, worker->thread);
    for (int spin = 0; spin < SPINS && atomic_load_explicit(&pool->bell, memory_order_relaxed) == bell; spin++) relax();
    if (atomic_load(&pool->bell) != bell) continue;
    /* `sleepers` goes up before the last look at the bell, and the caller rings before it looks at `sleepers`:
     * one of the two sees the other. */
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->bell) == bell) futex_wait(&pool->bell, bell);
    atomic_fetch_sub(&pool->sleepers, 1);
  }
}

/* Rings for `wanted` workers, those that are awake included. */
static void ring(tg_pool *pool, uint32_t wanted) {
  atomic_fetch_add(&pool->bell, 1);
  uint32_t awake = pool->threads - 1 - atomic_load(&pool->sleepers);
  if (awake < wanted) futex_wake(&pool->bell, wanted - awake);
}

tg_pool *tg_pool_create(uint32_t threads, uint32_t processors) {
  tg_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->threads = 1;
  for (uint32_t thread = 1; thread < threads && thread < TG_MAX_THREADS; thread++) {
    tg_worker *worker = &pool->workers[thread];
    *worker = (tg_worker){.pool = pool, .thread = thread};
    if (pthread_create(&worker->handle, NULL, worker_main, worker)) break;
    pool->threads++;
  }
  pool->helpers = (processors < pool->threads ? processors : pool->threads) - 1;
  return pool;
}

void tg_pool_destroy(tg_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->quit, 1);
  ring(pool, pool->threads - 1);
  for (uint32_t thread = 1; thread < pool->threads; thread++) pthread_join(pool->workers[thread].handle, NULL);
  free(pool);
}

uint32_t tg_pool_threads(const tg_pool *pool) { return pool->threads; }

uint32_t tg_pool_width(const tg_pool *pool) { return pool->helpers + 1; }

int tg_pool_load_rest(tg_pool *pool, const void *bytes, uint32_t size) {
  if (!tg_rest_instantiate(bytes, size)) return 0;
  pool->workers[0].has_rest = 1;
  pool->rest_size = size;
  pool->rest = bytes;
  return 1;
}

void tg_pool_run(tg_pool *pool, uint32_t tiles, tg_task task, void *context) {
  if (pool->threads == 1 || tiles < 2) {
    for (uint32_t tile = 0; tile < tiles; tile++) task(context, tile, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->tiles = tiles;
  atomic_store(&pool->done, 0);
  uint64_t generation = (atomic_load_explicit(&pool->job, memory_order_relaxed) >> 32) + 1;
  atomic_store_explicit(&pool->job, generation << 32 | tiles, memory_order_release);
  ring(pool, pool->helpers);
  work(pool, 0);
  for (int spin = 0; spin < SPINS && atomic_load_explicit(&pool->done, memory_order_acquire) != tiles; spin++) relax();
  if (atomic_load(&pool->done) == tiles) return;
  atomic_store(&pool->waiting, 1);
  for (uint32_t done; (done = atomic_load(&pool->done)) != tiles;) futex_wait(&pool->done, done);
  atomic_store(&pool->waiting, 0);
}

#endif
