/** Layers and optimizers for the kernel bench: every operator of src/ops/ops.inc but those that `NOT_HERE` names. */

/** What has no job here, and why. @type {Record<string, string>} */
export const NOT_HERE = {
  input: 'computes nothing',
  flatten: 'computes nothing',
  reshape: 'computes nothing',
  conv2d: 'every convolution of the networks is measured',
  depthwiseConv2d: 'measured by itself',
  dense: 'measured as a product of matrices',
  conv2dInt8: 'int8.mjs',
  denseInt8: 'int8.mjs',
  maxPooling2dInt8: 'int8.mjs',
  addInt8: 'int8.mjs',
  quantize: 'int8.mjs',
  dequantize: 'int8.mjs',
  fakeQuantize: 'quantize and dequantize at once, for training in 8 bits',
};

/** Rank, height, width, channels and samples: arrays of 4 MB, of 1 MB, and rows. */
const IMAGES = '3,32,32,32,32';
const STEPS = '2,1,64,128,32';
const ROWS = '1,1,1,128,2048';

const WINDOW_3 = 'poolHeight=3,poolWidth=3,strideHeight=2,strideWidth=2,samePadding=1';
const SEVEN = 'outputHeight=7,outputWidth=7';
const SIDES = 'top=1,bottom=1,left=1,right=1';

/** Over steps a window has one row. */
const PAIRS = 'poolHeight=1,strideHeight=1';

/** @typedef {[op: string, size: string, options?: string, label?: string]} Row */

/** What moves more than it multiplies. @type {Row[]} */
const MOVING = [
  ['batchNormalization', IMAGES],
  ['groupNormalization', IMAGES],
  ['layerNormalization', STEPS],
  ['rmsNormalization', STEPS],
  ['unitNormalization', STEPS],
  ['maxPooling2d', IMAGES, '', '2x2'],
  ['maxPooling2d', IMAGES, WINDOW_3, '3x3 / 2'],
  ['averagePooling2d', IMAGES, '', '2x2'],
  ['averagePooling2d', IMAGES, WINDOW_3, '3x3 / 2'],
  ['maxPooling1d', STEPS, PAIRS],
  ['averagePooling1d', STEPS, PAIRS],
  ['globalAveragePooling1d', STEPS],
  ['globalAveragePooling2d', IMAGES],
  ['adaptiveMaxPooling1d', STEPS, 'outputWidth=7'],
  ['adaptiveMaxPooling2d', IMAGES, SEVEN],
  ['adaptiveAveragePooling1d', STEPS, 'outputWidth=7'],
  ['adaptiveAveragePooling2d', IMAGES, SEVEN],
  ['upSampling2d', '3,16,16,32,32'],
  ['upSampling2d', '3,16,16,32,32', 'bilinear=1', 'bilinear'],
  ['repeatVector', '1,1,1,128,32', 'n=64'],
  ['zeroPadding2d', IMAGES, SIDES],
  ['cropping2d', IMAGES, SIDES],
  ['permute', IMAGES, 'rank=3,dims1=3,dims2=1,dims3=2'],
  ['slice', IMAGES, 'rank=3,size1=16,size2=16,size3=16'],
  ['pad', IMAGES, 'rank=3,before1=1,behind1=1,before2=1,behind2=1'],
  ['variable', STEPS, 'rank=2,size1=64,size2=128'],
  ['add', IMAGES],
  ['subtract', IMAGES],
  ['multiply', IMAGES],
  ['average', IMAGES],
  ['maximum', IMAGES],
  ['minimum', IMAGES],
  ['divide', IMAGES],
  ['power', IMAGES],
  ['concatenate', IMAGES],
  ['dot', ROWS],
  ['embedding', '1,1,1,64,128', 'inputDim=10000,outputDim=128'],
  ['positionEmbedding', STEPS],
  ['reduceSum', IMAGES, 'axes=3', 'rows, columns'],
  ['reduceSum', IMAGES, 'axes=4', 'channels'],
  ['reduceAbs', IMAGES, 'axes=4', 'channels'],
  ['reduceSquare', IMAGES, 'axes=4', 'channels'],
  ['reduceMax', IMAGES, 'axes=4', 'channels'],
  ['reduceMin', IMAGES, 'axes=4', 'channels'],
  ['reduceProduct', IMAGES, 'axes=4', 'channels'],
  ['prelu', IMAGES],
  ['softmax', STEPS],
  ['softmax', '1,1,1,10,8192'],
  ['logSoftmax', STEPS],
  ['hardmax', STEPS],
  ['dropout', IMAGES, 'rate=0.5'],
  ['spatialDropout1d', STEPS, 'rate=0.5'],
  ['spatialDropout2d', IMAGES, 'rate=0.5'],
  ['alphaDropout', IMAGES, 'rate=0.1'],
  ['gaussianDropout', IMAGES, 'rate=0.1'],
  ['gaussianNoise', IMAGES, 'stddev=0.1'],
];

/**
 * Activations, and the vector instructions that four elements take forward and backward where arithmetic may be the
 * limit: counted in src/kernels/activation.c, rare_activations.c and math.h, without loads, stores and constants, and
 * once where two loops both do it. exp has 32, log 43 (32 of normal numbers), log1p 35, tanh 53, erf 65.
 *
 * @type {Record<string, [forward: number, backward?: number]>}
 */
