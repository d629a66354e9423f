/** Searches: what they draw, find, keep and go on from, in this process and in others. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  choice,
  compareRuns,
  hyperband,
  int,
  list,
  logUniform,
  parseHistory,
  randomSearch,
  regularizedEvolution,
  successiveHalving,
  uniform,
} from 'tabgrad/tuning';

/** @typedef {import('tabgrad/tuning').Run} Run */

const TRIALS = new URL('./tuning-trials.mjs', import.meta.url);

/** @type {string} */
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-tuning-'));
});
after(() => rm(folder, { recursive: true }));

/** A run without what a clock says. @param {readonly Run[]} runs */
const timeless = (runs) => runs.map(({ seconds: _, ...run }) => run);

const SPACE = {
  rate: logUniform(1e-4, 1),
  momentum: uniform(0, 1),
  units: int(8, 64, { step: 8 }),
  shape: { depth: int(1, 3), activation: choice(['relu', 'tanh']) },
  blocks: list({ kernel: choice([3, 5]), skip: choice([false, true]) }, { min: 1, max: 4 }),
};

/** Best at a rate of 0.01 and 32 units; momentum says nothing. @param {any} config */
const bowl = ({ rate, units }) => -((Math.log10(rate) + 2) ** 2) - ((units - 32) / 16) ** 2;

describe('spaces', () => {
  test('draws lie in their ranges and reach all of them', async () => {
    const { runs } = await randomSearch(bowl, SPACE, { trials: 400 });
    const all = (/** @type {(config: any) => any} */ of) => runs.map(({ config }) => of(config));
    const rates = all(({ rate }) => Math.log10(rate));
    assert.ok(Math.min(...rates) >= -4 && Math.max(...rates) <= 0);
    // Magnitudes are equally likely: a quarter of the draws each, within 5 standard deviations.
    for (const low of [-4, -3, -2, -1]) {
      const share = rates.filter((rate) => rate >= low && rate < low + 1).length;
      assert.ok(Math.abs(share - 100) < 43, `${share} of 400 from ${low}`);
    }
    const momenta = all(({ momentum }) => momentum);
    assert.ok(Math.min(...momenta) >= 0 && Math.min(...momenta) < 0.05);
    assert.ok(Math.max(...momenta) <= 1 && Math.max(...momenta) > 0.95);
    const units = new Set(all(({ units }) => units));
    assert.deepEqual(
      [...units].sort((a, b) => a - b),
      [8, 16, 24, 32, 40, 48, 56, 64],
    );
    assert.deepEqual(new Set(all(({ shape }) => shape.activation)), new Set(['relu', 'tanh']));
    assert.deepEqual([...new Set(all(({ blocks }) => blocks.length))].sort(), [1, 2, 3, 4]);
    assert.ok(
      all(({ blocks }) => blocks)
        .flat()
        .every(({ kernel }) => [3, 5].includes(kernel)),
    );
  });

  test('evolution changes one thing at a time, within the ranges', async () => {
    /** @type {string[]} */
    const changed = [];
    const { runs } = await regularizedEvolution(bowl, SPACE, {
      trials: 300,
      population: 10,
      sample: 3,
    });
    for (const { config, parent } of runs) {
      if (parent === undefined) continue;
      const old = runs[parent]?.config ?? {};
      /** @type {string[]} */
      const differs = [];
      for (const name of ['rate', 'momentum', 'units']) {
        if (config[name] !== old[name]) differs.push(name);
      }
      for (const name of ['depth', 'activation']) {
        if (config.shape[name] !== old.shape[name]) differs.push(name);
      }
      const [own, other] = [config.blocks, old.blocks];
      if (own.length !== other.length) {
        assert.equal(Math.abs(own.length - other.length), 1);
        differs.push('length');
        const [long, short] = own.length > other.length ? [own, other] : [other, own];
        const texts = long.map((/** @type {unknown} */ block) => JSON.stringify(block));
        const without = long.some(
          (/** @type {unknown} */ _, /** @type {number} */ i) =>
            JSON.stringify(long.toSpliced(i, 1)) === JSON.stringify(short),
        );
        assert.ok(without, String(texts));
      } else {
        own.forEach((/** @type {any} */ block, /** @type {number} */ i) => {
          for (const name of ['kernel', 'skip']) {
            if (block[name] !== other[i][name]) differs.push(name);
          }
        });
      }
      assert.equal(differs.length, 1, `${JSON.stringify(old)} → ${JSON.stringify(config)}`);
      changed.push(differs[0] ?? '');
      assert.ok(
        config.rate >= 1e-4 && config.rate <= 1 && config.momentum >= 0 && config.momentum <= 1,
      );
      assert.ok(config.units % 8 === 0 && config.units >= 8 && config.units <= 64);
      assert.ok(own.length >= 1 && own.length <= 4);
    }
    const kinds = ['rate', 'momentum', 'units', 'depth', 'activation', 'length', 'kernel', 'skip'];
    assert.deepEqual([...new Set(changed)].sort(), kinds.sort());
  });

  test('what is no space is refused by name', async () => {
    /** @type {[RegExp, () => unknown][]} */
    const wrong = [
      [/choice: values must be an array of at least one/, () => choice([])],
      [/choice: values\[1\] must be what JSON can hold, found NaN/, () => choice([1, NaN])],
      [/values\[0\].*found a function/, () => choice([() => 1])],
      [/uniform: low must be below high and both finite, found 2 and 1/, () => uniform(2, 1)],
      [/uniform: .* found 0 and Infinity/, () => uniform(0, Infinity)],
      [/uniform: low must be a number, found '1'/, () => uniform(/** @type {any} */ ('1'), 2)],
      [/logUniform: low must be above 0, found 0/, () => logUniform(0, 1)],
      [/int: low and high must be whole numbers.* 1.5 and 2/, () => int(1.5, 2)],
      [/int: .*step must be a whole number from 1/, () => int(1, 2, { step: 0 })],
      [/list: min must be at most max, found 3 and 2/, () => list(int(1, 2), { min: 3, max: 2 })],
      [/list: units must be made by/, () => list(/** @type {any} */ ({ units: 3 }), { max: 2 })],
      [/space must be an object of parameters/, () => randomSearch(bowl, /** @type {any} */ ([]))],
      [/space must be an object of parameters/, () => randomSearch(bowl, {})],
      [
        /units must be made by choice.*found 32/,
        () => randomSearch(bowl, /** @type {any} */ ({ units: 32 })),
      ],
    ];
    for (const [text, call] of wrong) {
      await assert.rejects(
        async () => call(),
        (/** @type {any} */ error) => {
          assert.equal(error.code, 'E_CONFIG', error.message);
          assert.match(error.message, text);
          return true;
        },
      );
    }
  });
});

