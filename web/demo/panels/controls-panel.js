/** The buttons that drive training; which of them can be pressed follows from the phase. */
import { isAllowed } from '../app/phases.js';
import { PRESETS } from '../app/presets/index.js';
import { byId, setText } from '../ui/dom.js';
import { keepFocus } from './keep-focus.js';

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/trainer.js').Trainer} trainer
 * @param {import('../app/evaluator.js').Evaluator} evaluator
 */
export function mountControls(store, trainer, evaluator) {
  /** @type {[string, import('../app/phases.js').Action, () => unknown][]} */
  const simple = [
    ['step', 'step', () => trainer.step()],
    ['stop', 'stop', () => trainer.stop()],
    ['reset', 'reset', () => trainer.reset()],
    ['evaluate', 'evaluate', () => evaluator.evaluate()],
    ['pretrained', 'pretrained', () => evaluator.runPretrained()],
  ];
  for (const [id, action, run] of simple) {
    byId(id).addEventListener('click', () => {
      if (isAllowed(action, store.state.phase)) void run();
    });
  }

  /** @type {HTMLButtonElement} */
  const primary = byId('primary');
  primary.addEventListener('click', () => {
    const { phase } = store.state;
    if (isAllowed('pause', phase)) void trainer.pause();
    else if (isAllowed('resume', phase)) void trainer.resume();
    else if (isAllowed('train', phase)) void trainer.train();
  });

  store.watch(['phase', 'settings'], ({ phase, settings }) => {
    document.body.dataset.state = phase;
    const action = phase === 'training' ? 'pause' : phase === 'paused' ? 'resume' : 'train';
    primary.dataset.action = action;
    setText(primary, { pause: 'Pause', resume: 'Resume', train: 'Train' }[action]);
    primary.disabled = !isAllowed(action, phase);
    keepFocus(primary, () => {
      for (const [id, wanted] of simple) {
        const missing = wanted === 'pretrained' && !PRESETS[settings.preset].pretrained;
        /** @type {HTMLButtonElement} */ (byId(id)).disabled = missing || !isAllowed(wanted, phase);
      }
    });
  });
}
