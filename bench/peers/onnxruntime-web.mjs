/** ONNX Runtime's WebAssembly build in a page. Inference alone: it has no training any more. */

import { onnxModel } from '../onnx-model.mjs';
import { randomFloats, timed, unitsOfStep } from '../works.mjs';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'onnxruntime-web',
  npm: { 'onnxruntime-web': '1.30.0' },
  refuses: ({ mode }) => (mode === 'train' ? 'cannot train' : undefined),
  contestants: [
    { place: 'page', threads: 1 },
    { place: 'page', threads: 2 },
  ],
};

/** @type {import('../contestants.mjs').Prepare} */
export async function prepare(work, { threads, base }) {
  const folder = `${base}onnxruntime-web/dist/`;
  const ort = await import(`${folder}ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = new URL(folder, location.href).href;
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(onnxModel(work.network), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const { batch, network } = work;
  const [height, width, channels] = network.input;
  const shape = network.input.length === 1 ? network.input : [channels, height, width];
  const input = randomFloats(shape.reduce((size, side) => size * side, batch));
  const step = async () => {
    const results = await session.run({ x: new ort.Tensor('float32', input, [batch, ...shape]) });
    for (const result of Object.values(results)) result.dispose();
  };
  return {
    version: ort.env.versions.web,
    threads: ort.env.wasm.numThreads,
    run: (seconds) => timed(step, unitsOfStep(work), seconds),
  };
}
