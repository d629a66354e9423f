/** Whom we compare with, in the order of the tables. */

import { peer as jaxJs } from './peers/jax-js.mjs';
import { peer as onnxruntimeWeb } from './peers/onnxruntime-web.mjs';
import { peer as pytorch } from './peers/pytorch.mjs';
import { peer as tabgrad } from './peers/tabgrad.mjs';
import { peer as tfjsCpu } from './peers/tfjs-cpu.mjs';
import { peer as tfjsWasm } from './peers/tfjs-wasm.mjs';

/** Measured in every run. */
export const OURS = tabgrad;

export const PEERS = [pytorch, tfjsWasm, onnxruntimeWeb, jaxJs, tfjsCpu];
