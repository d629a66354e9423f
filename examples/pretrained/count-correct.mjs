/** How many test images saved weights get right, on each build of the engine. */

import v8 from 'node:v8';
import { UnsupportedError, createEngine } from 'tabgrad';
import { accuracy } from 'tabgrad/metrics';

// Node 20 has relaxed SIMD behind a flag, later ones have it on.
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

/**
 * The builds round differently, so an image on the edge between two classes may fall on either side.
 *
 * @param {string} path of the weights
 * @returns {Promise<{ plain: number, relaxed?: number }>} relaxed absent where the platform lacks it
 */
export async function countCorrect(path) {
  const plain = await countOn('plain', path);
  try {
    return { plain, relaxed: await countOn('relaxed', path) };
  } catch (error) {
    if (error instanceof UnsupportedError) return { plain };
    throw error;
  }
}

/**
 * @param {'plain' | 'relaxed'} simd
 * @param {string} path
 */
async function countOn(simd, path) {
  const engine = await createEngine({ simd });
  try {
    const { test } = await engine.datasets.cifar10({ parts: ['test'] });
    const model = await engine.load(path);
    const scores = await model.predict(test, { batchSize: 100 });
    const { y } = await test.read(0, test.count);
    return Math.round(accuracy(y, scores) * test.count);
  } finally {
    await engine.dispose();
  }
}
