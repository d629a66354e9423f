/** One test image with the network's three likeliest answers. */
import { AnswerBars } from '../ui/answer-bars.js';
import { make, setText } from '../ui/dom.js';
import { drawImage } from '../ui/pixels.js';

/** @typedef {import('../app/image-store.js').ImageStore} ImageStore */

export class AnswerCard {
  #canvas = make('canvas', { role: 'img' });
  #truth = make('p', { class: 'card-truth' });
  #verdict = make('span', { class: 'verdict' });
  #bars = new AnswerBars();
  /** @type {ImageStore | null} */
  #store = null;
  #index = -1;
  #label = 0;
  /** @type {readonly string[]} */
  #classNames = [];
  element = make('li', { class: 'card', hidden: true }, [
    make('div', { class: 'card-image' }, [this.#canvas, this.#verdict]),
    make('div', { class: 'card-text' }, [this.#truth, this.#bars.element]),
  ]);

  /**
   * @param {ImageStore} store of which it is one
   * @param {number} index
   * @param {import('../app/image-store.js').Picture} picture
   * @param {number} label
   * @param {readonly string[]} classNames
   * @returns {boolean} whether it is another image than before
   */
  showImage(store, index, picture, label, classNames) {
    const isOther = index !== this.#index || store !== this.#store;
    if (isOther) drawImage(this.#canvas, picture);
    this.#store = store;
    this.#index = index;
    this.#label = label;
    this.#classNames = classNames;
    this.element.dataset.index = String(index);
    this.#canvas.setAttribute('aria-label', `Test image ${index}: ${classNames[label]}`);
    setText(this.#truth, classNames[label]);
    return isOther;
  }

  /** @param {import('../app/probabilities.js').Answer[]} answers none: the network was not asked */
  showAnswers(answers) {
    const verdict = answers.length
      ? answers[0].label === this.#label
        ? 'right'
        : 'wrong'
      : 'none';
    this.element.dataset.verdict = verdict;
    setText(this.#verdict, { right: '✓', wrong: '✗', none: '' }[verdict]);
    this.#verdict.hidden = verdict === 'none';
    this.#verdict.title = verdict;
    this.#bars.show(answers, this.#classNames, this.#label);
  }
}
