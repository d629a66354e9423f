/** Photos of the person: how to give them, and what there is to know of a folder before one trains on it. */
import { isAllowed } from '../app/phases.js';
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

/** Lines of a list; a folder may have thousands of bad files. */
const MOST_LINES = 100;

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 */
export function mountFolder(store, session) {
  /** @type {HTMLInputElement} */
  const folder = byId('folder-files');
  /** @type {HTMLInputElement} */
  const archive = byId('folder-archive');

  folder.addEventListener('change', () => {
    const source = [...(folder.files ?? [])];
    folder.value = '';
    const [name] = source[0]?.webkitRelativePath.split('/') ?? [];
    use({ name: name || 'The folder', source });
  });
  archive.addEventListener('change', () => {
    const file = archive.files?.[0];
    archive.value = '';
    if (file) use({ name: file.name, source: file });
  });

  /** @param {import('../app/folder-source.js').Picked} picked */
  function use(picked) {
    if (isAllowed('loadData', store.state.phase)) void session.useFolder(picked);
  }

  store.watch(['settings'], ({ settings }) => {
    byId('get-folder').hidden = settings.preset !== 'S2';
  });
  store.watch(['phase'], ({ phase }) => {
    folder.disabled = archive.disabled = !isAllowed('loadData', phase);
  });
  store.watch(['data'], ({ data: { report } }) => {
    byId('folder-report').hidden = !report;
    if (!report) return;
    const { unreadable, twice, nearly } = report;
    byId('folder-report').replaceChildren(
      make('p', {}, [summaryOf(report)]),
      ...listOf(
        unreadable.map(({ file, message }) => `${file}: ${message}`),
        `${filesOf(unreadable.length)} could not be read and ${isOrAre(unreadable.length)} left out`,
        true,
      ),
      ...listOf(
        twice.map((pair) => `${pair.file} is ${pair.of}${otherClass(pair)}`),
        `${filesOf(twice.length)} ${isOrAre(twice.length)} the same as another`,
      ),
      ...listOf(
        nearly.map((pair) => `${pair.file} looks like ${pair.of}${otherClass(pair)}`),
        `${filesOf(nearly.length)} ${nearly.length === 1 ? 'looks' : 'look'} almost like another`,
      ),
    );
  });
  store.watch(['data', 'settings'], ({ data, settings }) => {
    const waits = settings.preset === 'S2' && data.kind !== 'folder';
    setText(
      byId('folder-hint'),
      waits ? 'Drop a folder of photos anywhere on this page:' : 'For other photos, drop a folder:',
    );
  });
}

/** @param {import('../app/folder-report.js').FolderReport} report */
function summaryOf({ count, heldBack, unreadable }) {
  const kept = heldBack
    ? 'A fifth of every class is kept back for validation.'
    : 'The folder for testing is used for validation.';
  return `${format.count(count)} photos${unreadable.length ? '' : ', all of them readable'}. ${kept}`;
}

/** @param {number} count */
const filesOf = (count) => (count === 1 ? 'One file' : `${format.count(count)} files`);
/** @param {number} count */
const isOrAre = (count) => (count === 1 ? 'is' : 'are');
/** @param {import('../app/folder-report.js').Pair} pair */
const otherClass = ({ sameClass }) => (sameClass ? '' : ', in another class');

/**
 * @param {string[]} lines none: nothing to show
 * @param {string} title
 * @param {boolean} [open]
 */
function listOf(lines, title, open = false) {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, MOST_LINES).map((line) => make('li', {}, [line]));
  if (lines.length > shown.length) shown.push(make('li', {}, ['…']));
  return [make('details', { open }, [make('summary', {}, [title]), make('ul', {}, shown)])];
}
