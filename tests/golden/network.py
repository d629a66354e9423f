"""Runs a list of layers, described as for the JavaScript library, in PyTorch: NHWC, HWIO, Keras's definitions."""

import math

import numpy as np
import torch
import torch.nn.functional as F

import more_layers
import sequence_layers

LAYERS = {**more_layers.LAYERS, **sequence_layers.LAYERS}
# Layers that read several values, where `inputs` names them.
MERGES = (*more_layers.MERGES, 'multiHeadAttention')


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def same_padding(size, window, stride):
    """(before, after) as TensorFlow pads: the odd cell goes behind."""
    total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def pad(x, window, strides, padding, value):
    """x is NCHW; explicit, because PyTorch itself only pads both sides alike. `window` is what the taps span."""
    if isinstance(padding, int):
        padding = [padding] * 4
    if isinstance(padding, list):
        top, bottom, left, right = padding
        return F.pad(x, (left, right, top, bottom), value=value)
    if padding != 'same':
        return x
    top, bottom = same_padding(x.shape[2], window[0], strides[0])
    left, right = same_padding(x.shape[3], window[1], strides[1])
    return F.pad(x, (left, right, top, bottom), value=value)


def spans(kernel, dilation):
    """Rows and columns from the first tap to the last."""
    return tuple((size - 1) * rate + 1 for size, rate in zip(kernel.shape[:2], dilation))


def conv2d(x, layer, kernel, bias, groups=None):
    strides, dilation = pair(layer.get('strides', 1)), pair(layer.get('dilationRate', 1))
    x = pad(x.permute(0, 3, 1, 2), spans(kernel, dilation), strides, layer.get('padding'), 0.0)
    weight = kernel.permute(3, 2, 0, 1).contiguous()
    groups = groups or layer.get('groups', 1)
    return F.conv2d(x, weight, bias, strides, 0, dilation, groups).permute(0, 2, 3, 1)


def depthwise(x, layer, kernel, bias):
    """kernel (height, width, channels, filters a channel), whose filters PyTorch wants side by side."""
    grouped = kernel.reshape(*kernel.shape[:2], 1, -1)
    return conv2d(x, layer, grouped, bias, groups=kernel.shape[2])


def transposed(x, layer, kernel, bias):
    """PyTorch's whole output, cut as Keras 3 cuts it for JAX and TensorFlow; kernel (height, width, filters, channels)."""
    strides, dilation = pair(layer.get('strides', 1)), pair(layer.get('dilationRate', 1))
    weight = kernel.permute(3, 2, 0, 1).contiguous()
    y = F.conv_transpose2d(x.permute(0, 3, 1, 2), weight, None, strides, 0, 0, 1, dilation)
    given = layer.get('outputPadding')
    for axis, (span, stride) in enumerate(zip(spans(kernel, dilation), strides)):
        extra = None if given is None else pair(given)[axis]
        if layer.get('padding') == 'same':
            total = stride + span - 2 if extra is None else span + span % 2 - 2 + extra
            before = min(math.ceil(total / 2), span - 1)
        else:
            extra = max(span, stride) - span if extra is None else extra
            total, before = 2 * (span - 1) + extra, span - 1
        # So many zeros stand around the spread input; with span - 1 on both sides nothing is cut.
        crops = (before - span + 1, total - before - span + 1)
        y = F.pad(y, (0, 0, *crops) if axis == 0 else crops)
    y = y.permute(0, 2, 3, 1)
    return y if bias is None else y + bias


def over_steps(layer):
    """A layer over (steps, channels) as one over pictures of one row."""
    wide = {**layer, 'type': layer['type'].replace('1d', '2d')}
    for option in ('kernelSize', 'strides', 'dilationRate', 'poolSize', 'outputSize'):
        if option in layer:
            wide[option] = [1, layer[option]]
    if isinstance(layer.get('padding'), (int, list)):
        before, after = pair(layer['padding'])
        wide['padding'] = [0, 0, before, after]
    return wide


