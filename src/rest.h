/*
 * The engine for WebAssembly is two files: what most models need, and the rest, which a page loads when something in it
 * is first asked for. Which sources are in the second file says TG_REST_SOURCES in CMakeLists.txt. Everywhere else the
 * engine is whole.
 *
 * What leads there is held back by tg_need_rest until the file is loaded: nothing of it is called before.
 */
#ifndef TG_REST_H
#define TG_REST_H

#include "engine.h"

/* TG_E_REST while the second file is not loaded; `what` lies in it. */
tg_status tg_need_rest(tg_engine *engine, const char *what);
/* Adds the functions of the second file to this thread's instance of the engine; 0 when it cannot. */
int tg_rest_instantiate(const void *bytes, uint32_t size);

#endif
