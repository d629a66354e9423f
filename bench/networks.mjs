/**
 * The networks, described once for every peer to build from, and what can be told from the description: shapes, work, convolutions.
 * Pure data and arithmetic: read in Node and in pages, and as JSON by Python.
 */

/**
 * @typedef {object} ConvSpec a convolution
 * @property {'conv'} type
 * @property {number} filters
 * @property {number} kernel its side
 * @property {number} stride
 * @property {boolean} same whether zeros around the image keep its size, but for the stride
 * @property {boolean} norm batch normalisation in place of a bias
 * @property {boolean} relu
 *
 * @typedef {ConvSpec | { type: 'residual', body: LayerSpec[], shortcut: LayerSpec[] } | { type: 'pool' } | { type: 'average' } |
 *   { type: 'flatten' } | { type: 'dropout', rate: number } | { type: 'dense', units: number, relu?: boolean }} LayerSpec
 *   residual is ReLU of the sum of two branches, of which a shortcut without layers is the input itself; pool takes the largest of
 *   2x2, average the mean of the whole image; the last dense gives logits
 *
 * @typedef {object} Network
 * @property {number[]} input [height, width, channels], or [features]
 * @property {LayerSpec[]} layers
 * @property {'classes' | 'binary'} head softmax over classes, or one sigmoid; with its cross-entropy
 * @property {{ name: 'adam' | 'sgd', learningRate: number, momentum?: number }} optimizer
 */

/** @param {number} filters @returns {LayerSpec} */
function conv(filters) {
  return { type: 'conv', filters, kernel: 3, stride: 1, same: false, norm: false, relu: true };
}
/** @param {number} filters @param {number} kernel @param {number} stride @param {boolean} relu @returns {LayerSpec} */
function convNorm(filters, kernel, stride, relu) {
  return { type: 'conv', filters, kernel, stride, same: true, norm: true, relu };
}
/** Two convolutions beside a shortcut, which changes shape where they do. @param {number} filters @param {number} stride @returns {LayerSpec} */
function block(filters, stride) {
  return {
    type: 'residual',
    body: [convNorm(filters, 3, stride, true), convNorm(filters, 3, 1, false)],
    shortcut: stride === 1 ? [] : [convNorm(filters, 1, stride, false)],
  };
}
/** @type {LayerSpec} */
const pool = { type: 'pool' };
/** @type {LayerSpec} */
const average = { type: 'average' };
/** @type {LayerSpec} */
const flatten = { type: 'flatten' };
/** @param {number} rate @returns {LayerSpec} */
const dropout = (rate) => ({ type: 'dropout', rate });
/** @param {number} units @returns {LayerSpec} */
const hidden = (units) => ({ type: 'dense', units, relu: true });
/** @param {number} units @returns {LayerSpec} */
const logits = (units) => ({ type: 'dense', units });

/** @type {Network['optimizer']} */
const adam = { name: 'adam', learningRate: 0.001 };
/** @type {Network['optimizer']} */
const sgd = { name: 'sgd', learningRate: 0.1, momentum: 0.9 };

/** @satisfies {Record<string, Network>} */
export const NETWORKS = {
  'seed-cnn': {
    input: [32, 32, 3],
    layers: [conv(32), pool, conv(64), pool, conv(64), flatten, hidden(64), logits(10)],
    head: 'classes',
    optimizer: adam,
  },
  'dropout-cnn': {
    input: [32, 32, 3],
    layers: [conv(32), pool, conv(64), pool, flatten, hidden(128), dropout(0.5), logits(10)],
    head: 'classes',
    optimizer: adam,
  },
  // He, Zhang, Ren, Sun 2015, section 4.2, with 1x1 convolutions in the shortcuts that change shape.
  resnet20: {
    input: [32, 32, 3],
    layers: [
      convNorm(16, 3, 1, true),
      ...[block(16, 1), block(16, 1), block(16, 1)],
      ...[block(32, 2), block(32, 1), block(32, 1)],
      ...[block(64, 2), block(64, 1), block(64, 1)],
      ...[average, logits(10)],
    ],
    head: 'classes',
    optimizer: sgd,
  },
  'binary-224': {
    input: [224, 224, 3],
    layers: [
      ...[conv(32), pool, conv(64), pool, conv(128), pool, conv(128), pool],
      ...[flatten, hidden(512), logits(1)],
    ],
    head: 'binary',
    optimizer: adam,
  },
};

