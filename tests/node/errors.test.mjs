import assert from 'node:assert/strict';
import test from 'node:test';
import * as module from '../../web/lib/errors.js';

/**
 * The tests also pass what its types forbid.
 * @type {any}
 */
const errors = module;
const { TabgradError, errorFromCode, fromWire, toWire, ERROR_CODES } = errors;

test('every code has one class, and every exported class one code', () => {
  assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length);
  const classes = /** @type {any[]} */ (Object.values(errors)).filter(
    (value) => typeof value === 'function' && value.prototype instanceof TabgradError,
  );
  assert.equal(classes.length, ERROR_CODES.length);
  for (const errorClass of classes) {
    const error = new errorClass('text', { layer: 'conv1', field: 'units' });
    assert.ok(error instanceof TabgradError);
    assert.equal(Object.prototype.toString.call(error), '[object Error]');
    assert.equal(error.code, errorClass.code);
    assert.match(error.code, /^E_[A-Z_]+$/);
    assert.equal(error.name, errorClass === errors.AbortedError ? 'AbortError' : errorClass.name);
    assert.equal(error.layer, 'conv1');
    assert.equal(error.field, 'units');
    assert.equal(errorFromCode(error.code, 'x').constructor, errorClass);
  }
});

test('an unknown code gives an internal error that names it', () => {
  for (const code of ['E_NEW', '__proto__', 'constructor', '', undefined]) {
    const error = errorFromCode(code, 'hello');
    assert.ok(error instanceof errors.InternalError);
    assert.match(error.message, /hello/);
  }
});

test('messages stay below 500 characters', () => {
  assert.equal(new errors.FormatError('x'.repeat(1e6)).message.length, 499);
  assert.equal(new errors.FormatError('x'.repeat(499)).message, 'x'.repeat(499));
});

test('errors cross structured clone with class, code, message and cause', () => {
  const inner = new errors.GzipError('inner', { cause: new TypeError('deep') });
  const error = new errors.ShapeError('outer', { layer: 'dense', field: 'units', cause: inner });
  const back = fromWire(structuredClone(toWire(error)));
  assert.ok(back instanceof errors.ShapeError);
  assert.equal(back.message, 'outer');
  assert.equal(back.layer, 'dense');
  assert.equal(back.field, 'units');
  assert.equal(back.stack, error.stack);
  assert.ok(back.cause instanceof errors.GzipError);
  assert.equal(back.cause.cause.name, 'TypeError');
  assert.equal(back.cause.cause.message, 'deep');
});

test('an abort keeps its name and its reason', () => {
  const signal = AbortSignal.abort(new Error('enough'));
  const back = fromWire(structuredClone(toWire(errors.abortedError(signal))));
  assert.equal(back.name, 'AbortError');
  assert.equal(back.code, 'E_ABORTED');
  assert.equal(back.cause.message, 'enough');
  const plain = fromWire(toWire(errors.abortedError(AbortSignal.abort())));
  assert.equal(plain.cause.name, 'AbortError');
  assert.ok(plain.cause instanceof DOMException);
  const value = fromWire(toWire(errors.abortedError(AbortSignal.abort(7))));
  assert.equal(value.cause, 7);
});

test('whatever is thrown has a wire form', () => {
  for (const thrown of ['text', 3, null, undefined, { a: 1 }, Symbol('s'), () => {}]) {
    assert.ok(fromWire(structuredClone(toWire(thrown))) instanceof Error);
  }
  const foreign = new RangeError('r', { cause: Symbol('s') });
  const back = fromWire(structuredClone(toWire(foreign)));
  assert.equal(back.name, 'RangeError');
  assert.equal(back.cause, 'Symbol(s)');
});

test('a circle of causes ends', () => {
  const error = new errors.IoError('a');
  error.cause = error;
  assert.ok(fromWire(toWire(error)) instanceof errors.IoError);
});
