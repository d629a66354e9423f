/** Anything may be dropped anywhere on the page: folders, archives and .bin files are data, the rest is a picture. */
import { kindOf } from '../app/dropped.js';
import { isAllowed } from '../app/phases.js';

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 * @param {{ show: (file: Blob) => Promise<void> }} ownImage
 */
export function mountDrops(store, session, ownImage) {
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
    if (event.dataTransfer) take(event.dataTransfer);
  });

  /** What was dropped can be read only until the event is over. @param {DataTransfer} dropped */
  function take(dropped) {
    const files = [...dropped.files];
    const entries = [...dropped.items]
      .map((item) => item.webkitGetAsEntry())
      .filter((entry) => entry !== null);
    const folders = entries.filter((entry) => entry.isDirectory);
    if (folders.length > 0) {
      const name = folders.length === 1 ? folders[0].name : `${folders.length} folders`;
      whenAllowed(() => session.useFolder({ name, source: entries }));
      return;
    }
    if (files.length === 0) return;
    const kind = kindOf(files, store.state.settings.preset);
    if (kind === 'picture') void ownImage.show(files[0]);
    else if (kind === 'cifar') whenAllowed(() => session.useFiles(files));
    else whenAllowed(() => session.useFolder({ name: files[0].name, source: files[0] }));
  }

  /** @param {() => Promise<void>} use */
  function whenAllowed(use) {
    if (isAllowed('loadData', store.state.phase)) void use();
    else {
      const message = 'Images can be replaced only when nothing else is under way.';
      store.set({ problem: { code: 'E_BUSY', message, hint: 'Press Stop first.' } });
    }
  }
}
