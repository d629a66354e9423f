/** The program in README.md runs as printed, but for fewer epochs and images. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { runScript } from './run-script.mjs';

it('the program of the README trains and saves', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const program = /```js\n([^]*?)```/.exec(readme)?.[1];
  assert.ok(program, 'README.md holds a program');
  assert.ok(program.trim().split('\n').length <= 15, 'it has at most 15 lines');
  const short = program.replace('epochs: 5', 'epochs: 1, count: 320');
  assert.notEqual(short, program, 'the test shortens the training');

  const folder = await mkdtemp(join(tmpdir(), 'tabgrad-readme-'));
  try {
    // Outside the package its own name does not resolve, so the copy names the file.
    const library = import.meta.resolve('tabgrad');
    const script = join(folder, 'program.mjs');
    await writeFile(script, short.replace("'tabgrad'", `'${library}'`));
    const { code, output } = await runScript(script, [], { cwd: folder });
    assert.equal(code, 0, output);
    assert.match(output, /test accuracy \d+\.\d\d %/);
    assert.ok((await stat(join(folder, 'model.safetensors'))).size > 100_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});