describe('strategies', () => {
  test('random search finds the region of the optimum, with the same seed the same trials', async () => {
    const options = { trials: 200, seed: 5 };
    const { best, runs } = await randomSearch(bowl, SPACE, options);
    assert.ok(best && Number(best.score) > -0.1, JSON.stringify(best));
    assert.equal(best.score, Math.max(...runs.map(({ score }) => Number(score))));
    const again = await randomSearch(bowl, SPACE, options);
    assert.deepEqual(timeless(again.runs), timeless(runs));
    const other = await randomSearch(bowl, SPACE, { trials: 3, seed: 6 });
    assert.notDeepEqual(other.runs[0]?.config, runs[0]?.config);
    const least = await randomSearch((config) => ({ loss: -bowl(config) }), SPACE, {
      ...options,
      objective: 'loss',
    });
    assert.deepEqual(least.best?.config, best.config);
  });

  test('evolution climbs further than random search', async () => {
    /** Ones in a row of 24 choices: chance alone gets about 18 of 24 in 300 draws. @param {any} config */
    const ones = ({ bits }) => bits.filter((/** @type {number} */ bit) => bit === 1).length;
    const space = { bits: list(choice([0, 1]), { min: 24, max: 24 }) };
    const options = { trials: 300, seed: 1 };
    const random = await randomSearch(ones, space, options);
    const evolved = await regularizedEvolution(ones, space, {
      ...options,
      population: 20,
      sample: 5,
    });
    const brood = await regularizedEvolution(ones, space, { ...options, children: 4 });
    assert.ok(Number(evolved.best?.score) >= 22, `${evolved.best?.score}`);
    assert.ok(Number(brood.best?.score) >= 22, `${brood.best?.score}`);
    assert.ok(Number(random.best?.score) < Number(evolved.best?.score), `${random.best?.score}`);
    // The parent is never older than the population, and nobody's child is older than itself.
    for (const { trial, parent } of evolved.runs.slice(20)) {
      assert.ok(parent !== undefined && parent < trial && parent >= trial - 20);
    }
  });

  test('halving gives the best more budget, rung by rung', async () => {
    /** The optimum shows only with the budget. @param {any} config @param {{ budget: number }} context */
    const learner = ({ quality }, { budget }) => quality * (1 - Math.exp(-budget / 4));
    /** @type {import('tabgrad/tuning').TrialContext[]} */
    const contexts = [];
    const { best, runs } = await successiveHalving(
      (config, context) => {
        contexts.push(context);
        return learner(config, context);
      },
      { quality: uniform(0, 1) },
      { maxBudget: 27, factor: 3, seed: 2 },
    );
    assert.deepEqual(
      [0, 1, 2, 3].map((rung) =>
        runs.filter((run) => run.rung === rung).map(({ budget }) => budget),
      ),
      [Array(27).fill(1), Array(9).fill(3), [9, 9, 9], [27]],
    );
    const first = runs.filter(({ rung }) => rung === 0);
    const order = [...first].sort((a, b) => Number(b.score) - Number(a.score));
    const promoted = runs.filter(({ rung }) => rung === 1).map(({ origin }) => origin);
    assert.deepEqual(
      promoted,
      order.slice(0, 9).map(({ trial }) => trial),
    );
    assert.equal(best?.origin, order[0]?.trial);
    const last = contexts.find(({ budget }) => budget === 27);
    assert.deepEqual([last?.spent, last?.origin, last?.trial], [9, order[0]?.trial, 39]);
    assert.equal(last?.seed, first[Number(last?.origin)]?.seed);
    assert.equal(
      runs.reduce((sum, { budget }) => sum + budget, 0),
      4 * 27,
    );
  });

  test('Hyperband runs the brackets of its paper', async () => {
    const { runs, best } = await hyperband(
      ({ x }, { budget }) => -Math.abs(x - 0.5) + budget / 1000,
      { x: uniform(0, 1) },
      { maxBudget: 81, factor: 3 },
    );
    const table = [0, 1, 2, 3, 4].map((bracket) => {
      const own = runs.filter((run) => run.bracket === bracket);
      const rungs = [...new Set(own.map(({ rung }) => rung))];
      return rungs.map((rung) => {
        const each = own.filter((run) => run.rung === rung);
        return [each.length, each[0]?.budget];
      });
    });
    // Table 1 of Li et al. 2018, with ⌈5/4 · 27⌉ = 34 and ⌈5/2 · 3⌉ = 8 configurations.
    assert.deepEqual(table, [
      [
        [81, 1],
        [27, 3],
        [9, 9],
        [3, 27],
        [1, 81],
      ],
      [
        [34, 3],
        [11, 9],
        [3, 27],
        [1, 81],
      ],
      [
        [15, 9],
        [5, 27],
        [1, 81],
      ],
      [
        [8, 27],
        [2, 81],
      ],
      [[5, 81]],
    ]);
    assert.equal(best?.budget, 81);
  });
});

