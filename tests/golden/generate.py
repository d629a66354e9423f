"""Turns a case into tensors: float32 inputs and weights drawn here, everything else computed from them in float64."""

import numpy as np
import torch

from losses import one_hot, per_sample
from network import doubles, forward, unchanged, weight_shapes
from updates import RULES

ENDS_IN = {
    'sparseCategoricalCrossentropy': 'softmax',
    'categoricalCrossentropy': 'softmax',
    'binaryCrossentropy': 'sigmoid',
    'categoricalFocalCrossentropy': 'softmax',
    'binaryFocalCrossentropy': 'sigmoid',
}


def draw_weights(case, random):
    weights = []
    for name, shape in weight_shapes(case['layers'], case['inputShape']):
        if name.endswith(('/gamma', '/moving_variance', '/scale')):
            weights.append((0.5 + random.random(shape)).astype(np.float32))
            continue
        fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 4
        weights.append((random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))
    if 'outputBias' in case:
        weights[-1][:] = case['outputBias']
    return weights


def draw_labels(case, shape, random):
    """(what the library is given, float64 targets (batch, …, units))."""
    batch, loss = case['batch'], case['loss']
    labels = case.get('labels')
    units = shape[-1]
    if loss == 'sparseCategoricalCrossentropy':
        classes = random.integers(0, units, batch).astype(np.int32)
        return classes, one_hot(classes, units)
    if labels == 'class':
        classes = random.integers(0, 2, batch).astype(np.int32)
        classes[:2] = 0, 1
        return classes, doubles(classes)[:, None]
    if labels == 'soft':
        values = random.random((batch, *shape)).astype(np.float32)
        values /= values.sum(-1, keepdims=True)
    elif labels == 'hot' or loss == 'categoricalCrossentropy':
        values = one_hot(random.integers(0, units, (batch, *shape[:-1])), units).numpy().astype(np.float32)
    elif labels == 'signs':
        values = np.where(random.random((batch, *shape)) < 0.5, -1, 1).astype(np.float32)
    elif labels == 'bits':
        values = np.where(random.random((batch, *shape)) < 0.5, 0, 1).astype(np.float32)
    elif labels == 'positive':
        values = (2 * random.random((batch, *shape))).astype(np.float32)
    elif loss.startswith('binary'):
        values = random.random((batch, *shape)).astype(np.float32)
        values[0] = 1
        values[1] = 0
    else:
        # Divided by the elements and the batch in the gradient, which is then of the order of a third.
        size = np.prod(shape) if loss == 'meanSquaredError' else 6 / batch
        values = (random.standard_normal((batch, *shape)) * batch * size / 6).astype(np.float32)
    return values, doubles(values)


def uses_logits(case):
    """From the logits when asked, and when the network ends in the loss's own activation, as Keras does."""
    last = case['layers'][-1]
    end = last.get('activation', last['type'])
    return case['fromLogits'], case['fromLogits'] or end == ENDS_IN.get(case['loss'])


def losses_of(case, weights, x, targets, mask=None, rounding=unchanged, training=None):
    plain, logits = uses_logits(case)
    outputs = forward(case['layers'], weights, x, mask, logits and not plain, rounding, training)
    losses = per_sample(case['loss'], outputs, targets.to(outputs.dtype), logits, case.get('lossOptions'))
    weights = case.get('sampleWeight')
    return losses if weights is None else losses * torch.tensor(weights, dtype=losses.dtype)


def loss_and_gradients(case, weights, x, targets, mask=None, rounding=unchanged, training=None):
    """(each sample's loss in training, gradients of their mean for the weights that have one)."""
    training = {} if training is None else training
    weights = [w.detach().requires_grad_() for w in weights]
    losses = losses_of(case, weights, x, targets, mask, rounding, training)
    # The loss of a training step does not depend on moving averages, so they have no gradient.
    gradients = torch.autograd.grad(losses.mean(), weights, allow_unused=True)
    return losses.detach(), [gradient for gradient in gradients if gradient is not None]


def generate(case, seed):
    random = np.random.default_rng(seed)
    x = random.standard_normal((case['batch'], *case['inputShape'])).astype(np.float32)
    x *= case.get('scale', 1)
    if 'whole' in case:
        x = random.integers(0, case['whole'], x.shape).astype(np.float32)
    weights = draw_weights(case, random)
    exact = [doubles(w) for w in weights]
    outputs = forward(case['layers'], exact, doubles(x))
    labels, targets = draw_labels(case, tuple(outputs.shape[1:]), random)
    moved = {}
    losses, gradients = loss_and_gradients(case, exact, doubles(x), targets, training=moved)
    tensors = {'x': x, 'y': labels, 'outputs': outputs.numpy(), 'losses': losses.numpy()}
    names = [name for name, _ in weight_shapes(case['layers'], case['inputShape'])]
    tensors.update({f'weights/{name}': weight for name, weight in zip(names, weights)})
    trained = [name for name in names if '/moving_' not in name]
    tensors.update({f'gradients/{name}': gradient.numpy() for name, gradient in zip(trained, gradients)})
    if moved:
        # Evaluation normalises by the averages, training by the batch.
        tensors['evaluated'] = losses_of(case, exact, doubles(x), targets).numpy()
        tensors.update({f'moved/{name}': value.detach().numpy() for name, value in moved.items()})
    if case['loss'].endswith('ategoricalCrossentropy') and outputs.dim() == 2:
        hits = outputs.argmax(-1) == targets.argmax(-1)
        tensors['accuracy'] = np.array([hits.double().mean().item()])
    if 'optimizer' in case:
        tensors.update(train(case, exact, doubles(x), targets))
    return tensors, float32_distance(case, weights, x, targets, tensors)


def train(case, weights, x, targets):
    """The curve over the steps and the weights after the last; every step sees the same batch."""
    weights = [w.clone() for w in weights]
    rule = RULES[case['optimizer']](**case['options'])
    curve = []
    for _ in range(case['steps']):
        losses, gradients = loss_and_gradients(case, weights, x, targets)
        curve.append(losses.mean().item())
        rule.step(weights, gradients)
    names = [name for name, _ in weight_shapes(case['layers'], case['inputShape'])]
    trained = {f'trained/{name}': w.numpy() for name, w in zip(names, weights)}
    return {'curve': np.array(curve), **trained}


def float32_distance(case, weights, x, targets, tensors):
    """How far PyTorch's own float32 is from the float64 values, in units of the test's tolerance: a case that float32
    itself cannot pass would test luck."""
    single = [torch.from_numpy(w) for w in weights]
    _, gradients = loss_and_gradients(case, single, torch.from_numpy(x), targets)
    worst = 0.0
    expected = [tensors[name] for name in tensors if name.startswith('gradients/')]
    found = [gradient.numpy() for gradient in gradients]
    if 'optimizer' in case:
        single = train(case, single, torch.from_numpy(x), targets)
        found += single.values()
        expected += [tensors[name] for name in single]
    for inexact, exact in zip(found, expected):
        allowed = 1e-5 + 1.3e-6 * np.abs(exact)
        worst = max(worst, float((np.abs(inexact - exact) / allowed).max()))
    return worst
