/** Activation functions by name, as options of layers. */

/**
 * Activation name → the engine's operator, and what of its attributes is not the default. Definitions are Keras 3's:
 *
 * - `linear`: x. `relu`: max(x, 0). `relu6`: min(relu(x), 6). `leakyRelu`: x where positive, else 0.2 x
 * - `elu`: x where positive, else e^x − 1 (Clevert et al. 2015). `selu`: the self-normalising one (Klambauer et al. 2017)
 * - `gelu`: x Φ(x) (Hendrycks and Gimpel 2016). `silu`, `swish`: x sigmoid(x). `mish`: x tanh(softplus(x)) (Misra 2019)
 * - `softplus`: log(1 + e^x). `softsign`: x / (1 + |x|). `tanh`, `sigmoid`, `exponential`
 * - `hardSigmoid`: relu6(x + 3) / 6. `hardSilu`, `hardSwish`: x hardSigmoid(x) (Howard et al. 2019)
 * - `softmax`, `logSoftmax`, `hardmax` (1 where the largest is, else 0; no gradient): over the last axis
 */
export const ACTIVATIONS = new Map(
  /** @type {[Activation, import('./layer-fields.js').Step | undefined][]} */ ([
    ['linear', undefined],
    ['relu', { op: 'relu' }],
    ['sigmoid', { op: 'sigmoid' }],
    ['softmax', { op: 'softmax' }],
    ['elu', { op: 'elu' }],
    ['exponential', { op: 'exponential' }],
    ['gelu', { op: 'gelu' }],
    ['hardmax', { op: 'hardmax' }],
    ['hardSigmoid', { op: 'hardSigmoid' }],
    ['hardSilu', { op: 'hardSwish' }],
    ['hardSwish', { op: 'hardSwish' }],
    ['leakyRelu', { op: 'rectifier', attributes: [['negativeSlope', 0.2]] }],
    ['logSoftmax', { op: 'logSoftmax' }],
    ['mish', { op: 'mish' }],
    ['relu6', { op: 'rectifier', attributes: [['maxValue', 6]] }],
    ['selu', { op: 'selu' }],
    ['silu', { op: 'silu' }],
    ['softplus', { op: 'softplus' }],
    ['softsign', { op: 'softsign' }],
    ['swish', { op: 'silu' }],
    ['tanh', { op: 'tanh' }],
  ]),
);

/**
 * @typedef {'linear' | 'relu' | 'sigmoid' | 'softmax' | 'elu' | 'exponential' | 'gelu' | 'hardmax' | 'hardSigmoid' | 'hardSilu'
 *   | 'hardSwish' | 'leakyRelu' | 'logSoftmax' | 'mish' | 'relu6' | 'selu' | 'silu' | 'softplus' | 'softsign'
 *   | 'swish' | 'tanh'} Activation
 */

/** @type {readonly Activation[]} */
export const ACTIVATION_NAMES = Object.freeze([...ACTIVATIONS.keys()]);
