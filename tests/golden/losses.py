"""The losses of Keras 3 for float32 models, a value for each sample. Outputs and targets are (batch, …, n).

Written with PyTorch's own functions where it has the loss, so that two definitions are compared.
"""

import numpy as np
import torch
import torch.nn.functional as F

EPSILON = 1e-7
# Keras clips in float32, where 1 - 1e-7 is the float 1 - 2^-23: the loss of a sure and wrong answer shows it.
ONE_MINUS_EPSILON = float(np.float32(1 - EPSILON))


def one_hot(labels, classes):
    return F.one_hot(torch.from_numpy(labels).long(), classes).double()


def clip(p):
    return p.clamp(EPSILON, ONE_MINUS_EPSILON)


def smoothed(loss, targets, amount):
    classes = 2 if loss.startswith('binary') else targets.shape[-1]
    return targets * (1 - amount) + amount / classes


def focal(p, targets, options):
    """Categorical; p sums to one."""
    p = clip(p)
    return -(options.get('alpha', 0.25) * (1 - p) ** options.get('gamma', 2) * targets * torch.log(p)).sum(-1)


def binary_focal(p, targets, options):
    alpha = options.get('alpha', 0.25)
    missed = 1 - (targets * p + (1 - targets) * (1 - p))
    balance = targets * alpha + (1 - targets) * (1 - alpha) if options.get('applyClassBalancing') else 1
    one = -(targets * torch.log(clip(p)) + (1 - targets) * torch.log(1 - clip(p)))
    return (balance * missed ** options.get('gamma', 2) * one).mean(-1)


def categorical_hinge(y, t):
    return torch.relu(1 + ((1 - t) * y).amax(-1) - (t * y).sum(-1))


def huber(y, t, options):
    delta = options.get('delta', 1)
    if options.get('smoothL1'):
        return F.smooth_l1_loss(y, t, beta=delta, reduction='none').mean(-1)
    return F.huber_loss(y, t, delta=delta, reduction='none').mean(-1)


def signed(t):
    return 2 * t - 1 if ((t == 0) | (t == 1)).all() else t


VALUE_LOSSES = {
    'meanSquaredError': lambda y, t, o: F.mse_loss(y, t, reduction='none').mean(-1),
    'meanAbsoluteError': lambda y, t, o: F.l1_loss(y, t, reduction='none').mean(-1),
    'huber': huber,
    'logCosh': lambda y, t, o: torch.log(torch.cosh(y - t)).mean(-1),
    'meanSquaredLogarithmicError': lambda y, t, o: (
        (torch.log1p(y.clamp(min=EPSILON)) - torch.log1p(t.clamp(min=EPSILON))) ** 2
    ).mean(-1),
    'poisson': lambda y, t, o: F.poisson_nll_loss(y, t, log_input=False, eps=EPSILON, reduction='none').mean(-1),
    'klDivergence': lambda y, t, o: F.kl_div(
        torch.log(y.clamp(EPSILON, 1)), t.clamp(EPSILON, 1), reduction='none'
    ).sum(-1),
    'cosineSimilarity': lambda y, t, o: -F.cosine_similarity(y, t, dim=-1),
    'hinge': lambda y, t, o: torch.relu(1 - signed(t) * y).mean(-1),
    'squaredHinge': lambda y, t, o: (torch.relu(1 - signed(t) * y) ** 2).mean(-1),
    'categoricalHinge': lambda y, t, o: categorical_hinge(y, t),
}


def per_sample(loss, outputs, targets, from_logits, options=None):
    """Losses over a place of an output of several dimensions are averaged over the places."""
    losses = per_place(loss, outputs, targets, from_logits, options or {})
    return losses.flatten(1).mean(-1) if losses.dim() > 1 else losses


def per_place(loss, outputs, targets, from_logits, options):
    if loss in VALUE_LOSSES:
        return VALUE_LOSSES[loss](outputs, targets, options)
    if options.get('labelSmoothing'):
        targets = smoothed(loss, targets, options['labelSmoothing'])
    if loss == 'categoricalFocalCrossentropy':
        p = torch.softmax(outputs, -1) if from_logits else outputs / outputs.sum(-1, keepdim=True)
        return focal(p, targets, options)
    if loss == 'binaryFocalCrossentropy':
        return binary_focal(torch.sigmoid(outputs) if from_logits else outputs, targets, options)
    if loss in ('sparseCategoricalCrossentropy', 'categoricalCrossentropy'):
        if from_logits:
            return -(targets * torch.log_softmax(outputs, -1)).sum(-1)
        return -(targets * torch.log(clip(outputs / outputs.sum(-1, keepdim=True)))).sum(-1)
    if loss == 'binaryCrossentropy':
        if from_logits:
            return F.binary_cross_entropy_with_logits(outputs, targets, reduction='none').mean(-1)
        p = clip(outputs)
        return -(targets * torch.log(p) + (1 - targets) * torch.log(1 - p)).mean(-1)
    raise ValueError(f'no such loss: {loss}')
