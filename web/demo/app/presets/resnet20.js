/**
 * ResNet-20 (He 2015, section 4.2) with the paper's augmentation: a random crop out of four more pixels
 * on every side, and mirrored half of the time.
 */

/** @type {import('./index.js').Preset} */
export const ResNet20 = {
  settings: { epochs: 10, batchSize: 128, optimizer: 'sgd', learningRate: 0.1 },
  images: { source: 'cifar' },
  output: () => 'probabilities',
  make: async ({ seed, name }) => {
    const { resNet } = await import('tabgrad/applications');
    return resNet({ depth: 20, shortcut: 'projection', seed, name });
  },
  augment: async () => {
    const { randomCrop, randomFlip } = await import('tabgrad/augment');
    return [randomCrop({ padding: 4 }), randomFlip({ mode: 'horizontal' })];
  },
  testBatch: 100,
  pretrained: true,
};
