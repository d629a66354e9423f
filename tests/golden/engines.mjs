/** The engine builds that golden values are checked on: plain SIMD and, where the platform has it, relaxed. */

import v8 from 'node:v8';
import { createEngine } from 'tabgrad';

// Node 20 has relaxed SIMD behind a flag, later ones have it on; the flag works until the first module is compiled.
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Name of a build → options of `createEngine`. */
export const BUILDS = new Map([
  ['plain', { deterministic: true, threads: 2 }],
  ['relaxed', { deterministic: false, threads: 2 }],
]);

/**
 * @param {string} build a key of BUILDS
 * @returns {Promise<any>} an engine that really runs that build
 */
export async function startEngine(build) {
  const engine = await createEngine(BUILDS.get(build));
  const { relaxedSimd } = await engine.info();
  if (relaxedSimd !== (build === 'relaxed')) {
    await engine.dispose();
    throw new Error(`The ${build} build was asked for, relaxedSimd is ${relaxedSimd}.`);
  }
  return engine;
}
