/** One model in the engine, with what the engine does not know of it. */

import { callsOf, layerNumber, nodesOf, partOf } from './architecture.js';
import { BusyError, ConfigError, ShapeError, StateError } from './errors.js';
import { readLayer } from './layers.js';
import { lossFacts } from './losses.js';
import { optimizerFacts } from './optimizers.js';
import { sizeOf } from './tensors.js';
import { freshPosition } from './trainer.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./task.js').Task} Task
 *
 * @typedef {object} CompileConfig
 * @property {import('./optimizers.js').OptimizerConfig} optimizer
 * @property {import('./losses.js').LossConfig} loss of the only output, or of the first that has one
 * @property {((import('./losses.js').LossConfig & { weight: number }) | null)[]} [losses] one an output,
 *   null where nothing is wanted of it; only of a model of several outputs
 * @property {('accuracy' | import('./compile.js').MetricConfig)[]} metrics
 * @property {boolean} [weighted] whether the accuracy weighs samples; absent in older files
 * @property {'bfloat16'} [activationStorage] how values wait for the backward pass; else float32
 *
 * @typedef {object} Extras what is loaded by who uses it
 * @property {import('./scheduled-rate.js').ScheduledRate | null} rate of the optimizer's schedule
 * @property {typeof import('./metrics/collector.js') | null} collector of metrics
 *
 * @typedef {object} LayerFacts
 * @property {string} name
 * @property {string} type
 * @property {number[]} outputShape without the batch
 * @property {number} parameters
 * @property {number} trainableParameters those that gradients change; the others are moving averages
 * @property {number} macs multiply-accumulates a sample, forward
 *
 * @typedef {object} ModelFacts plain data that both sides know
 * @property {number} id
 * @property {string} name
 * @property {number} seed
 * @property {{ name: string, shape: number[] }[]} inputs the layers that give a sample
 *   ('input' where the first layer takes it without one), and the shape of theirs
 * @property {{ name: string, shape: number[] }[]} outputs the layers whose values the model gives
 * @property {LayerFacts[]} layers
 * @property {import('./architecture.js').Architecture} architecture
 * @property {number} parameters
 * @property {number} trainableParameters those that gradients change; the others are moving averages
 * @property {number} macs
 * @property {CompileConfig | null} compiled
 * @property {boolean} quantized made by `quantize`: for inference alone
 * @property {boolean} aware made by `quantizeAware`: in training for 8 bits
 */

export class HostModel {
  /**
   * Makes the model in the engine; one that fails leaves nothing behind.
   *
   * @param {Host} host
   * @param {import('./architecture.js').Architecture} architecture
   * @param {number} seed
   * @param {import('./quantized-nodes.js').LoweredModel} [lowered] the nodes of a quantised model, or of one in
   *   training for that
   */
  constructor(host, architecture, seed, lowered) {
    const { native } = host;
    this.host = host;
    this.native = native;
    this.id = host.newId();
    this.architecture = architecture;
    /** What `compile` makes of it: other layers may be trainable. */
    this.wanted = architecture;
    this.seed = seed;
    this.aware = lowered?.nodesOf !== undefined;
    this.quantized = lowered !== undefined && !this.aware;
    this.nodesOf = lowered?.nodesOf ?? nodesOf;
    const { nodes, ends, outputs } = lowered ?? nodesOf(architecture);
    /** @type {import('./quantized-nodes.js').LoweredModel['nodes']} */
    this.nodes = nodes;
    /** For each call of a layer the node of its output. */
    this.ends = ends;
    /** The nodes whose values the model gives. */
    this.outputs = outputs;
    this.pointer = /** @type {import('./native.js').ModelPointer} */ (native.createModel(seed));
    try {
      for (const node of nodes) {
        const layer = /** @type {string} */ (architecture.layers[node.layer].name);
        native.addNode(this.pointer, node, layer);
      }
      native.buildModel(this.pointer, outputs);
      this.tensors = native.tensors(this.pointer);
    } catch (error) {
      native.destroyModel(this.pointer);
      throw error;
    }
    /** Of pruned weights, a bit a number (bitmap.js), by the tensors' names. @type {Map<string, Uint8Array>} */
    this.masks = new Map();
    /** @type {CompileConfig | null} */
    this.compiled = null;
    /** Of metrics that the engine does not measure; null: there are none. @type {Extras['collector']} */
    this.collector = null;
    /** Null: the rate is constant. @type {import('./scheduled-rate.js').ScheduledRate | null} */
    this.rate = null;
    /** @type {import('./trainer.js').Position} */
    this.position = freshPosition();
    /** The call that is changing the weights. @type {string | null} */
    this.changing = null;
    /** Calls that use the model now. @type {Set<Task>} */
    this.tasks = new Set();
    /** @type {(() => void) | null} */
    this.onIdle = null;
  }