def pool(x, layer):
    window = pair(layer['poolSize'])
    strides = pair(layer.get('strides', layer['poolSize']))
    x = x.permute(0, 3, 1, 2)
    padding = layer.get('padding')
    if layer['type'] == 'maxPooling2d':
        y = F.max_pool2d(pad(x, window, strides, padding, -math.inf), window, strides)
    else:
        if layer.get('countIncludePad', not isinstance(padding, (str, type(None)))):
            return F.avg_pool2d(pad(x, window, strides, padding, 0.0), window, strides).permute(0, 2, 3, 1)
        # Keras divides by the cells that exist, so the padded sum is divided by the pooled count of ones.
        exists = F.avg_pool2d(pad(torch.ones_like(x), window, strides, padding, 0.0), window, strides)
        y = F.avg_pool2d(pad(x, window, strides, padding, 0.0), window, strides) / exists
    return y.permute(0, 2, 3, 1)


def activate(x, name):
    return more_layers.ACTIVATIONS[name](x)


def normalize(x, layer, own, training):
    """Over the last axis, by the batch's statistics or by the moving averages."""
    rows = x.reshape(-1, x.shape[-1])
    averages = (None, None) if training else (own['moving_mean'], own['moving_variance'])
    y = F.batch_norm(rows, *averages, own.get('gamma'), own.get('beta'), training, 0.0, layer.get('epsilon', 1e-3))
    return y.reshape(x.shape)


def batch_statistics(x):
    """Mean and biased variance of each feature."""
    rows = x.reshape(-1, x.shape[-1])
    return rows.mean(0), rows.var(0, unbiased=False)


def norm_weights(layer):
    """The layer's tensors in the library's order."""
    trained = [name for name, option in (('gamma', 'scale'), ('beta', 'center')) if layer.get(option, True)]
    return trained + ['moving_mean', 'moving_variance']


def weight_shapes(layers, input_shape):
    """[(name, shape)] in the library's order: kernel, bias, layer by layer."""
    shapes = []
    x = torch.zeros((1, *input_shape), dtype=torch.float64)
    values = {'': x}
    for layer in layers:
        if 'inputs' in layer:
            x = values[layer['inputs'][0]]
        if layer['type'] in WEIGHTED:
            own = own_weights(layer, x.shape[-1])
            shapes += own
            x = apply(x, layer, iter(torch.zeros(shape, dtype=x.dtype) for _, shape in own))
        elif layer['type'] == 'batchNormalization':
            shapes += [(f"{layer['name']}/{name}", (x.shape[-1],)) for name in norm_weights(layer)]
        elif layer['type'] in LAYERS:
            named = [values[name] for name in layer['inputs']] if layer['type'] in MERGES and 'inputs' in layer else x
            own = [(f"{layer['name']}/{name}", shape) for name, shape in weights_of(layer, named)]
            shapes += own
            x = apply(named, layer, iter(torch.zeros(shape, dtype=x.dtype) for _, shape in own))
        elif layer['type'] != 'add':
            x = apply(x, layer, iter(()))
        values[layer.get('name')] = x
    return shapes


WEIGHTED = ('conv1d', 'conv2d', 'conv2dTranspose', 'depthwiseConv2d', 'separableConv2d', 'dense')


