/** A model as the program holds it: a handle, whose weights live in the engine. */

import { writeFile } from '#platform';
import { callsOf, outputsOf } from './architecture.js';
import { logsOf, readCompileOptions, toldOf } from './compile.js';
import { isStream, labelsAndOptions, withData, withDataOnce } from './call-data.js';
import { readCheckpoint } from './checkpoint-source.js';
import { readWeights } from './read-weights.js';
import { asyncDisposeSymbol, disposeSymbol } from './disposable.js';
import {
  AbortedError,
  BusyError,
  ConfigError,
  DisposedError,
  StateError,
  UnsupportedError,
  throwIfAborted,
} from './errors.js';
import { FitRun, iterateFit } from './fit.js';
import {
  FIT_OPTIONS,
  readCallbacks,
  readClassWeight,
  readFitOptions,
  splitForValidation,
} from './fit-options.js';
import { readGivenOutputs } from './given-outputs.js';
import { byLayer, readGradientOptions, readPlaces } from './inspect.js';
import { hyperparameterNames, isSchedule, plainRate } from './optimizers.js';
import {
  needBoolean,
  needFunction,
  needNumber,
  needOneOf,
  needSignal,
  needWhole,
  readOptions,
  wrongType,
} from './options.js';
import { readQuantizeOptions } from './quantize-options.js';
import { summarize, table } from './summary.js';
import { labelKind, takeSamples } from './take-samples.js';

/**
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./host-model.js').ModelFacts} ModelFacts
 * @typedef {import('./host-model.js').CompileConfig} CompileConfig
 * @typedef {import('./fit.js').History} History
 * @typedef {import('./fit.js').Logs} Logs
 * @typedef {import('./fit-options.js').FitOptions} FitOptions
 * @typedef {import('./tensors.js').WeightTensor} WeightTensor
 */

export class Model {
  #client;
  #facts;
  /** @type {CompileConfig | null} */
  #compiled;
  /** Settles when the engine has compiled; rejects with why it could not. */
  #compiling = Promise.resolve();
  /** @type {FitRun | null} */
  #run = null;
  #disposed = false;
  /** The learning rate, where it is a function. @type {import('./optimizers.js').RateFunction | null} */
  #rate = null;

  /**
   * Not for programs: use `sequential`, `model` or `load`.
   *
   * @param {Client} client
   * @param {ModelFacts} facts
   */
  constructor(client, facts) {
    this.#client = client;
    this.#facts = facts;
    this.#compiled = facts.compiled;
  }

  get name() {
    return this.#facts.name;
  }

  /** Drives initialisation, shuffling and dropout. */
  get seed() {
    return this.#facts.seed;
  }

