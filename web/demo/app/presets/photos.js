/**
 * S2: photos of the person's own folder, as the Keras tutorial of augmentation has it. Two classes have one sigmoid
 * output, more a softmax of as many.
 */
import { layers, sequential } from 'tabgrad';

/** @param {number} filters */
const conv = (filters) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu' });

/** @type {import('./index.js').Preset} */
export const S2 = {
  settings: { epochs: 50, batchSize: 32, optimizer: 'adam', learningRate: 0.001 },
  images: { source: 'folder', title: 'Your photos' },
  output: (classes) => (classes === 2 ? 'sigmoid' : 'probabilities'),
  make: ({ seed, name, classes, side }) =>
    sequential(
      [
        layers.conv2d({
          filters: 32,
          kernelSize: 3,
          activation: 'relu',
          inputShape: [side, side, 3],
        }),
        layers.maxPooling2d({ poolSize: 2 }),
        conv(64),
        layers.maxPooling2d({ poolSize: 2 }),
        conv(128),
        layers.maxPooling2d({ poolSize: 2 }),
        conv(128),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 512, activation: 'relu' }),
        classes === 2
          ? layers.dense({ units: 1, activation: 'sigmoid' })
          : layers.dense({ units: classes, activation: 'softmax' }),
      ],
      { seed, name },
    ),
  augment: async () => {
    const { randomFlip, randomShear, randomZoom } = await import('tabgrad/augment');
    // What ImageDataGenerator(shear_range=0.2, zoom_range=0.2, horizontal_flip=True) does: its shear is in degrees.
    return [
      randomShear({ degrees: 0.2, fillMode: 'nearest' }),
      randomZoom({ heightFactor: 0.2, widthFactor: 0.2 }),
      randomFlip({ mode: 'horizontal' }),
    ];
  },
  testBatch: 16,
  pretrained: false,
};
