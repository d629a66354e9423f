/** A picture of the person: chosen, dropped or pasted, shown as the network sees it, and classified. */
import { readOwnImage } from '../app/own-image.js';
import { isAllowed } from '../app/phases.js';
import { problemOf } from '../app/problems.js';
import { AnswerBars } from '../ui/answer-bars.js';
import { byId } from '../ui/dom.js';
import { drawImage } from '../ui/pixels.js';

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 * @param {import('../app/evaluator.js').Evaluator} evaluator
 */
export function mountOwnImage(store, session, evaluator) {
  /** @type {HTMLInputElement} */
  const input = byId('own-file');
  const bars = new AnswerBars();
  byId('own-answers').append(bars.element);
  /** @type {Uint8Array | null} */
  let pixels = null;

  /** @param {Blob} file */
  async function show(file) {
    try {
      const picture = await readOwnImage(file);
      pixels = picture.pixels;
      drawImage(byId('own-small'), pixels);
      /** @type {HTMLCanvasElement} */
      const preview = byId('own-preview');
      preview.width = picture.preview.width;
      preview.height = picture.preview.height;
      preview.getContext('2d')?.drawImage(picture.preview, 0, 0);
      picture.preview.close();
      byId('own-result').hidden = false;
      await ask();
      byId('own-result').scrollIntoView({ block: 'nearest' });
    } catch (error) {
      store.set({ problem: problemOf(error) });
    }
  }

  /** Asks the network about the picture again; its answer changes as it learns. */
  async function ask() {
    if (!pixels || !isAllowed('classify', store.state.phase)) return;
    bars.show(await evaluator.classify(pixels), store.state.data.classNames);
  }

  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) void show(file);
  });
  document.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) =>
      type.startsWith('image/'),
    );
    if (file) void show(file);
  });

  // Anything may be dropped anywhere: pictures come here, archives and .bin files are data.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    const isData = files.every(({ name }) => /\.(bin|tar|tgz|gz)$/i.test(name));
    if (!isData) void show(files[0]);
    else if (isAllowed('loadData', store.state.phase)) void session.useFiles(files);
  });

  store.watch(['phase', 'evaluation'], () => {
    ask().catch((error) => store.set({ problem: problemOf(error) }));
  });
}
