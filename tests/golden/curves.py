"""Ten steps of the seed programs S1 and S4 on real CIFAR-10 images, from weights that a formula gives."""

import math

import numpy as np
import torch

from cases import FLATTEN, conv2d, dense, named, pool
from generate import loss_and_gradients
from losses import one_hot
from network import weight_shapes
from philox import dropout_mask, glorot_uniform
from updates import Adam

BATCH, STEPS = 32, 10
KEY = 2024
SEED = 7
INPUT_SHAPE = [32, 32, 3]

S1 = {
    'name': 's1',
    'layers': named(
        conv2d(32, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        FLATTEN,
        dense(64, activation='relu'),
        dense(10),
    ),
    'loss': 'sparseCategoricalCrossentropy',
    'fromLogits': True,
}

S4 = {
    'name': 's4',
    'layers': named(
        conv2d(32, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        FLATTEN,
        dense(128, activation='relu'),
        {'type': 'dropout', 'rate': 0.5},
        dense(10, activation='softmax'),
    ),
    'loss': 'categoricalCrossentropy',
    'fromLogits': False,
}


def dropout_node(layers):
    """The engine's node number of the dropout: an input node first, and a node of its own for each activation."""
    node = 1
    for layer in layers:
        if layer['type'] == 'dropout':
            return node
        node += 2 if layer.get('activation') else 1
    return None


def run(case, images, labels, dtype):
    """(loss before each step, sum of the absolute weights after the last)."""
    shapes = weight_shapes(case['layers'], INPUT_SHAPE)
    weights = []
    for tensor, (_, shape) in enumerate(shapes):
        value = glorot_uniform(shape, KEY, tensor) if len(shape) > 1 else np.zeros(shape, np.float32)
        weights.append(torch.from_numpy(value).to(dtype))
    rule = Adam()
    node = dropout_node(case['layers'])
    curve = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        x = torch.from_numpy(images[batch].copy()).to(dtype) / 255
        mask = None
        if node is not None:
            units = next(layer['units'] for layer in case['layers'] if layer['type'] == 'dense')
            mask = dropout_mask(BATCH * units, 0.5, SEED, node, step).reshape(BATCH, units)
            mask = torch.from_numpy(mask).to(dtype)
        losses, gradients = loss_and_gradients(case, weights, x, one_hot(labels[batch], 10), mask)
        curve.append(losses.mean().item())
        rule.step(weights, gradients)
    return np.array(curve)


def make(images, labels):
    tensors, described = {'images': images, 'labels': labels}, []
    for case in (S1, S4):
        exact = run(case, images, labels, torch.float64)
        single = run(case, images, labels, torch.float32)
        tensors[f"{case['name']}/curve"] = exact
        tensors[f"{case['name']}/float32"] = single
        worst = float(np.abs(single / exact - 1).max())
        print(f"  {case['name']}: {exact[0]:.6f} to {exact[-1]:.6f}; PyTorch's float32 is {worst:.1e} away")
        assert math.isfinite(worst)
        described.append({**case, 'inputShape': INPUT_SHAPE, 'batch': BATCH, 'steps': STEPS, 'key': KEY, 'seed': SEED})
    return tensors, described
