/**
 * The library reports, as Keras does, means over the epoch so far; a curve wants each batch by
 * itself. The difference of two sums is the batch.
 */
export class RunningSums {
  #images = 0;
  #loss = 0;
  #accuracy = 0;

  /**
   * @param {number} batch number within the epoch
   * @param {number} images of the epoch seen, this batch included
   * @param {{ loss: number, accuracy: number }} means over those images
   * @returns {{ images: number, loss: number, accuracy: number }} of this batch alone
   */
  next(batch, images, means) {
    if (batch === 0) this.#images = this.#loss = this.#accuracy = 0;
    const [loss, accuracy] = [means.loss * images, means.accuracy * images];
    const own = images - this.#images;
    const result = {
      images: own,
      loss: (loss - this.#loss) / own,
      accuracy: (accuracy - this.#accuracy) / own,
    };
    this.#images = images;
    this.#loss = loss;
    this.#accuracy = accuracy;
    return result;
  }
}
