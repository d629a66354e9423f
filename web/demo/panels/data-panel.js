/** The images: loading, a few of each class, and where to get the rest. */
import { isAllowed } from '../app/phases.js';
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';
import { drawSheet } from '../ui/pixels.js';

const COLUMNS = 2;
const PER_CLASS = 4;

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 */
export function mountData(store, session) {
  const list = byId('classes');
  /** @type {HTMLButtonElement} */
  const other = byId('other-images');
  /** @type {HTMLInputElement} */
  const files = byId('data-files');
  let from = 0;

  other.addEventListener('click', () => {
    from += 3;
    void showClasses();
  });
  files.addEventListener('change', () => {
    const chosen = [...(files.files ?? [])];
    files.value = '';
    if (chosen.length && isAllowed('loadData', store.state.phase)) void session.useFiles(chosen);
  });

  /** Draws a sheet of images of each class; tiles are made once. */
  async function showClasses() {
    const { classNames } = store.state.data;
    const images = await session.trainImages?.ofEachClass(classNames.length, PER_CLASS, from);
    if (!images) return;
    if (list.childElementCount !== classNames.length) {
      list.replaceChildren(...classNames.map((name) => make('li', {}, [make('canvas'), name])));
    }
    list.querySelectorAll('canvas').forEach((canvas, i) => {
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', `${images[i].length} training images: ${classNames[i]}`);
      drawSheet(canvas, images[i], COLUMNS);
    });
  }

  store.watch(['data'], ({ data }) => {
    document.body.dataset.images = data.kind;
    byId('get-data').hidden = data.kind !== 'sample';
    if (data.kind === 'none') return;
    const counts = `${format.count(data.trainCount)} to train, ${format.count(data.testCount)} to test`;
    setText(byId('data-note'), data.kind === 'sample' ? `A sample: ${counts}` : counts);
    void showClasses();
  });
  store.watch(['phase', 'data'], ({ phase, data }) => {
    other.disabled = data.kind === 'none' || phase === 'loading';
    files.disabled = !isAllowed('loadData', phase);
  });

  /** @type {HTMLProgressElement} */
  const bar = byId('work-bar');
  store.watch(['work'], ({ work }) => {
    byId('work').hidden = work === null;
    if (!work) return;
    setText(byId('work-label'), work.label);
    if (work.total > 0) {
      bar.max = work.total;
      bar.value = work.done;
    } else bar.removeAttribute('value');
  });
}
