/** Each example in a short mode, as a child process: it says what it promises and ends by itself. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dataset, dispose } from 'tabgrad';
import { RECIPES } from '../../examples/pretrained/recipes.mjs';
import { runScript } from './run-script.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SHORT = ['--epochs', '2', '--limit', '640', '--threads', '2', '--seed', '3'];

const EXAMPLES = ['s1-cifar10-cnn.mjs', 's3-cat-or-not.mjs', 's4-dropout-cnn.mjs'];
const EPOCH =
  'loss \\d\\.\\d{4}, accuracy 0\\.\\d{4}, validation loss \\d\\.\\d{4}, validation accuracy 0\\.\\d{4}';

const SHORTEST = ['--epochs', '1', '--images', '300', '--seeds', '1'];

/** Examples of ways of learning, how many differences each tells, and options of its own. @type {[string, number, ...string[]][]} */
const WAYS = [
  ['active-learning', 1, '--each', '50', '--rounds', '2'],
  ['adversarial', 3],
  ['augmentation', 3],
  ['distillation', 1],
  ['ensemble', 1],
  ['gan', 1, '--filters', '4'],
  ['k-fold', 2],
  ['lora', 3],
  ['multi-task', 2],
  ['pseudo-labels', 1, '--few', '100'],
  ['self-supervised', 1],
  ['transfer', 3],
];

