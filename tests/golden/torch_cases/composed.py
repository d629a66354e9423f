"""PyTorch's modules and functions that the library says with several layers."""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import LOWERINGS, each, layer_norm, linear, lowers, reordered
from .layouts import as_is, batch_second, channels_last
from .net import Skip, Weight, same


def sub_module(net, m, *values):
    return LOWERINGS[type(m)][0](net, m, *values)


@lowers(nn.Softmin)
def softmin(net, m, x):
    return sub_module(net, nn.Softmax(m.dim), net.scaled(x, -1.0))


@lowers(nn.Threshold)
def threshold(net, m, x):
    raise Skip('a constant in place of values below: the layer has 0 or a slope')


@lowers(nn.Hardshrink)
def hardshrink(net, m, x):
    above = net('reLU', x, threshold=m.lambd)
    return net('subtract', above, net('reLU', net.scaled(x, -1.0), threshold=m.lambd))


@lowers(nn.Softshrink)
def softshrink(net, m, x):
    above = net('reLU', net.scaled(x, 1.0, -m.lambd))
    return net('subtract', above, net('reLU', net.scaled(x, -1.0, -m.lambd)))


@lowers(nn.LogSigmoid)
def log_sigmoid(net, m, x):
    return net.scaled(net.activation(net.scaled(x, -1.0), 'softplus'), -1.0)


@lowers(nn.Softplus)
def softplus(net, m, x):
    if m.threshold < 20:
        raise Skip('linear from a threshold on')
    return net.scaled(net.activation(net.scaled(x, float(m.beta)), 'softplus'), 1 / m.beta)


@lowers(nn.Tanhshrink)
def tanhshrink(net, m, x):
    return net('subtract', x, net.activation(x, 'tanh'))


@lowers(nn.CELU)
def celu(net, m, x):
    return net.scaled(net('elu', net.scaled(x, 1 / m.alpha)), m.alpha)


