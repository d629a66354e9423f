/** A network's three likeliest answers as bars; the list is made once and updated in place. */
import { make, setText } from './dom.js';

const ROWS = 3;

export class AnswerBars {
  element = make('ol', { class: 'answers' });
  #rows = Array.from({ length: ROWS }, () => {
    const name = make('span', { class: 'answer-name' });
    const share = make('span', { class: 'answer-share' });
    const fill = make('span', { class: 'answer-fill', 'aria-hidden': 'true' });
    const row = make('li', {}, [fill, name, share]);
    this.element.append(row);
    return { row, name, share, fill };
  });

  /**
   * @param {import('../app/probabilities.js').Answer[]} answers
   * @param {readonly string[]} classNames
   * @param {number} [truth] the right class, where it is known
   */
  show(answers, classNames, truth) {
    this.#rows.forEach(({ row, name, share, fill }, i) => {
      const answer = answers[i];
      row.hidden = !answer;
      if (!answer) return;
      setText(name, classNames[answer.label]);
      setText(share, `${Math.round(answer.probability * 100)} %`);
      fill.style.transform = `scaleX(${answer.probability.toFixed(3)})`;
      row.classList.toggle('is-truth', answer.label === truth);
      row.classList.toggle('is-wrong', i === 0 && truth !== undefined && answer.label !== truth);
    });
  }
}
