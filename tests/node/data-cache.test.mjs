/** The real data set: fetched once to the cache, verified, loaded, and made again when damaged. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { copyFile, mkdtemp, open, readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { loadCifar10 } from '../../web/lib/data/cifar10.js';
import { CIFAR10_FILES } from '../../web/lib/data/cifar10-facts.js';
import { cacheFolder } from '../../web/lib/data/node/cache-folder.js';
import { ensureCifar10 } from '../../web/lib/data/node/fetch-cifar10.mjs';
import { openPath } from '../../web/lib/data/node/open-path.js';
import { rejects, sinks, tarGz } from './data-fixtures.mjs';

/**
 * Mean and population deviation of each channel of samples [n, 32, 32, 3], scaled to 0 … 1.
 * @param {Uint8Array} samples
 */
function statistics(samples) {
  const sum = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let i = 0; i < samples.length; i += 3) {
    for (let c = 0; c < 3; c++) {
      sum[c] += samples[i + c];
      squares[c] += samples[i + c] ** 2;
    }
  }
  const n = samples.length / 3;
  const mean = sum.map((s) => s / n);
  const deviation = squares.map((s, c) => Math.sqrt(s / n - mean[c] ** 2));
  return { mean: mean.map(scaled), deviation: deviation.map(scaled) };
}
const scaled = (/** @type {number} */ value) => (value / 255).toFixed(4);

test('CIFAR-10 itself: labels, pixels, mean and deviation', async () => {
  const folder = await ensureCifar10();
  const used = sinks();
  // writeChunk of the recording sink scribbles over the loader's arrays: the loader must not care.
  const result = await loadCifar10(folder, used, { openPath });
  assert.deepEqual(result, { bytes: 184_380_000, train: 50_000, test: 10_000 });
  assert.deepEqual([...used.train.labels.subarray(0, 10)], [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
  assert.deepEqual([...used.test.labels.subarray(0, 10)], [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
  assert.deepEqual([...used.train.samples.subarray(0, 6)], [59, 62, 63, 43, 46, 45]);
  const counts = Array(10).fill(0);
  for (const label of used.train.labels) counts[label]++;
  assert.deepEqual(counts, Array(10).fill(5000));
  assert.deepEqual(statistics(used.train.samples), {
    mean: ['0.4914', '0.4822', '0.4465'],
    deviation: ['0.2470', '0.2435', '0.2616'],
  });
});

test('a second call returns at once, and the folder follows the environment', async () => {
  await ensureCifar10();
  const start = performance.now();
  await ensureCifar10();
  assert.ok(performance.now() - start < 200);
  const saved = { ...process.env };
  try {
    process.env.TABGRAD_CACHE = '/a';
    assert.equal(cacheFolder('x'), join('/a', 'x'));
    delete process.env.TABGRAD_CACHE;
    process.env.XDG_CACHE_HOME = '/b';
    assert.equal(cacheFolder('x'), join('/b', 'tabgrad', 'x'));
    delete process.env.XDG_CACHE_HOME;
    assert.match(cacheFolder('x'), /\.cache.tabgrad.x$/);
  } finally {
    for (const name of ['TABGRAD_CACHE', 'XDG_CACHE_HOME']) {
      if (name in saved) process.env[name] = saved[name];
      else delete process.env[name];
    }
  }
});

test('a damaged cache is made again, from an archive on a server', async () => {
  const real = await ensureCifar10();
  const folder = await mkdtemp(join(tmpdir(), 'tabgrad-test-'));
  const entries = [];
  for (const { name } of CIFAR10_FILES) {
    await copyFile(join(real, name), join(folder, name));
    entries.push({ name: `cifar-10-batches-bin/${name}`, body: await readFile(join(real, name)) });
  }
  // What is tested here is the path, not the packing.
  const archive = await tarGz(entries, { level: 0 });
  const server = createServer((request, response) => {
    if (request.url === '/none.tar.gz') response.writeHead(404).end();
    else if (request.url === '/cut.tar.gz') response.end(archive.subarray(0, 1e6));
    else response.writeHead(200, { 'content-length': archive.length }).end(archive);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const base = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
  const official = (/** @type {string} */ name, /** @type {object} */ more = {}) =>
    ensureCifar10({ folder, source: 'official', url: `${base}/${name}.tar.gz`, ...more });
  try {
    // Whole files without a stamp are verified, once.
    const phases = new Set();
    const onProgress = (/** @type {{ phase: string }} */ { phase }) => phases.add(phase);
    await official('none', { onProgress });
    assert.deepEqual([...phases], ['verify']);
    phases.clear();
    await official('none', { onProgress });
    assert.equal(phases.size, 0);

    const damaged = join(folder, 'data_batch_3.bin');
    const handle = await open(damaged, 'r+');
    await handle.write(Uint8Array.of(0xaa), 0, 1, 12345);
    await handle.close();
    await utimes(damaged, new Date(), new Date(Date.now() + 5000));
    await rejects(official('none'), 'E_LOAD', /404/);
    await rejects(official('cut'), 'E_GZIP');
    await rejects(official('good', { signal: AbortSignal.abort() }), 'E_ABORTED');
    const controller = new AbortController();
    const stop = (/** @type {{ loaded: number }} */ { loaded }) => {
      if (loaded > 1e7) controller.abort();
    };
    const { signal } = controller;
    await rejects(official('good', { signal, onProgress: stop }), 'E_ABORTED');
    await official('good', { onProgress });
    assert.ok(phases.has('download'));
    assert.deepEqual(await readFile(damaged), await readFile(join(real, 'data_batch_3.bin')));

    await rm(damaged);
    await official('good');
    assert.equal((await stat(damaged)).size, 30_730_000);
    const names = [...CIFAR10_FILES.map(({ name }) => name), 'verified.json'];
    assert.deepEqual((await readdir(folder)).sort(), names.sort(), 'nothing is left behind');
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});

test('arguments and folders that do not work', async () => {
  await rejects(
    ensureCifar10({ source: /** @type {any} */ ('ftp') }),
    'E_TYPE',
    /'auto', 'npm' or 'official'/,
  );
  await rejects(ensureCifar10({ folder: new URL(import.meta.url).pathname }), 'E_IO');
});
