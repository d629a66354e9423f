/** What training says: a progress bar over the batches of an epoch (only in a terminal), and a line for each epoch. */

import cliProgress from 'cli-progress';

/** @typedef {import('tabgrad').Logs} Logs */

const FORMAT =
  'epoch {epoch} [{bar}] {value}/{total} | loss {loss} | accuracy {accuracy} | {speed} images/s';

/**
 * @param {{ samples: number, batchSize: number }} sizes
 * @returns {{ onBatchEnd: (batch: number, logs: Logs) => void, endEpoch: (epoch: number, logs: Logs) => void }}
 */
export function trainingBar({ samples, batchSize }) {
  const batches = Math.ceil(samples / batchSize);
  const bar = new cliProgress.SingleBar({ format: FORMAT, clearOnComplete: true });
  let epoch = 0;
  let started = 0;
  return {
    onBatchEnd(batch, { loss, accuracy = NaN }) {
      if (!bar.isActive) {
        started = performance.now();
        bar.start(batches, 0, { epoch: ++epoch, loss: '-', accuracy: '-', speed: '-' });
      }
      const seconds = (performance.now() - started) / 1000;
      const speed = batch > 0 ? Math.round((batch * batchSize) / seconds) : '-';
      bar.update(batch + 1, { loss: loss.toFixed(4), accuracy: accuracy.toFixed(4), speed });
    },
    endEpoch(number, logs) {
      bar.stop();
      console.log(`epoch ${number + 1}: ${describeLogs(logs)}`);
    },
  };
}

const WORDS = /** @type {const} */ ([
  ['loss', 'loss'],
  ['accuracy', 'accuracy'],
  ['valLoss', 'validation loss'],
  ['valAccuracy', 'validation accuracy'],
]);

/**
 * @param {Logs} logs
 * @returns {string} such as "loss 1.2345, accuracy 0.5678"
 */
function describeLogs(logs) {
  return WORDS.filter(([key]) => logs[key] !== undefined)
    .map(([key, word]) => `${word} ${logs[key]?.toFixed(4)}`)
    .join(', ');
}

/** @param {number} [share] @returns {string} in percent */
export function percent(share = NaN) {
  return `${(100 * share).toFixed(2)} %`;
}