/** A product of two square matrices is a dense layer of as many units on as many samples. @param {number} side @returns {Network} */
export function productOf(side) {
  return { input: [side], layers: [logits(side)], head: 'classes', optimizer: adam };
}

/** @typedef {{ side: number, channels: number }} Shape of square images; features are channels of one pixel */

/** @param {number[]} input @returns {Shape} */
export function shapeOf(input) {
  return { side: input.length === 1 ? 1 : input[0], channels: input[input.length - 1] };
}

/** What a layer makes of an image. @param {LayerSpec} layer @param {Shape} shape @returns {Shape} */
export function shapeAfter(layer, { side, channels }) {
  switch (layer.type) {
    case 'conv': {
      const { kernel, stride, same, filters } = layer;
      const places = same ? side : side - kernel + 1;
      return { side: Math.ceil(places / stride), channels: filters };
    }
    case 'residual':
      return layer.body.reduce((shape, inner) => shapeAfter(inner, shape), { side, channels });
    case 'pool':
      return { side: side >> 1, channels };
    case 'average':
      return { side: 1, channels };
    case 'flatten':
      return { side: 1, channels: channels * side ** 2 };
    case 'dense':
      return { side: 1, channels: layer.units };
    default:
      return { side, channels };
  }
}

/**
 * The layers of a network, branches one after the other, each with the shape that it is given.
 *
 * @param {LayerSpec[]} layers
 * @param {Shape} shape
 * @returns {Generator<{ layer: LayerSpec, shape: Shape }>}
 */
function* walk(layers, shape) {
  for (const layer of layers) {
    yield { layer, shape };
    if (layer.type === 'residual') {
      yield* walk(layer.body, shape);
      yield* walk(layer.shortcut, shape);
    }
    shape = shapeAfter(layer, shape);
  }
}

/** Multiply-accumulates of an image. @param {LayerSpec} layer @param {Shape} shape that it is given */
export function countMacs(layer, shape) {
  const { side, channels } = shapeAfter(layer, shape);
  if (layer.type === 'conv') return side ** 2 * layer.kernel ** 2 * shape.channels * channels;
  return layer.type === 'dense' ? shape.channels * channels : 0;
}

/**
 * Floating-point operations of one image: forward, and for training also the gradients of weights and inputs.
 * The first layer's input needs no gradient.
 *
 * @param {Network} network
 * @returns {{ infer: number, train: number }}
 */
export function countFlop({ input, layers }) {
  let infer = 0;
  let train = 0;
  for (const { layer, shape } of walk(layers, shapeOf(input))) {
    const flop = 2 * countMacs(layer, shape);
    train += (infer === 0 ? 2 : 3) * flop;
    infer += flop;
  }
  return { infer, train };
}

/**
 * @typedef {object} Convolution
 * @property {string} name such as "resnet20 16x16x32 -> 64 / 2", of the first network that has it
 * @property {ConvSpec} layer
 * @property {Shape} shape that it is given
 * @property {boolean} first whether it is given nothing but images, which need no gradient
 */

/** The different convolutions of all networks. @returns {Convolution[]} */
export function convolutions() {
  /** @type {Map<string, Convolution>} */
  const found = new Map();
  for (const [network, { input, layers }] of Object.entries(NETWORKS)) {
    let first = true;
    for (const { layer, shape } of walk(layers, shapeOf(input))) {
      if (layer.type !== 'conv') continue;
      const name = nameOf(layer, shape);
      const known = found.get(name);
      if (known) known.first &&= first;
      else found.set(name, { name: `${network} ${name}`, layer, shape, first });
      first = false;
    }
  }
  return [...found.values()];
}

/** @param {ConvSpec} layer @param {Shape} shape */
function nameOf({ filters, kernel, stride, same }, { side, channels }) {
  const parts = [`${side}x${side}x${channels} -> ${filters}`];
  if (kernel !== 3) parts.push(`${kernel}x${kernel}`);
  if (stride !== 1) parts.push(`/ ${stride}`);
  else if (same) parts.push('same');
  return parts.join(' ');
}
