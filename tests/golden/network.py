"""Runs a list of layers, described as for the JavaScript library, in PyTorch: NHWC, HWIO, Keras's definitions."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def same_padding(size, window, stride):
    """(before, after) as TensorFlow pads: the odd cell goes behind."""
    total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def pad(x, window, strides, padding, value):
    """x is NCHW; explicit, because PyTorch itself only pads both sides alike."""
    if padding != 'same':
        return x
    top, bottom = same_padding(x.shape[2], window[0], strides[0])
    left, right = same_padding(x.shape[3], window[1], strides[1])
    return F.pad(x, (left, right, top, bottom), value=value)


def conv2d(x, layer, kernel, bias):
    strides = pair(layer.get('strides', 1))
    x = pad(x.permute(0, 3, 1, 2), kernel.shape[:2], strides, layer.get('padding'), 0.0)
    return F.conv2d(x, kernel.permute(3, 2, 0, 1).contiguous(), bias, strides).permute(0, 2, 3, 1)


def pool(x, layer):
    window = pair(layer['poolSize'])
    strides = pair(layer.get('strides', layer['poolSize']))
    x = x.permute(0, 3, 1, 2)
    padding = layer.get('padding')
    if layer['type'] == 'maxPooling2d':
        y = F.max_pool2d(pad(x, window, strides, padding, -math.inf), window, strides)
    else:
        # Keras divides by the cells that exist, so the padded sum is divided by the pooled count of ones.
        exists = F.avg_pool2d(pad(torch.ones_like(x), window, strides, padding, 0.0), window, strides)
        y = F.avg_pool2d(pad(x, window, strides, padding, 0.0), window, strides) / exists
    return y.permute(0, 2, 3, 1)


def activate(x, name):
    if name in (None, 'linear'):
        return x
    return torch.softmax(x, -1) if name == 'softmax' else getattr(torch, name)(x)


def weight_shapes(layers, input_shape):
    """[(name, shape)] in the library's order: kernel, bias, layer by layer."""
    shapes = []
    x = torch.zeros((1, *input_shape), dtype=torch.float64)
    for layer in layers:
        if layer['type'] in ('conv2d', 'dense'):
            units = layer.get('filters', layer.get('units'))
            window = pair(layer['kernelSize']) if layer['type'] == 'conv2d' else ()
            own = [(f"{layer['name']}/kernel", (*window, x.shape[-1], units))]
            if layer.get('useBias', True):
                own.append((f"{layer['name']}/bias", (units,)))
            shapes += own
            x = apply(x, layer, iter(torch.zeros(shape, dtype=x.dtype) for _, shape in own))
        else:
            x = apply(x, layer, iter(()))
    return shapes


def unchanged(x):
    return x


def apply(x, layer, weights, mask=None, rounding=unchanged):
    """One layer; takes what it needs from the iterator `weights`. Dropout is the identity without a mask. `rounding` is
    applied to every sum of products, before the activation."""
    kind = layer['type']
    if kind in ('conv2d', 'dense'):
        kernel = next(weights)
        bias = next(weights) if layer.get('useBias', True) else None
        if kind == 'conv2d':
            x = conv2d(x, layer, kernel, bias)
        else:
            x = x @ kernel if bias is None else x @ kernel + bias
        return activate(rounding(x), layer.get('activation'))
    if kind in ('maxPooling2d', 'averagePooling2d'):
        return pool(x, layer)
    if kind == 'flatten':
        return x.reshape(x.shape[0], -1)
    if kind == 'activation':
        return activate(x, layer['activation'])
    if kind == 'reLU':
        return torch.relu(x)
    if kind == 'softmax':
        return torch.softmax(x, -1)
    if kind == 'dropout':
        return x if mask is None else x * mask / (1 - layer['rate'])
    raise ValueError(f'no such layer: {kind}')


def forward(layers, weights, x, mask=None, logits=False, rounding=unchanged):
    """The output; with logits the activation at the end (softmax, sigmoid) is left out."""
    remaining = iter(weights)
    for layer in layers:
        if logits and layer is layers[-1]:
            if layer['type'] in ('activation', 'softmax'):
                continue
            layer = {**layer, 'activation': None}
        x = apply(x, layer, remaining, mask, rounding)
    return x


def doubles(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float64))
