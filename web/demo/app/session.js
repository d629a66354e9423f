/**
 * The engine, the images and the network that the page works with, and the changes a person can
 * make to them. Training and evaluation have files of their own.
 */
import { info, init } from 'tabgrad';
import { CurveLog } from './curve-log.js';
import { isCifarServed, loadCifarFiles, loadSample, loadServedCifar } from './data-source.js';
import { folderProblem } from './folder-problems.js';
import { loadFolder } from './folder-source.js';
import { ImageSets } from './image-sets.js';
import { ImageStore } from './image-store.js';
import { optimizerOf } from './optimizer.js';
import { lossOf } from './outputs.js';
import { PRESETS } from './presets/index.js';
import { problemOf, isAbort } from './problems.js';
import { dataOf, noData, noProgress } from './state.js';

export class Session {
  /** @type {import('tabgrad').Model | null} */
  model = null;
  /** @type {import('./data-source.js').Images | null} those that the network learns from */
  images = null;
  /** @type {ImageStore | null} */
  testImages = null;
  /** @type {ImageStore | null} */
  trainImages = null;
  /** What is done to training images; null: nothing. @type {import('tabgrad/augment').AugmentationConfig[] | null} */
  augment = null;
  curves = new CurveLog();
  /** Ends whatever long work is under way. */
  abort = new AbortController();

  #sets = new ImageSets();
  /** The folder that was read last. @type {import('./folder-source.js').Picked | null} */
  #picked = null;
  #building = Promise.resolve();

  /** @param {import('./state.js').AppStore} store */
  constructor(store) {
    this.store = store;
  }

  /** The network chosen, as the page describes it. @returns {import('./presets/index.js').Preset} */
  get preset() {
    return PRESETS[this.store.state.settings.preset];
  }

