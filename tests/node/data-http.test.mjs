/** URLs, against a server on the loopback interface. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { loadCifar10 } from '../../web/lib/data/cifar10.js';
import { entriesOf, rejects, sinks, smallDataSet, tar, tarGz } from './data-fixtures.mjs';

const { contents, files } = smallDataSet();
const archive = await tarGz(entriesOf(contents));
const plain = await tar(entriesOf(contents));
const wrong = new Map(contents).set('test_batch.bin', contents.get('test_batch.bin').slice());
wrong.get('test_batch.bin')[99] ^= 4;

let base = '';
const server = createServer((request, response) => {
  const [, kind, name] = new URL(request.url ?? '', 'http://x').pathname.split('/');
  const bytes = /** @type {any} */ ({ ok: contents, wrong })[kind]?.get(name);
  if (kind === 'cut') {
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, archive.length / 2));
    setTimeout(() => response.destroy(), 20);
  } else if (kind === 'hang') {
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, 1000));
  } else if (kind === 'encoded') {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': archive.length });
    response.end(archive);
  } else if (kind === 'page') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><p>Sign in to this network');
  } else if (name === 'small.tar.gz') {
    response.writeHead(200, { 'content-length': archive.length });
    response.end(archive);
  } else if (bytes) {
    response.end(bytes);
  } else {
    response.writeHead(404);
    response.end('<html>not here</html>');
  }
});

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  base = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const load = (/** @type {any} */ source, used = sinks(), /** @type {object} */ more = {}) =>
  loadCifar10(source, used, { files, ...more });

test('archive and base URLs load, with known totals', async () => {
  const sources = [`${base}/ok/small.tar.gz?x=1#y`, new URL(`${base}/ok/`), `${base}/ok`];
  for (const source of sources) {
    const used = sinks();
    /** @type {any[]} */
    const seen = [];
    await load(source, used, { onProgress: (/** @type {any} */ p) => seen.push(p) });
    assert.equal(used.train.written + used.test.written, 18);
    assert.equal(seen.at(-1).loaded, seen.at(-1).total);
  }
});

test('an archive that is unpacked on its way has no total', async () => {
  const used = sinks();
  /** @type {any[]} */
  const seen = [];
  await load(`${base}/encoded/small.tar.gz`, used, {
    onProgress: (/** @type {any} */ p) => seen.push(p),
  });
  assert.equal(used.train.written, 12);
  assert.deepEqual(seen.at(-1), { phase: 'load', loaded: plain.length, total: undefined });
});

test('HTTP errors name the URL and the status', async () => {
  for (const source of [`${base}/none/x.tar.gz`, `${base}/none`]) {
    const used = sinks();
    await rejects(load(source, used), 'E_LOAD', /127\.0\.0\.1:.*none.*404, expected 200/, used);
  }
});

test('a server that does not answer', async () => {
  const error = await rejects(load('http://127.0.0.1:9/x.tar.gz'), 'E_LOAD', /did not answer/);
  assert.ok(error.cause instanceof Error);
});

test('a page in place of the archive', async () => {
  await rejects(load(`${base}/page/x.tar.gz`), 'E_GZIP', /looks like an HTML page/);
});

test('a body cut short', async () => {
  const used = sinks();
  await rejects(load(`${base}/cut/x.tar.gz`, used), 'E_LOAD', /broke off/, used);
});

test('other content than the official one', async () => {
  const used = sinks();
  await rejects(load(`${base}/wrong`, used), 'E_CHECKSUM', /test_batch\.bin: SHA-256/, used);
});

test('abort while the server hangs', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 60);
  const start = performance.now();
  const used = sinks();
  const { signal } = controller;
  await rejects(load(`${base}/hang/x.tar.gz`, used, { signal }), 'E_ABORTED', undefined, used);
  assert.ok(performance.now() - start < 260);
});
