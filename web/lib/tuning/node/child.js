/** The process of trials: hears which to run, tells what comes of them, and ends when nobody listens any more. */

import { ConfigError, fromWire, toWire } from '../../errors.js';
import { runTrial } from '../trial.js';

/**
 * @typedef {import('./processes.js').ToChild} ToChild
 * @typedef {import('./processes.js').FromChild} FromChild
 */

/** Of the trial that runs. @type {AbortController | undefined} */
let control;

process.on('disconnect', () => process.exit());
process.on('message', (/** @type {ToChild} */ message) => {
  if (message.type === 'abort') control?.abort(fromWire(message.reason));
  else void run(message);
});

/** @param {ToChild & { type: 'run' }} message */
async function run({ url, job }) {
  control = new AbortController();
  try {
    const { train } = await import(url);
    if (typeof train !== 'function') {
      throw new ConfigError(`${url} exports no function 'train'.`, { field: 'train' });
    }
    const hear = (/** @type {Record<string, number>} */ logs) => tell({ type: 'report', logs });
    tell({ type: 'done', logs: await runTrial(train, job, hear, control.signal) });
  } catch (error) {
    tell({ type: 'failed', error: toWire(error) });
  }
}

/** @param {FromChild} answer */
function tell(answer) {
  process.send?.(answer);
}
