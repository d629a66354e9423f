/**
 * npm run format: prettier for everything it knows, clang-format for C.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from './apt.mjs';
import { formatC } from './c-format.mjs';
import { main, run } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await main(async () => {
  await ensurePackages([{ name: 'clang-format-19', file: '/usr/bin/clang-format-19' }], {
    why: 'lay out C',
  });
  await formatC({ check: false });
  await run(
    process.execPath,
    [join(ROOT, 'node_modules/prettier/bin/prettier.cjs'), '--write', '--log-level=warn', '.'],
    {
      cwd: ROOT,
      what: 'prettier',
    },
  );
});
