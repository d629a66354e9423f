/** The layers of the network, and saving and loading its weights. */
import { isAllowed } from '../app/phases.js';
import { problemOf } from '../app/problems.js';
import { byId, download, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/evaluator.js').Evaluator} evaluator
 */
export function mountModel(store, evaluator) {
  const table = byId('summary');
  const body = /** @type {HTMLElement} */ (table.querySelector('tbody'));
  const foot = /** @type {HTMLElement} */ (table.querySelector('tfoot'));
  /** @type {HTMLButtonElement} */
  const save = byId('save-weights');
  /** @type {HTMLInputElement} */
  const load = byId('load-weights');

  save.addEventListener('click', async () => {
    try {
      const file = await evaluator.saveWeights();
      if (file) download(file.name, file.bytes);
    } catch (error) {
      store.set({ problem: problemOf(error) });
    }
  });
  load.addEventListener('change', () => {
    const file = load.files?.[0];
    load.value = '';
    if (file && isAllowed('loadWeights', store.state.phase)) void evaluator.loadWeights(file);
  });

  /** @param {string} text */
  const number = (text) => make('td', { class: 'number' }, [text]);

  store.watch(['summary'], ({ summary }) => {
    if (!summary) {
      body.replaceChildren();
      foot.replaceChildren();
      return;
    }
    body.replaceChildren(
      ...summary.layers.map((layer) =>
        make('tr', {}, [
          make('th', { scope: 'row' }, [layer.name]),
          make('td', { class: 'type' }, [layer.type]),
          number(layer.outputShape.filter((size) => size !== null).join(' × ')),
          number(format.count(layer.parameters)),
          number(layer.macs ? format.operations(layer.macs) : '–'),
        ]),
      ),
    );
    foot.replaceChildren(
      make('tr', {}, [
        make('th', { scope: 'row' }, ['Together']),
        make('td', { class: 'type' }),
        make('td'),
        number(format.count(summary.parameters)),
        number(format.operations(summary.macs)),
      ]),
    );
  });
  store.watch(['weightsFrom', 'progress'], ({ weightsFrom, progress }) => {
    const trained = progress.steps ? `, ${format.count(progress.steps)} steps` : '';
    setText(byId('weights-from'), `Weights: ${weightsFrom}${trained}`);
  });
  store.watch(['phase'], ({ phase }) => {
    save.disabled = !isAllowed('saveWeights', phase);
    load.disabled = !isAllowed('loadWeights', phase);
  });
}