describe('histories', () => {
  const searches = {
    randomSearch: (/** @type {any} */ options, train = bowl) =>
      randomSearch(train, SPACE, { trials: 12, seed: 3, ...options }),
    successiveHalving: (/** @type {any} */ options, train = bowl) =>
      successiveHalving(train, SPACE, { maxBudget: 9, seed: 3, ...options }),
    hyperband: (/** @type {any} */ options, train = bowl) =>
      hyperband(train, SPACE, { maxBudget: 9, seed: 3, ...options }),
    regularizedEvolution: (/** @type {any} */ options, train = bowl) =>
      regularizedEvolution(train, SPACE, {
        trials: 14,
        population: 5,
        sample: 2,
        seed: 3,
        ...options,
      }),
  };

  for (const [name, search] of Object.entries(searches)) {
    test(`${name} goes on where it was ended, and repeats nothing`, async () => {
      const whole = await search({});
      const filename = join(folder, `${name}.jsonl`);
      for (let ended = 0; ended < whole.runs.length; ended += 5) {
        const control = new AbortController();
        /** @type {number[]} */
        const ran = [];
        const onTrial = (/** @type {Run} */ { trial }) => {
          ran.push(trial);
          if (ran.length === 5) control.abort();
        };
        const left = whole.runs.length - ended;
        const part = search({ filename, signal: control.signal, onTrial });
        if (left >= 5) await assert.rejects(part, { code: 'E_ABORTED' });
        else assert.deepEqual(timeless((await part).runs), timeless(whole.runs));
        const wanted = Array.from({ length: Math.min(5, left) }, (_, i) => ended + i);
        assert.deepEqual(ran, wanted);
      }
      const end = await search({ filename }, () => {
        throw new Error('a trial is repeated');
      });
      assert.deepEqual(timeless(end.runs), timeless(whole.runs));
      assert.deepEqual(
        timeless([end.best ?? end.runs[0]].flatMap((run) => run ?? [])),
        timeless([whole.best].flatMap((run) => run ?? [])),
      );
      const lines = (await readFile(filename, 'utf8')).trim().split('\n');
      assert.equal(lines.length, 1 + whole.runs.length);
    });
  }

  test('lines instead of a file, and more trials later', async () => {
    /** @type {string[]} */
    const lines = [];
    const onLine = (/** @type {string} */ line) => lines.push(line);
    const few = await searches.randomSearch({ trials: 4, onLine });
    assert.equal(lines.length, 5);
    const history = lines.join('\n');
    let ran = 0;
    const more = await searches.randomSearch({ trials: 6, history, onLine, onTrial: () => ran++ });
    assert.equal(ran, 2);
    assert.deepEqual(timeless(more.runs.slice(0, 4)), timeless(few.runs));
    const { head, runs } = parseHistory(lines.join('\n'));
    assert.equal(head?.strategy, 'randomSearch');
    assert.deepEqual(timeless(runs), timeless(more.runs));
    // Fewer than there are: those alone.
    assert.equal((await searches.randomSearch({ trials: 2, history })).runs.length, 2);
  });

  test('a history of another search and damaged ones are refused', async () => {
    /** @type {string[]} */
    const lines = [];
    await searches.randomSearch({
      trials: 3,
      onLine: (/** @type {string} */ line) => lines.push(line),
    });
    const history = lines.join('\n');
    const [head = '', first = '', second = ''] = lines;
    const changed = first.replace(/"units":\d+/, '"units":11');
    assert.notEqual(changed, first);
    /** @type {[string, RegExp, any][]} */
    const wrong = [
      ['E_CONFIG', /its seed is 3, not 4/, { history, seed: 4 }],
      ['E_CONFIG', /its settings is {"budget":1}, not {"budget":2}/, { history, budget: 2 }],
      ['E_CONFIG', /its objective is "score", not "loss"/, { history, objective: 'loss' }],
      [
        'E_FORMAT',
        /Line 3 of the history is not JSON/,
        { history: `${head}\n${first}\n{"trial":` },
      ],
      ['E_FORMAT', /Line 1 of the history is not the head/, { history: first }],
      ['E_FORMAT', /Line 2 of the history is not a trial/, { history: `${head}\n{"trial":-1}` }],
      ['E_FORMAT', /Line 2 of the history is not an object/, { history: `${head}\n[]` }],
      [
        'E_DUPLICATE',
        /Line 4 of the history has trial 0 again/,
        { history: [head, first, second, first].join('\n') },
      ],
      ['E_VERSION', /version 2/, { history: history.replace('"version":1', '"version":2') }],
      [
        'E_STATE',
        /trial 0 of the history has another configuration/,
        { history: `${head}\n${changed}` },
      ],
      ['E_CONFIG', /give filename or history, not both/, { history, filename: 'x' }],
      ['E_CONFIG', /history must be a text, found 3/, { history: 3 }],
      ['E_CONFIG', /objective must be a name/, { objective: 3 }],
      ['E_CONFIG', /whether 'speed' should grow is not known/, { objective: 'speed' }],
      ['E_CONFIG', /trials must be a whole number from 1/, { trials: 0 }],
      ['E_CONFIG', /no option 'trails'/, { trails: 3 }],
      ['E_CONFIG', /processes is 2; a function cannot leave/, { processes: 2 }],
      ['E_IO', /Could not write/, { filename: join(folder, 'no', 'such', 'folder.jsonl') }],
    ];
    for (const [code, text, options] of wrong) {
      await assert.rejects(
        searches.randomSearch({ trials: 3, ...options }),
        (/** @type {any} */ error) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, text);
          return true;
        },
      );
    }
    await assert.rejects(successiveHalving(bowl, SPACE, { maxBudget: 2, minBudget: 3 }), {
      message: /minBudget is 3, above maxBudget, which is 2/,
    });
    await assert.rejects(regularizedEvolution(bowl, SPACE, { population: 3 }), {
      message: /sample is 5, the population only 3/,
    });
    await assert.rejects(randomSearch(/** @type {any} */ (3), SPACE), {
      message: /train must be a function/,
    });
    await writeFile(join(folder, 'torn.jsonl'), `${head}\n${first}\n{"tri`);
    await assert.rejects(searches.randomSearch({ filename: join(folder, 'torn.jsonl') }), {
      code: 'E_FORMAT',
    });
  });
});