  /** What the outputs of the network are. */
  get output() {
    return this.preset.output(this.store.state.data.classNames.length);
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
    await this.#loadCifar(async (onProgress) => {
      if (!(await isCifarServed())) return loadSample(onProgress);
      return loadServedCifar(onProgress, this.abort.signal);
    }, 'Loading CIFAR-10');
    // Stopped, or the served files are damaged: the page can still do everything on the sample.
    if (!this.#sets.cifar) await this.#loadCifar(loadSample, 'Loading the sample');
    if (this.#sets.cifar) await this.#queue(() => this.#takeImages({ rebuild: true }));
    if (!this.model) this.store.set({ phase: 'failed' });
  }

  /** @param {File[]} files the official archive of CIFAR-10 or its .bin files */
  async useFiles(files) {
    const before = this.#sets.cifar;
    this.store.set({ problem: null });
    if (this.preset.images.source !== 'cifar') await this.configure({ preset: 'S1' });
    await this.#loadCifar(
      (onProgress) => loadCifarFiles(files, onProgress, this.abort.signal),
      'Reading CIFAR-10',
    );
    if (this.#sets.cifar !== before) {
      await this.#queue(() => this.#takeImages({ rebuild: false }));
      await Promise.all([before?.train.dispose(), before?.test.dispose()]);
    }
    this.#settle();
  }

  /** @param {import('./folder-source.js').Picked} picked the person's photos, for the network that learns from them */
  async useFolder(picked) {
    const before = this.store.state.settings;
    const own = before.preset === 'S2' ? {} : PRESETS.S2.settings;
    const settings = { ...before, preset: /** @type {const} */ ('S2'), ...own };
    this.store.set({ settings, problem: null });
    return this.#queue(async () => {
      if (!(await this.#readFolder(picked))) this.store.set({ settings: before });
    });
  }

  /**
   * @param {import('./folder-source.js').Picked} picked
   * @returns {Promise<boolean>} false: it could not, and what was before is still there
   */
  async #readFolder(picked) {
    const { imageSize } = this.store.state.settings;
    this.abort = new AbortController();
    const before = this.#sets.folder;
    try {
      this.#sets.folder = await loadFolder(picked, imageSize, {
        onWork: (...work) => this.#work(...work),
        signal: this.abort.signal,
      });
      this.#picked = picked;
    } catch (error) {
      if (!isAbort(error)) {
        this.store.set({ problem: folderProblem(error, picked.name, imageSize) });
      }
      this.#settle();
      return false;
    }
    await this.#takeImages({ rebuild: true });
    await Promise.all([before?.train.dispose(), before?.test.dispose()]);
    return true;
  }

  /**
   * @param {(onProgress: import('./data-source.js').OnProgress) => Promise<import('./data-source.js').Images>} load
   * @param {string} label
   */
  async #loadCifar(load, label) {
    this.abort = new AbortController();
    this.#work(label, 0, 0);
    try {
      this.#sets.cifar = await load((done, total) => this.#work(label, done, total));
    } catch (error) {
      if (!isAbort(error)) this.store.set({ problem: problemOf(error) });
    }
    this.store.set({ work: null });
  }

  /** Shows work on images that takes time. @param {string} label @param {number} done @param {number} total */
  #work(label, done, total) {
    this.store.set({ phase: 'loading', work: { label, done, total } });
  }

  /** The phase when nothing is under way. */
  #settle() {
    this.store.set({ phase: this.model ? 'idle' : 'waiting', work: null });
  }

  /**
   * Gives the network chosen its images.
   * @param {{ rebuild: boolean }} how rebuild: with a new network
   * @returns {Promise<boolean>} false: it could not, and what was before is still there
   */
  async #takeImages({ rebuild }) {
    this.abort = new AbortController();
    const { limit } = this.store.state.settings;
    try {
      const images = await this.#sets.choose(
        this.preset.images,
        limit,
        (...work) => this.#work(...work),
        this.abort.signal,
      );
      if (images?.train !== this.images?.train) await this.#showImages(images);
    } catch (error) {
      if (!isAbort(error)) this.store.set({ problem: problemOf(error) });
      this.#settle();
      return false;
    }
    if (rebuild) await this.#rebuild();
    else {
      // Another count of images: an epoch under way has lost its meaning.
      const progress = { ...this.store.state.progress, batch: 0 };
      this.store.set({ progress, evaluation: null, cell: null, pretrained: null });
    }
    this.#settle();
    return true;
  }

  /** @param {import('./data-source.js').Images | null} images */
  async #showImages(images) {
    this.images = images;
    this.trainImages = images && new ImageStore(images.train);
    this.testImages = images && new ImageStore(images.test);
    const counts = await this.trainImages?.countByClass(images?.classNames.length ?? 0);
    const data = images ? dataOf(images, counts ?? []) : noData(this.preset.images.title);
    this.store.set({ data, evaluation: null, cell: null });
  }

  /** Settles when no network is being made: what a person does meanwhile waits for the new one. */
  get built() {
    return this.#building;
  }

  /** One change of images or network after the other. @param {() => Promise<unknown>} change */
  #queue(change) {
    this.#building = this.#building.then(async () => void (await change()));
    return this.#building;
  }

  /** A new network of the chosen kind, with new weights from the seed. */
  rebuild() {
    return this.#queue(() => this.#rebuild());
  }

  async #rebuild() {
    const { preset, seed } = this.store.state.settings;
    try {
      const old = this.model;
      this.model = null;
      await old?.dispose();
      if (this.images) {
        const [side] = this.images.train.shape;
        const classes = this.images.classNames.length;
        this.model = await this.preset.make({ seed, name: preset, classes, side });
      }
      this.augment = (await this.preset.augment?.()) ?? null;
      await this.compile();
      this.forgetTraining();
      this.store.set({
        weightsFrom: 'not trained yet',
        summary: this.model?.summary() ?? null,
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
    await this.model?.compile({
      optimizer: optimizerOf(this.store.state.settings),
      loss: lossOf(this.output),
      metrics: ['accuracy'],
    });
    this.store.set({ progress: { ...this.store.state.progress, batch: 0 } });
  }

  /**
   * Takes a changed setting. A network begins with its own settings; network and seed make new weights, the optimizer
   * starts afresh with the same weights, a learning rate acts on the training under way.
   * @param {Partial<import('./state.js').Settings>} change
   */
  async configure(change) {
    const before = this.store.state.settings;
    const own = change.preset ? PRESETS[change.preset].settings : {};
    this.store.set({ settings: { ...before, ...own, ...change }, problem: null });
    try {
      if ('preset' in change) await this.#changeImages(before, { rebuild: true });
      else if ('limit' in change) await this.#changeImages(before, { rebuild: false });
      else if ('imageSize' in change) await this.#resizeFolder(before);
      else if ('seed' in change) await this.rebuild();
      else if ('optimizer' in change) await this.compile();
      else if ('learningRate' in change) {
        await this.model?.setLearningRate(this.store.state.settings.learningRate);
      }
    } catch (error) {
      this.store.set({ settings: before, problem: problemOf(error) });
    }
  }

  /**
   * @param {import('./state.js').Settings} before to which it goes back where there is not room for the images
   * @param {{ rebuild: boolean }} how
   */
  #changeImages(before, how) {
    return this.#queue(async () => {
      if (!(await this.#takeImages(how))) this.store.set({ settings: before });
    });
  }

  /** Reads the folder again in another size. @param {import('./state.js').Settings} before */
  #resizeFolder(before) {
    return this.#queue(async () => {
      if (this.#picked && !(await this.#readFolder(this.#picked))) {
        this.store.set({ settings: before });
      }
    });
  }

  /** Reads the engine's figures again: memory changes while it works. */
  async refreshEngine() {
    this.store.set({ engine: await info() });
  }
}
