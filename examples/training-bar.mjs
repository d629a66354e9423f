/** A progress bar over the batches of an epoch, for a terminal; in a log file it prints nothing. */

import cliProgress from 'cli-progress';

const FORMAT =
  'epoch {epoch} [{bar}] {value}/{total} | loss {loss} | accuracy {accuracy} | {speed} images/s';

/**
 * @param {{ samples: number, batchSize: number }} sizes
 * @returns {{ onBatchEnd: (batch: number, logs: Record<string, number>) => void, endEpoch: () => void }}
 */
export function trainingBar({ samples, batchSize }) {
  const batches = Math.ceil(samples / batchSize);
  const bar = new cliProgress.SingleBar({ format: FORMAT, clearOnComplete: true });
  let epoch = 0;
  let started = 0;
  return {
    onBatchEnd(batch, { loss, accuracy }) {
      if (!bar.isActive) {
        started = performance.now();
        bar.start(batches, 0, { epoch: ++epoch, loss: '-', accuracy: '-', speed: '-' });
      }
      const seconds = (performance.now() - started) / 1000;
      const speed = batch > 0 ? Math.round((batch * batchSize) / seconds) : '-';
      bar.update(batch + 1, { loss: loss.toFixed(4), accuracy: accuracy.toFixed(4), speed });
    },
    endEpoch: () => bar.stop(),
  };
}
