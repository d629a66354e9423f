/** Callbacks of `fit`: when they are called, what they change, and what training ends with. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import {
  Callback,
  csvLogger,
  earlyStopping,
  history,
  lambdaCallback,
  learningRateScheduler,
  modelCheckpoint,
  reduceLROnPlateau,
  terminateOnNaN,
} from 'tabgrad/callbacks';
import { FROM_LOGITS, corners, denseLayers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {string} */
let folder;
before(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-callbacks-'));
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const { x, y } = corners(48);

/** @param {any} [options] */
async function net(options) {
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile({ ...FROM_LOGITS, ...options });
  return model;
}

/**
 * Replaces what is monitored, so that a test decides when it improves.
 *
 * @param {number[]} values
 */
const scripted = (values) =>
  lambdaCallback({
    onEpochEnd: (epoch, logs) => {
      logs.valLoss = values[epoch];
    },
  });

test('hooks come in order, in the order of the list, before the functions', async () => {
  /** @type {string[]} */
  const seen = [];
  class Spy extends Callback {
    onTrainBegin() {
      seen.push(`begin ${this.model === model}`);
    }
    onEpochBegin(/** @type {number} */ epoch) {
      seen.push(`epoch ${epoch} begins`);
    }
    onTrainBatchEnd(/** @type {number} */ batch) {
      seen.push(`batch ${batch}`);
    }
    onTestBegin() {
      seen.push('test begins');
    }
    onTestEnd(/** @type {any} */ logs) {
      seen.push(`test ${Object.keys(logs)}`);
    }
    onEpochEnd(/** @type {number} */ epoch, /** @type {any} */ logs) {
      logs.mine = epoch + 0.5;
      seen.push(`epoch ${epoch} ${Object.keys(logs)}`);
    }
    onTrainEnd() {
      seen.push('end');
    }
    onTrainError() {
      seen.push('error');
    }
  }
  const model = await net();
  const own = lambdaCallback({ onTrainEnd: () => seen.push('own end') });
  const result = await model.fit(x, y, {
    epochs: 2,
    batchSize: 24,
    validationSplit: 0.25,
    yieldEvery: 0,
    callbacks: [new Spy(), own],
    onEpochEnd: (epoch, logs) => seen.push(`function ${epoch} ${logs.mine}`),
  });
  const logs = 'loss,accuracy,valLoss,valAccuracy,mine';
  const epoch = (/** @type {number} */ n) => [
    `epoch ${n} begins`,
    ...['batch 0', 'batch 1', 'test begins', 'test loss,accuracy', `epoch ${n} ${logs}`],
    `function ${n} ${n}.5`,
  ];
  assert.deepEqual(seen, ['begin true', ...epoch(0), ...epoch(1), 'end', 'own end']);
  assert.deepEqual(result.history.mine, [0.5, 1.5]);
  seen.length = 0;
  await model.evaluate(x, y, { callbacks: [new Spy()] });
  assert.deepEqual(seen, ['test begins', 'test loss,accuracy']);
  await model.dispose();
});

test('an error of any hook ends training with it and with whole steps', async () => {
  const hooks = ['onTrainBegin', 'onEpochBegin', 'onTrainBatchEnd', 'onTestBegin', 'onTestEnd'];
  for (const hook of [...hooks, 'onEpochEnd', 'onTrainEnd']) {
    const model = await net();
    /** @type {unknown[]} */
    const told = [];
    const failing = {
      [hook]: () => {
        throw new RangeError(hook);
      },
      onTrainError: (/** @type {unknown} */ error) => {
        told.push(error);
        throw new Error('not the reason');
      },
    };
    const fit = { epochs: 3, validationSplit: 0.5, callbacks: [failing], yieldEvery: 0 };
    await assert.rejects(model.fit(x, y, fit), (error) => {
      assert.deepEqual(told, [error]);
      assert.equal(/** @type {Error} */ (error).message, hook);
      return true;
    });
    assert.equal(model.isTraining, false);
    await model.fit(x, y, { resume: true, validationSplit: 0.5 });
    await model.dispose();
  }
});

test('any hook can stop training, after the step in flight', async () => {
  /** @type {[string, number, number][]} hook, steps made, whole epochs */
  const cases = [
    ['onTrainBegin', 0, 0],
    ['onEpochBegin', 0, 0],
    ['onTrainBatchEnd', 1, 0],
    ['onTestBegin', 2, 0],
    ['onTestEnd', 2, 1],
    ['onEpochEnd', 2, 1],
  ];
  for (const [hook, steps, epochs] of cases) {
    const model = await net();
    let made = 0;
    let ended = 0;
    const callbacks = [
      { onTrainBatchEnd: () => made++, onTrainEnd: () => ended++ },
      lambdaCallback({ [hook]: () => model.stopTraining() }),
    ];
    const fit = { epochs: 3, batchSize: 24, validationData: /** @type {any} */ ([x, y]) };
    const { epoch, stopped } = await model.fit(x, y, { ...fit, yieldEvery: 0, callbacks });
    assert.deepEqual([made, epoch.length, stopped, ended], [steps, epochs, true, 1], hook);
    const straight = await net();
    for (const each of [model, straight]) await each.fit(x, y, { ...fit, resume: true });
    assert.equal(await weightHash(model), await weightHash(straight), hook);
    await model.dispose();
    await straight.dispose();
  }
});

test('earlyStopping ends after `patience` epochs without a change of minDelta', async () => {
  const values = [1, 0.8, 0.79, 0.85, 0.6, 0.7, 0.7, 0.7, 0.1];
  /** @type {[any, number | null, number | null][]} options, epoch of the stop, best epoch */
  const cases = [
    [{}, 3, 2],
    [{ patience: 1 }, 3, 2],
    [{ patience: 2 }, 6, 4],
    [{ patience: 2, minDelta: 0.05 }, 3, 1],
    [{ patience: 4 }, null, 8],
    [{ patience: 2, startFromEpoch: 5 }, 7, 5],
    [{ patience: 3, baseline: 0.5 }, 3, 2],
    [{ mode: 'max', patience: 1 }, 1, 0],
  ];
  for (const [options, stopped, best] of cases) {
    const model = await net();
    const stopping = earlyStopping(options);
    const { epoch, stopped: ended } = await model.fit(x, y, {
      epochs: values.length,
      callbacks: [scripted(values), stopping],
    });
    const text = JSON.stringify(options);
    assert.equal(stopping.stoppedEpoch, stopped, text);
    assert.equal(stopping.bestEpoch, best, text);
    assert.equal(ended, stopped !== null, text);
    assert.equal(epoch.length, (stopped ?? values.length - 1) + 1, text);
    await model.dispose();
  }
});

test('restoreBestWeights holds at every end: the last epoch, a stop, an abort, an error', async () => {
  const values = [3, 1, 2, 2.5, 2.5, 2.5];
  const controller = new AbortController();
  /** @type {[string, any, any][]} */
  const ends = [
    ['all epochs', {}, null],
    ['patience', { patience: 2 }, null],
    ['stopTraining', { at: (/** @type {any} */ model) => model.stopTraining() }, null],
    ['abort', { at: () => controller.abort() }, { code: 'E_ABORTED' }],
    [
      'an error',
      {
        at: () => {
          throw new RangeError('mine');
        },
      },
      { message: 'mine' },
    ],
  ];
  for (const [name, { at, patience = 50 }, error] of ends) {
    const model = await net();
    let best = '';
    const fitting = model.fit(x, y, {
      epochs: values.length,
      signal: name === 'abort' ? controller.signal : undefined,
      callbacks: [
        scripted(values),
        earlyStopping({ patience, restoreBestWeights: true }),
        lambdaCallback({
          onEpochEnd: async (epoch) => {
            if (epoch === 1) best = await weightHash(model);
            if (epoch === 3) await at?.(model);
          },
        }),
      ],
    });
    if (error) await assert.rejects(fitting, error, name);
    else await fitting;
    assert.equal(await weightHash(model), best, name);
    await model.dispose();
  }
});

test('a monitor that is not there is named', async () => {
  const model = await net();
  const callbacks = [earlyStopping()];
  await assert.rejects(model.fit(x, y, { callbacks }), {
    code: 'E_CONFIG',
    field: 'monitor',
    message: /earlyStopping: monitor 'valLoss' is not reported, only loss, accuracy/,
  });
  await model.dispose();
});

test('reduceLROnPlateau divides the rate, waits, cools down and stops at minLR', async () => {
  const values = [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
  const model = await net({ optimizer: optimizers.sgd({ learningRate: 0.08 }) });
  const { history: found } = await model.fit(x, y, {
    epochs: values.length,
    callbacks: [
      scripted(values),
      reduceLROnPlateau({ factor: 0.5, patience: 2, cooldown: 1, minLR: 0.015 }),
    ],
  });
  // Epoch 2 and, after one of cooling, each second epoch without improvement reduce the rate.
  const expected = [0.08, 0.08, 0.08, 0.04, 0.04, 0.02, 0.02, 0.02, 0.015, 0.015, 0.015, 0.015];
  assert.deepEqual(found.learningRate, expected);
  await model.dispose();
});

test('learningRateScheduler sets the rate of each epoch from its first step', async () => {
  const model = await net();
  const by = await net();
  /** @type {[number, number][]} */
  const asked = [];
  const { history: found } = await model.fit(x, y, {
    epochs: 3,
    batchSize: 16,
    callbacks: [
      learningRateScheduler(async (epoch, rate) => {
        asked.push([epoch, rate]);
        return 0.02 / (epoch + 1);
      }),
    ],
  });
  assert.deepEqual(asked, [
    [0, 0.001],
    [1, 0.02],
    [2, 0.01],
  ]);
  assert.deepEqual(found.learningRate, [0.02, 0.01, 0.02 / 3]);
  for (let epoch = 0; epoch < 3; epoch++) {
    await by.setLearningRate(0.02 / (epoch + 1));
    await by.fit(x, y, { initialEpoch: epoch, epochs: epoch + 1, batchSize: 16 });
  }
  assert.equal(await weightHash(model), await weightHash(by));
  const bad = learningRateScheduler(() => /** @type {any} */ ('fast'));
  await assert.rejects(model.fit(x, y, { callbacks: [bad] }), {
    code: 'E_CONFIG',
    message: /schedule must be a number, found 'fast'/,
  });
});

test('terminateOnNaN makes a loss that is not finite an ordinary end', async () => {
  const wild = [
    layers.dense({ units: 8, inputShape: [4], name: 'first' }),
    layers.dense({ units: 3, name: 'last' }),
  ];
  const make = async () => {
    const model = await engine.sequential(wild, { seed: 1 });
    const optimizer = optimizers.sgd({ learningRate: 1e20 });
    await model.compile({ loss: 'meanSquaredError', optimizer });
    return model;
  };
  const rows = Array.from(y, (label) => [+(label === 0), +(label === 1), +(label === 2)]);
  const model = await make();
  let ended = 0;
  const callbacks = [terminateOnNaN(), { onTrainEnd: () => ended++ }];
  const { stopped, error } = await model.fit(x, rows, { epochs: 50, batchSize: 8, callbacks });
  assert.equal(stopped, true);
  assert.equal(ended, 1);
  const { code, message } = /** @type {any} */ (error);
  assert.equal(code, 'E_NON_FINITE');
  assert.match(message, /step \d+: the .*\b(output|gradient) of layer '(first|last)'/);
  for (const { data } of await model.getWeights()) assert.ok(data.every(Number.isFinite));
  const bare = await make();
  await assert.rejects(bare.fit(x, rows, { epochs: 50, batchSize: 8 }), { code: 'E_NON_FINITE' });
  assert.equal(await weightHash(bare), await weightHash(model));
  const other = await make();
  const signal = AbortSignal.abort();
  await assert.rejects(other.fit(x, rows, { signal, callbacks: [terminateOnNaN()] }), {
    code: 'E_ABORTED',
  });
});

test('a loss that is not finite names the first layer whose output is not', async () => {
  const model = await engine.sequential(
    [
      layers.dense({ units: 8, inputShape: [4], activation: 'relu', name: 'first' }),
      layers.dense({ units: 8, name: 'second' }),
      layers.dense({ units: 3, name: 'last' }),
    ],
    { seed: 1 },
  );
  await model.compile({ ...FROM_LOGITS, optimizer: 'sgd' });
  const weights = await model.getWeights();
  for (const { name, data } of weights) if (name === 'second/kernel') data.fill(3e38);
  await model.setWeights(weights);
  const before = await weightHash(model);
  await assert.rejects(model.fit(x, y), {
    code: 'E_NON_FINITE',
    message: /step 0: the loss is -?nan, the output of layer 'second' is not finite/i,
  });
  assert.equal(await weightHash(model), before);
});

test('modelCheckpoint saves every epoch, the best, or every few batches', async () => {
  const values = [0.5, 0.7, 0.4, 0.6];
  const model = await net();
  const path = join(folder, 'e{epoch:2}-{valLoss:2}.safetensors');
  /** @type {string[]} */
  const hashes = [];
  /** @type {[number, number | undefined, number][]} */
  const got = [];
  const keep = (/** @type {Uint8Array} */ bytes, /** @type {any} */ { epoch, batch }) => {
    got.push([epoch, batch, bytes.length]);
  };
  await model.fit(x, y, {
    epochs: 4,
    batchSize: 16,
    yieldEvery: 0,
    callbacks: [
      scripted(values),
      modelCheckpoint({ filepath: path, saveBestOnly: true }),
      modelCheckpoint({ filepath: keep, saveFreq: 5, saveWeightsOnly: true }),
      modelCheckpoint({ filepath: join(folder, 'last') }),
      lambdaCallback({ onEpochEnd: async () => void hashes.push(await weightHash(model)) }),
    ],
  });
  const names = ['e01-0.50.safetensors', 'e03-0.40.safetensors', 'last'];
  assert.deepEqual((await readdir(folder)).sort(), names);
  for (const [name, epoch] of /** @type {const} */ ([
    [names[0], 0],
    [names[1], 2],
    ['last', 3],
  ])) {
    const loaded = await engine.load(join(folder, name));
    assert.equal(await weightHash(loaded), hashes[epoch], name);
    await loaded.fit(x, y, { epochs: 4, batchSize: 16, resume: true });
    assert.equal(await weightHash(loaded), hashes[3], `${name} goes on as if never interrupted`);
    await loaded.dispose();
  }
  const whole = (await model.save()).length;
  assert.deepEqual(
    got.map(([epoch, batch, length]) => [epoch, batch, length < whole / 2]),
    [
      [1, 1, true],
      [3, 0, true],
    ],
  );
  const bare = await engine.load(await model.save(undefined, { includeOptimizer: false }));
  assert.equal(await weightHash(bare), hashes[3]);
  await assert.rejects(bare.fit(x, y), { code: 'E_STATE' });
  await assert.rejects(
    model.fit(x, y, { callbacks: [modelCheckpoint({ filepath: join(folder, '{valAuc}') })] }),
    { code: 'E_CONFIG', field: 'filepath', message: /\{valAuc\}.*loss, accuracy/ },
  );
});

test('csvLogger writes lines to a file and to a function, and appends', async () => {
  const filename = join(folder, 'log.csv');
  const model = await net();
  /** @type {string[]} */
  const lines = [];
  const values = [1, 2, 3];
  const first = await model.fit(x, y, {
    epochs: 2,
    callbacks: [
      scripted(values),
      csvLogger({ filename }),
      csvLogger({ onLine: (line) => lines.push(line) }),
    ],
  });
  const { loss, accuracy } = first.history;
  const expected = [
    'epoch,accuracy,loss,valLoss',
    ...[0, 1].map((epoch) => `${epoch},${accuracy?.[epoch]},${loss[epoch]},${values[epoch]}`),
  ];
  assert.deepEqual(lines, expected);
  assert.equal(await readFile(filename, 'utf8'), `${expected.join('\n')}\n`);
  await writeFile(filename, expected.join('\n'));
  const then = await model.fit(x, y, {
    initialEpoch: 2,
    epochs: 3,
    callbacks: [csvLogger({ filename, append: true })],
  });
  const last = `2,${then.history.accuracy?.[0]},${then.history.loss[0]},NA`;
  assert.equal(await readFile(filename, 'utf8'), `${[...expected, last].join('\n')}\n`);
  await rm(filename);
  const callbacks = [csvLogger({ filename, append: true, separator: ';' })];
  await model.fit(x, y, { initialEpoch: 3, epochs: 4, callbacks });
  assert.match(await readFile(filename, 'utf8'), /^epoch;accuracy;loss\n3;/);
});

test('history keeps the epochs of a training that failed', async () => {
  const model = await net();
  const kept = history();
  const failing = {
    onEpochEnd: (/** @type {number} */ epoch) => {
      if (epoch === 2) throw new RangeError('mine');
    },
  };
  const callbacks = [kept, failing];
  await assert.rejects(model.fit(x, y, { epochs: 5, callbacks }), { message: 'mine' });
  assert.deepEqual(kept.epoch, [0, 1, 2]);
  assert.equal(kept.history.accuracy.length, 3);
});

test('the batch size changes from the next epoch on, and stays in the position', async () => {
  const model = await net();
  /** @type {number[]} */
  const batches = [];
  const fit = { epochs: 4, batchSize: 16, yieldEvery: 0 };
  await model.fit(x, y, {
    ...fit,
    callbacks: [
      {
        onEpochBegin: (/** @type {number} */ epoch) => {
          if (epoch === 1) model.setBatchSize(1000);
        },
      },
    ],
    onBatchEnd: (batch, _logs, { epoch }) => {
      if (epoch === 3 && batch === 1) model.stopTraining();
    },
    onEpochEnd: (epoch, _logs, progress) => {
      batches.push(progress.batches);
      if (epoch === 1) model.setBatchSize(20);
      if (epoch === 2) model.setBatchSize(12);
    },
  });
  assert.deepEqual(batches, [3, 1, 3]);
  await assert.rejects(model.fit(x, y, { ...fit, resume: true }), {
    code: 'E_STATE',
    field: 'batchSize',
    message: /batchSize 12, found 16/,
  });
  const { epoch } = await model.fit(x, y, { ...fit, batchSize: 12, resume: true });
  assert.deepEqual(epoch, [3]);
  assert.throws(() => model.setBatchSize(8), { code: 'E_STATE' });

  // The same by separate calls of fit.
  const other = await net();
  for (const [at, batchSize] of [16, 48, 20, 12].entries()) {
    await other.fit(x, y, { initialEpoch: at, epochs: at + 1, batchSize });
  }
  assert.equal(await weightHash(other), await weightHash(model));
});

test('wrong options are refused, naming field and found value', async () => {
  /** @type {[() => unknown, string, RegExp][]} */
  const cases = [
    [() => earlyStopping(/** @type {any} */ ({ patiance: 1 })), 'patiance', /'patience'/],
    [() => earlyStopping({ patience: -1 }), 'patience', /found -1/],
    [() => earlyStopping({ monitor: 'speed' }), 'mode', /'speed'.*'min' or 'max'/],
    [() => earlyStopping({ mode: /** @type {any} */ ('up') }), 'mode', /'up'/],
    [() => reduceLROnPlateau({ factor: 1 }), 'factor', /found 1/],
    [() => modelCheckpoint(/** @type {any} */ ({})), 'filepath', /found undefined/],
    [() => modelCheckpoint({ filepath: 'x', saveFreq: 0 }), 'saveFreq', /found 0/],
    [() => csvLogger({}), 'filename', /found undefined/],
    [() => csvLogger({ filename: 'a', onLine: () => {} }), 'filename', /not both/],
    [() => learningRateScheduler(/** @type {any} */ (0.1)), 'schedule', /found 0.1/],
    [() => lambdaCallback(/** @type {any} */ ({ onEpochend: 1 })), 'onEpochend', /'onEpochEnd'/],
  ];
  for (const [run, field, message] of cases) {
    assert.throws(run, { code: 'E_CONFIG', field, message }, field);
  }
  const model = await net();
  for (const callbacks of [{}, [null], [{ onEpochEnd: 1 }]]) {
    const options = /** @type {any} */ ({ callbacks });
    await assert.rejects(model.fit(x, y, options), { code: 'E_CONFIG', message: /found/ });
    await assert.rejects(model.evaluate(x, y, options), { code: 'E_CONFIG', message: /found/ });
  }
  assert.throws(() => new Callback().model, { code: 'E_STATE' });
});
