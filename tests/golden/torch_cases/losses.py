"""PyTorch's criteria as losses of the library.

The library's loss of a batch is Σ w l / samples, l the mean over a sample's numbers or rows. So PyTorch's is that times
a `factor` (its reduction, or the sum of class weights that it divides by), its element weights are sample weights with
every number as a sample, and class weights and ignored classes are sample weights or factors of rows of classes.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .layouts import as_is
from .net import Skip


class Lowered:
    """What the library computes: layers in front of the loss, labels, sample weights, and how it compares."""

    def __init__(self, loss, layout, labels, factor, each=0, options=None, layers=(), sample_weight=None, before=None):
        self.loss, self.layout, self.labels, self.factor = loss, layout, labels, factor
        # So many samples make one of the values of reduction='none'; 0: the loss is one number.
        self.each = each
        self.options, self.layers, self.sample_weight = options or {}, layers, sample_weight
        # What PyTorch computes in front of the criterion, so that both differentiate the same.
        self.before = before or (lambda x: x)


def by_number(x):
    return x.reshape(-1, 1)


def of_numbers(m, x, target, loss, weight=None, row=False, **more):
    """A loss of single numbers. `row`: the library sums over the last axis, where PyTorch takes the mean."""
    alone = weight is not None or m.reduction == 'none' or x.dim() < 2
    layout = by_number if alone else as_is
    n = x.numel()
    width = 1 if alone or not row else x.shape[-1]
    factor = {'mean': 1 / width, 'sum': n / width, 'none': n}[m.reduction]
    weights = None if weight is None else weight.expand(x.shape).reshape(-1)
    each = 1 if m.reduction == 'none' else 0
    return Lowered(loss, layout, layout(target), factor, each, sample_weight=weights, **more)


def multi_label(m, x, target):
    """The mean over the classes is part of PyTorch's loss."""
    rows, classes = (1, x.shape[0]) if x.dim() == 1 else x.shape
    layout = by_number if m.weight is not None else lambda v: v.reshape(rows, classes)
    weights = None if m.weight is None else m.weight.expand(x.shape).reshape(-1)
    samples = rows * classes if m.weight is not None else rows
    factor = 1 if m.reduction == 'mean' else rows
    each = samples // rows if m.reduction == 'none' else 0
    return Lowered('binaryCrossentropy', layout, layout(target), factor, each, {'fromLogits': True}, sample_weight=weights)


def of_classes(m, x, target, before=None):
    """Cross-entropy from logits: class numbers with sample weights for a class a sample, else rows of classes."""
    if x.dim() == 1:
        x = x[None]
        target = target[None]
    classes, smoothing = x.shape[1], getattr(m, 'label_smoothing', 0.0)
    numbered = not target.is_floating_point()
    alone = m.reduction == 'none' or x.dim() == 2
    weight = torch.ones(classes, dtype=x.dtype) if m.weight is None else m.weight

    def layout(v):
        v = (v[None] if v.dim() == 1 else v).movedim(1, -1)
        return v.reshape(-1, classes) if alone else v.reshape(v.shape[0], -1, classes)

    places = x.numel() // classes
    if numbered:
        kept = target != m.ignore_index
        target = target.where(kept, torch.zeros_like(target))
        counts = weight[target] * kept
        divisor = float(counts.sum())
    else:
        divisor = float(places)
    factor = {'mean': places / divisor, 'sum': places, 'none': places}[m.reduction]
    each = 1 if m.reduction == 'none' else 0
    options = {'fromLogits': True}
    if numbered and alone and (smoothing == 0 or m.weight is None):
        if smoothing:
            options['labelSmoothing'] = smoothing
        weighted = m.weight is not None or not bool(kept.all())
        return Lowered('sparseCategoricalCrossentropy', layout, target.reshape(-1), factor, each, options,
                       sample_weight=counts.reshape(-1) if weighted else None, before=before)  # fmt: skip
    rows = F.one_hot(target, classes).double().movedim(-1, 1) if numbered else target
    if m.weight is None and (not numbered or bool(kept.all())):
        if smoothing:
            options['labelSmoothing'] = smoothing
    else:
        rows = rows * (1 - smoothing) + smoothing / classes
        rows = rows * weight.reshape(-1, *[1] * (rows.dim() - 2))
        if numbered:
            rows = rows * kept[:, None]
    return Lowered('categoricalCrossentropy', layout, layout(rows), factor, each, options, before=before)


