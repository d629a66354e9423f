/** The built page as a static host serves it, the dev server, and the repository's plain files. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, createServer, preview } from 'vite';
import { isolationHeaders } from '../../../wasm-build/headers.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CONFIG = join(ROOT, 'web/demo/vite.config.js');

/** @typedef {{ url: string, close: () => Promise<void> }} Served */

/** @type {Promise<unknown> | undefined} once for each test file */
let built;

/**
 * Runs with the environment in which the configuration leaves the isolation headers away, or not.
 * @template Result
 * @param {boolean} isolated
 * @param {() => Promise<Result>} run
 */
async function withIsolation(isolated, run) {
  const before = process.env.TABGRAD_NO_ISOLATION;
  if (isolated) delete process.env.TABGRAD_NO_ISOLATION;
  else process.env.TABGRAD_NO_ISOLATION = '1';
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env.TABGRAD_NO_ISOLATION;
    else process.env.TABGRAD_NO_ISOLATION = before;
  }
}

/**
 * The page after `vite build`.
 * @param {{ isolated?: boolean }} [options] isolated: with COOP and COEP
 * @returns {Promise<Served>}
 */
export async function servePage({ isolated = true } = {}) {
  built ??= build({ configFile: CONFIG, logLevel: 'warn' });
  await built;
  return withIsolation(isolated, async () => {
    const server = await preview({ configFile: CONFIG, logLevel: 'warn', preview: { port: 0 } });
    return { url: server.resolvedUrls?.local[0] ?? '', close: () => server.close() };
  });
}

/** @returns {Promise<Served>} */
export async function serveDevelopment() {
  return withIsolation(true, async () => {
    const server = await createServer({
      configFile: CONFIG,
      logLevel: 'warn',
      server: { port: 0 },
    });
    await server.listen();
    return { url: server.resolvedUrls?.local[0] ?? '', close: () => server.close() };
  });
}

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * The checkout as plain files with COOP and COEP: the library without any bundler.
 * @returns {Promise<Served>}
 */
export async function serveFiles() {
  const server = createHttpServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const file = join(ROOT, path);
    const found = file.startsWith(ROOT) && (await stat(file).catch(() => null))?.isFile();
    response.writeHead(found ? 200 : 404, {
      ...isolationHeaders,
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    });
    if (found) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise((resolve) => server.listen(0, () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