describe('examples', () => {
  for (const file of EXAMPLES) {
    it(`${file} trains two short epochs and prints its accuracy`, async () => {
      const { code, output } = await runScript(join(ROOT, 'examples', file), SHORT, { cwd: ROOT });
      assert.equal(code, 0, output);
      assert.match(output, new RegExp(`epoch 1: ${EPOCH}\\nepoch 2: ${EPOCH}\\n`));
      const accuracy = /test accuracy (\d+\.\d\d) %/.exec(output)?.[1];
      // 640 images teach little; far below chance would be a fault.
      assert.ok(Number(accuracy) > 8, output);
    });
  }

  // As published for ResNet-20; as counted by hand for the other.
  for (const [file, parameters] of [
    ['resnet20.mjs', /^272474 parameters and 1568 moving averages\n/],
    ['inception.mjs', /^32138 parameters\n/],
  ]) {
    it(`${file} has the right number of parameters, and its loss falls`, async () => {
      const script = join(ROOT, 'examples', String(file));
      const options = ['--epochs', '3', '--limit', '256', '--batch', '32', '--threads', '2'];
      const { output } = await runScript(script, options, { cwd: ROOT });
      assert.match(output, /** @type {RegExp} */ (parameters));
      const losses = [...output.matchAll(/^epoch \d: loss (\d\.\d{4})/gm)].map((found) =>
        Number(found[1]),
      );
      assert.equal(losses.length, 3, output);
      assert.ok(losses[2] < losses[0] - 0.2, output);
    });
  }

  it('explain.mjs draws maps of a picture, and SHAP values sum to the score', async () => {
    const script = join(ROOT, 'examples', 'explain.mjs');
    const { code, output } = await runScript(script, ['--samples', '400'], { cwd: ROOT });
    assert.equal(code, 0, output);
    for (const title of [
      'Grad-CAM',
      'saliency',
      'integrated gradients',
      'occlusion',
      'LIME',
      'SHAP',
    ]) {
      assert.match(
        output,
        new RegExp(`^${title}\n(.*\n)?\\d+ ms\n(.*\n){5,16}?.*[#%@]`, 'm'),
        title,
      );
    }
    const [, sum, gain] = /sum to (\S+), the score is (\S+) above/.exec(output) ?? [];
    assert.equal(sum, gain);
  });
  // Too short to show what each way does; that it runs and tells means and differences is what is tested.
  for (const [file, pairs, ...own] of WAYS) {
    it(`${file} compares ways of learning`, async () => {
      const script = join(ROOT, 'examples', `${file}.mjs`);
      const shortest = file === 'gan' ? SHORTEST : [...SHORTEST, '--test', '100'];
      const { code, output } = await runScript(script, [...shortest, ...own], { cwd: ROOT });
      assert.equal(code, 0, output);
      assert.match(output, /^seed 1: .*\d %\nmean of 1: .*\d %\n/m);
      const found = [...output.matchAll(/^(.+) against .+: [+-]\d+\.\d\d points, of one seed$/gm)];
      assert.equal(found.length, pairs, output);
      assert.doesNotMatch(output, /NaN/);
    });
  }

  it('tune.mjs searches in two processes, and repeats no trial when called again', async () => {
    const history = await mkdtemp(join(tmpdir(), 'tabgrad-tune-'));
    const script = join(ROOT, 'examples', 'tune.mjs');
    const options = ['--epochs', '3', '--trials', '8', '--history', history];
    try {
      const first = await runScript(script, options, { cwd: ROOT });
      assert.equal(first.code, 0, first.output);
      assert.match(first.output, /^best of 4 trials: {.*\n(.*\n)+importance/);
      assert.match(first.output, /best of 8 trials: .*\ntrial +accuracy +budget/);
      // Times and all: nothing was trained.
      const second = await runScript(script, options, { cwd: ROOT });
      assert.equal(second.output, first.output);
    } finally {
      await rm(history, { recursive: true });
    }
  });

  const SMALL = ['--epochs', '2', '--limit', '1280', '--threads', '2'];
  /** @param {string} file @param {string[]} options @returns {Promise<string>} */
  const outputOf = async (file, options) => {
    const { code, output } = await runScript(join(ROOT, 'examples', file), options, { cwd: ROOT });
    assert.equal(code, 0, output);
    return output;
  };
  /** The bytes that a line tells. @param {string} output @param {string} what */
  const bytesIn = (output, what) =>
    Number(new RegExp(`^${what}: .*?(\\d+) bytes`, 'm').exec(output)?.[1]);
  /** The accuracy that a line tells, in percent. @param {string} output @param {string} what */
  const accuracyIn = (output, what) =>
    Number(new RegExp(`^${what}: .*test accuracy (\\d+\\.\\d\\d) %`, 'm').exec(output)?.[1]);

  it('prune.mjs leaves a fifth of the weights and a quarter of the bytes', async () => {
    const output = await outputOf('prune.mjs', [...SMALL, '--pruning', '3']);
    assert.match(output, /epoch 1: loss \d\.\d+, 0\.00 % pruned\nepoch 2: .* 80\.00 % pruned/);
    assert.ok(bytesIn(output, 'pruned') < 0.26 * bytesIn(output, 'whole'), output);
    assert.ok(bytesIn(output, 'pruned, 8 bits') < 0.12 * bytesIn(output, 'whole'), output);
    assert.ok(accuracyIn(output, 'pruned') > accuracyIn(output, 'whole') - 5, output);
  });

  it('half-precision.mjs takes less memory and half the bytes, and trains as floats do', async () => {
    const output = await outputOf('half-precision.mjs', SMALL);
    const [floats, halves] = ['float32', 'bfloat16'].map((what) => `activations ${what}`);
    assert.ok(bytesIn(output, halves) < 0.7 * bytesIn(output, floats), output);
    assert.ok(Math.abs(accuracyIn(output, halves) - accuracyIn(output, floats)) < 4, output);
    for (const type of ['float16', 'bfloat16']) {
      const name = `weights ${type}`;
      assert.ok(bytesIn(output, name) < 0.52 * bytesIn(output, 'weights float32'), output);
      const off = accuracyIn(output, name) - accuracyIn(output, 'weights float32');
      assert.ok(Math.abs(off) < 1, output);
    }
  });

  it('quantization-aware.mjs is no worse than rounding afterwards', async () => {
    const output = await outputOf('quantization-aware.mjs', [...SMALL, '--aware', '1']);
    const after = accuracyIn(output, '8 bits, rounded afterwards');
    const trained = accuracyIn(output, '8 bits, trained for');
    assert.ok(trained >= after, output);
    assert.ok(bytesIn(output, '8 bits, trained for') < 0.3 * bytesIn(output, 'floats'), output);
  });

  it('cifar10-folders.mjs writes photos, and s2-folders.mjs trains on them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabgrad-photos-'));
    try {
      const few = [folder, '--classes', 'cat,dog', '--train', '3', '--test', '1'];
      const written = await outputOf('cifar10-folders.mjs', few);
      assert.match(written, /train.cat: 3 images\n.*train.dog: 3 images\n.*test.cat: 1 images\n/);
      const options = ['--folder', folder, '--epochs', '2', '--batch', '3', '--threads', '2'];
      for (const way of [[], ['--stream']]) {
        const output = await outputOf('s2-folders.mjs', [...options, ...way]);
        assert.match(output, /^6 and 2 photos of cat and dog\n/);
        assert.match(
          output,
          /\nepoch 2: loss \d\.\d{4}, accuracy [01]\.\d{4}, validation loss \d\.\d{4}/,
        );
        assert.match(output, /test accuracy \d+\.\d\d %, best of all epochs \d+\.\d\d %/);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    const script = join(ROOT, 'examples', 'cifar10-folders.mjs');
    const wrong = await runScript(script, [folder, '--classes', 'cow'], { cwd: ROOT });
    assert.match(wrong.output, /CIFAR-10 has airplane, .*, not 'cow'/);
  });

  it('s5-cnn224.mjs trains, and as it was written tells both numbers', async () => {
    const script = join(ROOT, 'examples', 's5-cnn224.mjs');
    const short = ['--epochs', '2', '--limit', '48', '--batch', '16', '--threads', '2'];
    const { code, output } = await runScript(script, short, { cwd: ROOT });
    assert.equal(code, 0, output);
    const losses = [...output.matchAll(/^epoch \d, step 3 of 3: loss (\d\.\d{4})/gm)];
    assert.equal(losses.length, 2, output);
    assert.ok(Number(losses[1][1]) < Number(losses[0][1]), output);
    assert.match(output, /\ntest accuracy \d+\.\d\d %\n$/);
    const literal = await runScript(script, [...short, '--literal', '1'], { cwd: ROOT });
    assert.notEqual(literal.code, 0);
    assert.match(literal.output, /ShapeError: .*flat.*3136 numbers, its input has 802816/);
  });

  it('an option that is not a number ends with an error that names it', async () => {
    const script = join(ROOT, 'examples', 's1-cifar10-cnn.mjs');
    const { code, output } = await runScript(script, ['--epochs', 'ten'], { cwd: ROOT });
    assert.notEqual(code, 0);
    assert.match(output, /--epochs must be a whole number, found 'ten'/);
  });
});

