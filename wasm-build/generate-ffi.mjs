/**
 * src/tabgrad.h is the one list of what the engine exports. From it come
 *   web/lib/ffi.js     the JavaScript bindings and enums (committed, so that the library reads without a build)
 *   build/exports.txt  the linker's list
 * The grammar is strict on purpose: a declaration that does not fit stops the build with its line, and nobody
 * ships an export that JavaScript cannot call.
 *
 *   /** … *\/
 *   TG_EXPORT <type> tg_name(<type> <name>, …);
 *   typedef enum { TG_A = 0, … } tg_name;
 *
 * node wasm-build/generate-ffi.mjs [--check]   --check: fail when the committed file is stale, write nothing
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError, main } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HEADER = join(ROOT, 'src/tabgrad.h');
const FFI = join(ROOT, 'web/lib/ffi.js');
const EXPORTS = join(ROOT, 'build/exports.txt');
/** A longer list means an interface that leaks how the engine works. */
const MOST_EXPORTS = 56;
/** C types that are JavaScript numbers on both sides. 64-bit integers are not among them. */
const NUMBERS = new Set(['double', 'float', 'int32_t', 'uint32_t']);

/**
 * @typedef {{ name: string, type: string }} Parameter
 * @typedef {{ name: string, returns: string, parameters: Parameter[], doc: string[] }} Declaration
 * @typedef {{ name: string, value: number, doc: string }} Member
 * @typedef {{ name: string, members: Member[], doc: string[] }} Enumeration
 * @typedef {{ declarations: Declaration[], enums: Enumeration[] }} Header
 */

/**
 * @param {string} text the header
 * @returns {Header}
 */
export function parseHeader(text) {
  /** @type {Declaration[]} */
  const declarations = [];
  /** @type {Enumeration[]} */
  const enums = [];
  const opaque = new Set(
    [...text.matchAll(/^typedef struct (tg_\w+) \1;/gm)].map((match) => match[1] ?? ''),
  );
  const starts = /^(TG_EXPORT\b|typedef enum\b)/gm;
  for (let match = starts.exec(text); match; match = starts.exec(text)) {
    const line = text.slice(0, match.index).split('\n').length;
    const fail = (/** @type {string} */ why, /** @type {string} */ what) => {
      throw new UserError(`src/tabgrad.h:${line}: ${why}: ${what.replace(/\s+/g, ' ').trim()}`);
    };
    const doc = commentBefore(text, match.index);
    if (match[1] === 'TG_EXPORT') {
      const end = text.indexOf(';', match.index);
      const source = text.slice(match.index, end < 0 ? text.length : end + 1);
      const parts = /^TG_EXPORT\s+((?:const\s+)?\w+\s*\*?)\s*(tg_\w+)\(([^()]*)\);$/.exec(
        source.replace(/\s+/g, ' '),
      );
      if (!parts)
        return fail('not of the form "TG_EXPORT <type> tg_name(<type> <name>, …);"', source);
      const [, returns = '', name = '', list = ''] = parts;
      if (doc.length === 0) fail('an export needs a /** comment */ right before it', source);
      const parameters =
        list.trim() === 'void'
          ? []
          : list.split(',').map((item) => {
              const pair = /^\s*((?:const\s+)?\w+\s*\*?)\s*\b([a-z]\w*)\s*$/.exec(item);
              if (!pair) return fail(`parameter "${item.trim()}" is not "<type> <name>"`, source);
              return { type: (pair[1] ?? '').trim(), name: pair[2] ?? '' };
            });
      const declaration = { name, returns: returns.trim(), parameters, doc };
      declarations.push(declaration);
    } else {
      const parts = /^typedef enum \{([^{}]*)\} (tg_\w+);/.exec(text.slice(match.index));
      if (!parts)
        return fail(
          'not of the form "typedef enum { … } tg_name;"',
          text.slice(match.index, match.index + 80),
        );
      const [, body = '', name = ''] = parts;
      /** @type {Member[]} */
      const members = [];
      const rest = body.replace(
        /\s*(TG_[A-Z0-9_]+) = (-?\d+)\s*(,|$|(?=\/\*))\s*(?:\/\*([\s\S]*?)\*\/)?\s*/g,
        (_, member, value, __, comment = '') => {
          members.push({
            name: member,
            value: Number(value),
            doc: comment.replace(/\s+/g, ' ').trim(),
          });
          return '';
        },
      );
      if (rest.trim()) fail('not a list of "TG_NAME = number"', rest);
      enums.push({ name, members, doc });
    }
  }
  const enumNames = new Set(enums.map(({ name }) => name));
  for (const { name, returns, parameters } of declarations) {
    for (const type of [returns, ...parameters.map((parameter) => parameter.type)]) {
      const bare = type.replace(/^const\s+/, '').trim();
      const pointed = /^(\w+)\s*\*$/.exec(bare)?.[1];
      const known = pointed
        ? NUMBERS.has(pointed) ||
          opaque.has(pointed) ||
          ['void', 'char', 'uint8_t', 'tg_real'].includes(pointed)
        : NUMBERS.has(bare) || enumNames.has(bare) || (bare === 'void' && type === returns);
      if (!known)
        throw new UserError(
          `src/tabgrad.h: ${name}: JavaScript has no counterpart of the type "${type}"`,
        );
    }
  }
  if (declarations.length > MOST_EXPORTS) {
    throw new UserError(
      `src/tabgrad.h: ${declarations.length} exports; at most ${MOST_EXPORTS} are allowed.`,
    );
  }
  if (declarations.length === 0)
    throw new UserError('src/tabgrad.h: no line starts with TG_EXPORT.');
  return { declarations, enums };
}