  /** Of one sample; of the first input where there are several. */
  get inputShape() {
    return [...this.#facts.inputs[0].shape];
  }

  /** Of one sample; of the first output where there are several. */
  get outputShape() {
    return [...this.#facts.outputs[0].shape];
  }

  /**
   * The inputs, in the order in which samples are given: names ('input' where the first layer takes
   * samples without an input layer), and shapes of one sample.
   */
  get inputs() {
    return copyPlaces(this.#facts.inputs);
  }

  /** The layers whose values the model gives, in their order: names, and shapes of one sample. */
  get outputs() {
    return copyPlaces(this.#facts.outputs);
  }

  /**
   * The layers' options as plain data, with their names: `sequential` and layer builders take them
   * again, to make a model of some of them.
   *
   * @returns {import('./layers.js').Layer[]}
   */
  get layers() {
    return [...this.#facts.architecture.layers];
  }

  /**
   * How the layers are connected, as plain data: every call of a layer with the layer's number and
   * the numbers of the calls that it reads, and the calls whose values the model gives. In a model
   * whose first layer has `inputShape` that layer reads none.
   *
   * @returns {{ layers: import('./layers.js').Layer[],
   *   calls: { layer: number, inputs: number[] }[], outputs: number[] }}
   */
  get graph() {
    const { architecture } = this.#facts;
    const calls = callsOf(architecture).map(({ layer, inputs }) => ({
      layer,
      inputs: [...inputs],
    }));
    return { layers: this.layers, calls, outputs: [...outputsOf(architecture)] };
  }

  /** Not for programs: the worker it lives in. @returns {Client} */
  get client() {
    return this.#client;
  }

  /** Whether `quantize` made it: weights of 8 bits, for inference alone. */
  get isQuantized() {
    return this.#facts.quantized;
  }

  /** Whether `quantizeAware` made it: it trains for 8 bits. */
  get isQuantizationAware() {
    return this.#facts.aware;
  }

  /** Whether `fit` runs now. */
  get isTraining() {
    return this.#run !== null;
  }

  /**
   * Chooses loss, optimizer and metrics, with fresh optimizer state. Types and names are checked
   * at once. What only the engine can tell (a rate out of range, a loss that does not fit the
   * output) rejects the promise, and every later call that needs the loss.
   *
   * A quantised model takes loss and metrics, for `evaluate`; it has no optimizer.
   *
   * @param {import('./compile.js').CompileOptions} options
   * @returns {Promise<void>} need not be awaited
   * @throws {ConfigError} {HyperparameterError} {BusyError} {DisposedError} {UnsupportedError}
   */
  compile(options) {
    this.#check('compile');
    if (options?.optimizer !== undefined) this.#needFloats('compile: optimizer');
    if (options?.activationStorage !== undefined) this.#needFloats('compile: activationStorage');
    if (this.#run) throw new BusyError('compile: the model is in use by fit; wait for its end.');
    const config = readCompileOptions(options, this.#facts.outputs);
    const { schedule } = config.optimizer;
    if (schedule) {
      config.optimizer = { ...config.optimizer, schedule: plainRate(schedule) };
      this.#keepRate(schedule);
    }
    const before = this.#compiled;
    this.#compiled = config;
    this.#compiling = this.#client.call('model.compile', { id: this.#facts.id, config });
    this.#compiling.catch(() => {
      // Also keeps a compile that is not awaited from being an unhandled rejection.
      if (this.#compiled === config && !before) this.#compiled = null;
    });
    return this.#compiling;
  }

  /**
   * @overload
   * @param {Dataset | import('./data/stream.js').StreamSource} x
   * @param {FitOptions} [options]
   * @returns {Promise<History>}
   */
  /**
   * @overload
   * @param {unknown} x
   * @param {unknown} [y]
   * @param {FitOptions} [options]
   * @returns {Promise<History>}
   */
  /**
   * Trains. Resolves when all epochs are done or `stopTraining` was called.
   *
   * @param {unknown} x a `Dataset`, an array of samples (arrays.js), or samples that come while it trains: a
   *   `stream` of `tabgrad/data`, an iterable of `{ x, y }` or `[x, y]`, or a function of the epoch that gives one
   * @param {unknown} [y] the array's labels; with the others undefined, or already the options
   * @param {FitOptions} [options]
   * @returns {Promise<History>}
   * @throws {AbortedError} the signal fired or the model was disposed; the weights are those of
   *   the last whole step, and `resume: true` continues from there
   * @throws {BusyError} a fit of this model is running
   * @throws {NonFiniteError} data, loss or gradients; the weights are those of the last finite step
   * @throws {StateError} {ConfigError} {InputTypeError} {ShapeError} {LabelRangeError}
   *   {EmptyError} {LimitError} {OutOfMemoryError} with nothing changed
   */
  async fit(x, y, options) {
    this.#check('fit');
    this.#needFloats('fit');
    if (this.#run) throw new BusyError('fit: this model is training already; wait for its end.');
    const [labels, given] = labelsAndOptions(x, y, options, 'fit');
    const config = this.#needCompiled('fit');
    const { signal, callbacks, ...job } = readFitOptions(given);
    for (const each of callbacks) each.setModel?.(this);
    const run = new FitRun(
      callbacks,
      {
        told: toldOf(config, this.#facts.outputs),
        validation: job.validationData !== undefined || job.validationSplit > 0,
      },
      (event) => this.#rates(event),
    );
    const data = isStream(x) ? null : this.#take(x, labels, job, 'fit');
    if (data && job.stepsPerEpoch) {
      throw new ConfigError('fit: stepsPerEpoch belongs to streams; give count.', {
        field: 'stepsPerEpoch',
      });
    }
    const held = job.validationData;
    const validation =
      held &&
      this.#take(held.x, held.y, { sampleWeight: held.sampleWeight }, 'fit: validationData');
    this.#run = run;
    try {
      throwIfAborted(signal, 'fit');
      await this.#compiling;
      const train = (
        /** @type {any} */ whole,
        /** @type {AbortSignal | undefined} */ ends = signal,
      ) => {
        const [training, split] = splitForValidation(whole, job.validationSplit);
        if (!validation) return this.#start(run, job, training, split, ends);
        return withData(this.#client, validation, ends, (range) =>
          this.#start(run, job, training, range, ends),
        );
      };
      if (data) return await withData(this.#client, data, signal, train);
      return await this.#withStream(x, job, signal, 'fit', train);
    } catch (error) {
      if (!(error instanceof DisposedError) || (this.#client.alive && !this.#disposed)) throw error;
      throw new AbortedError('fit was aborted: the engine or the model was disposed.', {
        cause: error,
      });
    } finally {
      this.#run = null;
    }
  }

  /**
   * @template Result
   * @param {unknown} x a stream
   * @param {import('./fit-stream.js').StreamUse['job']} job
   * @param {AbortSignal | undefined} signal
   * @param {string} what
   * @param {(data: any, signal: AbortSignal) => Promise<Result>} run
   */
  async #withStream(x, job, signal, what, run) {
    const { withStream } = await import('./fit-stream.js');
    const use = { ...this.#facts, kind: labelKind(this.#receiver, 0), job, signal, what };
    return withStream(this.#client, x, use, run);
  }

  /**
   * @param {FitRun} run
   * @param {Omit<import('./fit-options.js').ReadFitOptions, 'signal' | 'callbacks'>} job
   * @param {import('./call-data.js').WireRange} data
   * @param {import('./call-data.js').WireRange | null} validation
   * @param {AbortSignal | undefined} signal
   */
  #start(run, job, data, validation, signal) {
    const {
      first: _f,
      count: _c,
      sampleWeight: _w,
      validationData: _d,
      stepsPerEpoch: _s,
      ...args
    } = job;
    return run.run(this.#client, { id: this.#facts.id, ...args, data, validation }, signal);
  }

  /**
   * Trains as an async iterator of batch and epoch ends. Leaving the loop ends training after the
   * step in flight; training waits while the loop's body runs.
   *
   * @param {unknown} x
   * @param {unknown} [y] as in `fit`
   * @param {FitOptions} [options] as in `fit`, without callbacks
   * @returns {AsyncGenerator<import('./fit.js').FitEvent, History, void>}
   */
  fitIterator(x, y, options) {
    const [labels, given] = labelsAndOptions(x, y, options, 'fitIterator');
    const names = FIT_OPTIONS.filter((name) => !name.startsWith('on'));
    const own = readOptions(given, names, { what: 'fitIterator' });
    return iterateFit(
      (callbacks) => this.fit(x, labels, { ...own, ...callbacks }),
      () => this.stopTraining(),
    );
  }

  /** Ends a running `fit` after the step in flight: it resolves with the epochs that were whole. */
  stopTraining() {
    this.#run?.stop();
  }

  /** Makes a running `fit` wait before its next slice. */
  pause() {
    this.#run?.pause(true);
  }

  /** Lets a paused `fit` go on. */
  resume() {
    this.#run?.pause(false);
  }

  /**
   * Changes the batch size of a running `fit`: from the next epoch on; in `onEpochBegin` from that
   * epoch on. Resuming in the middle of such an epoch needs this batch size.
   *
   * @param {number} value
   * @throws {ConfigError} {StateError} no fit is running
   */
  setBatchSize(value) {
    const where = { what: 'setBatchSize' };
    if (!this.#run) throw new StateError('setBatchSize: no fit is running; give batchSize to fit.');
    this.#run.setBatchSize(needWhole(value, 'batchSize', where, 1));
  }

  /**
   * Changes the learning rate, also during `fit`: from the next slice on, or in `onEpochEnd` from
   * the next epoch's first step. A number ends a schedule; a schedule, or a function of the step,
   * goes on with the step that the optimizer is at.
   *
   * @param {import('./optimizers.js').LearningRate} value
   * @throws {HyperparameterError} {StateError}
   */
  async setLearningRate(value) {
    this.#check('setLearningRate');
    this.#needFloats('setLearningRate');
    this.#needCompiled('setLearningRate');
    const scheduled = isSchedule(value);
    if (!scheduled) needNumber(value, 'learningRate', { what: 'setLearningRate' });
    await this.#compiling;
    if (!scheduled) {
      await this.#call('model.setHyperparameter', { name: 'learningRate', value });
      return;
    }
    this.#keepRate(value);
    await this.#call('model.setSchedule', { schedule: plainRate(value) });
  }

  /**
   * Changes another number of the optimizer, such as `weightDecay` or `clipNorm`, also during `fit`: from
   * the next slice on, or in `onEpochEnd` from the next epoch's first step.
   *
   * @param {string} name as in the optimizer's options; flags are 0 and 1, and what was null is 0
   * @param {number} value
   * @throws {ConfigError} it has no such option
   * @throws {HyperparameterError} out of range
   * @throws {StateError} the value needs other optimizer state: compile again
   */
  async setHyperparameter(name, value) {
    const where = { what: 'setHyperparameter' };
    this.#check(where.what);
    this.#needFloats(where.what);
    const { optimizer } = this.#needCompiled(where.what);
    needOneOf(name, hyperparameterNames(optimizer.type), 'name', where);
    if (name === 'learningRate') return this.setLearningRate(value);
    needNumber(value, name, where);
    await this.#compiling;
    await this.#call('model.setHyperparameter', { name, value });
  }

  /**
   * Changes options of a layer that no shape depends on: `kernelRegularizer`, `biasRegularizer`, the
   * `rate` of a dropout, the `stddev` of noise; also during `fit`: from the next slice on, or in `onEpochEnd` from the next
   * epoch's first step. Files keep them.
   *
   * @param {string} name the layer's
   * @param {Readonly<Record<string, unknown>>} options as its builder takes them; null ends a penalty
   * @throws {ConfigError} no such layer, or what cannot change, with nothing changed
   */
  async setLayerOptions(name, options) {
    const where = { what: 'setLayerOptions' };
    this.#check(where.what);
    this.#needFloats(where.what);
    if (typeof name !== 'string') throw wrongType(name, 'name', 'the name of a layer', where);
    const given = readOptions(options, Object.keys(Object(options)), where);
    await this.#call('model.setLayerOptions', { name, options: { ...given } });
  }

  /**
   * The learning rate of the next step.
   *
   * @returns {Promise<number>}
   * @throws {StateError}
   */
  async getLearningRate() {
    this.#check('getLearningRate');
    this.#needCompiled('getLearningRate');
    await this.#compiling;
    const { step, value } = await this.#call('model.learningRate');
    return value ?? this.#rateAt(step);
  }

  /**
   * The weights become their moving average (`useEma`), as when `fit` has done its last epoch.
   *
   * @returns {Promise<void>}
   * @throws {StateError} compiled without `useEma`, or no update yet
   * @throws {BusyError} during `fit`
   */
  async useAveragedWeights() {
    this.#check('useAveragedWeights');
    this.#needCompiled('useAveragedWeights');
    await this.#compiling;
    await this.#call('model.useAveragedWeights');
  }

  /**
   * One step on one batch.
   *
   * @param {unknown} x
   * @param {unknown} [y]
   * @param {{ first?: number, count?: number, sampleWeight?: unknown,
   *   classWeight?: Readonly<Record<number, number>> }} [options] which samples of `x`, default all,
   *   and their weights as in `fit`
   * @returns {Promise<Logs>} loss and metrics before the update
   */
  async trainOnBatch(x, y, options) {
    this.#check('trainOnBatch');
    this.#needFloats('trainOnBatch');
    const where = { what: 'trainOnBatch' };
    const [labels, given] = labelsAndOptions(x, y, options, where.what);
    const names = /** @type {const} */ (['first', 'count', 'sampleWeight', 'classWeight']);
    const own = readOptions(given, names, where);
    const classWeight = readClassWeight(own, where);
    this.#needCompiled(where.what);
    const taken = this.#take(x, labels, { ...own, classWeight }, where.what);
    await this.#compiling;
    /** Of the program's function of the learning rate. @type {{ error: unknown } | undefined} */
    let failure;
    const means = await withDataOnce(this.#client, taken, undefined, (data, transfer) => {
      const call = this.#client.begin(
        'model.trainOnBatch',
        { id: this.#facts.id, data, classWeight },
        {
          transfer,
          onEvent: (event) => {
            try {
              call.note(this.#rates(event));
              call.note({ type: 'ack' });
            } catch (error) {
              failure = { error };
              call.cancel();
            }
          },
        },
      );
      return call.result.catch((error) => {
        throw failure ? failure.error : error;
      });
    });
    return this.#logs(means);
  }

  /**
   * Loss and metrics without training, exact over the samples. During `fit` of the same model it
   * is answered between slices, with the weights of whole steps.
   *
   * @param {unknown} x a `Dataset`, an array of samples, or a stream, as in `fit`
   * @param {unknown} [y]
   * @param {{ batchSize?: number, first?: number, count?: number, sampleWeight?: unknown,
   *   signal?: AbortSignal, onProgress?: (progress: { done: number, total?: number }) => void,
   *   callbacks?: readonly import('./hooks.js').Hooks[] }} [options]
   *   batchSize default 32
   * @returns {Promise<Logs>}
   */
  async evaluate(x, y, options) {
    this.#check('evaluate');
    const where = { what: 'evaluate' };
    const [labels, given] = labelsAndOptions(x, y, options, where.what);
    const names = /** @type {const} */ ([
      'batchSize',
      'first',
      'count',
      'sampleWeight',
      'signal',
      'onProgress',
      'callbacks',
    ]);
    const own = readOptions(given, names, where);
    const callbacks = readCallbacks(own.callbacks, where);
    const batchSize = needWhole(own.batchSize ?? 32, 'batchSize', where, 1);
    const signal = needSignal(own.signal, 'signal', where);
    const onProgress = own.onProgress && needFunction(own.onProgress, 'onProgress', where);
    this.#needCompiled(where.what);
    throwIfAborted(signal, 'evaluate');
    const taken = isStream(x) ? null : this.#take(x, labels, own, where.what);
    await this.#compiling;
    for (const each of callbacks) {
      each.setModel?.(this);
      await each.onTestBegin?.();
    }
    const calling = { signal, job: true, onEvent: onProgress };
    const run = (/** @type {object} */ data, /** @type {object} */ more) =>
      this.#call('model.evaluate', { data, batchSize }, { ...calling, ...more });
    const means = taken
      ? await withDataOnce(this.#client, taken, signal, (data, transfer) => run(data, { transfer }))
      : await this.#withStream(
          x,
          { first: 0, validationSplit: 0, ...own },
          signal,
          'evaluate',
          (data, ends) => run(data, { signal: ends }),
        );
    const logs = this.#logs(means);
    for (const each of callbacks) await each.onTestEnd?.(logs);
    return logs;
  }

  /**
   * The model's outputs. Needs no `compile`, and like `evaluate` may run during `fit`.
   *
   * @param {unknown} x a `Dataset` or an array of samples
   * @param {{ batchSize?: number, first?: number, count?: number, signal?: AbortSignal,
   *   onProgress?: (progress: { done: number, total: number }) => void,
   *   out?: Float32Array | Float32Array[] }} [options] batchSize default 32; out is an array that is no longer
   *   needed, such as one that an earlier call gave (of several outputs an array of them): its memory is used
   *   again for this result, and it is empty afterwards, whether the call succeeds or not. It pays for
   *   megabytes of outputs
   * @template [Result=import('./inspect.js').Tensor]
   * @returns {Promise<Result>} a Float32Array, sample after sample, with `shape` [n, …outputShape];
   *   for a model of several outputs an array of them
   */
  async predict(x, options) {
    this.#check('predict');
    const where = { what: 'predict' };
    const names = /** @type {const} */ ([
      'batchSize',
      'first',
      'count',
      'signal',
      'onProgress',
      'out',
    ]);
    const own = readOptions(options, names, where);
    const batchSize = needWhole(own.batchSize ?? 32, 'batchSize', where, 1);
    const signal = needSignal(own.signal, 'signal', where);
    const onProgress = own.onProgress && needFunction(own.onProgress, 'onProgress', where);
    throwIfAborted(signal, 'predict');
    const taken = this.#take(x, undefined, own, where.what);
    return withDataOnce(this.#client, taken, signal, async (data, transfer) => {
      const out = readGivenOutputs(own.out, this.#facts.outputs, data.count);
      const given = [...(transfer ?? []), ...out];
      const calling = { signal, job: true, transfer: given, onEvent: onProgress };
      const args = { data, batchSize, out, tell: onProgress !== undefined };
      /** @type {ArrayBuffer[]} */
      const buffers = await this.#call('model.predict', args, calling);
      const outputs = buffers.map((buffer, index) => {
        const shape = [data.count, ...this.#facts.outputs[index].shape];
        return Object.assign(new Float32Array(buffer), { shape });
      });
      return /** @type {Result} */ (outputs.length === 1 ? outputs[0] : outputs);
    });
  }

  /**
   * What layers give for samples, as in predictions: the views behind feature maps.
   *
   * @param {unknown} x a `Dataset` or an array of samples
   * @param {{ layers: string | import('./inspect.js').LayerPlace
   *   | readonly (string | import('./inspect.js').LayerPlace)[], batchSize?: number, first?: number,
   *   count?: number, signal?: AbortSignal }} options layers: by name, or with `beforeActivation`;
   *   batchSize default 32
   * @returns {Promise<Record<string, import('./inspect.js').Tensor>>} by the layers' names, with
   *   `shape` [n, …]. Of a layer that is called again, its last call's
   * @throws {ConfigError} there is no such layer, or nothing was asked for
   */
  async activations(x, options) {
    this.#check('activations');
    this.#needFloats('activations');
    const where = { what: 'activations' };
    const names = /** @type {const} */ (['layers', 'batchSize', 'first', 'count', 'signal']);
    const own = readOptions(options, names, where);
    const places = readPlaces(own.layers, where);
    const taken = this.#take(x, undefined, own, where.what);
    const inspection = { places, source: null, weights: false, training: false };
    return (await this.#inspect(taken, inspection, own, where)).values;
  }

  /**
   * Gradients of the loss, or of what a layer gives, with respect to inputs, layers or weights. The
   * model stays as it is, and need not be in training.
   *
   * @param {unknown} x a `Dataset` or an array of samples
   * @param {unknown} [y] labels, for the gradient of the loss
   * @param {import('./inspect.js').GradientOptions} [options]
   * @returns {Promise<import('./inspect.js').Gradients>}
   * @throws {GraphError} the source does not depend on what gradients are wanted of
   * @throws {StateError} {ConfigError} {ShapeError} {UnsupportedError} for a quantised model
   */
  async gradients(x, y, options) {
    this.#check('gradients');
    this.#needFloats('gradients');
    const where = { what: 'gradients' };
    const names = /** @type {const} */ ([
      'of',
      'wrt',
      'training',
      'batchSize',
      'first',
      'count',
      'sampleWeight',
      'signal',
    ]);
    const own = readOptions(options, names, where);
    const ofLoss = own.of === undefined || own.of === 'loss';
    if (ofLoss) this.#needCompiled(where.what);
    else if (own.sampleWeight !== undefined) {
      throw new ConfigError(
        'gradients: sampleWeight weighs the loss; for a layer give of: { layer, seed }.',
        { field: 'sampleWeight' },
      );
    }
    const [labels] = ofLoss ? labelsAndOptions(x, y, {}, where.what) : [undefined];
    const taken = this.#take(x, labels, own, where.what);
    const inspection = readGradientOptions(own, this.#facts, taken.range.count, where);
    return this.#inspect(taken, inspection, own, where);
  }

  /**
   * @param {import('./call-data.js').TakenData} taken
   * @param {object} inspection
   * @param {{ batchSize?: unknown, signal?: unknown }} own
   * @param {import('./options.js').Where} where
   * @returns {Promise<import('./inspect.js').Gradients>}
   */
  async #inspect(taken, inspection, own, where) {
    const batchSize = needWhole(own.batchSize ?? 32, 'batchSize', where, 1);
    const signal = needSignal(own.signal, 'signal', where);
    throwIfAborted(signal, where.what);
    await this.#compiling;
    return withDataOnce(this.#client, taken, signal, async (data, transfer) => {
      const args = { data, batchSize, ...inspection };
      return byLayer(await this.#call('model.inspect', args, { signal, job: true, transfer }));
    });
  }

  /**
   * A model of its own that ends at some layers, with copies of this one's weights: the features of
   * a network, to look at or to train a new head on. It is not compiled.
   *
   * @param {{ outputs: string | readonly string[], name?: string }} options names of layers; name
   *   default this model's
   * @returns {Promise<Model>}
   * @throws {ConfigError} there is no such layer
   * @throws {UnsupportedError} for a quantised model
   */
  async subModel(options) {
    this.#check('subModel');
    this.#needFloats('subModel');
    const where = { what: 'subModel' };
    const { outputs, name = this.name } = readOptions(options, ['outputs', 'name'], where);
    const layers = readPlaces(outputs, where).map(({ layer }) => layer);
    if (typeof name !== 'string') throw wrongType(name, 'name', 'a string', where);
    const args = { layers, name: name.slice(0, 255) };
    return new Model(this.#client, await this.#call('model.subModel', args));
  }

  /**
   * Freezes layers or lets training change them again. It takes effect with the next `compile`, as
   * in Keras: training leaves weights of frozen layers as they are, and their batch normalisation
   * goes by its moving averages. Optimizer state is kept for the others alone.
   *
   * @param {boolean} trainable
   * @param {string | readonly string[]} [layers] names; default all
   * @returns {Promise<void>}
   * @throws {ConfigError} there is no such layer
   */
  async setTrainable(trainable, layers) {
    this.#check('setTrainable');
    this.#needFloats('setTrainable');
    const where = { what: 'setTrainable' };
    needBoolean(trainable, 'trainable', where);
    const names = layers === undefined ? null : readPlaces(layers, where).map(({ layer }) => layer);
    this.#facts = await this.#call('model.setTrainable', { layers: names, trainable });
  }

  /**
   * A copy of this model for inference in 8 bits: `predict`, `evaluate`, `summary`, `getWeights`,
   * `save` and `load` work as they do here, `fit` and all that changes weights is refused. This
   * model stays as it is; the copy is compiled as it is now.
   *
   * @param {import('./quantize-options.js').QuantizeOptions} [options] required, but for a model of `quantizeAware`,
   *   which has learnt its ranges and takes none
   * @returns {Promise<Model>}
   * @throws {NonFiniteError} a layer's output on the calibration samples; names the layer
   * @throws {LimitError} a layer sums more products than 32 bits hold; names the layer
   * @throws {UnsupportedError} the model is quantised already
   * @throws {ConfigError} {InputTypeError} {ShapeError} {EmptyError} {AbortedError}
   */
  async quantize(options) {
    this.#check('quantize');
    this.#needFloats('quantize');
    if (!this.isQuantizationAware) return this.#calibrate('quantize', options);
    readOptions(options, [], { what: 'quantize (ranges are learnt)' });
    await this.#compiling;
    return new Model(this.#client, await this.#call('model.quantize', { data: null }));
  }

  /**
   * A copy of this model that trains for 8 bits: its layers see kernels, and the values that `quantize` holds in
   * bytes, rounded as they will be, and gradients pass through that (straight-through estimator, Jacob et al. 2018,
   * arXiv:1712.05877). Ranges of values begin with those of the calibration samples and follow the batches as moving
   * averages (momentum 0.99). Compile it, train it some epochs with a small learning rate, then `await
   * aware.quantize()`. Its float weights have the names they have here, with a `range` for each value; files keep
   * all. This model stays as it is.
   *
   * @param {import('./quantize-options.js').QuantizeOptions} options as `quantize` takes them
   * @returns {Promise<Model>} not compiled
   * @throws {UnsupportedError} the model is quantised, or in training for it
   * @throws {NonFiniteError} {ConfigError} {InputTypeError} {ShapeError} {EmptyError} {AbortedError}
   */
  async quantizeAware(options) {
    this.#check('quantizeAware');
    this.#needFloats('quantizeAware');
    if (this.isQuantizationAware) {
      throw new UnsupportedError('quantizeAware: the model is in training for 8 bits already.');
    }
    return this.#calibrate('quantizeAware', options);
  }

  /**
   * @param {'quantize' | 'quantizeAware'} what
   * @param {unknown} options
   */
  async #calibrate(what, options) {
    const { calibration, range, percentile, signal } = readQuantizeOptions(options, what);
    throwIfAborted(signal, what);
    const taken = this.#take(calibration, undefined, range, `${what}: calibration`);
    await this.#compiling;
    const facts = await withData(this.#client, taken, signal, (data) =>
      this.#call(`model.${what}`, { data, percentile }, { signal, job: true }),
    );
    return new Model(this.#client, facts);
  }

  /**
   * Sets the kernels' weights of the smallest size to 0 and keeps them so while training goes on (magnitude pruning,
   * Han et al. 2015, arXiv:1506.02626), also when weights are set or averaged. The optimizer forgets what it kept for
   * them. May be called again, with any sparsity, also while `fit` runs: from the next slice on, or in `onEpochBegin`
   * from the epoch's first step (`gradualPruning` of `tabgrad/callbacks`). Files keep it; `save({ sparse: true })`
   * leaves the zeros out.
   *
   * @param {import('./prune-options.js').PruneOptions} options
   * @returns {Promise<import('./prune-options.js').PruneReport>}
   * @throws {ConfigError} no such layer, or none of them has a kernel; a sparsity outside of 0 ≤ s < 1
   * @throws {UnsupportedError} for a quantised model: prune, then quantize
   */
  async prune(options) {
    this.#check('prune');
    this.#needFloats('prune');
    const { readPruneOptions } = await import('./prune-options.js');
    return this.#call('model.prune', readPruneOptions(options));
  }

  /**
   * @overload
   * @param {{ print?: (text: string) => void, memory: true, batchSize?: number, training?: boolean }} options
   * @returns {Promise<import('./summary.js').Summary & { memory: import('./memory-map.js').MemoryMap }>}
   */
  /**
   * @overload
   * @param {{ print?: (text: string) => void, memory?: false }} [options]
   * @returns {import('./summary.js').Summary}
   */
  /**
   * Layers with their shapes, parameters and work; with `memory: true` also the engine's plan for
   * a batch size: what each array of a step takes, where it lies and when it is needed. Only the
   * engine knows that, so the answer is then a promise. Nothing is allocated for it.
   *
   * @param {{ print?: (text: string) => void, memory?: boolean, batchSize?: number, training?: boolean }} [options]
   *   `print` receives the table; with `memory`, `batchSize` is 32 and `training` true unless given
   * @returns {import('./summary.js').Summary | Promise<import('./summary.js').Summary &
   *   { memory: import('./memory-map.js').MemoryMap }>}
   * @throws {ConfigError} for a batch size that is not a whole number of at least 1, or without
   *   `memory`
   * @throws {LimitError} for a batch that is larger than a plan may be
   */
  summary(options) {
    const where = { what: 'summary' };
    const names = /** @type {const} */ (['print', 'memory', 'batchSize', 'training']);
    const own = readOptions(options, names, where);
    const print = own.print && needFunction(own.print, 'print', where);
    const batchSize = needWhole(own.batchSize ?? 32, 'batchSize', where, 1);
    const training = needBoolean(own.training ?? true, 'training', where);
    const summary = summarize(this.#facts);
    if (needBoolean(own.memory ?? false, 'memory', where)) {
      return this.#memorySummary(summary, { batchSize, training }, print);
    }
    const misplaced = /** @type {const} */ (['batchSize', 'training']).find((name) => name in own);
    if (misplaced)
      throw new ConfigError(`summary: ${misplaced} needs memory: true.`, { field: misplaced });
    print?.(summary.text);
    return summary;
  }

  /**
   * @param {import('./summary.js').Summary} summary
   * @param {{ batchSize: number, training: boolean }} options
   * @param {((text: string) => void) | undefined} print
   */
  async #memorySummary(summary, options, print) {
    const plan = await this.#call('model.describePlan', options);
    const { describeMemory, mapMemory } = await import('./memory-map.js');
    const memory = mapMemory(this.#facts, plan, options);
    const text = `${summary.text}\n\n${describeMemory(memory, table)}`;
    print?.(text);
    return { ...summary, text, memory };
  }

  /** Copies of all weight tensors, in the order of the layers. @returns {Promise<WeightTensor[]>} */
  async getWeights() {
    return this.#call('model.getWeights');
  }

  /**
   * Replaces all weights: every tensor by its name, in any order. Optimizer state stays.
   *
   * @param {Iterable<WeightTensor>} weights
   * @throws {MissingError} {ExtraError} {DuplicateError} {ShapeError} {NonFiniteError}
   *   {InputTypeError} {BusyError} with nothing changed
   */
  async setWeights(weights) {
    this.#check('setWeights');
    this.#needFloats('setWeights');
    const list = readWeights(weights);
    await this.#call('model.setWeights', { weights: list });
  }

  /**
   * A checkpoint: weights, optimizer state, position in training and architecture, as safetensors.
   * During `fit` it is taken between slices.
   *
   * @param {string | URL} [target] in Node a path to write as well
   * @param {{ includeOptimizer?: boolean, sparse?: boolean, dtype?: 'float32' | 'float16' | 'bfloat16' }} [options]
   *   without the optimizer (default true) the file has weights and architecture alone, and `load` gives a model that
   *   is not compiled. sparse (default false): tensors with many zeros, as `prune` makes them, are stored as a bitmap
   *   and the other numbers. dtype: of the weights, default 'float32'; with 16 bits they are rounded to the nearest
   *   (halves to even), the optimizer's state is not
   * @returns {Promise<Uint8Array>}
   * @throws {LimitError} a weight is larger than float16 (65504) or bfloat16 hold; names the tensor
   * @throws {UnsupportedError} a dtype of 16 bits for a quantised model
   */
  async save(target, options) {
    this.#check('save');
    const where = { what: 'save' };
    const names = /** @type {const} */ (['includeOptimizer', 'sparse', 'dtype']);
    const own = readOptions(options, names, where);
    const types = /** @type {const} */ (['float32', 'float16', 'bfloat16']);
    const dtype = needOneOf(own.dtype ?? 'float32', types, 'dtype', where);
    if (dtype !== 'float32') this.#needFloats(`save: dtype ${dtype}`);
    const args = {
      includeOptimizer: needBoolean(own.includeOptimizer ?? true, 'includeOptimizer', where),
      sparse: needBoolean(own.sparse ?? false, 'sparse', where),
      dtype,
    };
    await this.#compiling;
    const bytes = await this.#call('model.save', args);
    if (target !== undefined) await writeFile(target, bytes);
    return bytes;
  }

  /**
   * Weights of a checkpoint of the same layers; optimizer and position stay.
   *
   * @param {import('./checkpoint-source.js').CheckpointSource} source
   * @throws {ModelMismatchError} other layers
   * @throws {FormatError} {MissingError} {ExtraError} {ShapeError} {NonFiniteError} {BusyError}
   *   with nothing changed
   */
  async loadWeights(source) {
    this.#check('loadWeights');
    this.#needFloats('loadWeights');
    const bytes = await readCheckpoint(source, 'loadWeights');
    await this.#call('model.loadWeights', { bytes }, { transfer: [bytes.buffer] });
  }

  /** Bytes of the plans that are held now. @returns {Promise<{ training: number, inference: number }>} */
  async memory() {
    return this.#call('model.memory');
  }

  /**
   * Frees the model. A running `fit`, `evaluate` or `predict` rejects with E_ABORTED. A second
   * call does nothing.
   *
   * @returns {Promise<void>}
   */
  async dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#client.alive) await this.#client.call('model.dispose', { id: this.#facts.id });
  }

  [disposeSymbol]() {
    this.dispose().catch(() => {});
  }

  [asyncDisposeSymbol]() {
    return this.dispose();
  }

  /** @param {string} what */
  #check(what) {
    if (this.#disposed) throw new DisposedError(`${what}: the model was disposed.`);
  }

  /** @param {string} what */
  #needFloats(what) {
    if (!this.#facts.quantized) return;
    throw new UnsupportedError(
      `${what}: a quantised model is for inference; train the float model and quantize it again.`,
    );
  }

  /** @param {string} what */
  #needCompiled(what) {
    if (!this.#compiled) throw new StateError(`${what}: call compile first.`);
    return this.#compiled;
  }

  /** @param {import('./optimizers.js').LearningRate} value */
  #keepRate(value) {
    if (typeof value === 'function') this.#rate = value;
  }

  /** @param {number} step @returns {number} */
  #rateAt(step) {
    if (this.#rate) return needNumber(this.#rate(step), 'learningRate', { what: 'optimizer' });
    throw new StateError(
      'The learning rate was a function, which a file cannot hold: give it to setLearningRate.',
      { field: 'learningRate' },
    );
  }

  /**
   * What a function of the learning rate tells the worker.
   *
   * @param {import('./scheduled-rate.js').RatesEvent} event
   * @returns {import('./task.js').Note}
   */
  #rates({ first, count }) {
    const values = Float64Array.from({ length: count }, (_, index) => this.#rateAt(first + index));
    return { type: 'rates', values };
  }

  /**
   * @param {string} method
   * @param {object} [args]
   * @param {import('./client.js').CallOptions} [options]
   */
  async #call(method, args, options) {
    this.#check(method.replace('model.', ''));
    return this.#client.call(method, { id: this.#facts.id, ...args }, options);
  }

  /** @param {import('./trainer.js').Means} means @returns {Logs} */
  #logs(means) {
    return logsOf(toldOf(this.#compiled, this.#facts.outputs), means);
  }

  /**
   * @param {unknown} x
   * @param {unknown} y
   * @param {import('./take-samples.js').SampleOptions} options
   * @param {string} what
   */
  #take(x, y, options, what) {
    return takeSamples(x, y, options, what, this.#receiver);
  }

  get #receiver() {
    return { client: this.#client, facts: this.#facts, compiled: this.#compiled };
  }
}

/** @param {{ name: string, shape: number[] }[]} places */
function copyPlaces(places) {
  return places.map(({ name, shape }) => ({ name, shape: [...shape] }));
}
