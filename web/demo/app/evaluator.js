/** What a person does with a network as it is: test it, run the shipped weights, try an own image. */
import { dataset } from 'tabgrad';
import { evaluateAll } from './evaluation.js';
import { probabilitiesOf } from './outputs.js';
import { topAnswers } from './probabilities.js';
import { fetchCard, fetchWeights } from './pretrained.js';
import { isAbort, problemOf } from './problems.js';

export class Evaluator {
  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
  }

  /** Classifies the test set and shows what came of it. Returns the phase to what it was. */
  async evaluate() {
    const { model, images } = this.session;
    if (!model || !images) return null;
    const back = this.store.state.phase === 'paused' ? 'paused' : 'idle';
    const label = `Classifying ${images.test.count.toLocaleString('en')} test images`;
    this.session.abort = new AbortController();
    this.store.set({
      phase: 'evaluating',
      work: { label, done: 0, total: images.test.count },
      problem: null,
    });
    try {
      const evaluation = await evaluateAll({
        model,
        test: images.test,
        classes: images.classNames.length,
        output: this.session.output,
        batchSize: this.session.preset.testBatch,
        signal: this.session.abort.signal,
        onProgress: (done, total) => this.store.set({ work: { label, done, total } }),
      });
      this.store.set({ evaluation, cell: null });
      return evaluation;
    } catch (error) {
      if (!isAbort(error)) this.store.set({ problem: problemOf(error) });
      return null;
    } finally {
      this.store.set({ phase: back, work: null });
    }
  }

  /** Loads the shipped weights of the chosen network, classifies and compares with the model card. */
  async runPretrained() {
    this.store.set({
      phase: 'evaluating',
      work: { label: 'Loading pretrained weights', done: 0, total: 0 },
      problem: null,
    });
    try {
      const card = await fetchCard(this.store.state.settings.preset);
      await this.session.rebuild();
      await this.session.model?.loadWeights(await fetchWeights(card));
      this.store.set({ weightsFrom: 'pretrained' });
      const evaluation = await this.evaluate();
      if (!evaluation) return;
      const { correct } = evaluation.confusion;
      this.store.set({ pretrained: { card, correct, count: evaluation.count } });
    } catch (error) {
      this.store.set({ problem: problemOf(error) });
    } finally {
      this.store.set({ phase: 'idle', work: null });
    }
  }

  /**
   * The three likeliest classes of one image.
   * @param {import('./image-store.js').Picture} picture of the size that the network takes
   */
  async classify({ pixels, width, height }) {
    // The network may be another one when the answer comes.
    const { model, images, preset, output } = this.session;
    if (!model || !images) return [];
    const { normalization } = preset.images.copy ?? {};
    const one = await dataset({ x: pixels, shape: [height, width, 3], ...normalization });
    try {
      const outputs = await model.predict(one, { batchSize: 1 });
      const classes = images.classNames.length;
      return topAnswers(probabilitiesOf(outputs, output, classes), 0, classes);
    } finally {
      await one.dispose();
    }
  }

  /**
   * Answers for the first test images, while the network is still learning.
   * @param {number} count
   */
  async glance(count) {
    const { model, images, preset, output } = this.session;
    if (!model || !images) return new Float32Array(0);
    const outputs = await model.predict(images.test, {
      first: 0,
      count: Math.min(count, images.test.count),
      batchSize: Math.min(count, preset.testBatch),
    });
    return probabilitiesOf(outputs, output, images.classNames.length);
  }

  /** The weights as the bytes of a safetensors file. */
  async saveWeights() {
    await this.session.built;
    const bytes = await this.session.model?.save();
    if (!bytes) return null;
    const { preset } = this.store.state.settings;
    return { name: `tabgrad-${preset.toLowerCase()}.safetensors`, bytes };
  }

  /** @param {File} file a safetensors file of the chosen network */
  async loadWeights(file) {
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      await this.session.built;
      await this.session.model?.loadWeights(bytes);
      // Moments of the optimizer belong to the weights they were gathered with.
      await this.session.compile();
      this.session.forgetTraining();
      this.store.set({ weightsFrom: `from ${file.name}`, problem: null });
    } catch (error) {
      this.store.set({ problem: problemOf(error) });
      return;
    }
    await this.evaluate();
  }
}
