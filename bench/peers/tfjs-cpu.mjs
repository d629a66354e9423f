/** TensorFlow.js, plain JavaScript backend: the one of its backends that trains a convolution without a GPU. */

import { PACKAGES, prepareTfjs } from './tfjs.mjs';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'tfjs-cpu',
  npm: PACKAGES,
  // Others of its kind are a hundred times slower than what they are compared with: one work tells enough.
  works: ['seed-cnn-train-b32'],
  contestants: [{ place: 'page', threads: 1, slow: true }],
};

/** @type {import('../contestants.mjs').Prepare} */
export const prepare = (work, setting) => prepareTfjs(work, setting, 'cpu');