def own_weights(layer, channels):
    """[(name, shape)] of one layer's tensors."""
    kind, name, units = layer['type'], layer['name'], layer.get('filters', layer.get('units'))
    window = () if kind == 'dense' else (layer['kernelSize'],) if kind == 'conv1d' else pair(layer['kernelSize'])
    times = layer.get('depthMultiplier', 1)
    if kind == 'conv2dTranspose':
        own = [(f'{name}/kernel', (*window, units, channels))]
    elif kind == 'depthwiseConv2d':
        own, units = [(f'{name}/kernel', (*window, channels, times))], channels * times
    elif kind == 'separableConv2d':
        own = [
            (f'{name}/depthwise/kernel', (*window, channels, times)),
            (f'{name}/pointwise/kernel', (1, 1, channels * times, units)),
        ]
        name = f'{name}/pointwise'
    else:
        own = [(f'{name}/kernel', (*window, channels // layer.get('groups', 1), units))]
    return own + ([(f'{name}/bias', (units,))] if layer.get('useBias', True) else [])


def weights_of(layer, x):
    """[(name, shape)] of a layer of LAYERS that reads x, one value or several."""
    shapes = [tuple(value.shape[1:]) for value in (x if isinstance(x, list) else [x])]
    if layer['type'] in sequence_layers.WEIGHTS:
        return sequence_layers.WEIGHTS[layer['type']](layer, shapes)
    return more_layers.weights_of(layer, shapes[0])


def unchanged(x):
    return x


def apply(x, layer, weights, mask=None, rounding=unchanged, training=None):
    """One layer; takes what it needs from the iterator `weights`. Dropout is the identity without a mask. `rounding` is
    applied to every sum, before the activation. `training`, a dictionary, makes batch normalisation use
    the batch's statistics and receives what the moving averages become."""
    kind = layer['type']
    if kind.endswith('1d'):
        kernels = (kernel[None] if kernel.ndim == 3 else kernel for kernel in weights)
        y = apply(x[:, None], over_steps(layer), kernels, mask, rounding, training)
        return y if y.ndim == 2 else y[:, 0]
    if kind in WEIGHTED:
        kernel = next(weights)
        if kind == 'separableConv2d':
            x = depthwise(x, layer, kernel, None)
            layer, kernel = {'activation': layer.get('activation'), 'useBias': layer.get('useBias', True)}, next(weights)
        bias = next(weights) if layer.get('useBias', True) else None
        if kind in ('conv2d', 'separableConv2d'):
            x = conv2d(x, layer, kernel, bias)
        elif kind == 'depthwiseConv2d':
            x = depthwise(x, layer, kernel, bias)
        elif kind == 'conv2dTranspose':
            x = transposed(x, layer, kernel, bias)
        else:
            x = x @ kernel if bias is None else x @ kernel + bias
        return activate(rounding(x), layer.get('activation'))
    if kind == 'batchNormalization':
        own = {name: next(weights) for name in norm_weights(layer)}
        if training is not None:
            # PyTorch would move the variance towards the unbiased one, and calls 1 - momentum its momentum.
            momentum = layer.get('momentum', 0.99)
            for name, batch in zip(('moving_mean', 'moving_variance'), batch_statistics(x)):
                training[f"{layer['name']}/{name}"] = own[name] * momentum + batch * (1 - momentum)
        return rounding(normalize(x, layer, own, training is not None))
    if kind in LAYERS:
        own = [next(weights) for _ in weights_of(layer, x)]
        return LAYERS[kind](x, layer, *own)
    if kind == 'globalAveragePooling2d':
        return x.mean((1, 2), keepdim=layer.get('keepdims', False))
    if kind == 'add':
        return rounding(sum(x[1:], x[0]))
    if kind in ('maxPooling2d', 'averagePooling2d'):
        return pool(x, layer)
    if kind == 'flatten':
        return x.reshape(x.shape[0], -1)
    if kind == 'activation':
        return activate(x, layer['activation'])
    if kind == 'softmax':
        return torch.softmax(x, -1)
    if kind == 'dropout':
        return x if mask is None else x * mask / (1 - layer['rate'])
    raise ValueError(f'no such layer: {kind}')


def forward(layers, weights, x, mask=None, logits=False, rounding=unchanged, training=None):
    """The output; with logits the activation at the end (softmax, sigmoid) is left out. A layer reads the one before, or
    those that its `inputs` name; '' is the input."""
    remaining = iter(weights)
    values = {'': x}
    for layer in layers:
        if logits and layer is layers[-1]:
            if layer['type'] in ('activation', 'softmax'):
                continue
            layer = {**layer, 'activation': None}
        if 'inputs' in layer:
            named = [values[name] for name in layer['inputs']]
            x = named if layer['type'] == 'add' or layer['type'] in MERGES else named[0]
        x = apply(x, layer, remaining, mask, rounding, training)
        values[layer.get('name')] = x
    return x


def doubles(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float64))