const CLASSES = Array.from({ length: 10 }, (_, i) => `class ${i}`);

describe('pretrained weights', () => {
  /** @type {[string, number][]} */
  const networks = [
    ['s1', 122_570],
    ['s4', 315_722],
  ];
  for (const [name, parameters] of networks) {
    it(`${name} is made with its cards, and an interrupted run goes on`, () =>
      interrupted(name, parameters));
  }

  it('every recipe takes a step of its training', async () => {
    const x = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i));
    for (const [name, recipe] of Object.entries(RECIPES)) {
      const model = await recipe.build(1);
      model.compile(recipe.compileOptions(2));
      const classes = await dataset({ x, y: [3, 8], shape: [32, 32, 3], classNames: CLASSES });
      const data = (await recipe.prepare?.(classes)) ?? classes;
      const fit = { ...recipe.fitOptions, batchSize: recipe.batchSize };
      const { history } = await model.fit(data, fit);
      assert.ok((history.loss[0] ?? NaN) > 1, name);
      await model.dispose();
      await data.dispose();
    }
    await dispose();
  });

  it('a recipe that does not exist is refused', async () => {
    const script = join(ROOT, 'examples', 'pretrained', 'make.mjs');
    const { code, output } = await runScript(script, ['constructor'], { cwd: ROOT });
    assert.notEqual(code, 0);
    assert.match(output, /Recipes are s1, s4.*found 'constructor'/);
  });

  /** @param {string} name @param {number} parameters */
  async function interrupted(name, parameters) {
    const out = await mkdtemp(join(tmpdir(), 'tabgrad-pretrained-'));
    const run = (/** @type {string} */ epochs) =>
      runScript(
        join(ROOT, 'examples', 'pretrained', 'make.mjs'),
        [
          name,
          '--epochs',
          epochs,
          '--limit',
          '640',
          '--out',
          out,
          '--checkpoints',
          join(out, 'checkpoints'),
        ],
        { cwd: ROOT },
      );
    try {
      const first = await run('1');
      assert.equal(first.code, 0, first.output);
      const second = await run('2');
      assert.equal(second.code, 0, second.output);
      assert.match(second.output, /epoch 1: .*\nepoch 2: /);

      const card = JSON.parse(await readFile(join(out, `${name}.json`), 'utf8'));
      assert.equal(card.testCount, 10_000);
      assert.equal(card.testCorrect, Math.round(card.testAccuracy * 10_000));
      assert.equal(card.testCorrectByBuild.plain, card.testCorrect);
      assert.equal(card.recipe.epochs, 2);
      assert.match(
        await readFile(join(out, `${name}.md`), 'utf8'),
        /\*\*Test accuracy \d+\.\d\d %\*\*/,
      );
      const curve = (await readFile(join(out, `${name}-curve.csv`), 'utf8')).trim().split('\n');
      assert.equal(curve.length, 3);
      assert.equal(card.parameters, parameters);
      // Four bytes a weight and a header; no optimizer state.
      const { size } = await stat(join(out, `${name}.safetensors`));
      assert.ok(size > 4 * parameters && size < 4 * parameters + 10_000, `${size} bytes`);
    } finally {
      await rm(out, { recursive: true });
    }
  }
});
