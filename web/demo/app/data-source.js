/** Where images come from: the served cache, a file of the person, or the sample shipped with the page. */
import { datasets } from 'tabgrad';

/** Bytes of one official .bin file: 10,000 records of a label and 3 x 32 x 32 pixels. */
const BIN_BYTES = 30_730_000;

/** @typedef {(done: number, total: number) => void} OnProgress total 0: not known */
/**
 * @typedef {object} Images
 * @property {'sample' | 'full' | 'folder'} kind
 * @property {string} title
 * @property {import('tabgrad').Dataset} train
 * @property {import('tabgrad').Dataset} test
 * @property {readonly string[]} classNames
 * @property {import('./folder-report.js').FolderReport} [report] on a folder
 */

const TITLE = 'CIFAR-10';

/** @param {string} path below the page */
function pageUrl(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * Whether the server of this page has CIFAR-10. Static hosts answer a missing file with 404 or with
 * a page of text, so the length decides.
 */
export async function isCifarServed() {
  try {
    const answer = await fetch(pageUrl('data/cifar10/test_batch.bin'), { method: 'HEAD' });
    return answer.ok && Number(answer.headers.get('content-length')) === BIN_BYTES;
  } catch {
    return false;
  }
}

/**
 * @param {OnProgress} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Images>}
 */
export async function loadServedCifar(onProgress, signal) {
  const source = pageUrl('data/cifar10/');
  return {
    kind: 'full',
    title: TITLE,
    ...(await datasets.cifar10({ source, onProgress: adapt(onProgress), signal })),
  };
}

/**
 * The official archive or its .bin files, as dropped or chosen.
 * @param {File[]} files
 * @param {OnProgress} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Images>}
 */
export async function loadCifarFiles(files, onProgress, signal) {
  const source = files.length === 1 ? files[0] : files;
  return {
    kind: 'full',
    title: TITLE,
    ...(await datasets.cifar10({ source, onProgress: adapt(onProgress), signal })),
  };
}

/**
 * @param {OnProgress} onProgress
 * @returns {Promise<Images>}
 */
export async function loadSample(onProgress) {
  const source = pageUrl('sample/');
  return {
    kind: 'sample',
    title: TITLE,
    ...(await datasets.cifar10Sample({ source, onProgress: adapt(onProgress) })),
  };
}

/**
 * @param {OnProgress} onProgress
 * @returns {(progress: { loaded: number, total: number | undefined }) => void}
 */
function adapt(onProgress) {
  return ({ loaded, total }) => onProgress(loaded, total ?? 0);
}
