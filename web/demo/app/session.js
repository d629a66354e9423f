/**
 * The engine, the images and the network that the page works with, and the changes a person can
 * make to them. Training and evaluation have files of their own.
 */
import { info, init, losses, optimizers, sequential } from 'tabgrad';
import { ImageStore } from './image-store.js';
import { PRESETS } from './presets.js';
import { problemOf, isAbort } from './problems.js';
import { noProgress } from './state.js';
import { CurveLog } from './curve-log.js';
import { isCifarServed, loadCifarFiles, loadSample, loadServedCifar } from './data-source.js';

export class Session {
  /** @type {import('tabgrad').Sequential | null} */
  model = null;
  /** @type {import('./data-source.js').Images | null} */
  images = null;
  /** @type {ImageStore | null} */
  testImages = null;
  /** @type {ImageStore | null} */
  trainImages = null;
  curves = new CurveLog();
  /** Ends whatever long work is under way. */
  abort = new AbortController();

  #building = Promise.resolve();

  /** @param {import('./state.js').AppStore} store */
  constructor(store) {
    this.store = store;
  }

  /** Starts the engine, loads images and makes the first network. */
  async start() {
    try {
      this.store.set({ phase: 'starting', problem: null });
      await init();
      this.store.set({ engine: await info() });
    } catch (error) {
      this.store.set({ phase: 'failed', work: null, problem: problemOf(error) });
      return;
    }
    await this.loading(async (onProgress) => {
      if (!(await isCifarServed())) return loadSample(onProgress);
      return loadServedCifar(onProgress, this.abort.signal);
    }, 'Loading CIFAR-10');
    // Stopped, or the served files are damaged: the page can still do everything on the sample.
    if (!this.images) await this.loading(loadSample, 'Loading the sample');
    if (this.images) await this.rebuild();
    this.store.set({ phase: this.model ? 'idle' : 'failed' });
  }

  /** @param {File[]} files the official archive or its .bin files */
  async useFiles(files) {
    const before = this.images;
    this.store.set({ problem: null });
    await this.loading(
      (onProgress) => loadCifarFiles(files, onProgress, this.abort.signal),
      'Reading CIFAR-10',
    );
    if (this.images !== before) {
      await Promise.all([before?.train.dispose(), before?.test.dispose()]);
      // Another count of images: an epoch under way has lost its meaning.
      const progress = { ...this.store.state.progress, batch: 0 };
      this.store.set({ progress, evaluation: null, cell: null, pretrained: null });
    }
    this.store.set({ phase: 'idle' });
  }

  /**
   * @param {(onProgress: import('./data-source.js').OnProgress) => Promise<import('./data-source.js').Images>} load
   * @param {string} label
   */
  async loading(load, label) {
    this.abort = new AbortController();
    this.store.set({ phase: 'loading', work: { label, done: 0, total: 0 } });
    try {
      const images = await load((done, total) => this.store.set({ work: { label, done, total } }));
      this.images = images;
      this.trainImages = new ImageStore(images.train);
      this.testImages = new ImageStore(images.test);
      this.store.set({
        data: {
          kind: images.kind,
          trainCount: images.train.count,
          testCount: images.test.count,
          classNames: images.classNames,
        },
      });
    } catch (error) {
      if (!isAbort(error)) this.store.set({ problem: problemOf(error) });
    }
    this.store.set({ work: null });
  }

  /** Settles when no network is being made: what a person does meanwhile waits for the new one. */
  get built() {
    return this.#building;
  }

  /** A new network of the chosen kind, with new weights from the seed; one at a time. */
  rebuild() {
    this.#building = this.#building.then(() => this.#rebuild());
    return this.#building;
  }

  async #rebuild() {
    const { preset, seed } = this.store.state.settings;
    try {
      const old = this.model;
      this.model = null;
      await old?.dispose();
      const model = await sequential(PRESETS[preset].layers(), { seed, name: preset });
      this.model = model;
      await this.compile();
      this.forgetTraining();
      this.store.set({
        weightsFrom: 'not trained yet',
        summary: model.summary(),
        engine: await info(),
      });
    } catch (error) {
      this.store.set({ problem: problemOf(error) });
    }
  }

  /** The weights are no longer those that the curves and results tell of. */
  forgetTraining() {
    this.curves = new CurveLog();
    this.store.set({ progress: noProgress(), evaluation: null, cell: null, pretrained: null });
  }

  /** Gives the network its loss and a fresh optimizer, which begins at the start of an epoch. */
  async compile() {
    const { preset, optimizer, learningRate } = this.store.state.settings;
    const make =
      optimizer === 'adam'
        ? optimizers.adam({ learningRate })
        : optimizers.sgd({ learningRate, momentum: 0.9 });
    await this.model?.compile({
      optimizer: make,
      loss: losses.sparseCategoricalCrossentropy({ fromLogits: PRESETS[preset].fromLogits }),
      metrics: ['accuracy'],
    });
    this.store.set({ progress: { ...this.store.state.progress, batch: 0 } });
  }

  /**
   * Takes a changed setting. Network and seed make a new network, the optimizer starts afresh with
   * the same weights, a learning rate acts on the training under way.
   * @param {Partial<import('./state.js').Settings>} change
   */
  async configure(change) {
    const before = this.store.state.settings;
    this.store.set({ settings: { ...before, ...change }, problem: null });
    try {
      if ('preset' in change || 'seed' in change) await this.rebuild();
      else if ('optimizer' in change) await this.compile();
      else if ('learningRate' in change) {
        await this.model?.setLearningRate(this.store.state.settings.learningRate);
      }
    } catch (error) {
      this.store.set({ settings: before, problem: problemOf(error) });
    }
  }

  /** Reads the engine's figures again: memory changes while it works. */
  async refreshEngine() {
    this.store.set({ engine: await info() });
  }
}