  /**
   * Layers whose weights training changes or leaves, from the next `compile` on.
   *
   * @param {string[] | null} names null: all
   * @param {boolean} trainable
   * @throws {ConfigError} there is no layer of a name
   */
  setTrainable(names, trainable) {
    for (const name of names ?? []) layerNumber(this.architecture, name);
    const layers = this.wanted.layers.map((layer) => {
      if (names && !names.includes(layer.name ?? '')) return layer;
      // Inputs and sums have no such option, and a file that gave them one would be refused.
      if (!this.tensors.some(({ name }) => name.startsWith(`${layer.name}/`))) return layer;
      const { trainable: _, ...rest } = layer;
      return trainable ? rest : { ...rest, trainable };
    });
    this.wanted = { ...this.architecture, layers };
  }

  /**
   * A model of its own up to some layers, with copies of the weights. It is not compiled.
   *
   * @param {string[]} names layers whose values it gives
   * @param {string} name
   * @returns {HostModel}
   */
  subModel(names, name) {
    const { native } = this;
    const model = new HostModel(this.host, partOf(this.architecture, names, name), this.seed);
    const own = native.vector(this.pointer, 'WEIGHTS').slice();
    const weights = native.vector(model.pointer, 'WEIGHTS');
    for (const tensor of model.tensors) {
      const from = this.tensors.find((other) => other.name === tensor.name);
      const { offset, size } = /** @type {import('./native.js').TensorFacts} */ (from);
      weights.set(own.subarray(offset, offset + size), tensor.offset);
    }
    return model;
  }

  /** Numbers a sample of every output. */
  get outputSizes() {
    return this.outputs.map((node) => sizeOf(this.native.describeNode(this.pointer, node).shape));
  }

  /**
   * @param {CompileConfig} config
   * @param {Extras} extras
   */
  compile(config, { rate, collector }) {
    const { optimizer, loss, losses } = config;
    // Before anything changes: what is wrong with a metric is told.
    this.#makeMetrics(config, collector, () => false);
    const { layers } = this.wanted;
    this.nodes.forEach(({ layer }, node) =>
      this.native.setTrainable(this.pointer, node, layers[layer].trainable !== false),
    );
    this.outputs.forEach((_, output) => {
      const own = losses ? losses[output] : { ...loss, weight: 1 };
      if (!own) return;
      this.native.setLoss(this.pointer, output, lossFacts(own.type).number, {
        ...own.options,
        fromLogits: Number(own.fromLogits),
        weightedAccuracy: Number(config.weighted ?? false),
        lossWeight: own.weight,
      });
    });
    this.native.compile(
      this.pointer,
      optimizerFacts(optimizer.type).number,
      optimizer.hyperparameters,
      [
        ...this.#named('exclude', optimizer.exclude),
        ...this.#named('excludeDecay', optimizer.excludeDecay),
      ],
    );
    this.native.storeActivations(this.pointer, config.activationStorage ? 16 : 32);
    // Fresh moments need Adam's bias correction from the start.
    this.native.setStep(this.pointer, 0);
    this.architecture = this.wanted;
    this.compiled = config;
    this.rate = rate;
    this.collector = collector;
    this.position = freshPosition();
  }

