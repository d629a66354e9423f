/**
 * The worker's entry: messages in, messages out. What is asked for is in host.js.
 *
 * In:  `{ call, method, args }` begins a call, `{ cancel }` gives it up, `{ note, about }` tells it
 *      something. Out: `{ event, about }`, then `{ result, of }` or `{ error, of }`.
 */

import { openPort } from '#platform';
import { InternalError, OutOfMemoryError, TabgradError, toWire } from './errors.js';
import { Host } from './host.js';
import { Task } from './task.js';

const port = openPort();
const host = new Host();
/** @type {Map<number, Task>} */
const tasks = new Map();

port.listen((message) => {
  if ('call' in message) void run(message.call, message.method, message.args);
  else if ('cancel' in message) tasks.get(message.cancel)?.cancel();
  else if ('note' in message) tasks.get(message.about)?.note(message.note);
});

/**
 * @param {number} id
 * @param {string} method
 * @param {any} args
 */
async function run(id, method, args) {
  const task = new Task((event, transfer) => port.post({ event, about: id }, transfer));
  tasks.set(id, task);
  try {
    const { value, transfer } = await host.handle(method, args, task);
    port.post({ result: value, of: id }, transfer);
  } catch (error) {
    port.post({ error: toWire(typed(error)), of: id });
  } finally {
    tasks.delete(id);
  }
}

/**
 * Every error that leaves the worker has a code.
 *
 * @param {unknown} error
 */
function typed(error) {
  if (error instanceof TabgradError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /allocat|array (buffer|length)/i.test(text)) {
    return new OutOfMemoryError(`Memory could not be had: ${text}.`, { cause: error });
  }
  return new InternalError(`Unexpected failure in the engine's worker: ${text}`, { cause: error });
}
