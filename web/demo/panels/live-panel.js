/** The figures, the bar and the curves that move while a network trains. */
import { CurveChart } from '../charts/curve-chart.js';
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

/** @typedef {import('../app/state.js').AppState} AppState */

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 */
export function mountLive(store, session) {
  const loss = new CurveChart(byId('loss-plot'), { format: (v) => v.toFixed(1) });
  const accuracy = new CurveChart(byId('accuracy-plot'), {
    format: (v) => `${Math.round(v * 100)} %`,
    range: [0, 1],
  });
  /** @type {HTMLProgressElement} */
  const bar = byId('run-bar');
  const rows = new EpochRows(
    /** @type {HTMLElement} */ (byId('epochs-table').querySelector('tbody')),
  );

  let turn = false;

  store.watch(['progress', 'phase'], ({ progress: p, phase, settings }) => {
    document.body.dataset.steps = String(p.steps);
    setText(byId('accuracy'), format.percent(p.accuracy));
    setText(byId('val-accuracy'), format.percent(p.valAccuracy));
    setText(byId('loss'), format.decimal(p.loss));
    setText(byId('val-loss'), format.decimal(p.valLoss));
    setText(byId('images-per-second'), format.count(p.imagesPerSecond));
    setText(byId('ms-per-step'), format.decimal(p.msPerStep, 2));
    setText(byId('eta'), format.duration(p.secondsLeft));
    const epochs = p.targetEpochs || settings.epochs;
    const epoch = Math.min(p.epochsDone + (p.batch > 0 ? 1 : 0), epochs);
    setText(byId('epoch'), p.steps ? `${epoch} / ${epochs}` : format.count(null));
    bar.value = p.batches ? (p.epochsDone + p.batch / p.batches) / epochs : 0;
    // While it trains the charts take turns: two short tasks instead of a long one.
    turn = !turn;
    if (phase !== 'training' || turn) loss.show(session.curves.columns('loss'));
    if (phase !== 'training' || !turn) accuracy.show(session.curves.columns('accuracy'));
    if (rows.show(p)) describeCurves(p);
  });
  /** @type {import('../app/phases.js').Phase} */
  let before = store.state.phase;
  store.watch(['phase'], ({ phase }) => {
    // On a phone the curves lie below the fold: whoever presses Train wants to see them.
    if (phase === 'training' && before === 'idle' && matchMedia('(max-width: 60rem)').matches) {
      byId('live').scrollIntoView({ block: 'start' });
    }
    before = phase;
  });
  store.watch(['phase', 'progress'], (state) => setText(byId('run-note'), noteOf(state)));
}

/** What is going on, in words; a screen reader hears it when it changes. @param {AppState} state */
function noteOf({ phase, progress: p }) {
  if (phase === 'starting') return 'Starting the engine…';
  if (phase === 'failed') return 'The engine could not start.';
  if (phase === 'loading') return 'Loading images…';
  if (phase === 'waiting') return 'There are no images to learn from yet.';
  if (phase === 'evaluating') return 'Classifying test images…';
  if (phase === 'paused') return `Paused after ${format.count(p.steps)} steps.`;
  if (phase === 'training') {
    return p.validating
      ? 'Validating…'
      : `Training, epoch ${p.epochsDone + 1} of ${p.targetEpochs}.`;
  }
  return p.steps ? `${format.count(p.steps)} steps done.` : 'Press Train to begin.';
}

/** The curves in words, for those who do not see them. @param {import('../app/state.js').Progress} p */
function describeCurves(p) {
  const after = `after epoch ${p.epochsDone}`;
  byId('loss-plot').setAttribute(
    'aria-label',
    `Loss by epoch; ${after}: training ${format.decimal(p.loss)}, validation ${format.decimal(p.valLoss)}`,
  );
  byId('accuracy-plot').setAttribute(
    'aria-label',
    `Accuracy by epoch; ${after}: training ${format.percent(p.accuracy)}, ` +
      `validation ${format.percent(p.valAccuracy)}`,
  );
}

/** One table row for each whole epoch. */
class EpochRows {
  #epochs = 0;

  /** @param {HTMLElement} body */
  constructor(body) {
    this.body = body;
  }

  /**
   * @param {import('../app/state.js').Progress} p
   * @returns {boolean} whether there was a new epoch
   */
  show(p) {
    if (p.epochsDone < this.#epochs) this.body.replaceChildren();
    const isNew = p.epochsDone > this.#epochs;
    this.#epochs = p.epochsDone;
    if (!isNew) return false;
    const cells = [
      format.decimal(p.loss),
      format.percent(p.accuracy),
      format.decimal(p.valLoss),
      format.percent(p.valAccuracy),
    ];
    this.body.append(
      make('tr', {}, [
        make('th', { scope: 'row' }, [String(p.epochsDone)]),
        ...cells.map((text) => make('td', {}, [text])),
      ]),
    );
    return true;
  }
}
