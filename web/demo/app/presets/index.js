/** The networks the page offers: what each is made of, what it learns from and how it begins. */
import { S1 } from './three-convolutions.js';
import { S2 } from './photos.js';
import { S3 } from './cat-or-not.js';
import { S4 } from './with-dropout.js';
import { S5 } from './at-224.js';
import { ResNet20 } from './resnet20.js';

/**
 * @typedef {import('../state.js').Settings} Settings
 *
 * @typedef {object} Preset
 * @property {Pick<Settings, 'epochs' | 'batchSize' | 'optimizer' | 'learningRate'>} settings those it begins with
 * @property {import('../image-sets.js').Use} images
 * @property {(classes: number) => import('../outputs.js').OutputKind} output
 * @property {(facts: ModelFacts) => Promise<import('tabgrad').Model>} make
 * @property {() => Promise<import('tabgrad/augment').AugmentationConfig[]>} [augment] what is done to training images
 * @property {number} testBatch images that are classified at once, as its activations leave room for
 * @property {boolean} pretrained whether weights come with the page
 *
 * @typedef {object} ModelFacts
 * @property {string} name
 * @property {number} seed
 * @property {number} classes
 * @property {number} side of its pictures, in pixels
 */

export const PRESETS = Object.freeze({ S1, S2, S3, S4, S5, ResNet20 });

/** @typedef {keyof typeof PRESETS} PresetId */

/**
 * The usual learning rate of an optimizer: a change of rule with the other's rate rarely learns.
 * @param {PresetId} id
 * @param {Settings['optimizer']} optimizer
 */
export function usualRate(id, optimizer) {
  const own = PRESETS[id].settings;
  if (own.optimizer === optimizer) return own.learningRate;
  return optimizer === 'adam' ? 0.001 : 0.01;
}
