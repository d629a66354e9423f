/** PyTorch, native, from Debian: `pytorch.py` with channels_last and OpenBLAS on OpenMP. */

/** Debian's name of this processor in the folder of libraries. */
const PROCESSOR = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'pytorch',
  // Debian's default BLAS makes it 15 times slower.
  debian: [
    { name: 'python3-torch', file: '/usr/lib/python3/dist-packages/torch/__init__.py' },
    { name: 'libopenblas0-openmp', file: `/usr/lib/${PROCESSOR}-linux-gnu/openblas-openmp` },
  ],
  contestants: [
    { place: 'python', threads: 1 },
    { place: 'python', threads: 2 },
  ],
};
