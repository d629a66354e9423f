/**
 * Every error the library throws: one base class, one small subclass per meaning, each with a
 * stable `code` to switch on. The engine's `tg_status` enum uses the same words (E_SHAPE here is
 * TG_E_SHAPE there), so a status crosses from C to JavaScript by name.
 *
 * Messages say what was wrong, where, and both numbers (expected and found). They may quote text
 * out of a user's file: show them as text, never as HTML.
 */

/** Longest message kept, so that a hostile file cannot make an error of megabytes. */
const MAX_MESSAGE = 499;

/** How many causes behind causes cross a `postMessage`; deeper ones are dropped. */
const MAX_CAUSE_DEPTH = 4;

/**
 * @typedef {object} ErrorDetails
 * @property {string} [layer] name of the layer the error is about
 * @property {string} [field] name of the option or field the error is about
 * @property {unknown} [cause] what led to it
 */

/** Base of all errors of this library: `error instanceof TabgradError` tells them from others. */
export class TabgradError extends Error {
  /**
   * @param {string} message what, where, and both numbers; cut at 499 characters
   * @param {ErrorDetails} [details]
   */
  constructor(message, details = {}) {
    const text = String(message);
    super(
      text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1)}…` : text,
      'cause' in details ? { cause: details.cause } : undefined,
    );
    this.name = new.target.name;
    /**
     * Stable identifier such as `E_SHAPE`.
     * @type {string}
     */
    this.code = /** @type {{ code?: string }} */ (new.target).code ?? 'E_INTERNAL';
    /** @type {string | undefined} */
    this.layer = details.layer;
    /** @type {string | undefined} */
    this.field = details.field;
  }
}

/** A layer, model or option was described wrongly. */
export class ConfigError extends TabgradError {
  static code = 'E_CONFIG';
}
/** Sizes do not fit together. */
export class ShapeError extends TabgradError {
  static code = 'E_SHAPE';
}
/** Something is larger than a documented limit. */
export class LimitError extends TabgradError {
  static code = 'E_LIMIT';
}
/** The layer graph has a cycle, a gap or an unknown end. */
export class GraphError extends TabgradError {
  static code = 'E_GRAPH';
}
/** A label lies outside 0 … classes − 1. */
export class LabelRangeError extends TabgradError {
  static code = 'E_LABEL_RANGE';
}
/** A number that a layer looks up in a table (embedding) is none of its rows. */
export class IndexRangeError extends TabgradError {
  static code = 'E_INDEX_RANGE';
}
/** A NaN or an infinity where only finite numbers work. */
export class NonFiniteError extends TabgradError {
  static code = 'E_NON_FINITE';
}
/** A learning rate, momentum, rate or the like outside its range. */
export class HyperparameterError extends TabgradError {
  static code = 'E_HYPERPARAM';
}
/** Nothing to work on: an empty data set, batch or list. */
export class EmptyError extends TabgradError {
  static code = 'E_EMPTY';
}
/** A class without a sample. */
export class EmptyClassError extends TabgradError {
  static code = 'E_EMPTY_CLASS';
}
/** An argument of the wrong JavaScript type. */
export class InputTypeError extends TabgradError {
  static code = 'E_TYPE';
}
/** A file or message that does not follow its format. */
export class FormatError extends TabgradError {
  static code = 'E_FORMAT';
}
/** Content that does not match its checksum. */
export class ChecksumError extends TabgradError {
  static code = 'E_CHECKSUM';
}
/** A file of a version that this library does not know. */
export class VersionError extends TabgradError {
  static code = 'E_VERSION';
}
/** A required file, member or tensor is not there. */
export class MissingError extends TabgradError {
  static code = 'E_MISSING';
}
/** A file, member or tensor that nothing asked for. */
export class ExtraError extends TabgradError {
  static code = 'E_EXTRA';
}
/** The same name twice. */
export class DuplicateError extends TabgradError {
  static code = 'E_DUPLICATE';
}
/** Weights of another architecture. */
export class ModelMismatchError extends TabgradError {
  static code = 'E_MODEL_MISMATCH';
}
/** Bytes that are not one whole gzip member. */
export class GzipError extends TabgradError {
  static code = 'E_GZIP';
}
/** A damaged, truncated or refused tar archive. */
export class TarError extends TabgradError {
  static code = 'E_TAR';
}
/** A damaged or refused zip archive. */
export class ZipError extends TabgradError {
  static code = 'E_ZIP';
}
/** A picture that cannot be decoded. */
export class ImageError extends TabgradError {
  static code = 'E_IMAGE';
}
/** Use of an object after its `dispose()`. */
export class DisposedError extends TabgradError {
  static code = 'E_DISPOSED';
}
/** A second call while one that excludes it is running. */
export class BusyError extends TabgradError {
  static code = 'E_BUSY';
}
/**
 * The caller's `AbortSignal` fired. `name` is `'AbortError'` as everywhere on the platform, and
 * `cause` is the signal's reason.
 */
export class AbortedError extends TabgradError {
  static code = 'E_ABORTED';

  /**
   * @param {string} [message]
   * @param {ErrorDetails} [details]
   */
  constructor(message = 'The operation was aborted.', details = {}) {
    super(message, details);
    this.name = 'AbortError';
  }
}
/** A call that does not fit what was done before, such as `fit` before `compile`. */
export class StateError extends TabgradError {
  static code = 'E_STATE';
}
/** A URL that could not be fetched, or a module that could not be loaded. */
export class LoadError extends TabgradError {
  static code = 'E_LOAD';
}
/** The engine's worker failed or ended. */
export class WorkerError extends TabgradError {
  static code = 'E_WORKER';
}
/** Something this library or this platform does not do. */
export class UnsupportedError extends TabgradError {
  static code = 'E_UNSUPPORTED';
}
/** The engine's memory could not grow. */
export class OutOfMemoryError extends TabgradError {
  static code = 'E_OOM';
}
/** A file could not be read or written. */
export class IoError extends TabgradError {
  static code = 'E_IO';
}
/** A fault of the library itself: please report it. */
export class InternalError extends TabgradError {
  static code = 'E_INTERNAL';
}

const CLASSES = {
  ConfigError,
  ShapeError,
  LimitError,
  GraphError,
  LabelRangeError,
  IndexRangeError,
  NonFiniteError,
  HyperparameterError,
  EmptyError,
  EmptyClassError,
  InputTypeError,
  FormatError,
  ChecksumError,
  VersionError,
  MissingError,
  ExtraError,
  DuplicateError,
  ModelMismatchError,
  GzipError,
  TarError,
  ZipError,
  ImageError,
  DisposedError,
  BusyError,
  AbortedError,
  StateError,
  LoadError,
  WorkerError,
  UnsupportedError,
  OutOfMemoryError,
  IoError,
  InternalError,
};

// A minifier renames classes, and keeps the names of properties.
for (const [name, errorClass] of Object.entries(CLASSES)) {
  Object.defineProperty(errorClass, 'name', { value: name });
}

/** A Map, not an object: a code out of a message can then never reach `Object.prototype`. */
const CLASS_OF_CODE = new Map(
  Object.values(CLASSES).map((errorClass) => [errorClass.code, errorClass]),
);

/** All codes, in declaration order. */
export const ERROR_CODES = Object.freeze(
  Object.values(CLASSES).map((errorClass) => errorClass.code),
);

/**
 * Makes the error of the class that belongs to a code.
 *
 * @param {string} code such as `E_SHAPE`; an unknown one gives an `InternalError` that names it
 * @param {string} message
 * @param {ErrorDetails} [details]
 * @returns {TabgradError}
 */
export function errorFromCode(code, message, details = {}) {
  const errorClass = CLASS_OF_CODE.get(code);
  if (errorClass) return new errorClass(message, details);
  return new InternalError(`Unknown error code ${String(code).slice(0, 40)}: ${message}`, details);
}

/**
 * The `AbortedError` for a signal that has fired.
 *
 * @param {AbortSignal} signal
 * @param {string} [what] the operation, to begin the message with
 */
export function abortedError(signal, what = 'The operation') {
  return new AbortedError(`${what} was aborted.`, { cause: signal.reason });
}

/**
 * Throws an `AbortedError` if the signal has fired.
 *
 * @param {AbortSignal | undefined} signal
 * @param {string} [what]
 */
export function throwIfAborted(signal, what) {
  if (signal?.aborted) throw abortedError(signal, what);
}

/**
 * @typedef {object} WireError an error as plain data for `postMessage`
 * @property {string | null} code null for an error that is not of this library
 * @property {string} name
 * @property {string} message
 * @property {string} [stack]
 * @property {string} [layer]
 * @property {string} [field]
 * @property {{ error: WireError } | { value: string | number | boolean | null | undefined }} [cause]
 */

/**
 * An error as plain data. Structured clone would lose the class and the code of our errors.
 *
 * @param {unknown} error anything that can be thrown
 * @returns {WireError}
 */
export function toWire(error) {
  return wireOf(error, 0);
}

/**
 * @param {unknown} error
 * @param {number} depth
 * @returns {WireError}
 */
function wireOf(error, depth) {
  // A DOMException is an Error by prototype in browsers and in Node.
  if (!(error instanceof Error)) {
    return { code: null, name: 'Error', message: String(error).slice(0, MAX_MESSAGE) };
  }
  const ours = error instanceof TabgradError ? error : undefined;
  /** @type {WireError} */
  const wire = { code: ours ? ours.code : null, name: error.name, message: error.message };
  if (error.stack) wire.stack = error.stack;
  if (ours?.layer !== undefined) wire.layer = ours.layer;
  if (ours?.field !== undefined) wire.field = ours.field;
  if ('cause' in error && depth < MAX_CAUSE_DEPTH) {
    const { cause } = error;
    if (cause instanceof Error) wire.cause = { error: wireOf(cause, depth + 1) };
    else wire.cause = { value: isPlain(cause) ? cause : String(cause).slice(0, MAX_MESSAGE) };
  }
  return wire;
}

/**
 * The error that `toWire` described: same class, code, message and cause.
 *
 * @param {WireError} wire
 * @returns {Error} a `TabgradError`, or for a foreign error a plain `Error` (a `DOMException` for
 *   the platform's own `AbortError` and `TimeoutError`, which people test by name)
 */
export function fromWire(wire) {
  /** @type {{ cause?: unknown }} */
  const options = {};
  if (wire.cause)
    options.cause = 'error' in wire.cause ? fromWire(wire.cause.error) : wire.cause.value;
  if (wire.code !== null) {
    const error = errorFromCode(wire.code, wire.message, {
      ...options,
      layer: wire.layer,
      field: wire.field,
    });
    if (wire.stack) error.stack = wire.stack;
    return error;
  }
  if (wire.name === 'AbortError' || wire.name === 'TimeoutError') {
    return new DOMException(wire.message, wire.name);
  }
  const error = new Error(wire.message, options);
  error.name = wire.name;
  if (wire.stack) error.stack = wire.stack;
  return error;
}

/**
 * @param {unknown} value
 * @returns {value is string | number | boolean | null | undefined}
 */
function isPlain(value) {
  return value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value);
}
