/**
 * npm start: from a fresh clone to the page that trains on CIFAR-10.
 *
 * node wasm-build/start.mjs [--port 5173] [--host localhost] [--no-isolation]
 *   --no-isolation  serve without COOP/COEP, as most hosts do: the engine then works on one thread
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureData, ensurePackagesOfLock, requireNode } from './bootstrap.mjs';
import { UserError, main } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '5173' },
        host: { type: 'string', default: 'localhost' },
        'no-isolation': { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new UserError(`--port takes a number from 0 to 65535, not "${values.port}".`);
    }
    return { port, host: values.host, isolation: !values['no-isolation'] };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${/** @type {Error} */ (error).message.replace(/\.?$/, '.')} Options: --port <number>, --host <name>, --no-isolation.`,
    );
  }
}

await main(async () => {
  requireNode();
  const { port, host, isolation } = readOptions();
  await ensurePackagesOfLock();
  const { build } = await import('./build.mjs');
  await build();
  await ensureData();

  // Read by headers.mjs, which the page's Vite configuration imports.
  if (!isolation) process.env.TABGRAD_NO_ISOLATION = '1';
  const { createServer } = await import('vite');
  try {
    const server = await createServer({
      configFile: join(ROOT, 'web/demo/vite.config.js'),
      // A taken port is an error that names it: another port would be another page than the one bookmarked.
      server: { port, host, strictPort: true },
    });
    await server.listen();
    const address = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0];
    console.log(
      `tabgrad is at ${address}${isolation ? '' : ' (without isolation: one thread)'}. Ctrl+C stops it.`,
    );
  } catch (error) {
    throw new UserError(
      `The page cannot be served: ${/** @type {Error} */ (error).message} (--port chooses another port).`,
    );
  }
});
