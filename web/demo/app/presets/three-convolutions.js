/** S1, the CNN of the Keras tutorial on CIFAR-10: three convolutions. */
import { layers, sequential } from 'tabgrad';

/** @param {number} filters */
const conv = (filters) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu' });

/** @type {import('./index.js').Preset} */
export const S1 = {
  settings: { epochs: 10, batchSize: 32, optimizer: 'adam', learningRate: 0.001 },
  images: { source: 'cifar' },
  output: () => 'logits',
  make: ({ seed, name }) =>
    sequential(
      [
        layers.conv2d({
          filters: 32,
          kernelSize: 3,
          activation: 'relu',
          inputShape: [32, 32, 3],
        }),
        layers.maxPooling2d({ poolSize: 2 }),
        conv(64),
        layers.maxPooling2d({ poolSize: 2 }),
        conv(64),
        layers.flatten(),
        layers.dense({ units: 64, activation: 'relu' }),
        layers.dense({ units: 10 }),
      ],
      { seed, name },
    ),
  testBatch: 100,
  pretrained: true,
};
