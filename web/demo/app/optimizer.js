/** The optimizer that a person chose. */
import { optimizers } from 'tabgrad';

/** @param {import('./state.js').Settings} settings */
export function optimizerOf({ optimizer, learningRate }) {
  if (optimizer === 'adam') return optimizers.adam({ learningRate });
  return optimizers.sgd({ learningRate, momentum: 0.9 });
}
