import js from '@eslint/js';
import globals from 'globals';

export default [
  // Made by a command, or somebody else's.
  { ignores: ['build/', 'dist/', 'node_modules/', '**/dist/', 'tests/bundlers/*/'] },
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: 'module',
      globals: { ...globals.browser, ...globals.node, ...globals.worker },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
      'no-implicit-globals': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      // A name that starts with _ says that it is not used on purpose.
      'no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
    },
  },
  {
    // The library runs where there is no process and no Buffer; only its Node half may name them.
    files: ['web/lib/**/*.js'],
    ignores: ['web/lib/platform-node.js', 'web/lib/**/node/**'],
    languageOptions: { globals: { process: 'off', Buffer: 'off', require: 'off' } },
  },
];
