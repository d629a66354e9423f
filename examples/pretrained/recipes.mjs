/** What is trained, and how: everything that the weights of a network depend on besides the seed. */

import { layers, optimizers, sequential } from 'tabgrad';
import { resNet } from 'tabgrad/applications';
import { randomCrop, randomFlip } from 'tabgrad/augment';
import { cosineDecay } from 'tabgrad/schedules';
import { withOneHotLabels } from '../one-hot.mjs';

/**
 * @typedef {object} Recipe
 * @property {string} title of the model card
 * @property {string} network in words, for the card
 * @property {string} data
 * @property {string} optimizer
 * @property {string} loss
 * @property {number} batchSize
 * @property {number} epochs
 * @property {(seed: number) => Promise<import('tabgrad').Model>} build not compiled
 * @property {(epochs: number) => import('tabgrad').CompileOptions} compileOptions
 * @property {(images: import('tabgrad').Dataset) => Promise<import('tabgrad').Dataset>} [prepare] labels for the loss
 * @property {import('tabgrad').FitOptions} [fitOptions]
 */

/** @type {Record<string, Recipe>} */
export const RECIPES = {
  s1: {
    title: 'S1: a small convolutional network for CIFAR-10',
    network:
      'Conv 32@3x3 ReLU, MaxPool 2, Conv 64@3x3 ReLU, MaxPool 2, Conv 64@3x3 ReLU, Flatten, Dense 64 ReLU, Dense 10 logits',
    data: 'CIFAR-10, 50,000 training images, pixels / 255, shuffled every epoch, no augmentation',
    optimizer: 'Adam, learning rate 0.001',
    loss: 'sparse categorical cross-entropy from logits',
    batchSize: 32,
    epochs: 10,
    build: (seed) =>
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
          layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
          layers.flatten(),
          layers.dense({ units: 64, activation: 'relu' }),
          layers.dense({ units: 10 }),
        ],
        { seed, name: 's1' },
      ),
    compileOptions: () => ({
      optimizer: 'adam',
      loss: 'sparseCategoricalCrossentropy',
      fromLogits: true,
      metrics: ['accuracy'],
    }),
  },

  s4: {
    title: 'S4: a convolutional network with dropout for CIFAR-10',
    network:
      'Conv 32@3x3 ReLU, MaxPool 2, Conv 64@3x3 ReLU, MaxPool 2, Flatten, Dense 128 ReLU, Dropout 0.5, Dense 10 softmax',
    data: 'CIFAR-10, 50,000 training images, pixels / 255, shuffled every epoch, no augmentation',
    optimizer: 'Adam, learning rate 0.001',
    loss: 'categorical cross-entropy on one-hot labels',
    batchSize: 32,
    epochs: 10,
    build: (seed) =>
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
        { seed, name: 's4' },
      ),
    compileOptions: () => ({
      optimizer: 'adam',
      loss: 'categoricalCrossentropy',
      metrics: ['accuracy'],
    }),
    prepare: withOneHotLabels,
  },

  resnet20: {
    title: 'ResNet-20 for CIFAR-10',
    network:
      'He, Zhang, Ren, Sun 2015, section 4.2: three stages of three blocks with 16, 32 and 64 filters, 1x1 convolutions in the two shortcuts that change shape',
    data: 'CIFAR-10, 50,000 training images, pixels / 255, shuffled every epoch; flipped left to right, cropped at random from four black pixels around',
    optimizer:
      'SGD, Nesterov momentum 0.9, weight decay 0.005 of the rate (kernels alone), learning rate 0.1 after 2,000 steps of warm-up, then a cosine to 0',
    loss: 'sparse categorical cross-entropy from logits',
    batchSize: 128,
    epochs: 80,
    build: (seed) => resNet({ depth: 20, shortcut: 'projection', seed, name: 'resnet20' }),
    compileOptions: (epochs) => ({
      optimizer: optimizers.sgd({
        learningRate: cosineDecay({
          initialLearningRate: 0.001,
          warmupTarget: 0.1,
          warmupSteps: 2000,
          decaySteps: Math.max(1, epochs * 391 - 2000),
        }),
        momentum: 0.9,
        nesterov: true,
        weightDecay: 0.005,
        excludeFromWeightDecay: ['bias', 'gamma', 'beta'],
      }),
      loss: 'sparseCategoricalCrossentropy',
      fromLogits: true,
      metrics: ['accuracy'],
    }),
    fitOptions: {
      augment: [randomFlip({ mode: 'horizontal' }), randomCrop({ padding: 4 })],
    },
  },
};
