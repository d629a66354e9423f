import { spawn } from 'node:child_process';
import { LoadError } from '../../errors.js';

/**
 * Gets a package's tarball with the user's own npm, so with its cache, mirror and proxy settings.
 * No script of the package runs.
 *
 * @param {string} spec name@version; goes to a shell on Windows, so never a user's text
 * @param {string} folder where the tarball goes
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<void>}
 * @throws {LoadError} npm is not there or fails
 */
export function npmPack(spec, folder, signal) {
  return new Promise((resolve, reject) => {
    const parts = ['pack', spec, '--pack-destination', '.', '--ignore-scripts', '--silent'];
    // On Windows npm is a command script, which only a shell starts.
    const windows = process.platform === 'win32';
    const child = spawn('npm', parts, { cwd: folder, signal, shell: windows, stdio: 'pipe' });
    let errors = '';
    child.stderr.on('data', (text) => {
      if (errors.length < 1000) errors += text;
    });
    child.on('error', (cause) => reject(new LoadError('npm could not be started.', { cause })));
    child.on('close', (code) => {
      if (code === 0) return resolve();
      const detail = errors.trim().split('\n')[0];
      reject(new LoadError(`npm pack ${spec} ended with status ${code}. ${detail}`));
    });
  });
}
