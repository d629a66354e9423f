/** What a measured figure has to name: the machine, the versions, the date, the command. */

import os from 'node:os';
import { basename, relative } from 'node:path';

/** @returns {string} such as "2 cores AMD EPYC 9B45, Linux, Node v20.20.2" */
export function describeMachine() {
  const processor = (os.cpus()[0]?.model ?? 'unknown processor').trim();
  return `${os.availableParallelism()} cores ${processor}, ${os.type()} ${os.arch()}, Node ${process.version}`;
}

/** @returns {string} the command as typed in the checkout, without places outside of it */
export function describeCommand() {
  const [, script, ...options] = process.argv;
  const place = relative(process.cwd(), script);
  const shown = place.startsWith('..') ? basename(script) : place;
  return ['node', ...process.execArgv, shown, ...options].join(' ');
}

/** @returns {string} such as "2025-01-31" */
export function today() {
  return new Date().toISOString().slice(0, 10);
}