/**
 * The lines of the comment that ends right before a place in the text.
 * @param {string} text
 * @param {number} index
 */
function commentBefore(text, index) {
  const before = text.slice(0, index).trimEnd();
  if (!before.endsWith('*/')) return [];
  const start = before.lastIndexOf('/**');
  if (start < 0 || before.indexOf('*/', start) !== before.length - 2) return [];
  return before
    .slice(start + 3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .filter((line) => line !== '');
}

/** tg_sample_type → SampleType. @param {string} name */
const pascal = (name) =>
  name.replace(/^tg_/, '').replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());

/** tg_engine_create → engineCreate. @param {string} name */
const camel = (name) =>
  name.replace(/^tg_/, '').replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/**
 * The part of the members' names that all of them share, up to an underscore.
 * @param {Member[]} members
 */
function sharedPrefix(members) {
  let prefix = members[0]?.name ?? '';
  for (const { name } of members) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf('_') + 1);
}

/** @param {string} type @param {Set<string>} enumNames */
function jsType(type, enumNames) {
  const bare = type.replace(/^const\s+/, '').trim();
  const pointed = /^(\w+)\s*\*$/.exec(bare)?.[1];
  if (pointed) return `Pointer<'${pointed}'>`;
  if (enumNames.has(bare)) return `${pascal(bare)}Value`;
  return bare === 'void' ? 'void' : 'number';
}

/**
 * @param {Header} header
 * @returns {string} the text of web/lib/ffi.js, not yet formatted
 */
export function renderFfi({ declarations, enums }) {
  const enumNames = new Set(enums.map(({ name }) => name));
  const out = [
    '// Generated from src/tabgrad.h by wasm-build/generate-ffi.mjs: do not edit.',
    '',
    '/**',
    " * A byte address in engine memory. The tag keeps a model's address from being passed where a data set's is meant.",
    ' * @template {string} T',
    ' * @typedef {number & { readonly __pointer: T }} Pointer',
    ' */',
    '',
    '/** The address of nothing, of every type. */',
    'export const NULL = /** @type {Pointer<any>} */ (0);',
    '',
  ];
  for (const { name, members, doc } of enums) {
    const prefix = sharedPrefix(members);
    out.push('/**', ...doc.map((line) => ` * ${line}`), ` */`);
    out.push(`export const ${pascal(name)} = Object.freeze(/** @type {const} */ ({`);
    for (const member of members) {
      if (member.doc) out.push(`  /** ${member.doc} */`);
      out.push(`  ${member.name.slice(prefix.length)}: ${member.value},`);
    }
    out.push('}));', '');
    out.push(
      `/** @typedef {(typeof ${pascal(name)})[keyof typeof ${pascal(name)}]} ${pascal(name)}Value */`,
      '',
    );
  }
  out.push(
    '/**',
    " * The engine's functions, as src/tabgrad.h describes them.",
    ' * @typedef {object} Bindings',
  );
  for (const { name, returns, parameters, doc } of declarations) {
    const list = parameters.map(
      (parameter) => `${camel(parameter.name)}: ${jsType(parameter.type, enumNames)}`,
    );
    out.push(` * @property {(${list.join(', ')}) => ${jsType(returns, enumNames)}} ${camel(name)}`);
    out.push(...doc.map((line) => ` *   ${line.replace(/@/g, '\\@')}`));
  }
  out.push(' */', '');
  out.push(
    '/**',
    ' * @param {any} module an instance of the engine, as its factory resolves it',
    ' * @returns {Bindings}',
    ' */',
    'export function bindEngine(module) {',
    '  return Object.freeze({',
    ...declarations.map(({ name }) => `    ${camel(name)}: module._${name},`),
    '  });',
    '}',
    '',
  );
  return out.join('\n');
}

/**
 * Bring ffi.js and the export list up to date; touches neither when it is already so.
 * @param {{ check?: boolean }} [options]
 */
export async function generateFfi({ check = false } = {}) {
  if (!existsSync(HEADER)) throw new UserError('src/tabgrad.h is missing.');
  const header = parseHeader(readFileSync(HEADER, 'utf8'));
  const prettier = await import('prettier');
  const text = await prettier.format(renderFfi(header), {
    ...(await prettier.resolveConfig(FFI)),
    parser: 'babel',
  });
  const before = existsSync(FFI) ? readFileSync(FFI, 'utf8') : '';
  if (check) {
    if (before !== text) {
      throw new UserError(
        'web/lib/ffi.js does not match src/tabgrad.h: run "npm run build" and commit web/lib/ffi.js.',
      );
    }
    return;
  }
  writeIfChanged(FFI, text);
  // malloc and free are not on the list: the host's memory comes from tg_buffer_create, so that the engine can count it.
  writeIfChanged(EXPORTS, `${header.declarations.map(({ name }) => `_${name}`).join('\n')}\n`);
}

/**
 * An unchanged file keeps its date, so that nothing that depends on it is built again.
 * @param {string} path
 * @param {string} text
 */
function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(() => generateFfi({ check: process.argv.includes('--check') }));
}