  /**
   * @param {CompileConfig} config
   * @param {Extras['collector']} collector
   * @param {(output: number) => boolean} logits whether an output is not yet probabilities
   */
  #makeMetrics(config, collector, logits) {
    if (!collector) return null;
    const losses = config.losses ?? [config.loss];
    const own = config.metrics
      .filter((metric) => metric !== 'accuracy')
      .map((metric) => ({ output: losses.findIndex((loss) => loss !== null), ...metric }));
    return new collector.MetricSet(own, (output) => {
      const loss = losses[output];
      if (!loss) throw new ConfigError(`compile: metrics of output ${output}, which has no loss.`);
      const { shape } = this.native.describeNode(this.pointer, this.outputs[output]);
      return {
        size: this.outputSizes[output],
        columns: shape[shape.length - 1],
        loss: loss.type,
        logits: logits(output),
      };
    });
  }

  /** The outputs whose losses are told apart: all that have one, where there are several. */
  get parts() {
    const { losses = [] } = this.compiled ?? {};
    const used = losses.flatMap((loss, output) => (loss ? [output] : []));
    return used.length > 1 ? used : [];
  }

  /** New ones, for the metrics that the engine does not measure; null: there are none. */
  newMetrics() {
    if (!this.compiled || !this.collector) return null;
    const logits = (/** @type {number} */ output) =>
      this.native.measured(this.pointer, output).logits;
    return this.#makeMetrics(this.compiled, this.collector, logits);
  }

  /** Where batches leave what these metrics read. */
  watchBatches() {
    return this.collector && new this.collector.Watch(this.native, this.pointer);
  }

  /** Training steps done. */
  get step() {
    return this.native.modelInfo(this.pointer, 'STEP');
  }

  /** Gives the optimizer the rate of its next step. */
  applySchedule() {
    if (!this.rate) return;
    this.native.setHyperparameter(this.pointer, 'learningRate', this.rate.at(this.step));
  }

  /** @param {import('./scheduled-rate.js').ScheduledRate} rate */
  setSchedule(rate) {
    const compiled = /** @type {CompileConfig} */ (this.compiled);
    const optimizer = { ...compiled.optimizer, schedule: rate.schedule };
    this.compiled = { ...compiled, optimizer };
    this.rate = rate;
  }

  /**
   * @param {string} name a learning rate ends a schedule
   * @param {number} value
   * @throws {HyperparameterError} {StateError} with nothing changed
   */
  setHyperparameter(name, value) {
    this.native.setHyperparameter(this.pointer, name, value);
    const compiled = /** @type {CompileConfig} */ (this.compiled);
    const { schedule, ...rest } = compiled.optimizer;
    const ends = name === 'learningRate';
    const hyperparameters = { ...rest.hyperparameters, [name]: value };
    const optimizer = { ...rest, hyperparameters, ...(schedule && !ends && { schedule }) };
    this.compiled = { ...compiled, optimizer };
    if (ends) this.rate = null;
  }

  /**
   * Changes options of a layer that its weights' shapes do not depend on.
   *
   * @param {string} name
   * @param {object} options
   * @throws {ConfigError} with nothing changed
   */
  setLayerOptions(name, options) {
    const { layers } = this.architecture;
    const index = layers.findIndex((layer) => layer.name === name);
    if (index < 0) {
      throw new ConfigError(`setLayerOptions: there is no layer '${name}'.`, { field: 'name' });
    }
    const changed = [...layers];
    changed[index] = readLayer({ ...layers[index], ...options });
    const architecture = { ...this.architecture, layers: changed };
    const { nodes } = this.nodesOf(architecture);
    const kinds = (/** @type {typeof nodes} */ all) =>
      all.map((node) => [node.op, node.name]).join();
    if (kinds(nodes) !== kinds(this.nodes)) {
      throw new ConfigError(
        `setLayerOptions: type, name and activation of '${name}' cannot change.`,
        {
          layer: name,
        },
      );
    }
    /** @type {[node: number, attribute: [string, number]][]} what to undo when one is refused */
    const done = [];
    try {
      nodes.forEach(({ attributes, layer }, node) => {
        if (layer !== index) return;
        for (const [attribute, before, after] of differences(this.nodes[node], attributes)) {
          this.native.setAttribute(this.pointer, node, name, [attribute, after]);
          done.push([node, [attribute, before]]);
        }
      });
    } catch (error) {
      for (const [node, before] of done) {
        this.native.setAttribute(this.pointer, node, name, before);
      }
      throw error;
    }
    this.architecture = architecture;
    this.nodes = nodes;
  }

  /**
   * Numbers of the tensors whose names have one of the words, each for the engine's option.
   *
   * @param {string} option
   * @param {readonly string[]} [words]
   * @returns {[option: string, tensor: number][]}
   */
  #named(option, words = []) {
    return this.tensors.flatMap(({ name }, index) =>
      words.some((word) => name.toLowerCase().includes(word.toLowerCase()))
        ? [/** @type {[string, number]} */ ([option, index])]
        : [],
    );
  }

  /** What the optimizer keeps. */
  get slots() {
    if (this.quantized) return [];
    return this.native.slots(this.pointer, this.tensors);
  }

  /** Whether there is a moving average of the weights. */
  get hasAverage() {
    const { useEma, gradientAccumulationSteps = 1 } =
      this.compiled?.optimizer.hyperparameters ?? {};
    const steps = this.native.modelInfo(this.pointer, 'STEP');
    return useEma === 1 && steps >= gradientAccumulationSteps;
  }

  /** The weights become their moving average. */
  useAverage() {
    const average = this.slots.find(({ vector }) => vector === 'SLOT4');
    if (!average || !this.hasAverage) {
      throw new StateError(
        'There is no average of the weights: compile with useEma, and train at least one update.',
      );
    }
    const values = this.native.slotVector(this.pointer, average).slice();
    const weights = this.native.vector(this.pointer, 'WEIGHTS');
    for (const { name, offset, size } of average.tensors) {
      const tensor = this.tensors.find((own) => own.name === name);
      weights.set(values.subarray(offset, offset + size), tensor?.offset);
    }
    this.applyMasks();
  }

  /**
   * Which weights stay 0 from now on.
   *
   * @param {Map<string, Uint8Array>} masks of trainable tensors, by name
   */
  setMasks(masks) {
    this.native.setMask(this.pointer, masks.size > 0 ? this.#flatMask(masks) : null);
    this.masks = masks;
  }

  /** After weights were written. */
  applyMasks() {
    if (this.masks.size > 0) this.setMasks(this.masks);
  }

  /** @param {Map<string, Uint8Array>} masks @returns {Uint8Array} of all trainable weights */
  #flatMask(masks) {
    const flat = new Uint8Array(Math.ceil(this.native.modelInfo(this.pointer, 'TRAINABLE') / 8));
    flat.fill(255);
    for (const [name, mask] of masks) {
      const tensor = this.tensors.find((own) => own.name === name && own.trainable);
      if (!tensor || mask.length !== Math.ceil(tensor.size / 8)) {
        throw new ShapeError(`There is no tensor ${name} that this mask fits.`, { field: name });
      }
      for (let i = 0; i < tensor.size; i++) {
        const at = tensor.offset + i;
        if (!((mask[i >> 3] >> (i & 7)) & 1)) flat[at >> 3] &= ~(1 << (at & 7));
      }
    }
    return flat;
  }

  /** The node of a layer's value, the last one where it is called again. @param {number} layer */
  endOf(layer) {
    const call = callsOf(this.architecture).findLastIndex((call) => call.layer === layer);
    return this.ends[call];
  }

  /** The name of the layer that a node belongs to. @param {number} node */
  layerName(node) {
    return /** @type {string} */ (this.architecture.layers[this.nodes[node].layer].name);
  }

  /** @returns {ModelFacts} */
  facts() {
    const { native, pointer, nodes, outputs } = this;
    const described = nodes.map((_, index) => native.describeNode(pointer, index));
    const layers = this.wanted.layers.map(({ name, type, trainable }, index) => {
      const own = described.filter((_, node) => nodes[node].layer === index);
      const { shape } = described[this.endOf(index)];
      const sum = (/** @type {'parameters' | 'trainableParameters' | 'macs'} */ key) =>
        own.reduce((total, node) => total + node[key], 0);
      return {
        name: /** @type {string} */ (name),
        type,
        outputShape: shape,
        parameters: sum('parameters'),
        trainableParameters: trainable === false ? 0 : sum('trainableParameters'),
        macs: sum('macs'),
      };
    });
    const trainable = layers.reduce((total, layer) => total + layer.trainableParameters, 0);
    const inputs = nodes.flatMap(({ op }, index) => (op === 'input' ? [index] : []));
    const place = (/** @type {number} */ node, /** @type {string} */ name) => ({
      name,
      shape: described[node].shape,
    });
    return {
      id: this.id,
      name: this.architecture.name,
      seed: this.seed,
      inputs: inputs.map((node) => place(node, nodes[node].name)),
      outputs: outputs.map((node) => place(node, this.layerName(node))),
      layers,
      architecture: this.wanted,
      parameters: native.modelInfo(pointer, 'PARAMETERS'),
      trainableParameters: this.quantized ? 0 : trainable,
      macs: layers.reduce((total, layer) => total + layer.macs, 0),
      compiled: this.compiled,
      quantized: this.quantized,
      aware: this.aware,
    };
  }

  /**
   * What training, or inference, in such batches would hold beside weights and labels.
   *
   * @param {number} batchSize
   * @param {boolean} training
   * @returns {import('./memory-map.js').PlanFacts}
   */
  describePlan(batchSize, training) {
    const { native, pointer, nodes } = this;
    const arrays = native.describePlan(pointer, batchSize, training);
    const layers = nodes.map(({ layer }) => layer);
    const kept = this.slots.flatMap(({ tensors }) => tensors);
    const gradients = native.modelInfo(pointer, 'TRAINABLE');
    const state = this.architecture.layers.map((layer) =>
      kept
        .filter(({ name }) => name.slice(0, name.lastIndexOf('/')) === layer.name)
        .reduce((sum, { size }) => sum + size, 0),
    );
    return { arrays, layers, state, gradients };
  }

  /**
   * Runs a call that uses the model for a while; `dispose` cancels it and waits for its end.
   *
   * @template Result
   * @param {Task} task
   * @param {import('./host-dataset.js').HostDataset[]} datasets kept in memory meanwhile
   * @param {() => Promise<Result>} run
   */
  async use(task, datasets, run) {
    this.tasks.add(task);
    for (const dataset of datasets) dataset.hold();
    try {
      return await run();
    } finally {
      for (const dataset of datasets) dataset.release();
      this.tasks.delete(task);
      if (this.tasks.size === 0) this.onIdle?.();
    }
  }

  /**
   * Runs a call that changes weights or optimizer, which excludes others of its kind.
   *
   * @template Result
   * @param {string} what
   * @param {() => Result} run
   * @returns {Result}
   */
  change(what, run) {
    this.refuseIfChanging(what);
    return run();
  }

  /** @param {string} what */
  refuseIfChanging(what) {
    if (!this.changing) return;
    throw new BusyError(`${what}: the model is in use by ${this.changing}; wait for its end.`);
  }

  async dispose() {
    for (const task of this.tasks) task.cancel('the model was disposed');
    if (this.tasks.size > 0) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.onIdle = resolve;
      });
    }
    this.native.destroyModel(this.pointer);
  }
}

/**
 * Attributes that differ; those left out are 0.
 *
 * @param {import('./architecture.js').NodeSpec | undefined} node as it is
 * @param {[string, number][]} attributes as they shall be
 * @returns {[name: string, before: number, after: number][]}
 */
function differences(node, attributes) {
  const before = new Map(node?.attributes);
  const after = new Map(attributes);
  return [...new Set([...before.keys(), ...after.keys()])]
    .map(
      (name) =>
        /** @type {[string, number, number]} */ ([
          name,
          before.get(name) ?? 0,
          after.get(name) ?? 0,
        ]),
    )
    .filter(([, was, is]) => was !== is);
}
