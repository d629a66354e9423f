/**
 * S5: CIFAR-10 at 224 x 224 pixels, normalised as networks of ImageNet are. All of it at that size would be 7.5 GB, so
 * the first layer resizes batch by batch, as `data.resize` would.
 */
import { layers, sequential } from 'tabgrad';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** @type {import('./index.js').Preset} */
export const S5 = {
  settings: { epochs: 10, batchSize: 64, optimizer: 'adam', learningRate: 0.001 },
  images: {
    source: 'cifar',
    title: 'CIFAR-10 at 224 × 224',
    copy: { label: 'Normalising as for ImageNet', normalization: IMAGENET },
  },
  output: () => 'logits',
  make: ({ seed, name }) =>
    sequential(
      [
        layers.upSampling2d({ size: 7, interpolation: 'bilinear', inputShape: [32, 32, 3] }),
        layers.conv2d({ filters: 64, kernelSize: 3, padding: 1, activation: 'relu' }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.adaptiveAveragePooling2d({ outputSize: 7 }),
        layers.flatten(),
        layers.dense({ units: 256, activation: 'relu' }),
        layers.dense({ units: 10 }),
      ],
      { seed, name },
    ),
  testBatch: 16,
  pretrained: false,
};
