/** A picture of the person: chosen, dropped or pasted, shown as the network sees it, and classified. */
import { readOwnImage } from '../app/own-image.js';
import { isAllowed } from '../app/phases.js';
import { problemOf } from '../app/problems.js';
import { AnswerBars } from '../ui/answer-bars.js';
import { byId, setText } from '../ui/dom.js';
import { drawImage } from '../ui/pixels.js';

/** An error with a code, in the manner of the library. */
class NoNetworkError extends Error {
  code = 'E_STATE';

  constructor() {
    super('There is no network yet that could be asked about a picture.');
  }
}

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 * @param {import('../app/evaluator.js').Evaluator} evaluator
 * @returns {{ show: (file: Blob) => Promise<void> }} takes a picture from elsewhere on the page
 */
export function mountOwnImage(store, session, evaluator) {
  /** @type {HTMLInputElement} */
  const input = byId('own-file');
  const bars = new AnswerBars();
  byId('own-answers').append(bars.element);
  /** @type {Blob | null} */
  let file = null;
  /** @type {import('../app/image-store.js').Picture | null} */
  let seen = null;

  /** @param {Blob} chosen */
  async function show(chosen) {
    try {
      await read(chosen);
      await ask();
      byId('own-result').scrollIntoView({ block: 'nearest' });
    } catch (error) {
      store.set({ problem: problemOf(error) });
    }
  }

  /** Reads the picture in the size of the network. @param {Blob} chosen */
  async function read(chosen) {
    if (!session.images) throw new NoNetworkError();
    const [side] = session.images.train.shape;
    const asPhoto = session.preset.images.source === 'folder';
    const picture = await readOwnImage(chosen, { side, asPhoto });
    file = chosen;
    seen = picture.seen;
    /** @type {HTMLCanvasElement} */
    const small = byId('own-small');
    drawImage(small, seen);
    small.setAttribute('aria-label', `What the network sees: ${side} by ${side} pixels`);
    setText(byId('own-size'), `${side} × ${side}, as the network sees it`);
    /** @type {HTMLCanvasElement} */
    const preview = byId('own-preview');
    preview.width = picture.preview.width;
    preview.height = picture.preview.height;
    preview.getContext('2d')?.drawImage(picture.preview, 0, 0);
    picture.preview.close();
    byId('own-result').hidden = false;
  }

  /** Asks the network about the picture again; its answer changes as it learns. */
  async function ask() {
    if (!seen || !isAllowed('classify', store.state.phase)) return;
    if (seen.height !== session.images?.train.shape[0]) return;
    const { model } = session;
    try {
      const answers = await evaluator.classify(seen);
      if (model === session.model) bars.show(answers, store.state.data.classNames);
    } catch (error) {
      // What a network that was replaced meanwhile would have said nobody needs to hear.
      if (model === session.model) throw error;
    }
  }

  input.addEventListener('change', () => {
    const chosen = input.files?.[0];
    input.value = '';
    if (chosen) void show(chosen);
  });
  document.addEventListener('paste', (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find(({ type }) =>
      type.startsWith('image/'),
    );
    if (pasted) void show(pasted);
  });

  store.watch(['data'], ({ data }) => {
    bars.show([], []);
    byId('own-result').hidden = !file || data.kind === 'none';
    if (file && data.kind !== 'none')
      read(file).catch((error) => store.set({ problem: problemOf(error) }));
  });
  store.watch(['phase', 'evaluation'], () => {
    ask().catch((error) => store.set({ problem: problemOf(error) }));
  });
  return { show };
}
