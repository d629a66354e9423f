/** Test accuracy, accuracy by class, the confusion matrix, and the comparison with the model card. */
import { ConfusionTable } from '../charts/confusion-table.js';
import { classScore, commonestClass } from '../app/confusion.js';
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

/** Share of one class from which accuracy alone would flatter. */
const UNEVEN = 0.6;
/** Of a matrix that can still be read. */
const MOST_CLASSES = 50;

/** @param {import('../app/state.js').AppStore} store */
export function mountResults(store) {
  const modes = /** @type {HTMLButtonElement[]} */ ([...byId('confusion-mode').children]);
  /** @type {'counts' | 'share'} */
  let mode = 'counts';
  /** @type {HTMLTableElement} */
  const table = byId('confusion');
  const matrix = new ConfusionTable(table, (cell) => {
    store.set({ cell });
    byId('answers-title').scrollIntoView({ block: 'start' });
  });

  for (const button of modes) {
    button.addEventListener('click', () => {
      mode = button.dataset.mode === 'share' ? 'share' : 'counts';
      for (const other of modes) other.setAttribute('aria-pressed', String(other === button));
      showMatrix();
    });
  }

  function showMatrix() {
    const { evaluation, data, cell } = store.state;
    const few = data.classNames.length <= MOST_CLASSES;
    byId('confusion-part').hidden = !few;
    if (evaluation && few) matrix.show(evaluation.confusion, data.classNames, mode, cell);
  }

  store.watch(['evaluation'], ({ evaluation, data }) => {
    const body = byId('results-body');
    body.hidden = !evaluation;
    byId('results-note').hidden = Boolean(evaluation);
    if (!evaluation) return;
    const { correct } = evaluation.confusion;
    const accuracy = byId('test-accuracy');
    accuracy.dataset.correct = String(correct);
    setText(accuracy, format.percent(evaluation.accuracy, 2));
    setText(
      byId('test-count'),
      `${format.count(correct)} of ${format.count(evaluation.count)} test images right, ` +
        `loss ${format.decimal(evaluation.loss)}`,
    );
    const commonest = commonestClass(evaluation.confusion);
    byId('baseline').hidden = commonest.share < UNEVEN;
    setText(
      byId('baseline'),
      `Always “${data.classNames[commonest.label]}” would be right for ${format.percent(commonest.share)}.`,
    );
    byId('per-class').replaceChildren(
      ...data.classNames.map((name, i) => {
        const score = classScore(evaluation.confusion, i);
        const fill = make('span', { class: 'answer-fill', 'aria-hidden': 'true' });
        fill.style.transform = `scaleX(${score.share.toFixed(3)})`;
        return make('li', {}, [
          make('span', { class: 'class-name', title: name }, [name]),
          make('span', { class: 'class-bar' }, [fill]),
          make('span', { class: 'class-share' }, [format.percent(score.share)]),
        ]);
      }),
    );
  });
  store.watch(['evaluation', 'cell'], showMatrix);

  const check = byId('card-check');
  store.watch(['pretrained', 'evaluation'], ({ pretrained, evaluation }) => {
    check.hidden = !pretrained || !evaluation;
    if (!pretrained) return;
    const { card, correct, count } = pretrained;
    const promised = `${format.count(card.testCorrect)} of ${format.count(card.testCount)}`;
    const same = Object.values(card.testCorrectByBuild).includes(correct);
    check.dataset.match = count === card.testCount ? String(same) : 'sample';
    const verdict =
      count !== card.testCount
        ? `on part of the test set; the model card states ${promised} on the full test set`
        : same
          ? `the same as the model card states, to the image`
          : `the model card states ${promised}`;
    setText(
      check,
      `Pretrained weights, ${verdict}. Trained by this engine on ${card.date} with seed ${card.seed}.`,
    );
  });
}
