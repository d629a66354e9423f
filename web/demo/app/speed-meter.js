/** Steps and images a second over the last few seconds of training; pauses do not count. */

const WINDOW_MS = 3000;

export class SpeedMeter {
  /** @type {{ time: number, steps: number, images: number }[]} */
  #marks = [];
  #steps = 0;
  #images = 0;

  /** Forgets the past: at the start of a run, after a pause and after validation. */
  restart() {
    this.#marks = [{ time: performance.now(), steps: this.#steps, images: this.#images }];
  }

  /** @param {number} images of one step */
  addStep(images) {
    this.#steps++;
    this.#images += images;
  }

  /** @returns {{ imagesPerSecond: number, msPerStep: number } | null} null until there is enough to tell */
  read() {
    const now = { time: performance.now(), steps: this.#steps, images: this.#images };
    this.#marks.push(now);
    while (this.#marks.length > 2 && now.time - this.#marks[1].time > WINDOW_MS)
      this.#marks.shift();
    const first = this.#marks[0];
    const steps = now.steps - first.steps;
    const ms = now.time - first.time;
    if (steps < 1 || ms < 200) return null;
    return { imagesPerSecond: ((now.images - first.images) * 1000) / ms, msPerStep: ms / steps };
  }
}