describe('trials', () => {
  test('one that fails is recorded, and the search goes on', async () => {
    const values = [1, 'throw', NaN, {}, 'text', 3];
    const { runs, best } = await randomSearch(
      (_, { trial, report }) => {
        report({ step: trial });
        const value = values[trial];
        if (value === 'throw') throw new RangeError('no luck');
        return value;
      },
      { x: uniform(0, 1) },
      { trials: values.length },
    );
    assert.deepEqual(
      runs.map(({ status }) => status),
      ['done', 'failed', 'failed', 'failed', 'failed', 'done'],
    );
    assert.deepEqual(
      runs.map(({ error }) => error?.message),
      [
        undefined,
        'no luck',
        'The objective is NaN.',
        "train gave no 'score', only .",
        "train must give a number or an object of numbers, found 'text'.",
        undefined,
      ],
    );
    assert.deepEqual(
      runs.map(({ error }) => error?.code),
      [undefined, null, 'E_NON_FINITE', 'E_CONFIG', 'E_TYPE', undefined],
    );
    assert.deepEqual(runs[1]?.reports, [{ step: 1 }]);
    assert.equal(best?.trial, 5);
    const none = await randomSearch(() => NaN, { x: uniform(0, 1) }, { trials: 2 });
    assert.equal(none.best, null);
  });

  test('an error of a function of the program ends the search with it', async () => {
    const failing = () => {
      throw new RangeError('mine');
    };
    for (const options of [{ onTrial: failing }, { onLine: failing }]) {
      await assert.rejects(randomSearch(bowl, SPACE, { trials: 3, ...options }), {
        message: 'mine',
      });
    }
  });

  test('real trainings find a learning rate that learns', async () => {
    const { train } = await import('./tuning-trials.mjs');
    const { best, runs } = await successiveHalving(
      train,
      { learningRate: logUniform(1e-5, 1) },
      { objective: 'loss', maxBudget: 9, factor: 3, seed: 1 },
    );
    assert.equal(runs.length, 13);
    assert.ok(
      Number(best?.score) < 0.3 && Number(best?.logs.accuracy) > 0.95,
      JSON.stringify(best),
    );
    assert.equal(best?.reports.length, 9);
    const { importance } = compareRuns(runs, { objective: 'loss' });
    assert.ok((importance.learningRate ?? NaN) > 0.5, JSON.stringify(importance));
  });
});

