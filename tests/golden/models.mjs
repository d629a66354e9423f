/** Models of the golden cases: layers in a row, or a graph whose layers name what they read. */

import { input, layers } from 'tabgrad';

/**
 * @param {any} engine
 * @param {any} example
 * @param {{ seed?: number }} [options] of the model
 * @returns {Promise<any>}
 */
export function modelOfCase(engine, example, options) {
  return example.graph ? graphOf(engine, example, options) : chainOf(engine, example, options);
}

/** @param {any} engine @param {any} example @param {object} [options] */
function chainOf(engine, { layers: [first, ...others], inputShape }, options) {
  return engine.sequential([{ ...first, inputShape }, ...others], options);
}

/**
 * Layers read the one before, or those that their `inputs` name; '' is the input.
 *
 * @param {any} engine
 * @param {any} example
 * @param {object} [options]
 */
function graphOf(engine, { layers: list, inputShape }, options) {
  let last = input({ shape: inputShape });
  const inputs = last;
  const tensors = new Map([['', inputs]]);
  for (const { type, inputs: names, ...own } of list) {
    const layer = layers[/** @type {'add'} */ (type)](own);
    last = layer.apply(names ? names.map((/** @type {string} */ name) => tensors.get(name)) : last);
    tensors.set(own.name, last);
  }
  return engine.model({ inputs, outputs: last, ...options });
}
