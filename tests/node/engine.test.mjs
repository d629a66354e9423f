/** Starting and ending engines: builds, files that are missing, workers that die, scripts that end. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { VERSION, createEngine, dispose, info, init } from 'tabgrad';
import { FROM_LOGITS, denseLayers } from './nets.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** @type {string} */
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-'));
});
after(() => rm(folder, { recursive: true }));

test('info tells build, threads and why', async () => {
  /** @type {[any, any, RegExp][]} */
  const cases = [
    [
      { threads: 1, deterministic: true },
      { build: 'simd', threads: 1 },
      /threads: 1 was asked for/,
    ],
    [{ threads: 2, simd: 'plain' }, { build: 'simd-threads', threads: 2 }, /'plain'.*2 threads/],
    [{ threads: 1000, deterministic: true }, { build: 'simd-threads', threads: 16 }, /16 threads/],
  ];
  for (const [options, expected, reason] of cases) {
    const engine = await createEngine(options);
    const found = await engine.info();
    assert.equal(found.build, expected.build);
    assert.equal(found.threads, expected.threads);
    assert.equal(found.relaxedSimd, false);
    assert.match(found.reason, reason);
    assert.equal(found.isolated, true);
    assert.ok(found.hardwareConcurrency >= 1);
    await engine.dispose();
  }
});

test('the version is the one of the package', async () => {
  const text = await readFile(join(ROOT, 'package.json'), 'utf8');
  assert.equal(VERSION, JSON.parse(text).version);
});

test('options are checked', async () => {
  for (const options of [
    { threads: 0 },
    { threads: 1.5 },
    { threads: '2' },
    { thread: 2 },
    { simd: 'fast' },
    { deterministic: 1 },
    { deterministic: true, simd: 'relaxed' },
    { wasmUrl: 3 },
  ]) {
    await assert.rejects(createEngine(/** @type {any} */ (options)), { code: 'E_CONFIG' });
  }
});

test('a missing or damaged .wasm is E_LOAD with its URL, and the next try may succeed', async () => {
  const options = { threads: 1, deterministic: true };
  const missing = pathToFileURL(join(folder, 'nowhere')).href;
  await assert.rejects(createEngine({ ...options, wasmUrl: missing }), {
    code: 'E_LOAD',
    message: /nowhere\/engine-simd\.wasm/,
  });
  const page = join(folder, 'page.wasm');
  await writeFile(page, '<!doctype html><title>404</title>');
  await assert.rejects(createEngine({ ...options, wasmUrl: pathToFileURL(page) }), {
    code: 'E_LOAD',
    message: /page\.wasm/,
  });
  const cut = join(folder, 'cut.wasm');
  const whole = await readFile(join(ROOT, 'dist/engine-simd.wasm'));
  await writeFile(cut, whole.subarray(0, whole.length >> 1));
  await assert.rejects(createEngine({ ...options, wasmUrl: cut }), { code: 'E_LOAD' });
  const engine = await createEngine({ ...options, wasmUrl: join(ROOT, 'dist') });
  await engine.dispose();
});

test('threads that do not start in time give one thread, and say so', async () => {
  const engine = await createEngine(/** @type {any} */ ({ threads: 16, threadTimeout: 1 }));
  const found = await engine.info();
  if (found.threads === 1) assert.match(found.reason, /did not start within/);
  await engine.dispose();
});

test('the shared engine: init once, dispose, and again', async () => {
  assert.equal((await init({ threads: 1, deterministic: true })).threads, 1);
  await assert.rejects(init({ threads: 2 }), { code: 'E_STATE' });
  assert.equal((await init()).threads, 1);
  await dispose();
  await dispose();
  assert.equal((await init({ threads: 2, deterministic: true })).threads, 2);
  assert.equal((await info()).threads, 2);
  await dispose();
  await assert.rejects(init({ wasmUrl: join(folder, 'nowhere') }), { code: 'E_LOAD' });
  await init({ threads: 1 });
  await dispose();
});

/**
 * A worker that is the real one until it is asked to predict.
 *
 * @param {string} death JavaScript
 */
const mortal = (death) => `
  import { parentPort } from 'node:worker_threads';
  await import(${JSON.stringify(new URL('../../dist/worker.node.js', import.meta.url).href)});
  parentPort.on('message', ({ method }) => {
    if (method === 'model.predict') ${death};
  });
`;
const DEATHS = { throw: "throw new Error('out of luck')", exit: 'process.exit(3)' };

for (const [death, code] of Object.entries(DEATHS)) {
  test(`a worker that dies (${death}) settles every call with E_WORKER`, async () => {
    const file = join(folder, `${death}.mjs`);
    await writeFile(file, mortal(code));
    const engine = await createEngine({ threads: 2, workerUrl: file });
    const model = await engine.sequential(denseLayers());
    await model.compile(FROM_LOGITS);
    const x = new Float32Array(400);
    const fitting = model.fit(x, new Int32Array(100), { epochs: 1_000_000 });
    const failing = assert.rejects(fitting, { code: 'E_WORKER', message: /worker failed/ });
    await assert.rejects(model.predict(x), { code: 'E_WORKER' });
    await failing;
    assert.equal(engine.alive, false);
    await assert.rejects(engine.info(), { code: 'E_WORKER' });
    await model.dispose();
    await engine.dispose();
    const next = await createEngine({ threads: 1 });
    await next.dispose();
  });
}

test('a worker that dies at its start, or is not there', async () => {
  const file = join(folder, 'start.mjs');
  await writeFile(file, 'process.exit(3);');
  await assert.rejects(createEngine({ workerUrl: file }), { code: 'E_WORKER' });
  const nowhere = join(folder, 'nowhere.mjs');
  await assert.rejects(createEngine({ workerUrl: nowhere }), { code: 'E_WORKER' });
});

/** @param {string} body @returns {Promise<{ stdout: string, stderr: string }>} */
function script(body) {
  const text = `
    import { dispose, layers, sequential, init } from 'tabgrad';
    ${body}
  `;
  return run(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: ROOT,
    timeout: 20_000,
  });
}

const TRAIN = `
  const model = await sequential([layers.dense({ units: 2, inputShape: [3] })]);
  model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
  await model.fit(new Float32Array(30), new Int32Array(10), { epochs: 3 });
  await model.predict(new Float32Array(3));
`;

for (const [name, body] of [
  ['that trains, without dispose', TRAIN],
  ['that trains, with dispose', `${TRAIN} await dispose();`],
  ['with one thread', `await init({ threads: 1 }); ${TRAIN}`],
  ['that only imports', ''],
]) {
  test(`a script ${name} ends by itself and prints nothing`, async () => {
    assert.deepEqual(await script(body), { stdout: '', stderr: '' });
  });
}

test('a call in progress keeps the script alive', async () => {
  const { stdout } = await script(`
    const model = await sequential([layers.dense({ units: 2, inputShape: [3] })]);
    model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
    model.fit(new Float32Array(30), new Int32Array(10), { epochs: 2000 }).then(
      ({ epoch }) => process.stdout.write(String(epoch.length)));
  `);
  assert.equal(stdout, '2000');
});
