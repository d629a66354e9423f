"""PyTorch's modules that the library has a layer for."""

import torch
from torch import nn

from .layouts import as_is, channels_last
from .net import Skip, Weight, same, turned

# Module type → (function of net, module and values, layout of the inputs, axes of a batched input or None, layout of
# the output)
LOWERINGS = {}


def lowers(*types, layout=as_is, axes=None, out=None):
    def register(function):
        for kind in types:
            LOWERINGS[kind] = (function, layout, axes, out or layout)
        return function

    return register


def each(value, count):
    """A number for each of `count` axes."""
    return list(value) if isinstance(value, (tuple, list)) else [value] * count


@lowers(nn.Linear, axes=2)
def linear(net, m, x):
    weights = {'kernel': turned(m.weight), 'bias': same(m.bias) if m.bias is not None else None}
    gives = [*x.shape[:-1], m.out_features]
    return net('dense', x, weights=weights, units=m.out_features, useBias=m.bias is not None, gives=gives)


@lowers(nn.Flatten)
def flatten(net, m, x):
    return net('flatten', x, gives=[torch.Size(x.shape).numel()])


PADDING_MODES = {'reflect': 'reflect', 'replicate': 'edge', 'circular': 'wrap'}


def spread(pads):
    """[before, after] of each axis, as the window layers take them."""
    return [side for pair in pads for side in pair]


def padded(net, m, x):
    """(value, padding option): PyTorch's padding modes other than zeros are a layer of their own."""
    if isinstance(m.padding, str):
        return x, m.padding
    pads = [[size, size] for size in m.padding]
    if m.padding_mode == 'zeros':
        return x, spread(pads)
    gives = [n + sum(p) for n, p in zip(x.shape, pads)] + [x.shape[-1]]
    return net('pad', x, padding=[*pads, [0, 0]], mode=PADDING_MODES[m.padding_mode], gives=gives), 'valid'


