/** The shape of the page's state and its first value. */
import { Store } from './store.js';

/**
 * @typedef {object} Settings
 * @property {import('./presets/index.js').PresetId} preset
 * @property {number} epochs
 * @property {number} batchSize
 * @property {'adam' | 'sgd'} optimizer
 * @property {number} learningRate
 * @property {number} seed
 * @property {number} imageSize of the pictures of a folder, in pixels
 * @property {number | null} limit most images of each part that are used; null: all
 */

/**
 * @typedef {object} DataState
 * @property {'none' | 'sample' | 'full' | 'folder'} kind
 * @property {number} trainCount
 * @property {number} testCount
 * @property {string} title
 * @property {readonly string[]} classNames
 * @property {readonly number[]} classCounts training images of each
 * @property {import('./folder-report.js').FolderReport | null} report on a folder
 */

/**
 * @typedef {object} Progress what the person watches while a network trains
 * @property {number} epochsDone whole epochs since the weights were made
 * @property {number} targetEpochs where this run ends
 * @property {number} batch steps done in the epoch under way
 * @property {number} batches steps of an epoch
 * @property {number} steps steps since the weights were made
 * @property {number | null} loss of the latest batches
 * @property {number | null} accuracy of the latest batches
 * @property {number | null} valLoss after the latest epoch
 * @property {number | null} valAccuracy after the latest epoch
 * @property {number | null} imagesPerSecond
 * @property {number | null} msPerStep
 * @property {number | null} secondsLeft
 * @property {boolean} validating
 */

/** @typedef {{ label: string, done: number, total: number }} Work something with a progress bar */
/** @typedef {{ code: string, message: string, hint: string }} Problem */

/**
 * @typedef {object} AppState
 * @property {import('./phases.js').Phase} phase
 * @property {Settings} settings
 * @property {DataState} data
 * @property {import('tabgrad').EngineInfo | null} engine
 * @property {Progress} progress
 * @property {Work | null} work
 * @property {import('./evaluation.js').Evaluation | null} evaluation
 * @property {import('./confusion.js').CellChoice | null} cell the cell of the confusion matrix chosen
 * @property {string} weightsFrom where the present weights come from, in words
 * @property {import('./pretrained.js').PretrainedReport | null} pretrained
 * @property {ReturnType<import('tabgrad').Model['summary']> | null} summary
 * @property {Problem | null} problem
 */

/** @typedef {Store<AppState>} AppStore */

/**
 * @param {string} [title]
 * @returns {DataState}
 */
export function noData(title = 'CIFAR-10') {
  return {
    kind: 'none',
    title,
    trainCount: 0,
    testCount: 0,
    classNames: [],
    classCounts: [],
    report: null,
  };
}

/**
 * @param {import('./data-source.js').Images} images
 * @param {readonly number[]} classCounts
 * @returns {DataState}
 */
export function dataOf({ kind, title, classNames, train, test, report }, classCounts) {
  return {
    kind,
    title,
    trainCount: train.count,
    testCount: test.count,
    classNames,
    classCounts,
    report: report ?? null,
  };
}

/** @returns {Progress} */
export function noProgress() {
  return {
    epochsDone: 0,
    targetEpochs: 0,
    batch: 0,
    batches: 0,
    steps: 0,
    loss: null,
    accuracy: null,
    valLoss: null,
    valAccuracy: null,
    imagesPerSecond: null,
    msPerStep: null,
    secondsLeft: null,
    validating: false,
  };
}

/** @returns {AppStore} */
export function createAppStore() {
  /** @type {AppState} */
  const initial = {
    phase: 'starting',
    settings: {
      preset: 'S1',
      epochs: 10,
      batchSize: 32,
      optimizer: 'adam',
      learningRate: 0.001,
      seed: 1,
      imageSize: 224,
      limit: null,
    },
    data: noData(),
    engine: null,
    progress: noProgress(),
    work: null,
    evaluation: null,
    cell: null,
    weightsFrom: 'not trained yet',
    pretrained: null,
    summary: null,
    problem: null,
  };
  return new Store(initial);
}
