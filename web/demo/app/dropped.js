/** What files are that were dropped or chosen. */

/**
 * @param {readonly { name: string }[]} files
 * @param {import('./presets/index.js').PresetId} preset photos are expected where it learns from them
 * @returns {'photos' | 'cifar' | 'picture'}
 */
export function kindOf(files, preset) {
  const [{ name }] = files;
  const isTar = /\.(tar|tgz|gz)$/i.test(name);
  if (files.every((file) => /\.bin$/i.test(file.name))) return 'cifar';
  if (files.length === 1 && /\.zip$/i.test(name)) return 'photos';
  if (files.length === 1 && isTar) {
    return preset !== 'S2' && /cifar/i.test(name) ? 'cifar' : 'photos';
  }
  return 'picture';
}
