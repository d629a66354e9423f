/** Serves and builds the page. Run from anywhere: every path is relative to this file. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { headers } from '../../wasm-build/headers.mjs';
import { serveCifar } from './vite-cifar-plugin.js';

/** @param {string} path relative to this file */
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  publicDir: at('../public'),
  // Relative, so that the built page works in any folder of any static host.
  base: './',
  resolve: {
    alias: [
      { find: /^tabgrad$/, replacement: at('../../dist/index.js') },
      { find: /^tabgrad\/(.+)$/, replacement: `${at('../../dist/')}$1.js` },
    ],
  },
  // Pre-bundling would take worker.js and the engines away from beside index.js.
  optimizeDeps: { exclude: ['tabgrad'] },
  worker: { format: 'es' },
  server: { headers, fs: { allow: [at('../..')] } },
  preview: { headers },
  build: {
    outDir: at('../../build/demo'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
  },
  plugins: [serveCifar()],
});