const ACTIVATIONS = {
  relu: [1],
  abs: [1],
  clip: [2],
  elu: [61, 4],
  exponential: [32, 1],
  gelu: [69, 106],
  geluTanh: [60, 67],
  hardSigmoid: [4],
  hardSwish: [5],
  log: [43, 2],
  mish: [38, 44],
  reciprocal: [1],
  rectifier: [5],
  rescaling: [2],
  selu: [62, 5],
  sigmoid: [38, 3],
  silu: [39, 43],
  softplus: [71, 39],
  softsign: [3],
  sqrt: [1],
  square: [1],
  tanh: [53, 3],
};

/** Instructions for four random words: ten rounds of Philox (src/kernels/philox.c), a widening product as one. */
const WORDS = 35;
/** Those that make normal numbers of them (src/kernels/noise.c). */
const NORMAL = WORDS + 62;

/**
 * The same of other layers, or of one of their lines, and the bytes that four elements of the output move where they
 * are not an activation's. Largest of 3x3: comparison, count and what it keeps, maximum and addition for each of 8.63
 * cells (less than nine at the edges), two for the winners.
 *
 * @type {Record<string, { operations: number[], moved?: number[] }>}
 */
const ARITHMETIC = {
  power: { operations: [93, 194], moved: [48, 80] },
  softmax: { operations: [36, 4] },
  logSoftmax: { operations: [36, 35] },
  dropout: { operations: [WORDS + 3, WORDS + 3], moved: [32, 32] },
  alphaDropout: { operations: [WORDS + 5, WORDS + 5], moved: [32, 32] },
  gaussianDropout: { operations: [NORMAL + 5, NORMAL + 5], moved: [32, 32] },
  gaussianNoise: { operations: [NORMAL + 5] },
  'maxPooling2d 32x32x32 3x3 / 2': { operations: [45], moved: [80] },
};

/** What multiplies more. @type {Row[]} */
const MULTIPLYING = [
  ['conv1d', '2,1,128,64,16', 'filters=64,kernelHeight=1,kernelWidth=3,samePadding=1'],
  [
    'conv2dTranspose',
    '3,16,16,64,8',
    'filters=32,kernelHeight=3,kernelWidth=3,strideHeight=2,strideWidth=2,samePadding=1',
  ],
  ['denseLike', ROWS, 'like=0'],
  ['matMul', '2,1,64,64,32'],
  ['simpleRNN', '2,1,32,96,32', 'units=128,returnSequences=1'],
  ['lstm', '2,1,32,96,32', 'units=128,returnSequences=1'],
  ['gru', '2,1,32,96,32', 'units=128,returnSequences=1'],
  ['attention', '2,1,64,64,32', 'numHeads=4'],
  ['attention', '2,1,256,256,4', 'numHeads=4'],
];

/** In the order of tg_optimizer. A matrix of 512 x 1024 weights. */
export const OPTIMIZERS = [
  ...['sgd', 'adam', 'adamw', 'adamax', 'nadam', 'adagrad', 'rmsprop', 'adadelta', 'lion'],
  ...['adafactor', 'muon'],
];

/** @param {string} size */
function channelsOf(size) {
  return Number(size.split(',')[3]);
}

/** @param {string} size */
function shapeOf(size) {
  const [rank, ...numbers] = size.split(',').map(Number);
  return numbers.slice(3 - rank, 3).join('x');
}

/**
 * @param {string} kind of the C bench's argument
 * @param {Row} row
 * @returns {import('./kernels-table.mjs').Job}
 */
function job(kind, [op, size, options = '', label = '']) {
  return {
    name: `${op} ${shapeOf(size)} ${label}`.trim(),
    argument: `${kind}:${[op, size, options].filter(Boolean)}`,
  };
}

/**
 * What the weights of attention take besides products: for four of them 37 instructions (the largest, its difference,
 * the scale, exp, the sum, the share) beside the multiply-adds of two products over a head's features.
 *
 * @param {number} features of a head
 */
const weighing = (features) => 37 / (4 * features);

/** @returns {import('./kernels-table.mjs').Job[]} in GFLOP/s */
export function multiplyingLayers() {
  const muon = { name: 'muon 512x1024', argument: `update:${OPTIMIZERS.indexOf('muon')},512,1024` };
  const layers = MULTIPLYING.map((row) => {
    const each = job('product', row);
    return row[0] === 'attention' ? { ...each, besides: weighing(channelsOf(row[1]) / 4) } : each;
  });
  return [...layers, muon];
}

/** @returns {import('./kernels-table.mjs').Job[]} in GB/s */
export function movingLayers() {
  const activations = Object.entries(ACTIVATIONS).map(([op, operations]) => ({
    ...job('layer', [op, IMAGES]),
    operations,
  }));
  const updates = OPTIMIZERS.slice(0, -1).map((name, number) => ({
    name: `${name} 512x1024`,
    argument: `update:${number},512,1024`,
  }));
  const moving = MOVING.map((row) => {
    const each = job('layer', row);
    return { ...each, ...(ARITHMETIC[each.name] ?? ARITHMETIC[row[0]]) };
  });
  return [...moving, ...activations, ...updates].map((each) => ({ ...each, bytes: true }));
}
