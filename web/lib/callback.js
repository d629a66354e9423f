/** What callbacks have in common; those of the library are in callbacks.js. */

import { StateError } from './errors.js';

/** The base of callbacks: it knows the model. What `fit` calls of it is in `Hooks`. */
export class Callback {
  /** @type {import('./model.js').Model | undefined} */
  #model;

  /** The model that trains. @throws {StateError} outside of `fit` */
  get model() {
    if (this.#model) return this.#model;
    throw new StateError('This callback has no model yet: give it to fit.');
  }

  /** Called by `fit` first. @param {import('./model.js').Model} model */
  setModel(model) {
    this.#model = model;
  }
}
