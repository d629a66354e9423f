/**
 * Serves CIFAR-10 from the cache folder at data/cifar10/, where the page looks for it. A built page
 * on a static host has no such route and starts with the sample.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../wasm-build/cache.mjs';

const ROUTE = /\/data\/cifar10\/((?:data_batch_[1-5]|test_batch)\.bin)(?:\?.*)?$/;

/** @typedef {import('vite').Connect.NextHandleFunction} Handler */

/** @type {Handler} */
async function serve(request, response, next) {
  const path = request.url ?? '';
  if (!path.includes('/data/cifar10/')) return next();
  const name = ROUTE.exec(path)?.[1];
  const file = name ? join(cacheFolder('cifar10'), name) : '';
  const size = name
    ? await stat(file).then(
        (found) => found.size,
        () => -1,
      )
    : -1;
  if (size < 0) {
    // Without this the dev server would answer with its index page.
    response.statusCode = 404;
    response.end('Not here: npm start puts CIFAR-10 into the cache folder.');
    return;
  }
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Content-Length', size);
  if (request.method === 'HEAD') response.end();
  else createReadStream(file).pipe(response);
}

/** @returns {import('vite').Plugin} */
export function serveCifar() {
  return {
    name: 'tabgrad-serve-cifar',
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use(serve),
  };
}
