/** One work: its contestants started, warmed up, then measured in turns. */

import { start } from './contestants.mjs';

/**
 * @typedef {object} Result
 * @property {string} name of the peer
 * @property {string} label
 * @property {import('./contestants.mjs').Place} place
 * @property {number} threads that it used
 * @property {string} [version]
 * @property {string} [browser]
 * @property {number[]} rates units a second, one a chunk
 * @property {number[]} peaks GFLOP/s of the peak kernel before each chunk, of our own engine alone
 * @property {string} [failure] why there are no rates, or no more
 *
 * @typedef {{ peer: import('./contestants.mjs').Peer, entry: import('./contestants.mjs').Entry }} Candidate
 */

/** A second step of whoever needs this long for the first would warm nothing. */
const LONG_STEP_SECONDS = 4;

/**
 * @param {import('./works.mjs').Work} work
 * @param {Candidate[]} candidates
 * @param {{ chunks: number, seconds: number }} options
 * @param {(text: string, fraction: number) => void} onProgress
 * @returns {Promise<Result[]>}
 */
export async function measureWork(work, candidates, { chunks, seconds }, onProgress) {
  /** @type {{ result: Result, contestant: import('./contestants.mjs').Contestant }[]} */
  const running = [];
  /** @type {Result[]} */
  const results = [];
  const rounds = chunks + 1;
  let done = 0;
  const report = (/** @type {string} */ what, /** @type {Result} */ { label, place, threads }) =>
    onProgress(
      `${work.id}: ${what} ${label}, ${place}, ${threads}T`,
      Math.min(1, done++ / (rounds * candidates.length)),
    );
  try {
    for (const { peer, entry } of candidates) {
      const { place, threads, label = peer.name } = entry;
      /** @type {Result} */
      const result = { name: peer.name, label, place, threads, rates: [], peaks: [] };
      results.push(result);
      report('starting', result);
      result.failure = peer.refuses?.(work);
      if (result.failure !== undefined) continue;
      try {
        const contestant = await start(peer, entry, work);
        running.push({ result, contestant });
        const { version, browser, threads } = contestant;
        Object.assign(result, { version, browser, threads });
        await warmUp(contestant, seconds);
      } catch (error) {
        result.failure = reason(error);
      }
    }
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (const { result, contestant } of running) {
        if (result.failure !== undefined) continue;
        report(`chunk ${chunk + 1} of`, result);
        try {
          if (contestant.peak) result.peaks.push(await contestant.peak());
          result.rates.push(await contestant.run(seconds));
        } catch (error) {
          result.failure = reason(error);
        }
      }
    }
  } finally {
    await Promise.allSettled(running.map(({ contestant }) => contestant.close()));
  }
  return results;
}

/**
 * The first step compiles; then as long as a chunk, and for our own engine the peak kernel.
 *
 * @param {import('./contestants.mjs').Contestant} contestant
 * @param {number} seconds
 */
async function warmUp(contestant, seconds) {
  const started = performance.now();
  await contestant.run(0);
  if (performance.now() - started > 1000 * LONG_STEP_SECONDS) return;
  await contestant.run(seconds);
  await contestant.peak?.();
}

/** @param {unknown} error @returns {string} one short line */
function reason(error) {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n')[0].replace(/^page\.evaluate: (Error: )?/, '');
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}
