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
  const { page, close } = await openPage(path);
  try {
    return await use(page);
  } finally {
    await close();
  }
}

/**
 * @typedef {object} OpenPage
 * @property {import('playwright-core').Page} page
 * @property {string} version of the browser
 * @property {() => Promise<void>} close ends browser and server
 *
 * @typedef {object} PageOptions
 * @property {Record<string, string>} [mounts] further folders by the path they are served under, both with / at their end
 * @property {number} [processors] that the page and its workers believe to have
 */

/**
 * A page in a browser of its own.
 *
 * @param {string} path
 * @param {PageOptions} [options]
 * @returns {Promise<OpenPage>}
 */
export async function openPage(path, { mounts = {}, processors } = {}) {
  const server = await serve({ ...mounts, '/': ROOT });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  /** @type {import('playwright-core').Browser | undefined} */
  let browser;
  const close = async () => {
    await browser?.close();
    server.close();
  };
  try {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: FLAGS,
    });
    const page = await browser.newPage();
    if (processors !== undefined) {
      await page.addInitScript((count) => {
        Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => count });
      }, processors);
    }
    await page.goto(`http://localhost:${port}/${path}`);
    return { page, version: browser.version(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * @param {Record<string, string>} mounts folders by path, the first that fits counts
 * @returns {Promise<import('node:http').Server>} an empty page at /, the folders' files below it
 */
async function serve(mounts) {
  const server = createServer(async (request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/')
      return response.setHeader('Content-Type', 'text/html').end('<!doctype html>');
    const [mount, folder] = Object.entries(mounts).find(([start]) =>
      pathname.startsWith(start),
    ) ?? ['/', ROOT];
    const path = normalize(join(folder, decodeURIComponent(pathname.slice(mount.length))));
    if (!path.startsWith(folder.endsWith(sep) ? folder : folder + sep))
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
