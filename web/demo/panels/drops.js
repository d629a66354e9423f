/** Anything may be dropped anywhere on the page: archives and .bin files are data, the rest is a picture. */
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
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    const isData = files.every(({ name }) => /\.(bin|tar|tgz|gz)$/i.test(name));
    if (!isData) void ownImage.show(files[0]);
    else if (isAllowed('loadData', store.state.phase)) void session.useFiles(files);
  });
}
