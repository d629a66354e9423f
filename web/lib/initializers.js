/** Weight initialisers, named and defined as in Keras 3. */

/**
 * Initialiser name → the number by which the engine knows it.
 *
 * - `zeros`, `ones`
 * - `glorotUniform`, `glorotNormal`: variance 2 / (fanIn + fanOut) (Glorot and Bengio, 2010)
 * - `heUniform`, `heNormal`: variance 2 / fanIn (He et al., 2015)
 *
 * The normal ones are truncated at two standard deviations, as in Keras.
 */
export const INITIALIZERS = new Map(
  /** @type {const} */ ([
    ['zeros', 0],
    ['ones', 1],
    ['glorotUniform', 2],
    ['glorotNormal', 3],
    ['heUniform', 4],
    ['heNormal', 5],
  ]),
);

/** @typedef {'zeros' | 'ones' | 'glorotUniform' | 'glorotNormal' | 'heUniform' | 'heNormal'} Initializer */

/** @type {readonly Initializer[]} */
export const INITIALIZER_NAMES = Object.freeze([...INITIALIZERS.keys()]);
