/**
 * Test images with the network's answers. Until there is an evaluation the first page is asked again
 * every second of training: one sees it learn. After an evaluation all images can be filtered and leafed through.
 */
import { topAnswers } from '../app/probabilities.js';
import { chooseImages } from '../app/image-filter.js';
import { isAllowed } from '../app/phases.js';
import { problemOf } from '../app/problems.js';
import { AnswerCard } from './answer-card.js';
import { byId, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

const PAGE = 24;
const GLANCE_MS = 1000;

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 * @param {import('../app/evaluator.js').Evaluator} evaluator
 */
export function mountAnswers(store, session, evaluator) {
  const cards = Array.from({ length: PAGE }, () => new AnswerCard());
  byId('cards').append(...cards.map((card) => card.element));
  const filters = /** @type {HTMLButtonElement[]} */ ([...byId('answers-filter').children]);
  const cellFilter = byId('cell-filter');
  /** @type {HTMLButtonElement} */
  const back = byId('page-back');
  /** @type {HTMLButtonElement} */
  const on = byId('page-on');
  /** @type {import('../app/image-filter.js').Filter} */
  let filter = 'all';
  let page = 0;

  for (const button of filters) {
    button.addEventListener('click', () =>
      choose(/** @type {typeof filter} */ (button.dataset.filter)),
    );
  }
  back.addEventListener('click', () => void show(page - 1));
  on.addEventListener('click', () => void show(page + 1));

  /** @param {typeof filter} wanted */
  function choose(wanted) {
    filter = wanted;
    for (const button of filters) {
      button.setAttribute('aria-pressed', String(button.dataset.filter === filter));
    }
    void show(0);
  }

  /** Shows a page of the images that the filter leaves. @param {number} wanted */
  async function show(wanted) {
    const { testImages } = session;
    try {
      await showPage(wanted);
    } catch (error) {
      // Of images that were replaced meanwhile nobody needs to hear.
      if (testImages === session.testImages) store.set({ problem: problemOf(error) });
    }
  }

  /** @param {number} wanted */
  async function showPage(wanted) {
    const { evaluation, cell, data } = store.state;
    const { testImages } = session;
    if (!testImages || data.kind === 'none') {
      for (const card of cards) card.element.hidden = true;
      back.disabled = on.disabled = true;
      setText(byId('page-note'), '');
      return;
    }
    const classes = data.classNames.length;
    const indices = chooseImages(evaluation, evaluation ? filter : 'all', cell, data.testCount);
    const pages = Math.max(1, Math.ceil(indices.length / PAGE));
    page = Math.min(Math.max(wanted, 0), pages - 1);
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
    const first = page * PAGE;
    const shown = Array.from(indices.slice(first, first + PAGE));
    setText(
      byId('page-note'),
      shown.length
        ? `${format.count(first + 1)} to ${format.count(first + shown.length)} of ${format.count(indices.length)}`
        : 'No such image',
    );
    const [labels, ...pictures] = await Promise.all([
      testImages.labels(),
      ...shown.map((index) => testImages.picture(index)),
    ]);
    cards.forEach((card, i) => {
      card.element.hidden = i >= shown.length;
      if (i >= shown.length) return;
      const [index, picture] = [shown[i], pictures[i]];
      const label = labels[index];
      const isOther = card.showImage(testImages, index, picture, label, data.classNames);
      if (evaluation) card.showAnswers(topAnswers(evaluation.probabilities, shown[i], classes));
      else if (isOther) card.showAnswers([]);
    });
  }

  store.watch(['evaluation', 'data', 'cell'], ({ evaluation, cell, data }) => {
    for (const button of filters) button.disabled = !evaluation && button.dataset.filter !== 'all';
    cellFilter.hidden = !cell;
    if (cell) {
      const { truth, answer } = cell;
      setText(cellFilter, `${data.classNames[truth]} called ${data.classNames[answer]}`);
    }
    choose(cell ? 'cell' : filter === 'cell' || !evaluation ? 'all' : filter);
  });

  let asking = false;
  /** When to ask next: looking must not take more than a tenth of the time. */
  let next = 0;
  /** The weights that the answers shown belong to: a network and its steps. */
  let shownModel = session.model;
  let shownSteps = -1;
  setInterval(async () => {
    const { phase, progress, evaluation, data } = store.state;
    // A hidden page needs no answers; training itself goes on in the worker.
    if (asking || document.hidden || evaluation || page > 0) return;
    const began = performance.now();
    if (began < next) return;
    const { model } = session;
    if (model === shownModel && progress.steps === shownSteps) return;
    if (!isAllowed('classify', phase)) return;
    asking = true;
    try {
      const probabilities = await evaluator.glance(PAGE);
      if (store.state.evaluation || probabilities.length === 0) return;
      shownModel = model;
      shownSteps = progress.steps;
      cards.forEach((card, i) => {
        if (card.element.hidden) return;
        card.showAnswers(topAnswers(probabilities, i, data.classNames.length));
      });
    } catch {
      // The network was replaced between two looks; whatever failed reports itself.
    } finally {
      asking = false;
      next = performance.now() + 9 * (performance.now() - began);
    }
  }, GLANCE_MS);
}
