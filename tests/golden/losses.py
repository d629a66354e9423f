"""The losses of Keras 3 for float32 models, a value for each sample. Outputs and targets are (batch, n)."""

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


def per_sample(loss, outputs, targets, from_logits):
    if loss in ('sparseCategoricalCrossentropy', 'categoricalCrossentropy'):
        if from_logits:
            return -(targets * torch.log_softmax(outputs, -1)).sum(-1)
        return -(targets * torch.log(clip(outputs / outputs.sum(-1, keepdim=True)))).sum(-1)
    if loss == 'binaryCrossentropy':
        if from_logits:
            return F.binary_cross_entropy_with_logits(outputs, targets, reduction='none').mean(-1)
        p = clip(outputs)
        return -(targets * torch.log(p) + (1 - targets) * torch.log(1 - p)).mean(-1)
    if loss == 'meanSquaredError':
        return ((outputs - targets) ** 2).mean(-1)
    raise ValueError(f'no such loss: {loss}')
