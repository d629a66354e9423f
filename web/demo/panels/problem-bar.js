/** The bar that says what went wrong, with its code, and what to do about it. */
import { byId, setText } from '../ui/dom.js';

/** @param {import('../app/state.js').AppStore} store */
export function mountProblemBar(store) {
  const bar = byId('problem');
  const close = byId('problem-close');
  close.addEventListener('click', () => {
    // Without an engine there is nothing to go back to: only a new start helps.
    if (store.state.phase === 'failed') location.reload();
    else store.set({ problem: null });
  });
  store.watch(['phase'], ({ phase }) => setText(close, phase === 'failed' ? 'Reload' : 'Dismiss'));
  store.watch(['problem'], ({ problem }) => {
    bar.hidden = problem === null;
    if (!problem) return;
    bar.dataset.code = problem.code;
    setText(byId('problem-code'), problem.code);
    setText(byId('problem-message'), problem.message);
    setText(byId('problem-hint'), problem.hint);
    bar.scrollIntoView({ block: 'nearest' });
  });
}
