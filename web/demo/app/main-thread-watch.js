/**
 * The longest time the page could not answer, while a network trains. Where the browser reports long
 * tasks (50 ms and more) those are used; elsewhere a timer that comes late tells.
 */

const TICK_MS = 50;

export class MainThreadWatch {
  #longest = 0;
  #watching = false;
  #supported = PerformanceObserver.supportedEntryTypes.includes('longtask');

  constructor() {
    if (this.#supported) {
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) this.#saw(entry.duration);
      }).observe({ type: 'longtask' });
    } else {
      let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        if (!document.hidden) this.#saw(now - last - TICK_MS);
        last = now;
      }, TICK_MS);
    }
  }

  /** Begins to watch. */
  restart() {
    this.#longest = 0;
    this.#watching = true;
  }

  stop() {
    this.#watching = false;
  }

  /** Longest task in milliseconds; 0 when none reached 50. */
  get longest() {
    return this.#longest < 50 ? 0 : Math.round(this.#longest);
  }

  /** @param {number} duration */
  #saw(duration) {
    if (this.#watching) this.#longest = Math.max(this.#longest, duration);
  }
}
