/**
 * The page is always in one phase (waiting: for images to learn from); the table says which actions each allows. Buttons are enabled
 * from it and actions check it, so that a double click or a key press cannot do two things at once.
 */

/** @typedef {'starting' | 'loading' | 'waiting' | 'idle' | 'training' | 'paused' | 'evaluating' | 'failed'} Phase */
/** @typedef {keyof typeof ALLOWED} Action */

const ALLOWED = Object.freeze({
  train: ['idle'],
  pause: ['training'],
  resume: ['paused'],
  step: ['idle', 'paused'],
  stop: ['training', 'paused', 'evaluating', 'loading'],
  reset: ['idle', 'training', 'paused'],
  evaluate: ['idle', 'paused'],
  pretrained: ['idle'],
  configure: ['idle', 'waiting'],
  setLearningRate: ['idle', 'waiting', 'training', 'paused'],
  loadData: ['idle', 'waiting'],
  saveWeights: ['idle', 'paused'],
  loadWeights: ['idle'],
  classify: ['idle', 'training', 'paused'],
});

/**
 * @param {Action} action
 * @param {Phase} phase
 */
export function isAllowed(action, phase) {
  return /** @type {readonly string[]} */ (ALLOWED[action]).includes(phase);
}