def convolution(net, m, x):
    space = len(m.kernel_size)
    x, padding = padded(net, m, x)
    one = space == 1
    options = {
        'kernelSize': m.kernel_size[0] if one else list(m.kernel_size),
        'strides': m.stride[0] if one else list(m.stride),
        'dilationRate': m.dilation[0] if one else list(m.dilation),
        'padding': padding,
        'useBias': m.bias is not None,
    }
    bias = {'bias': same(m.bias) if m.bias is not None else None}
    filters, inside = m.out_channels, m.in_channels // m.groups
    last = list(range(2, 2 + space))
    if m.groups == m.in_channels > 1 and space == 2:
        def by_channel(w):
            return w.reshape(m.in_channels, filters // m.in_channels, *w.shape[2:]).permute(2, 3, 0, 1)

        weights = {'kernel': Weight(by_channel, m.weight), **bias}
        return net('depthwiseConv2d', x, weights=weights, depthMultiplier=filters // m.in_channels, **options)
    assert inside * m.groups == m.in_channels
    weights = {'kernel': Weight(lambda w: w.permute(*last, 1, 0), m.weight), **bias}
    return net(f'conv{space}d', x, weights=weights, filters=filters, groups=m.groups, **options)


lowers(nn.Conv1d, layout=channels_last, axes=3)(convolution)
lowers(nn.Conv2d, layout=channels_last, axes=4)(convolution)


@lowers(nn.ConvTranspose1d, layout=channels_last, axes=3)
def transposed_1d(net, m, x):
    y = transposed(net, m, net.reshape(x, [1, *x.shape]))
    return net.reshape(y, y.shape[1:])


@lowers(nn.ConvTranspose2d, layout=channels_last, axes=4)
def transposed(net, m, x):
    """Of one row for steps. PyTorch's padding is cut off what all products give; groups are layers of their own."""
    def two(values, standard):
        return [standard] * (2 - len(values)) + list(values)

    kernel, stride, dilation = two(m.kernel_size, 1), two(m.stride, 1), two(m.dilation, 1)
    more, pad = two(m.output_padding, 0), two(m.padding, 0)
    inside, filters = m.in_channels // m.groups, m.out_channels // m.groups
    full = [(n - 1) * s + (k - 1) * d + 1 + e for n, s, k, d, e in zip(x.shape, stride, kernel, dilation, more)]

    def group(g):
        def own(w):
            w = w[g * inside : (g + 1) * inside]
            return (w[:, :, None] if w.dim() == 3 else w).permute(2, 3, 1, 0)

        def own_bias(b):
            return b[g * filters : (g + 1) * filters]

        part = x if m.groups == 1 else net.slice(x, [0, 0, g * inside], [*x.shape[:2], inside])
        weights = {'kernel': Weight(own, m.weight), 'bias': Weight(own_bias, m.bias) if m.bias is not None else None}
        return net('conv2dTranspose', part, weights=weights, filters=filters, kernelSize=kernel, strides=stride,
                   dilationRate=dilation, outputPadding=more, useBias=m.bias is not None, gives=[*full, filters])

    parts = [group(g) for g in range(m.groups)]
    y = parts[0] if m.groups == 1 else net('concatenate', *parts, gives=[*full, m.out_channels])
    if not any(pad):
        return y
    cropped = [n - 2 * p for n, p in zip(full, pad)]
    return net('cropping2d', y, cropping=[[p, p] for p in pad], gives=[*cropped, m.out_channels])


def pooling(kind, space):
    def lower(net, m, x):
        if getattr(m, 'return_indices', False):
            raise Skip('gives the indices of the largest: the layer gives values alone')
        if m.ceil_mode or each(getattr(m, 'dilation', 1), 1) != [1]:
            raise Skip('ceil_mode or dilation')
        size, stride, pad = each(m.kernel_size, space), each(m.stride or m.kernel_size, space), each(m.padding, space)
        options = {'poolSize': size, 'strides': stride, 'padding': spread([p, p] for p in pad)}
        if space == 1:
            options.update(poolSize=size[0], strides=stride[0])
        if kind == 'average':
            options['countIncludePad'] = m.count_include_pad
        y = net(f'{kind}Pooling{space}d', x, **options)
        divisor = getattr(m, 'divisor_override', None)
        return net.scaled(y, size[0] * size[1] / divisor) if divisor else y

    return lower


for space, kinds in ((1, (nn.MaxPool1d, nn.AvgPool1d)), (2, (nn.MaxPool2d, nn.AvgPool2d))):
    for name, kind in zip(('max', 'average'), kinds):
        lowers(kind, layout=channels_last, axes=space + 2)(pooling(name, space))


def adaptive(kind, space):
    def lower(net, m, x):
        sizes = [n if size is None else size for size, n in zip(each(m.output_size, space), x.shape)]
        return net(f'adaptive{kind}Pooling{space}d', x, outputSize=sizes[0] if space == 1 else sizes)

    return lower


for space, kinds in ((1, (nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d)), (2, (nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d))):
    for name, kind in zip(('Max', 'Average'), kinds):
        lowers(kind, layout=channels_last, axes=space + 2)(adaptive(name, space))


def affine(m):
    """The weights gamma and beta, and the options that say whether they are there."""
    if m.weight is None:
        return {}, {'center': False, 'scale': False}
    return {'gamma': same(m.weight), 'beta': same(m.bias)}, {}


@lowers(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, layout=channels_last)
def batch_norm(net, m, x):
    weights, options = affine(m)
    if m.running_mean is None:
        # The layer has averages, though nothing asks for them.
        averages = torch.zeros(m.num_features), torch.ones(m.num_features)
    else:
        averages = m.running_mean, m.running_var
    weights.update(zip(('moving_mean', 'moving_variance'), map(same, averages)))
    return net('batchNormalization', x, weights=weights, epsilon=m.eps, **options)


def instance_norm(net, m, x):
    weights, options = affine(m)
    return net('instanceNormalization', x, weights=weights, epsilon=m.eps, **options)


for space, kind in ((1, nn.InstanceNorm1d), (2, nn.InstanceNorm2d), (3, nn.InstanceNorm3d)):
    lowers(kind, layout=channels_last, axes=space + 2)(instance_norm)


@lowers(nn.GroupNorm, layout=channels_last)
def group_norm(net, m, x):
    weights, options = affine(m)
    return net('groupNormalization', x, weights=weights, groups=m.num_groups, epsilon=m.eps, **options)


@lowers(nn.LayerNorm)
def layer_norm(net, m, x):
    weights, options = affine(m)
    axes = list(range(-len(m.normalized_shape), 0))
    return net('layerNormalization', x, weights=weights, axis=axes, epsilon=m.eps, **options)


@lowers(nn.Embedding)
def embedding(net, m, x):
    if m.padding_idx is not None or m.max_norm is not None:
        raise Skip('padding_idx or max_norm')
    return net('embedding', x, weights={'embeddings': same(m.weight)}, inputDim=m.num_embeddings,
               outputDim=m.embedding_dim, gives=[*x.shape, m.embedding_dim])


NAMED = {
    nn.ReLU: 'relu', nn.ReLU6: 'relu6', nn.Sigmoid: 'sigmoid', nn.Tanh: 'tanh', nn.Softsign: 'softsign',
    nn.SELU: 'selu', nn.SiLU: 'silu', nn.Mish: 'mish', nn.Hardsigmoid: 'hardSigmoid', nn.Hardswish: 'hardSilu',
}  # fmt: skip
for kind in NAMED:
    lowers(kind)(lambda net, m, x: net.activation(x, NAMED[type(m)]))


@lowers(nn.GELU)
def gelu(net, m, x):
    return net('gelu', x, approximate=m.approximate == 'tanh')


@lowers(nn.ELU)
def elu(net, m, x):
    return net('elu', x, alpha=m.alpha)


@lowers(nn.LeakyReLU)
def leaky_relu(net, m, x):
    return net('leakyReLU', x, negativeSlope=m.negative_slope)


@lowers(nn.RReLU)
def randomized_relu(net, m, x):
    """In predictions; what training draws no other generator gives."""
    return net('leakyReLU', x, negativeSlope=(m.lower + m.upper) / 2)


@lowers(nn.Hardtanh)
def hardtanh(net, m, x):
    return net('clip', x, min=m.min_val, max=m.max_val)


@lowers(nn.PReLU, layout=channels_last)
def prelu(net, m, x):
    rank = len(x.shape)
    shared = rank if m.num_parameters == 1 else rank - 1
    shape = [1] * (rank - 1) + [m.num_parameters]
    weights = {'alpha': Weight(lambda a: a.reshape(shape), m.weight)}
    return net('pReLU', x, weights=weights, sharedAxes=list(range(1, shared + 1)))


def along(net, x, axis, layer):
    """A layer over the last axis, over another one."""
    rank = len(x.shape)
    order = [k for k in range(rank) if k != axis] + [axis]
    back = sorted(range(rank), key=order.__getitem__)
    return net.permute(net(layer, net.permute(x, order)), back)


def softmax_over(layer):
    """The axis counts the batch: 0 is the whole tensor as one sample, which `walk` makes of it."""
    def lower(net, m, x):
        rank = len(x.shape) + 1
        return along(net, x, (m.dim % rank if m.dim != 0 else 1) - 1, layer)

    return lower


lowers(nn.Softmax)(softmax_over('softmax'))
lowers(nn.LogSoftmax)(softmax_over('logSoftmax'))
lowers(nn.Softmax2d, layout=channels_last, axes=4)(lambda net, m, x: net('softmax', x))


@lowers(nn.modules.padding._ConstantPadNd, nn.modules.padding._ReflectionPadNd, nn.modules.padding._ReplicationPadNd)
def pad(net, m, x):
    space = len(m.padding) // 2
    sides = [[0, 0]] + [list(m.padding[2 * k : 2 * k + 2]) for k in reversed(range(space))]
    mode = 'constant' if hasattr(m, 'value') else 'reflect' if 'Reflection' in type(m).__name__ else 'edge'
    return net('pad', x, padding=sides, mode=mode, value=getattr(m, 'value', 0.0))


def reordered(units, order):
    """Gates along the first axis in another order."""
    return lambda t: torch.cat([t.split(units)[gate] for gate in order])


RECURRENT = {nn.RNN: ('simpleRNN', [0]), nn.LSTM: ('lstm', [0, 1, 2, 3]), nn.GRU: ('gru', [1, 0, 2])}


def recurrent(net, m, x):
    if m.proj_size:
        raise Skip('proj_size')
    kind, order = RECURRENT[type(m)]
    gates, units = reordered(m.hidden_size, order), m.hidden_size
    options = {'units': units, 'useBias': m.bias, 'returnSequences': True}
    if getattr(m, 'nonlinearity', 'tanh') == 'relu':
        options['activation'] = 'relu'

    def bias(own, state):
        if kind == 'gru':
            return Weight(lambda a, b: torch.stack([gates(a), gates(b)]), own, state)
        return Weight(lambda a, b: gates(a) + gates(b), own, state, gradient=lambda a, b: gates(a))

    for layer in range(m.num_layers):
        weights = {}
        for suffix, path in (('', 'forward/'), ('_reverse', 'backward/'))[: 2 if m.bidirectional else 1]:
            tensors = ('weight_ih', 'weight_hh', 'bias_ih', 'bias_hh')
            own = {name: getattr(m, f'{name}_l{layer}{suffix}', None) for name in tensors}
            path = path if m.bidirectional else ''
            weights[f'{path}kernel'] = Weight(lambda w: gates(w).T, own['weight_ih'])
            weights[f'{path}recurrent_kernel'] = Weight(lambda w: gates(w).T, own['weight_hh'])
            weights[f'{path}bias'] = bias(own['bias_ih'], own['bias_hh']) if m.bias else None
        gives = [x.shape[0], units * (2 if m.bidirectional else 1)]
        if m.bidirectional:
            x = net('bidirectional', x, weights=weights, gives=gives, layer={'type': kind, **options})
        else:
            x = net(kind, x, weights=weights, gives=gives, **options)
    return x


for kind in RECURRENT:
    lowers(kind, axes=3)(recurrent)
