"""Activations and layers without products, each as PyTorch has it."""

import functools
import math

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    None: lambda x: x,
    'linear': lambda x: x,
    'elu': F.elu,
    'exponential': torch.exp,
    'gelu': F.gelu,
    'hardSigmoid': F.hardsigmoid,
    'hardSilu': F.hardswish,
    'hardSwish': F.hardswish,
    'leakyRelu': lambda x: F.leaky_relu(x, 0.2),
    'logSoftmax': lambda x: F.log_softmax(x, -1),
    'mish': F.mish,
    'relu': torch.relu,
    'relu6': F.relu6,
    'selu': F.selu,
    'sigmoid': torch.sigmoid,
    'silu': F.silu,
    'softmax': lambda x: torch.softmax(x, -1),
    'softplus': F.softplus,
    'softsign': F.softsign,
    'swish': F.silu,
    'tanh': torch.tanh,
}


def rectifier(x, layer):
    threshold = layer.get('threshold', 0)
    below = layer.get('negativeSlope', 0.3 if layer['type'] == 'leakyReLU' else 0) * (x - threshold)
    return torch.where(x >= threshold, x.clamp(max=layer.get('maxValue', math.inf)), below)


def prelu(x, layer, alpha):
    return torch.where(x > 0, x, alpha * x)


def margins(value):
    """[[top, bottom], [left, right]]."""
    sides = value if isinstance(value, list) else [value, value]
    return [side if isinstance(side, list) else [side, side] for side in sides]


def crop(x, layer):
    (top, bottom), (left, right) = margins(layer['cropping'])
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def pad(x, layer):
    (top, bottom), (left, right) = margins(layer.get('padding', 1))
    return F.pad(x, (0, 0, left, right, top, bottom))


def images(function):
    """`function` of NCHW, for NHWC."""
    return lambda x, layer: function(x.permute(0, 3, 1, 2), layer).permute(0, 2, 3, 1)


def up_sample(x, layer):
    size = layer.get('size', 2)
    size = tuple(size) if isinstance(size, list) else (size, size)
    mode = layer.get('interpolation', 'nearest')
    return F.interpolate(x, scale_factor=size, mode=mode, align_corners=False if mode == 'bilinear' else None)


def dot(x, layer):
    a, b = [F.normalize(v, dim=-1) for v in x] if layer.get('normalize') else x
    return (a * b).sum(-1, keepdim=True)


def last_axes(layer):
    axis = layer.get('axis', -1)
    return tuple(axis) if isinstance(axis, list) else (axis,)


def scaled(x, layer, own):
    """Times gamma and plus beta, where the layer has them: PyTorch's functions take both or fail in the backward pass."""
    own = dict(zip(norm_weights(layer), own))
    return x * own.get('gamma', 1) + own.get('beta', 0)


def layer_norm(x, layer, *own):
    shape = [x.shape[axis] for axis in last_axes(layer)]
    return scaled(F.layer_norm(x, shape, eps=layer.get('epsilon', 1e-3)), layer, own)


def group_norm(x, layer, *own):
    groups = layer.get('groups', 32)
    groups = x.shape[-1] if groups == -1 else groups
    y = F.group_norm(x.movedim(-1, 1), groups, eps=layer.get('epsilon', 1e-3))
    return scaled(y.movedim(1, -1), layer, own)


def rms_norm(x, layer, scale):
    return x / torch.sqrt((x * x).mean(last_axes(layer), keepdim=True) + layer.get('epsilon', 1e-6)) * scale


def unit_norm(x, layer):
    return x / torch.sqrt((x * x).sum(last_axes(layer), keepdim=True).clamp(min=1e-12))


def norm_weights(layer):
    return [name for name, option in (('gamma', 'scale'), ('beta', 'center')) if layer.get(option, True)]


# type -> function of (x or the list of inputs, layer, its weights)
LAYERS = {
    'reLU': rectifier,
    'leakyReLU': rectifier,
    'pReLU': prelu,
    'elu': lambda x, layer: F.elu(x, layer.get('alpha', 1.0)),
    'gelu': lambda x, layer: F.gelu(x, approximate='tanh' if layer.get('approximate') else 'none'),
    'logSoftmax': lambda x, layer: F.log_softmax(x, -1),
    'subtract': lambda x, layer: x[0] - x[1],
    'multiply': lambda x, layer: math.prod(x),
    'average': lambda x, layer: sum(x) / len(x),
    'maximum': lambda x, layer: functools.reduce(torch.maximum, x),
    'minimum': lambda x, layer: functools.reduce(torch.minimum, x),
    'dot': dot,
    'concatenate': lambda x, layer: torch.cat(x, layer.get('axis', -1)),
    'reshape': lambda x, layer: x.reshape(x.shape[0], *layer['targetShape']),
    'permute': lambda x, layer: x.permute(0, *layer['dims']),
    'repeatVector': lambda x, layer: x[:, None].expand(-1, layer['n'], -1),
    'cropping2d': crop,
    'zeroPadding2d': pad,
    'upSampling2d': images(up_sample),
    'globalMaxPooling2d': lambda x, layer: x.amax((1, 2), keepdim=layer.get('keepdims', False)),
    'adaptiveAveragePooling2d': images(lambda x, layer: F.adaptive_avg_pool2d(x, layer['outputSize'])),
    'adaptiveMaxPooling2d': images(lambda x, layer: F.adaptive_max_pool2d(x, layer['outputSize'])),
    'embedding': lambda x, layer, table: table[x.long()],
    'layerNormalization': layer_norm,
    'groupNormalization': group_norm,
    'instanceNormalization': lambda x, layer, *own: group_norm(x, {**layer, 'groups': -1}, *own),
    'rmsNormalization': rms_norm,
    'unitNormalization': unit_norm,
}

MERGES = ('subtract', 'multiply', 'average', 'maximum', 'minimum', 'dot', 'concatenate')


def weights_of(layer, shape):
    """[(name, shape)] of a layer of LAYERS whose input has that shape."""
    if layer['type'] == 'pReLU':
        shared = layer.get('sharedAxes', [])
        return [('alpha', tuple(1 if axis + 1 in shared else size for axis, size in enumerate(shape)))]
    if layer['type'] == 'layerNormalization':
        return [(name, tuple(shape[len(shape) - len(last_axes(layer)) :])) for name in norm_weights(layer)]
    if layer['type'] == 'embedding':
        return [('embeddings', (layer['inputDim'], layer['outputDim']))]
    if layer['type'] in ('groupNormalization', 'instanceNormalization'):
        return [(name, (shape[-1],)) for name in norm_weights(layer)]
    if layer['type'] == 'rmsNormalization':
        return [('scale', tuple(shape[len(shape) - len(last_axes(layer)) :]))]
    return []
