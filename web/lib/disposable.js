/** The well-known symbols of `using`, where the platform lacks them as transpilers define them. */

/** @type {typeof Symbol.dispose} */
export const disposeSymbol = Symbol.dispose ?? /** @type {any} */ (Symbol.for('Symbol.dispose'));

/** @type {typeof Symbol.asyncDispose} */
export const asyncDisposeSymbol =
  Symbol.asyncDispose ?? /** @type {any} */ (Symbol.for('Symbol.asyncDispose'));
