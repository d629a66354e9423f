/** TensorFlow.js, WebAssembly backend. It has no kernel for a convolution's filter gradient: training is tried and its words are shown. */

import { PACKAGES, prepareTfjs } from './tfjs.mjs';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'tfjs-wasm',
  npm: PACKAGES,
  // The backend takes half of the processors it sees, whatever setThreadsCount says beyond that.
  processors: (threads) => 2 * threads,
  contestants: [
    { place: 'page', threads: 1 },
    { place: 'page', threads: 2 },
  ],
};

/** @type {import('../contestants.mjs').Prepare} */
export const prepare = (work, setting) => prepareTfjs(work, setting, 'wasm');