@lowers(nn.GLU)
def glu(net, m, x):
    rank = len(x.shape) + 1
    axis = m.dim % rank - 1
    half = [n // 2 if k == axis else n for k, n in enumerate(x.shape)]
    behind = [n // 2 if k == axis else 0 for k, n in enumerate(x.shape)]
    return net('multiply', net.slice(x, [0] * len(half), half), net.activation(net.slice(x, behind, half), 'sigmoid'))


@lowers(nn.PixelShuffle, axes=4)
def pixel_shuffle(net, m, x):
    r = m.upscale_factor
    channels, (height, width) = x.shape[0] // (r * r), x.shape[1:]
    x = net.permute(net.reshape(x, [channels * r, r, height, width]), [0, 2, 3, 1])
    x = net.permute(net.reshape(x, [channels, r, height, width * r]), [0, 2, 1, 3])
    return net.reshape(x, [channels, height * r, width * r])


@lowers(nn.PixelUnshuffle, axes=4)
def pixel_unshuffle(net, m, x):
    r = m.downscale_factor
    channels, height, width = x.shape[0], x.shape[1] // r, x.shape[2] // r
    x = net.permute(net.reshape(x, [channels, height, r, width * r]), [0, 2, 1, 3])
    x = net.permute(net.reshape(x, [channels * r, height, width, r]), [0, 3, 1, 2])
    return net.reshape(x, [channels * r * r, height, width])


@lowers(nn.Unflatten)
def unflatten(net, m, x):
    axis = m.dim % (len(x.shape) + 1) - 1
    return net.reshape(x, [*x.shape[:axis], *m.unflattened_size, *x.shape[axis + 1 :]])


def raised(net, x, exponent):
    return x if exponent == 1 else net('power', x, net.constant(torch.tensor([float(exponent)])))


def lp_pool(net, m, x):
    space = len(x.shape) - 1
    size = each(m.kernel_size, space)
    power = net('elementwise', x, operation='square') if m.norm_type == 2 else raised(net, x, m.norm_type)
    one = space == 1
    strides = each(m.stride or m.kernel_size, space)
    y = net(f'averagePooling{space}d', power, poolSize=size[0] if one else size, strides=strides[0] if one else strides)
    y = net.scaled(y, float(torch.Size(size).numel()))
    return net('elementwise', y, operation='sqrt') if m.norm_type == 2 else raised(net, y, 1 / m.norm_type)


lowers(nn.LPPool1d, layout=channels_last, axes=3)(lp_pool)
lowers(nn.LPPool2d, layout=channels_last, axes=4)(lp_pool)


@lowers(nn.LocalResponseNorm, nn.CrossMapLRN2d)
def local_response_norm(net, m, x):
    """The mean over neighbouring channels, which stand as steps."""
    rows = net.reshape(x, [x.shape[0], torch.Size(x.shape[1:]).numel()])
    squares = net('elementwise', rows, operation='square')
    padding = [m.size // 2, (m.size - 1) // 2]
    means = net('averagePooling1d', squares, poolSize=m.size, strides=1, padding=padding, countIncludePad=True)
    divisor = raised(net, net.scaled(means, m.alpha, m.k), m.beta)
    return net.reshape(net('divide', rows, divisor), x.shape)


@lowers(nn.EmbeddingBag)
def embedding_bag(net, m, x):
    if m.padding_idx is not None:
        raise Skip('padding_idx')
    rows = net('embedding', x, weights={'embeddings': same(m.weight)}, inputDim=m.num_embeddings,
               outputDim=m.embedding_dim, gives=[*x.shape, m.embedding_dim])
    return net('reduce', rows, operation=m.mode, axis=1)


@lowers(nn.PairwiseDistance)
def pairwise_distance(net, m, a, b):
    difference = net.scaled(net('subtract', a, b), 1.0, m.eps)
    axis = len(difference.shape)
    # A sample keeps an axis.
    folded = {'axis': axis, 'keepdims': m.keepdim or axis == 1}
    if m.norm == 2:
        return net('reduce', difference, operation='l2', **folded)
    powers = raised(net, net('elementwise', difference, operation='abs'), m.norm)
    return raised(net, net('reduce', powers, operation='sum', **folded), 1 / m.norm)


@lowers(nn.Bilinear, axes=2)
def bilinear(net, m, a, b):
    """A dense layer over the products of every number of one with every number of the other."""
    n, k = m.in1_features, m.in2_features
    products = net('multiply', net.reshape(a, [n, 1]), net.reshape(b, [1, k]), gives=[n, k])
    weights = {'kernel': Weight(lambda w: w.flatten(1).T, m.weight), 'bias': same(m.bias) if m.bias is not None else None}
    return net('dense', net.reshape(products, [n * k]), weights=weights, units=m.out_features, useBias=m.bias is not None)


def gate_sums(net, m, x, h, order):
    """(x · kernel + bias, h · recurrent kernel + bias), gates side by side."""
    gates = reordered(m.hidden_size, order)

    def product(value, weight, bias):
        weights = {'kernel': Weight(lambda w: gates(w).T, weight), 'bias': Weight(gates, bias) if m.bias else None}
        return net('dense', value, weights=weights, units=weight.shape[0], useBias=m.bias, gives=[weight.shape[0]])

    return product(x, m.weight_ih, m.bias_ih), product(h, m.weight_hh, m.bias_hh)


def parts(net, x, count):
    units = x.shape[0] // count
    return [net.slice(x, [k * units], [units]) for k in range(count)]


@lowers(nn.RNNCell, axes=2)
def rnn_cell(net, m, x, h):
    return net.activation(net('add', *gate_sums(net, m, x, h, [0])), m.nonlinearity)


@lowers(nn.LSTMCell, axes=2)
def lstm_cell(net, m, x, h, c):
    i, f, g, o = parts(net, net('add', *gate_sums(net, m, x, h, [0, 1, 2, 3])), 4)
    kept = net('multiply', net.activation(f, 'sigmoid'), c)
    added = net('multiply', net.activation(i, 'sigmoid'), net.activation(g, 'tanh'))
    return net('multiply', net.activation(o, 'sigmoid'), net.activation(net('add', kept, added), 'tanh'))


@lowers(nn.GRUCell, axes=2)
def gru_cell(net, m, x, h):
    own, state = (parts(net, sums, 3) for sums in gate_sums(net, m, x, h, [0, 1, 2]))
    r, z = (net.activation(net('add', own[k], state[k]), 'sigmoid') for k in (0, 1))
    n = net.activation(net('add', own[2], net('multiply', r, state[2])), 'tanh')
    return net('add', n, net('multiply', z, net('subtract', h, n)))


def no_masks(masks):
    if any(mask is not None for mask in masks.values()):
        raise Skip('a mask given with the call: the layer has `causal` alone')


@lowers(nn.MultiheadAttention, layout=batch_second, axes=3)
def attention(net, m, query, key, value, **masks):
    no_masks(masks)
    if m.bias_k is not None or m.add_zero_attn:
        raise Skip('add_bias_kv or add_zero_attn')
    width, biased = m.embed_dim, m.in_proj_bias is not None
    weights = {}
    for k, name in enumerate(('query', 'key', 'value')):
        own = slice(k * width, (k + 1) * width)
        weights[f'{name}/kernel'] = Weight(lambda w, own=own: w[own].T, m.in_proj_weight)
        weights[f'{name}/bias'] = Weight(lambda b, own=own: b[own], m.in_proj_bias) if biased else None
    weights['attention_output/kernel'] = Weight(lambda w: w.T, m.out_proj.weight)
    weights['attention_output/bias'] = same(m.out_proj.bias) if biased else None
    heads = {'numHeads': m.num_heads, 'keyDim': width // m.num_heads}
    return net('multiHeadAttention', query, value, key, weights=weights, useBias=biased, **heads)


def feed_forward(net, m, x):
    name = {F.relu: 'relu', F.gelu: 'gelu'}[m.activation]
    return linear(net, m.linear2, net.activation(linear(net, m.linear1, x), name))


def residual(net, m, x, norm, branch):
    if m.norm_first:
        return net('add', x, branch(layer_norm(net, norm, x)))
    return layer_norm(net, norm, net('add', x, branch(x)))


@lowers(nn.TransformerEncoderLayer, layout=batch_second, axes=3)
def encoder_layer(net, m, x, **masks):
    no_masks(masks)
    x = residual(net, m, x, m.norm1, lambda v: attention(net, m.self_attn, v, v, v))
    return residual(net, m, x, m.norm2, lambda v: feed_forward(net, m, v))


@lowers(nn.TransformerDecoderLayer, layout=batch_second, axes=3)
def decoder_layer(net, m, x, memory, **masks):
    no_masks(masks)
    x = residual(net, m, x, m.norm1, lambda v: attention(net, m.self_attn, v, v, v))
    x = residual(net, m, x, m.norm2, lambda v: attention(net, m.multihead_attn, v, memory, memory))
    return residual(net, m, x, m.norm3, lambda v: feed_forward(net, m, v))


@lowers(nn.Transformer, layout=batch_second, axes=3)
def transformer(net, m, source, target, *given, **masks):
    no_masks({**masks, **dict(enumerate(given))})
    for layer in m.encoder.layers:
        source = encoder_layer(net, layer, source)
    memory = layer_norm(net, m.encoder.norm, source)
    for layer in m.decoder.layers:
        target = decoder_layer(net, layer, target, memory)
    return layer_norm(net, m.decoder.norm, target)


def product_along(net, x, axis, matrix):
    """What each cell of the result is of the cells along an axis: (result, cells) · x."""
    rank, n = len(x.shape), x.shape[axis]
    order = [axis] + [k for k in range(rank) if k != axis]
    x = net.permute(x, order)
    rest, size = x.shape[1:], matrix.shape[0]
    flat = net.reshape(x, [n, torch.Size(rest).numel()])
    y = net('matMul', net.constant(matrix), flat, gives=[size, flat.shape[1]])
    return net.permute(net.reshape(y, [size, *rest]), sorted(range(rank), key=order.__getitem__))


def resizing(n, size, scale, mode, corners):
    """The matrix (size, n) of F.interpolate along one axis, from PyTorch's formulas."""
    matrix = torch.zeros(size, n, dtype=torch.float64)
    for i in range(size):
        at = i * (n - 1) / max(size - 1, 1) if corners else (i + 0.5) * scale - 0.5
        if mode == 'nearest':
            shares = {int(i * scale): 1.0}
        elif mode == 'bicubic':
            first = int(torch.tensor(at).floor())
            shares = {first + k: keys(at - first - k) for k in (-1, 0, 1, 2)}
        else:
            at = max(at, 0.0)
            shares = {int(at): 1 - at % 1, int(at) + 1: at % 1}
        for cell, share in shares.items():
            matrix[i, min(max(cell, 0), n - 1)] += share
    return matrix


def keys(x, a=-0.75):
    d = abs(x)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0


def interpolate(net, x, size=None, scale_factor=None, mode='nearest', align_corners=None):
    """The usual enlargements have a layer; others are a product along each axis, as the reader of ONNX makes them."""
    space = x.shape[:-1]
    scales = each(scale_factor, len(space)) if scale_factor is not None else None
    sizes = each(size, len(space)) if scales is None else [int(n * s) for n, s in zip(space, scales)]
    whole = all(to % n == 0 for to, n in zip(sizes, space)) and not align_corners
    if whole and len(space) <= 2 and mode in ('nearest', 'linear', 'bilinear'):
        picture = net.reshape(x, [1] * (2 - len(space)) + list(x.shape))
        factors = [to // n for to, n in zip(sizes, space)]
        y = net('upSampling2d', picture, size=[1] * (2 - len(space)) + factors,
                interpolation='nearest' if mode == 'nearest' else 'bilinear',
                gives=[1] * (2 - len(space)) + [*sizes, x.shape[-1]])  # fmt: skip
        return net.reshape(y, [*sizes, x.shape[-1]])
    for axis, (n, to) in enumerate(zip(space, sizes)):
        scale = n / to if scales is None else 1 / scales[axis]
        if n != to:
            x = product_along(net, x, axis, resizing(n, to, scale, mode, align_corners))
    return x


def circular(net, x, pad, mode):
    assert mode == 'circular'
    sides = [[0, 0]] + [list(pad[2 * k : 2 * k + 2]) for k in reversed(range(len(pad) // 2))]
    return net('pad', x, padding=sides, mode='wrap')


def softmax_function(layer):
    return lambda net, x, dim, dtype=None: sub_module(net, layer(dim), x)


# Function → (function of net, value and keyword arguments, layout)
FUNCTIONS = {
    F.interpolate: (interpolate, channels_last),
    F.pad: (circular, as_is),
    F.softmax: (softmax_function(nn.Softmax), as_is),
    F.log_softmax: (softmax_function(nn.LogSoftmax), as_is),
}