describe('processes', () => {
  test('as many as wanted; results do not depend on how many', async () => {
    const space = { learningRate: logUniform(1e-3, 1) };
    const options = { objective: 'accuracy', trials: 4, budget: 2, seed: 7 };
    const alone = await randomSearch(TRIALS, space, options);
    const filename = join(folder, 'processes.jsonl');
    /** @type {number[]} */
    const heard = [];
    const several = await randomSearch(TRIALS, space, {
      ...options,
      filename,
      processes: 2,
      onReport: (_, trial) => heard.push(trial),
    });
    assert.deepEqual(timeless(several.runs), timeless(alone.runs));
    assert.equal(heard.length, 8);
    assert.ok(alone.runs.every(({ status, reports }) => status === 'done' && reports.length === 2));
    const { train } = await import('./tuning-trials.mjs');
    const here = await randomSearch(train, space, options);
    assert.deepEqual(timeless(here.runs), timeless(alone.runs));

    const count = { does: choice(['count']), x: int(0, 9) };
    const pids = await randomSearch(TRIALS, count, { trials: 8, processes: 2 });
    const used = new Set(pids.runs.map(({ logs }) => logs.pid));
    assert.ok(used.size <= 2 && !used.has(process.pid), [...used].join());
    const bred = { trials: 12, population: 4, sample: 2, children: 2, seed: 3 };
    const [one, two] = await Promise.all(
      [1, 2].map((processes) => regularizedEvolution(TRIALS, count, { ...bred, processes })),
    );
    const configs = (/** @type {any} */ result) =>
      result.runs.map((/** @type {Run} */ run) => [run.config, run.score, run.parent]);
    assert.deepEqual(configs(two), configs(one));
  });

  test('a trial that throws or ends its process is recorded, others go on', async () => {
    const space = { does: choice(['throw', 'exit', 'count']), x: int(0, 9) };
    const { runs } = await randomSearch(TRIALS, space, { trials: 9, processes: 2, seed: 2 });
    const kinds = new Set(runs.map(({ config }) => config.does));
    assert.equal(kinds.size, 3);
    for (const { config, status, error, trial } of runs) {
      if (config.does === 'count') assert.equal(status, 'done');
      if (config.does === 'throw') assert.equal(error?.message, `trial ${trial} has no luck`);
      if (config.does === 'exit') {
        assert.equal(error?.code, 'E_WORKER');
        assert.match(error?.message ?? '', /ended with exit code 7/);
      }
    }
    const missing = await randomSearch(
      new URL('./nets.mjs', import.meta.url),
      { x: int(0, 1) },
      { trials: 1 },
    );
    assert.match(missing.runs[0]?.error?.message ?? '', /exports no function 'train'/);
  });

  test('a signal ends them, and the history keeps what ended', async () => {
    const filename = join(folder, 'ended.jsonl');
    const space = { does: choice(['wait', 'count']), x: int(0, 9) };
    const control = new AbortController();
    const search = () =>
      randomSearch(TRIALS, space, {
        trials: 8,
        processes: 2,
        seed: 4,
        filename,
        signal: control.signal,
        onReport: () => setTimeout(() => control.abort(new Error('enough')), 100),
      });
    await assert.rejects(search(), (/** @type {any} */ error) => {
      assert.equal(error.code, 'E_ABORTED');
      assert.equal(error.cause?.message, 'enough');
      return true;
    });
    const { head, runs } = parseHistory(await readFile(filename, 'utf8'));
    assert.equal(head?.strategy, 'randomSearch');
    assert.ok(runs.every(({ config, status }) => config.does === 'count' && status === 'done'));
    await assert.rejects(search(), { code: 'E_ABORTED' });
  });
});

