/**
 * Networks with names, for pictures of CIFAR's size: `await resNet({ depth: 20 })`. Each is a function of options that
 * gives a model like any other, not compiled, with weights drawn from the seed.
 */

export { alexNet } from './applications/alex-net.js';
export { autoencoder } from './applications/autoencoder.js';
export { gan } from './applications/gan.js';
export { inception } from './applications/inception.js';
export { lstmClassifier } from './applications/lstm-classifier.js';
export { resNet } from './applications/res-net.js';
export { vgg } from './applications/vgg.js';
export { visionTransformer } from './applications/vision-transformer.js';

/**
 * @typedef {import('./applications/network.js').NetworkOptions} NetworkOptions
 * @typedef {import('./applications/network.js').ClassifierOptions} ClassifierOptions
 * @typedef {import('./applications/gan.js').Gan} Gan
 */
