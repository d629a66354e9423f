/** S3: the cats of CIFAR-10 against everything else, with one sigmoid output. */
import { layers, sequential } from 'tabgrad';

/** The number of the class `cat` in CIFAR-10. */
const CAT = 3;

/** @type {import('./index.js').Preset} */
export const S3 = {
  settings: { epochs: 10, batchSize: 32, optimizer: 'adam', learningRate: 0.01 },
  images: {
    source: 'cifar',
    title: 'CIFAR-10: cat or not',
    copy: { label: 'Sorting out the cats', labelOf: (label) => Number(label === CAT) },
    classNames: ['not cat', 'cat'],
  },
  output: () => 'sigmoid',
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
        layers.flatten(),
        layers.dense({ units: 64, activation: 'relu' }),
        layers.dense({ units: 1, activation: 'sigmoid' }),
      ],
      { seed, name },
    ),
  testBatch: 100,
  pretrained: false,
};
