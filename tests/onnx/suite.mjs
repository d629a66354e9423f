/**
 * The ONNX project's backend tests, as Debian's package libonnx-testdata has them: which of them apply to this library,
 * and running one. Inputs and outputs are TensorProto files; the tolerances are those of the suite's own runner.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = '/usr/share/libonnx-testdata/data';
const FAMILIES = ['node', 'pytorch-converted', 'pytorch-operator', 'simple'];
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/** Operators that become layers. A test applies when it has one of them, and none that is neither here nor below. */
const OPERATORS = new Set(
  `Abs Add AveragePool BatchNormalization Celu Clip Concat Conv ConvTranspose DepthToSpace Div Dropout Elu Exp Expand
  Flatten GRU Gather GatherElements Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Hardmax Identity
  InstanceNormalization LRN LSTM LayerNormalization LeakyRelu Log LogSoftmax MatMul Max MaxPool Mean
  MeanVarianceNormalization Min Mul Neg NegativeLogLikelihoodLoss PRelu Pad Pow RNN Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
  Selu Sigmoid Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh
  ThresholdedRelu Tile Transpose Unsqueeze Upsample ai.onnx.preview.training.Adagrad ai.onnx.preview.training.Adam
  ai.onnx.preview.training.Gradient ai.onnx.preview.training.Momentum`.split(/\s+/),
);
/** Operators of the graphs that others are decomposed to: computed when the file is read. */
const SUPPORT = new Set(
  'And Cast Constant ConstantOfShape Equal Greater Less Not Or Range Shape Size Where'.split(' '),
);
/** Other types are not this library's. */
const TYPES = new Set(['float32', 'int64', 'bool']);

/**
 * @typedef {import('../../web/lib/onnx/proto.js').Tensor} Tensor
 * @typedef {{ name: string, folder: string }} SuiteTest
 * @typedef {{ passed: true } | { passed: false, why: string }} Result
 */

/** @returns {boolean} */
export const isInstalled = () => existsSync(ROOT);

/**
 * The tests that apply.
 *
 * @param {typeof import('../../web/lib/onnx/proto.js')} proto
 * @returns {SuiteTest[]}
 */
export function applicableTests(proto) {
  return FAMILIES.flatMap((family) =>
    readdirSync(join(ROOT, family))
      .sort()
      .map((name) => ({ name, folder: join(ROOT, family, name) })),
  ).filter(({ folder }) => applies(proto, folder));
}

/** @param {typeof import('../../web/lib/onnx/proto.js')} proto @param {string} folder */
function applies(proto, folder) {
  let model;
  try {
    model = proto.decodeModel(readFileSync(join(folder, 'model.onnx')));
  } catch {
    return false;
  }
  const types = model.nodes.map(({ domain, type }) => (domain ? `${domain}.${type}` : type));
  if (!types.every((type) => OPERATORS.has(type) || SUPPORT.has(type))) return false;
  if (!types.some((type) => OPERATORS.has(type)) || model.inputs.length === 0) return false;
  // Masks are booleans; as inputs only Dropout's `training_mode` is one.
  const inputs = model.inputs.every(({ type }) => type !== 'bool' || types.includes('Dropout'));
  return inputs && [...model.inputs, ...model.outputs].every(({ type }) => TYPES.has(type));
}

/**
 * @param {typeof import('../../web/lib/onnx/proto.js')} proto
 * @param {string} folder of one data set
 * @param {'input' | 'output'} kind
 * @returns {Tensor[]}
 */
function readTensors(proto, folder, kind) {
  const files = readdirSync(folder).filter((name) => name.startsWith(`${kind}_`));
  return files.map((_, k) => proto.decodeTensor(readFileSync(join(folder, `${kind}_${k}.pb`))));
}

/**
 * Why an output is not what the suite expects, or undefined.
 *
 * @param {ArrayLike<number>} found
 * @param {Tensor} expected
 * @param {string} name
 */
export function difference(found, { data }, name) {
  if (found.length !== data.length)
    return `${name} has ${found.length} numbers, not ${data.length}`;
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [found[i], data[i]];
    if (Object.is(a, b) || Math.abs(a - b) <= ABSOLUTE + RELATIVE * Math.abs(b)) continue;
    return `${name}[${i}] is ${a}, not ${b}`;
  }
  return undefined;
}

/**
 * @param {SuiteTest} test
 * @param {(bytes: Uint8Array, inputs: Map<string, Tensor>, outputs: string[]) => Promise<{ shape: readonly number[], data: ArrayLike<number> }[]>} run
 * @param {typeof import('../../web/lib/onnx/proto.js')} proto
 * @returns {Promise<Result>}
 */
export async function runTest({ folder }, run, proto) {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const model = proto.decodeModel(bytes);
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set'));
  for (const set of sets) {
    const inputs = readTensors(proto, join(folder, set), 'input');
    const outputs = readTensors(proto, join(folder, set), 'output');
    // Files before version 4 list initializers among the inputs, first those that are fed.
    const named = new Map(inputs.map((tensor, k) => [model.inputs[k].name, tensor]));
    const names = model.outputs.map(({ name }) => name);
    try {
      const found = await run(bytes, named, names);
      for (const [k, expected] of outputs.entries()) {
        const shape = String(found[k].shape);
        if (shape !== String(expected.shape)) {
          return {
            passed: false,
            why: `${names[k]} is of shape [${shape}], not [${expected.shape}]`,
          };
        }
        const why = difference(found[k].data, expected, names[k]);
        if (why) return { passed: false, why };
      }
    } catch (error) {
      return { passed: false, why: String(error) };
    }
  }
  return { passed: true };
}
