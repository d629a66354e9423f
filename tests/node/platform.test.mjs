/** Platforms that lack something: each gets a clear sentence, or one thread and the same results. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createEngine } from 'tabgrad';

const WORKER = new URL('../../dist/worker.node.js', import.meta.url);

/** @type {string} */
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-platform-'));
});
after(() => rm(folder, { recursive: true }));

/**
 * An engine in a worker in which `damage` runs before anything else.
 *
 * @param {string} damage
 */
async function engineWith(damage) {
  const path = join(folder, 'worker.mjs');
  await writeFile(path, `${damage}\nawait import(${JSON.stringify(WORKER.href)});\n`);
  return createEngine({ workerUrl: pathToFileURL(path).href, threads: 2 });
}

describe('a platform without', () => {
  test('WebAssembly is E_UNSUPPORTED', async () => {
    await assert.rejects(engineWith('delete globalThis.WebAssembly;'), {
      name: 'UnsupportedError',
      code: 'E_UNSUPPORTED',
      message: /has no WebAssembly/,
    });
  });

  test('SIMD is E_UNSUPPORTED', async () => {
    await assert.rejects(engineWith('WebAssembly.validate = () => false;'), {
      code: 'E_UNSUPPORTED',
      message: /no WebAssembly SIMD/,
    });
  });

  test('SharedArrayBuffer works on one thread and says why', async () => {
    const engine = await engineWith('delete globalThis.SharedArrayBuffer;');
    const { threads, build, reason } = await engine.info();
    await engine.dispose();
    assert.equal(threads, 1);
    assert.match(build, /^(simd|relaxed)$/);
    assert.match(reason, /one thread: there is no shared memory/);
  });
});
