/**
 * One progress bar for a list of long jobs: cli-progress once it is installed, plain lines before that and
 * wherever the output is not a terminal.
 */

/**
 * @typedef {(text: string, fraction?: number) => void} OnProgress
 * @typedef {{ report: OnProgress, end: () => void }} Progress
 */

/**
 * @param {string} title such as "compiler"
 * @returns {Promise<Progress>}
 */
export async function startProgress(title) {
  const bars = process.stderr.isTTY
    ? await import('cli-progress').catch(() => undefined)
    : undefined;
  if (!bars) {
    let last = '';
    return {
      report(text) {
        // A count in a text would print a line a step: compare the words alone.
        const words = text.replace(/[\d.]+/g, '');
        if (words !== last) console.error(`${title}: ${text}`);
        last = words;
      },
      end() {},
    };
  }
  const { SingleBar, Presets } = bars.default ?? bars;
  const bar = new SingleBar(
    { format: `${title} [{bar}] {percentage}% {text}`, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  let started = false;
  let reached = 0;
  return {
    report(text, fraction) {
      reached = fraction ?? reached;
      if (!started) bar.start(1, reached, { text });
      else bar.update(reached, { text });
      started = true;
    },
    end() {
      if (started) bar.stop();
    },
  };
}

/**
 * Do one long job under a progress bar of its own; nothing is shown when the job reports nothing.
 * @template T
 * @param {string} title
 * @param {(report: OnProgress) => Promise<T>} job
 * @returns {Promise<T>}
 */
export async function withProgress(title, job) {
  const progress = await startProgress(title);
  try {
    return await job(progress.report);
  } finally {
    progress.end();
  }
}
