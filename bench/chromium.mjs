/** Opens pages of the checkout in Chromium, served with the headers that threads need, and measures in them. */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TYPES = new Map([
  ['.html', 'text/html'],
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
  ['.wasm', 'application/wasm'],
]);
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/**
 * @param {string} module below the checkout, such as 'bench/measure-training.mjs'
 * @param {string} name of its function; receives the library and `options`
 * @param {unknown} options
 * @returns {Promise<{ version: string, result: any }>}
 */
export async function runInChromium(module, name, options) {
  return withPage('', async (page) => {
    const result = await page.evaluate(
      async (call) => {
        const library = await import(call.library);
        const measuring = await import(call.module);
        return measuring[call.name](library, call.options);
      },
      { library: '/dist/index.js', module: `/${module}`, name, options },
    );
    return { version: page.context().browser()?.version() ?? '', result };
  });
}

/**
 * Opens a page of the checkout; browser and server end with `use`.
 *
 * @template Result
 * @param {string} path such as 'examples/page.html'; '' is an empty page
 * @param {(page: import('playwright-core').Page) => Promise<Result>} use
 * @returns {Promise<Result>}
 */
export async function withPage(path, use) {
  const server = await serve();
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/${path}`);
    return await use(page);
  } finally {
    await browser.close();
    server.close();
  }
}

/** @returns {Promise<import('node:http').Server>} an empty page at /, the checkout's files below it */
async function serve() {
  const server = createServer(async (request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(join(ROOT, decodeURIComponent(pathname)));
    if (pathname === '/')
      return response.setHeader('Content-Type', 'text/html').end('<!doctype html>');
    if (!path.startsWith(ROOT.endsWith(sep) ? ROOT : ROOT + sep))
      return response.writeHead(403).end();
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes) return response.writeHead(404).end();
    response.setHeader('Content-Type', TYPES.get(extname(path)) ?? 'application/octet-stream');
    return response.end(bytes);
  });
  await new Promise((resolve) => {
    server.listen(0, 'localhost', () => resolve(undefined));
  });
  return server;
}