def divergence(m, x, target):
    """PyTorch reads logarithms: an exponential stands in front of the loss."""
    shares = target.exp().float().double() if m.log_target else target
    return of_numbers(m, x, shares, 'klDivergence', row=True, layers=[{'type': 'activation', 'activation': 'exponential'}])


def poisson(m, x, target):
    if m.full:
        raise Skip('the full loss, with a term of the labels alone')
    layers = [{'type': 'activation', 'activation': 'exponential'}] if m.log_input else []
    # Keras's epsilon, which PyTorch has too, for rates.
    m.eps = 1e-7
    return of_numbers(m, x, target, 'poisson', layers=layers)


def soft_margin(m, x, target):
    if not bool((target.abs() == 1).all()):
        raise Skip('targets other than -1 and 1')
    return of_numbers(m, x, (target + 1) / 2, 'binaryCrossentropy', options={'fromLogits': True})


def smooth_l1(m, x, target):
    if m.beta == 0:
        return of_numbers(m, x, target, 'meanAbsoluteError')
    return of_numbers(m, x, target, 'huber', options={'delta': m.beta, 'smoothL1': True})


def nll(m, x, target):
    """Behind the logarithm of softmax that it is made for: the library's loss is both."""
    return of_classes(m, x, target, before=lambda v: F.log_softmax(v, 1 if v.dim() > 1 else 0))


LOSSES = {
    nn.L1Loss: lambda m, x, t: of_numbers(m, x, t, 'meanAbsoluteError'),
    nn.MSELoss: lambda m, x, t: of_numbers(m, x, t, 'meanSquaredError'),
    nn.SmoothL1Loss: smooth_l1,
    nn.HuberLoss: lambda m, x, t: of_numbers(m, x, t, 'huber', options={'delta': m.delta}),
    nn.BCELoss: lambda m, x, t: of_numbers(m, x, t, 'binaryCrossentropy', m.weight),
    nn.BCEWithLogitsLoss: lambda m, x, t: of_numbers(m, x, t, 'binaryCrossentropy', m.weight, options={'fromLogits': True}),
    nn.MultiLabelSoftMarginLoss: multi_label,
    nn.SoftMarginLoss: soft_margin,
    nn.KLDivLoss: divergence,
    nn.PoissonNLLLoss: poisson,
    nn.NLLLoss: nll,
    nn.CrossEntropyLoss: of_classes,
}


def of_function(name, variables):
    """(criterion, target) of a case of new_module_tests that wraps a functional loss without reduction, or None.
    `walk` checks that the criterion gives what the case gives."""
    plain = name.split('/')[1].split('_')[0].split(' ')[0]
    plain = {'NLLLoss2d': 'NLLLoss', 'NLLLossNd': 'NLLLoss', 'multimarginloss': 'MultiMarginLoss'}.get(plain, plain)
    if not plain.endswith('Loss'):
        return None
    given = variables.get('kwargs', {})
    given = dict(given(torch.zeros(1, dtype=torch.float64)) if callable(given) else given)
    given['reduction'] = 'none'
    if 'weights' in variables:
        given['weight'] = variables['weights']
    given.update({'log_target': True} if 'log_target' in name else {})
    given.update({'beta': 0.5} if name.endswith('L1Loss_beta') else {'beta': 0.0} if 'zero_beta' in name else {})
    given.update({'delta': 0.5} if name.endswith('HuberLoss_delta') else {})
    target = variables['t'] if 't' in variables else variables['target']
    kind = getattr(nn, plain)
    if kind not in LOSSES:
        return kind, None, target
    return kind, kind(**given), target
