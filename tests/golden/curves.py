"""Some steps of training on real CIFAR-10 images, from weights that a formula gives."""

import numpy as np
import torch

from curve_nets import INCEPTION, LSTM, RESNET20, S1, S4, VIT
from generate import loss_and_gradients
from losses import one_hot
from network import weight_shapes
from philox import dropout_mask, glorot_uniform
from updates import RULES

BATCH, STEPS = 32, 10
# Training is not continuous: a ReLU or a maximum on the edge takes the other branch for a rounding error, and the loss some steps
# on moves by 1e-5 to 1e-3 (PyTorch's float32 with key 5: 2e-4). Of the keys 1 to 10, 6 stands farthest from such edges.
KEY = 6
SEED = 7
# What float32 does to inputs, weights and gradients, and how little it may move the curve for the test to mean something.
ROUNDING, GRADIENT_ROUNDING, DISTURBED_RUNS, STEADY = 6e-8, 1e-6, 6, 2e-6
INPUT_SHAPE = [32, 32, 3]


def dropout_node(layers):
    """The engine's node number of the dropout: an input node first, and a node of its own for each activation."""
    node = 1
    for layer in layers:
        if layer['type'] == 'dropout':
            return node
        node += 2 if layer.get('activation') else 1
    return None


def starting_weight(name, shape, tensor):
    if len(shape) > 1:
        return glorot_uniform(shape, KEY, tensor)
    return np.full(shape, name.endswith(('/gamma', '/moving_variance')), np.float32)


def run(case, images, labels, dtype, noise=None):
    """The loss before each step. With a generator `noise`, a float64 run is disturbed as float32 would."""
    names, shapes = zip(*weight_shapes(case['layers'], INPUT_SHAPE))
    weights = []
    for tensor, (name, shape) in enumerate(zip(names, shapes)):
        weights.append(disturb(torch.from_numpy(starting_weight(name, shape, tensor)).to(dtype), noise))
    # A step does not depend on moving averages, and changes them elsewhere.
    trained = [weight for name, weight in zip(names, weights) if '/moving_' not in name]
    rule = RULES[case['optimizer']](**case['options'])
    curve = []
    for step in range(case.get('steps', STEPS)):
        first = step % case.get('batches', STEPS) * BATCH
        batch = slice(first, first + BATCH)
        x = disturb(torch.from_numpy(images[batch].copy()).to(dtype) / 255, noise)
        targets = one_hot(labels[batch], 10)
        losses, gradients = loss_and_gradients(
            case, weights, x, targets, mask_of(case, step, dtype), lambda value: disturb(value, noise)
        )
        if noise:
            gradients = [g + GRADIENT_ROUNDING * g.abs().mean() * normal(g, noise) for g in gradients]
        curve.append(losses.mean().item())
        rule.step(trained, gradients)
    return np.array(curve)


def mask_of(case, step, dtype):
    """The dropout mask of a step, or None for a network without."""
    node = dropout_node(case['layers'])
    if node is None:
        return None
    units = next(layer['units'] for layer in case['layers'] if layer['type'] == 'dense')
    mask = dropout_mask(BATCH * units, 0.5, SEED, node, step).reshape(BATCH, units)
    return torch.from_numpy(mask).to(dtype)


def normal(like, noise):
    return torch.randn(like.shape, generator=noise, dtype=like.dtype)


def disturb(x, noise):
    # The error of a sum goes with its terms, not with its value, so that it reaches values near zero.
    return x + ROUNDING * x.detach().abs().mean() * normal(x, noise) if noise else x


def distances(found, expected):
    return np.abs(found / expected - 1)


def make(images, labels):
    tensors, described = {'images': images, 'labels': labels}, []
    for case in (S1, S4, RESNET20, INCEPTION, LSTM, VIT):
        exact = run(case, images, labels, torch.float64)
        single = distances(run(case, images, labels, torch.float32), exact)
        disturbed = []
        for seed in range(DISTURBED_RUNS):
            noise = torch.Generator().manual_seed(seed)
            disturbed.append(distances(run(case, images, labels, torch.float64, noise), exact))
        print(f"  {case['name']}: {exact[0]:.6f} to {exact[-1]:.6f}; PyTorch's float32 is {single.max():.1e} away,")
        print(f'      disturbed float64 runs up to {np.max(disturbed):.1e}')
        name = case['name']
        tensors[f'{name}/curve'] = exact
        if 'spread' in case:
            # What one float32 does to a step another may do to an earlier one.
            tensors[f'{name}/spread'] = np.maximum.accumulate(np.max([single, *disturbed], 0))
            assert tensors[f'{name}/spread'][-1] < case['spread'], f'{name} does not follow one curve: lower its rate'
        else:
            assert np.max(disturbed) < STEADY, f'{name} is on an edge: choose another KEY'
        described.append(describe(case))
    return tensors, described


def describe(case):
    """As the JavaScript test reads it."""
    layers = case['layers']
    common = {'inputShape': INPUT_SHAPE, 'batch': BATCH, 'batches': STEPS, 'steps': STEPS, 'key': KEY, 'seed': SEED}
    common['graph'] = any('inputs' in layer for layer in layers)
    common['tensors'] = [name for name, _ in weight_shapes(layers, INPUT_SHAPE)]
    return {**common, **case}
