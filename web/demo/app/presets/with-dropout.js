/** S4: two convolutions, and a dense layer of which half is dropped while it trains. */
import { layers, sequential } from 'tabgrad';

/** @type {import('./index.js').Preset} */
export const S4 = {
  settings: { epochs: 10, batchSize: 32, optimizer: 'adam', learningRate: 0.001 },
  images: { source: 'cifar' },
  output: () => 'probabilities',
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
        layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 128, activation: 'relu' }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ],
      { seed, name },
    ),
  testBatch: 100,
  pretrained: true,
};
