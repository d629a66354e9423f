#include "rest.h"

tg_status tg_need_rest(tg_engine *engine, const char *what) {
  if (!engine->held_back) return TG_OK;
  return tg_fail(engine, TG_E_REST, "%s is in the second file of the engine, which is not loaded", what);
}

tg_status tg_load_rest(tg_engine *engine, const void *buffer, double bytes) {
  if (!buffer) {
    engine->held_back = 1;
    return TG_OK;
  }
  if (!tg_is_live(engine, buffer, TG_BLOCK_BUFFER)) return tg_fail(engine, TG_E_DISPOSED, "this buffer was given back");
  if (!tg_pool_load_rest(engine->pool, buffer, (uint32_t)bytes))
    return tg_fail(engine, TG_E_CONFIG, "%g bytes that are not the second file of this engine", bytes);
  engine->held_back = 0;
  return TG_OK;
}

#ifdef __EMSCRIPTEN__

#include <emscripten/em_js.h>

/* Its functions are written into the table that this instance calls through. Not by a view: no module is made of shared
 * memory. `wasmExports` are the exports of this thread's instance. */
EM_JS(int, tg_rest_instantiate, (const void *bytes, uint32_t size), {
  try {
    const code = HEAPU8.slice(bytes, bytes + size);
    new WebAssembly.Instance(new WebAssembly.Module(code), {a : wasmExports});
    return 1;
  } catch (error) {
    return 0;
  }
});

#else

int tg_rest_instantiate(const void *bytes, uint32_t size) {
  (void)bytes, (void)size;
  return 1;
}

#endif
