/** Which build runs and why, how much memory it holds, and whether the page was ever kept waiting. */
import { byId, make, setText } from '../ui/dom.js';
import * as format from '../ui/format.js';

const REFRESH_MS = 2000;

/**
 * @param {import('../app/state.js').AppStore} store
 * @param {import('../app/session.js').Session} session
 * @param {import('../app/main-thread-watch.js').MainThreadWatch} watch
 */
export function mountEngine(store, session, watch) {
  const facts = byId('engine-facts');

  store.watch(['phase'], ({ phase }) => {
    if (phase === 'failed') setText(byId('engine-chip'), 'Engine not running');
  });
  store.watch(['engine'], ({ engine }) => {
    if (!engine) return;
    document.body.dataset.threads = String(engine.threads);
    document.body.dataset.isolated = String(engine.isolated);
    const simd = engine.relaxedSimd ? 'relaxed SIMD' : 'SIMD';
    const threads = engine.threads === 1 ? '1 thread' : `${engine.threads} threads`;
    setText(byId('engine-chip'), `${simd}, ${threads}`);
    /** @type {[string, string][]} */
    const rows = [
      ['Build', engine.build],
      [
        'SIMD',
        engine.relaxedSimd ? 'relaxed: fused multiply-add' : 'plain: the same bits everywhere',
      ],
      ['Threads', `${engine.threads} of ${engine.hardwareConcurrency} processor threads`],
      ['Cross-origin isolated', engine.isolated ? 'yes' : 'no'],
      ['Why this build', engine.reason],
      [
        'Memory',
        `${format.bytes(engine.memory.live)} now, ${format.bytes(engine.memory.peak)} at most; ` +
          `${format.bytes(engine.memory.datasets)} of it images`,
      ],
      ['Version', engine.version],
    ];
    facts.replaceChildren(
      ...rows
        .filter(([, value]) => value)
        .flatMap(([name, value]) => [
          make('dt', {}, [name]),
          make('dd', { 'data-fact': name.toLowerCase() }, [value]),
        ]),
    );
  });

  setInterval(() => {
    const { phase } = store.state;
    if (phase !== 'training') return;
    const longest = watch.longest;
    const chip = byId('ui-chip');
    chip.dataset.longest = String(longest);
    setText(chip, longest ? `UI thread: ${longest} ms at most` : 'UI thread: under 50 ms');
    // The engine may have ended meanwhile; the next action will say so.
    session.refreshEngine().catch(() => {});
  }, REFRESH_MS);
}
