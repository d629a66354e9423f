/**
 * A JSON reader for hostile input. Against `JSON.parse` it refuses a key given twice (the platform
 * keeps the last without a word), bounds depth and size, says where a fault is, and gives objects
 * as Maps, so that a key such as `__proto__` is a key like any other.
 */

import { DuplicateError, FormatError, LimitError } from '../errors.js';

/**
 * @typedef {null | boolean | number | string | JsonValue[] | Map<string, JsonValue>} JsonValue
 *
 * @typedef {object} JsonLimits
 * @property {number} [maxDepth] objects and arrays within each other, default 16
 * @property {number} [maxKeys] keys of one object, default 1,000,000
 */

/** The longest number worth writing has 25 characters (a double with sign and exponent). */
const MAX_NUMBER_LENGTH = 40;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
/** Everything up to the closing quote, an escape, or a character that may not stand bare. */
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y;
/** @type {ReadonlyMap<string, string>} */
const ESCAPES = new Map(Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }));

/**
 * @param {string} text
 * @param {JsonLimits} [limits]
 * @returns {JsonValue}
 * @throws {FormatError} not JSON; the message gives the character position
 * @throws {DuplicateError} a key twice in one object
 * @throws {LimitError} nested too deep, too many keys, or a number of over 40 characters
 */
export function parseJson(text, limits = {}) {
  return new Parser(text, limits).document();
}

class Parser {
  #text;
  #at = 0;
  #maxDepth;
  #maxKeys;

  /**
   * @param {string} text
   * @param {JsonLimits} limits
   */
  constructor(text, { maxDepth = 16, maxKeys = 1_000_000 }) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#maxKeys = maxKeys;
  }

  document() {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return value;
  }

  /**
   * @param {number} depth
   * @returns {JsonValue}
   */
  #value(depth) {
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  /** @param {number} depth */
  #object(depth) {
    this.#enter(depth);
    /** @type {Map<string, JsonValue>} */
    const object = new Map();
    if (this.#take('}')) return object;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in quotes');
      const at = this.#at;
      const key = this.#string();
      if (object.has(key)) {
        throw new DuplicateError(`JSON key ${quote(key)} occurs twice (character ${at}).`);
      }
      if (object.size === this.#maxKeys) {
        throw new LimitError(`JSON object with more than ${this.#maxKeys} keys (character ${at}).`);
      }
      if (!this.#take(':')) throw this.#unexpected('":"');
      object.set(key, this.#value(depth));
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected('"," or "}"');
    return object;
  }

  /** @param {number} depth */
  #array(depth) {
    this.#enter(depth);
    /** @type {JsonValue[]} */
    const array = [];
    if (this.#take(']')) return array;
    do array.push(this.#value(depth));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected('"," or "]"');
    return array;
  }

  /** @param {number} depth */
  #enter(depth) {
    if (depth > this.#maxDepth) {
      throw new LimitError(
        `JSON nested deeper than ${this.#maxDepth} levels (character ${this.#at}).`,
      );
    }
    this.#at++;
  }

  #string() {
    this.#at++;
    const parts = [];
    for (;;) {
      parts.push(this.#match(PLAIN));
      const end = this.#text[this.#at];
      if (end === '"') {
        this.#at++;
        return parts.join('');
      }
      if (end !== '\\') throw this.#unexpected('the end of a string');
      parts.push(this.#escape());
    }
  }

  #escape() {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#unexpected('four digits after \\u');
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const meaning = '"\\/'.includes(letter) && letter ? letter : ESCAPES.get(letter);
    if (meaning === undefined) throw this.#unexpected('an escape that JSON knows');
    this.#at += 2;
    return meaning;
  }

  #number() {
    const at = this.#at;
    const digits = this.#match(NUMBER);
    if (digits === '') throw this.#unexpected('a value');
    if (digits.length > MAX_NUMBER_LENGTH) {
      throw new LimitError(`JSON number of ${digits.length} characters (character ${at}).`);
    }
    return Number(digits);
  }

  /**
   * @template T
   * @param {string} word
   * @param {T} value
   */
  #word(word, value) {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a value');
    this.#at += word.length;
    return value;
  }

  /** @param {string} character */
  #take(character) {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space() {
    this.#match(SPACE);
  }

  /** @param {RegExp} pattern sticky, and matching the empty string at worst */
  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** @param {string} expected */
  #unexpected(expected) {
    const found = this.#at < this.#text.length ? quote(this.#text[this.#at]) : 'the end';
    return new FormatError(`Bad JSON at character ${this.#at}: ${found}, expected ${expected}.`);
  }
}

/**
 * @param {string} text out of a file
 * @returns {string} quoted, cut at 60 characters, control characters escaped
 */
export function quote(text) {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
