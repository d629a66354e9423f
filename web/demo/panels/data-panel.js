/** The images: loading, a few of each class, and where to get the rest. */
import { isAllowed } from '../app/phases.js';
import { problemOf } from '../app/problems.js';
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';
import { drawSheet } from '../ui/pixels.js';

/** Images of all classes together; each has at least four. */
const SHOWN = 40;
const ROWS = 2;
/** Classes that have a wide sheet each. */
const FEW = 3;

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
  let round = 0;

  other.addEventListener('click', () => {
    round++;
    refresh();
  });
  const cancel = byId('work-cancel');
  cancel.addEventListener('click', () => session.abort.abort());
  files.addEventListener('change', () => {
    const chosen = [...(files.files ?? [])];
    files.value = '';
    if (chosen.length && isAllowed('loadData', store.state.phase)) void session.useFiles(chosen);
  });

  /** @type {{ names: readonly string[], canvases: HTMLCanvasElement[] }} */
  let tiles = { names: [], canvases: [] };

  /** Draws a sheet of images of each class; tiles are made once. */
  async function showClasses() {
    const { classNames, classCounts } = store.state.data;
    const { trainImages } = session;
    if (!trainImages) return;
    const columns = Math.max(2, Math.floor(SHOWN / ROWS / classNames.length));
    const images = await trainImages.ofEachClass(classNames.length, columns * ROWS, round);
    if (trainImages !== session.trainImages) return;
    if (tiles.names !== classNames) {
      tiles = {
        names: classNames,
        canvases: classNames.map(() => make('canvas', { role: 'img' })),
      };
      list.classList.toggle('few', classNames.length <= FEW);
      list.style.setProperty('--classes', String(Math.min(classNames.length, 10)));
      list.style.setProperty('--classes-narrow', String(Math.min(classNames.length, 5)));
      list.replaceChildren(
        ...classNames.map((name, i) =>
          make('li', {}, [
            tiles.canvases[i],
            make('span', { class: 'class-name' }, [name]),
            make('span', { class: 'class-count' }, []),
          ]),
        ),
      );
    }
    list.querySelectorAll('.class-count').forEach((count, i) => {
      count.textContent = format.count(classCounts[i]);
    });
    tiles.canvases.forEach((canvas, i) => {
      canvas.setAttribute('aria-label', `${images[i].length} training images: ${classNames[i]}`);
      drawSheet(canvas, images[i], columns);
    });
  }

  function refresh() {
    const { trainImages } = session;
    showClasses().catch((error) => {
      // Of images that were replaced meanwhile nobody needs to hear.
      if (trainImages === session.trainImages) store.set({ problem: problemOf(error) });
    });
  }

  store.watch(['data'], ({ data }) => {
    document.body.dataset.images = data.kind;
    byId('get-data').hidden = data.kind !== 'sample';
    setText(byId('data-title'), data.title);
    list.hidden = data.kind === 'none';
    if (data.kind === 'none') {
      setText(byId('data-note'), 'None chosen yet');
      return;
    }
    const counts = `${format.count(data.trainCount)} to train, ${format.count(data.testCount)} to test`;
    setText(byId('data-note'), data.kind === 'sample' ? `A sample: ${counts}` : counts);
    refresh();
  });
  store.watch(['phase', 'data'], ({ phase, data }) => {
    other.disabled = data.kind === 'none' || phase === 'loading';
    files.disabled = !isAllowed('loadData', phase);
  });

  /** @type {HTMLProgressElement} */
  const bar = byId('work-bar');
  store.watch(['work'], ({ work }) => {
    // Hidden, the button would drop the focus to the top of the page.
    if (!work && document.activeElement === cancel) byId('main').focus({ preventScroll: true });
    byId('work').hidden = work === null;
    if (!work) return;
    setText(byId('work-label'), work.label);
    if (work.total > 0) {
      bar.max = work.total;
      bar.value = work.done;
    } else bar.removeAttribute('value');
  });
}