test('a page searches with functions, one trial after the other', async () => {
  // The browser's build, which needs nothing of a page.
  const { href } = new URL('../../dist/tuning.js', import.meta.url);
  /** @type {typeof import('tabgrad/tuning')} */
  const page = await import(href);
  const { runs } = await page.randomSearch(bowl, SPACE, { trials: 3, seed: 3 });
  const { runs: same } = await randomSearch(bowl, SPACE, { trials: 3, seed: 3 });
  assert.deepEqual(timeless(runs), timeless(same));
  await assert.rejects(page.randomSearch('trials.mjs', SPACE), {
    code: 'E_UNSUPPORTED',
    message: /no processes: give train as a function/,
  });
});

test('runs side by side: table, best, and which parameters matter', async () => {
  const space = { rate: logUniform(1e-4, 1), kind: choice(['a', 'b', 'c']), noise: uniform(0, 1) };
  /** @param {any} config */
  const score = ({ rate, kind }) => -((Math.log10(rate) + 2) ** 2) - (kind === 'b' ? 0 : 1.5);
  /** @type {string[]} */
  const lines = [];
  const { runs, best } = await randomSearch(score, space, {
    trials: 300,
    onLine: (line) => lines.push(line),
  });
  const found = compareRuns(runs, { top: 3 });
  assert.deepEqual(found.best, best);
  const { rate = NaN, kind = NaN, noise = NaN } = found.importance;
  assert.ok(
    rate > kind && kind > 0.1 && noise < 0.03 && rate + kind < 1,
    JSON.stringify(found.importance),
  );
  const rows = found.table.split('\n');
  assert.equal(rows.length, 5);
  assert.match(rows[0] ?? '', /^trial +score +budget +time +rate +kind +noise$/);
  assert.match(rows[2] ?? '', new RegExp(`^${best?.trial} .* b +0\\.`));
  assert.deepEqual(compareRuns(lines.join('\n')).ranking, found.ranking);

  // A larger budget counts more than a better score, failures come last.
  /** @type {any[]} */
  const mixed = [
    { trial: 0, config: { x: 1 }, budget: 1, status: 'done', score: 9, seconds: 0 },
    { trial: 1, config: { x: 2 }, budget: 3, status: 'done', score: 5, seconds: 0 },
    { trial: 2, config: { x: 3 }, budget: 9, status: 'failed', score: null, seconds: 0 },
  ];
  const compared = compareRuns(mixed);
  assert.deepEqual(
    compared.ranking.map(({ trial }) => trial),
    [1, 0, 2],
  );
  assert.match(compared.table, /^2 +failed +9/m);
  assert.throws(() => compareRuns([]), { code: 'E_EMPTY' });
  assert.throws(() => compareRuns(/** @type {any} */ (3)), { code: 'E_TYPE' });
});
