/**
 * The page's state in one place. Panels watch the keys they show; actions set them.
 * @template {object} S
 */
export class Store {
  /** @type {S} */
  #state;
  /** @type {Set<{ keys: (keyof S)[], show: (state: S) => void }>} */
  #watchers = new Set();

  /** @param {S} initial */
  constructor(initial) {
    this.#state = initial;
  }

  /** The present state; read only by convention. */
  get state() {
    return this.#state;
  }

  /**
   * Replaces some keys and tells the panels that watch them.
   * @param {Partial<S>} patch
   */
  set(patch) {
    this.#state = { ...this.#state, ...patch };
    for (const { keys, show } of this.#watchers) {
      if (keys.some((key) => key in patch)) show(this.#state);
    }
  }

  /**
   * Calls `show` now and whenever one of `keys` is set.
   * @param {(keyof S)[]} keys
   * @param {(state: S) => void} show
   */
  watch(keys, show) {
    this.#watchers.add({ keys, show });
    show(this.#state);
  }
}
