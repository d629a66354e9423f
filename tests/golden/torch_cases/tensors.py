"""Layers of tensors against PyTorch's functions: PyTorch's lists of modules have few of these."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from . import walk
from .composed import product_along
from .layouts import as_is, channels_last
from .net import same

BATCH = 2


class Function(nn.Module):
    """A function as a module; `scale` and such are its parameters."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, *args):
        return self.function(*args, **dict(self.named_parameters()))


def randn(*shape):
    return torch.randn(BATCH, *shape)


def positive(*shape):
    return 0.5 + torch.rand(BATCH, *shape)


def one(kind, **options):
    """A lowering to one layer; what it gives is not read again."""
    return lambda net, *values: net(kind, *values, **options)


MERGES = {
    'add': torch.add, 'subtract': torch.subtract, 'multiply': torch.multiply, 'divide': torch.divide, 'power': torch.pow,
    'maximum': torch.maximum, 'minimum': torch.minimum, 'average': lambda a, b: (a + b) / 2,
}  # fmt: skip


def merges():
    for kind, function in MERGES.items():
        draw = positive if kind in ('divide', 'power') else randn
        for a, b in (((3, 4), (3, 4)), ((3, 4), (3, 1)), ((1, 4), (3, 1)), ((2, 3, 4), (4,)), ((4,), (2, 1, 4))):
            def repeated(x, y, f=function):
                """Axes that one lacks stand behind the batch."""
                rank = max(x.dim(), y.dim())
                x, y = (v.reshape(v.shape[0], *[1] * (rank - v.dim()), *v.shape[1:]) for v in (x, y))
                return f(x, y)

            yield f'{kind} of {a} and {b}', repeated, (draw(*a), draw(*b)), one(kind)


REDUCTIONS = {
    'sum': lambda x, d, k: x.sum(d, k),
    'mean': lambda x, d, k: x.mean(d, k),
    'max': lambda x, d, k: x.amax(d, k),
    'min': lambda x, d, k: x.amin(d, k),
    'l1': lambda x, d, k: torch.linalg.vector_norm(x, 1, d, k),
    'l2': lambda x, d, k: torch.linalg.vector_norm(x, 2, d, k),
    'sumSquare': lambda x, d, k: x.square().sum(d, k),
    'logSum': lambda x, d, k: x.sum(d, k).log(),
    'logSumExp': lambda x, d, k: x.logsumexp(d, k),
}


def product(x, axes, keep):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keep)
    return x


def reductions():
    for operation, function in {**REDUCTIONS, 'prod': product}.items():
        draw = positive if operation == 'logSum' else randn
        for axes, keep in (((1,), False), ((3,), True), ((2, 3), False), ((1, 3), True)):
            lower = one('reduce', operation=operation, axis=list(axes), keepdims=keep)
            yield f'{operation} over {axes}', lambda x, f=function, a=axes, k=keep: f(x, a, k), (draw(3, 4, 5),), lower
    tied = torch.tensor([[1.0, 3, 3, 2], [2, 2, 2, 2]])
    for operation in ('max', 'min'):
        lower = one('reduce', operation=operation, axis=1, keepdims=True)
        yield f'{operation} of equals', lambda x, f=REDUCTIONS[operation]: f(x, (1,), True), (tied,), lower
    zeros = torch.tensor([[2.0, 0, 3, 4], [0, 5, 0, 1], [0, 0, 0, 0]])
    for operation in ('prod', 'l1', 'l2'):
        function = product if operation == 'prod' else REDUCTIONS[operation]
        lower = one('reduce', operation=operation, axis=1, keepdims=True)
        yield f'{operation} with zeros', lambda x, f=function: f(x, (1,), True), (zeros,), lower
    lower = one('reduce', operation='logSumExp', axis=1, keepdims=True)
    yield 'logsumexp of large numbers', lambda x: x.logsumexp((1,), True), (90 + randn(6),), lower


def numbers():
    x = positive(3, 5)
    for operation in ('abs', 'log', 'reciprocal', 'sqrt', 'square'):
        given = randn(3, 5) if operation in ('abs', 'square') else x
        yield operation, getattr(torch, operation), (given,), one('elementwise', operation=operation)
    yield 'clamp', lambda x: x.clamp(-0.5, 0.7), (randn(3, 5),), one('clip', min=-0.5, max=0.7)
    yield 'clamp from below', lambda x: x.clamp(min=0.25), (randn(3, 5),), one('clip', min=0.25)
    edges = torch.tensor([[-1.0, 0, 1, 2], [1, 1, -1, 3]])
    yield 'clamp on its limits', lambda x: x.clamp(-1, 1), (edges,), one('clip', min=-1, max=1)
    yield 'times and plus', lambda x: -1.5 * x + 0.25, (randn(3, 5),), one('rescaling', scale=-1.5, offset=0.25)


def products():
    for a, b in (((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((1, 6), (6, 1))):
        yield f'matmul of {a} and {b}', torch.matmul, (randn(*a), randn(*b)), one('matMul')

    def scores(net, a, b):
        return net('matMul', net.permute(a, [1, 0, 2]), net.permute(b, [1, 2, 0]))

    yield 'einsum bihd,bjhd->bhij', lambda a, b: torch.einsum('bihd,bjhd->bhij', a, b), (randn(3, 2, 4), randn(5, 2, 4)), scores

    def outer(net, a, b):
        return net('multiply', net.reshape(a, [3, 1]), net.reshape(b, [1, 4]))

    yield 'einsum bi,bj->bij', lambda a, b: torch.einsum('bi,bj->bij', a, b), (randn(3), randn(4)), outer
    for axis in (0, 1):
        def summed(net, x, axis=axis):
            n = x.shape[axis]
            return product_along(net, x, axis, torch.ones(n, n, dtype=torch.float64).tril())

        yield f'cumsum along {axis + 1}', lambda x, axis=axis: x.cumsum(axis + 1), (randn(4, 5),), summed
    yield 'cosine_similarity', lambda a, b: F.cosine_similarity(a, b)[:, None], (randn(6), randn(6)), one('dot', normalize=True)
    yield 'inner products', lambda a, b: (a * b).sum(1, True), (randn(6), randn(6)), one('dot')


def windows():
    yield 'narrow', lambda x: x[:, 1:3, :, 2:5], (randn(4, 3, 6),), one('slice', start=[1, 0, 2], size=[2, 3, 3])
    yield 'every other', lambda x: x[:, ::2, 1::3], (randn(5, 7),), one('slice', start=[0, 1], size=[3, 2], step=[2, 3])
    yield 'flip', lambda x: x.flip(1, 3), (randn(3, 4, 5),), one('slice', start=[2, 0, 4], size=[3, 4, 5], step=[-1, 1, -1])
    yield 'roll', lambda x: x.roll((2, -1), (1, 2)), (randn(5, 4),), one('slice', start=[-2, 1], size=[5, 4], mode='wrap')
    modes = {'constant': 'constant', 'reflect': 'reflect', 'replicate': 'edge', 'circular': 'wrap'}
    for theirs, own in modes.items():
        for sides, shape in (([2, 1], (3, 4)), ([1, 3, 2, 0], (2, 4, 5))):
            padding = [[0, 0]] + [sides[k : k + 2] for k in range(len(sides) - 2, -1, -2)]
            lower = one('pad', padding=padding, mode=own)
            yield f'pad {sides}, {theirs}', lambda x, s=sides, m=theirs: F.pad(x, s, m), (randn(*shape),), lower
    lower = one('pad', padding=[[1, 1], [0, 2], [2, 1]], value=1.5)
    yield 'pad three axes with 1.5', lambda x: F.pad(x, [2, 1, 0, 2, 1, 1], value=1.5), (randn(3, 4, 5),), lower
    yield 'pad that takes away', lambda x: F.pad(x, [-1, 2, 0, -2]), (randn(4, 5),), one('pad', padding=[[0, -2], [-1, 2]])

    def chosen(net, x):
        rows = [net.slice(x, [k, 0], [1, 4]) for k in (2, 0, 2)]
        return net('concatenate', *rows, axis=1)

    yield 'index_select', lambda x: x.index_select(1, torch.tensor([2, 0, 2])), (randn(3, 4),), chosen


def shapes():
    for order in itertools.permutations((1, 2, 3)):
        yield f'permute {order}', lambda x, o=order: x.permute(0, *o), (randn(2, 3, 4),), one('permute', dims=list(order))
    for order in ((4, 3, 2, 1), (2, 1, 4, 3), (3, 4, 1, 2), (1, 4, 2, 3)):
        yield f'permute {order}', lambda x, o=order: x.permute(0, *o), (randn(2, 3, 4, 2),), one('permute', dims=list(order))
    yield 'reshape', lambda x: x.reshape(-1, 6, 4), (randn(2, 3, 4),), one('reshape', targetShape=[6, -1])
    yield 'flatten', lambda x: x.flatten(1), (randn(2, 3, 4),), one('flatten')
    yield 'expand', lambda x: x[:, None].expand(-1, 3, -1), (randn(5),), one('repeatVector', n=3)
    for axis in (1, 2, 3):
        sizes = [[2, 3, 4] for _ in range(3)]
        sizes[1][axis - 1], sizes[2][axis - 1] = 5, 1
        args = tuple(randn(*size) for size in sizes)
        yield f'cat along {axis}', lambda *x, a=axis: torch.cat(x, a), args, one('concatenate', axis=axis)

    def halves(net, x):
        return net('subtract', net.slice(x, [0, 0], [3, 2]), net.slice(x, [0, 2], [3, 2]))

    yield 'chunk', lambda x: torch.subtract(*x.chunk(2, 2)), (randn(3, 4),), halves
    yield 'normalize', lambda x: F.normalize(x, dim=-1), (randn(3, 4),), one('unitNormalization')

    def affine(net, x):
        module = net.module
        scale = net('variable', weights={'value': same(module.scale)}, gives=[4], shape=[4])
        shift = net('variable', weights={'value': same(module.shift)}, gives=[3, 1], shape=[3, 1])
        return net('add', net('multiply', x, scale), shift)

    module = Function(lambda x, scale, shift: x * scale + shift, scale=torch.randn(4), shift=torch.randn(3, 1))
    yield 'parameters', module, (randn(3, 4),), affine


def dropped():
    for kind, theirs in (('dropout', nn.Dropout), ('alphaDropout', nn.AlphaDropout), ('spatialDropout2d', nn.Dropout2d)):
        yield f'{kind} in predictions', theirs(0.5), (randn(3, 4, 5),), one(kind, rate=0.5)


def cases():
    torch.manual_seed(3)
    made = []
    for group in (merges, reductions, numbers, products, windows, shapes, dropped):
        for name, function, args, lower in group():
            module = function if isinstance(function, nn.Module) else Function(function)
            walk.prepare(module, torch.Generator())

            def build(net, *values, lower=lower, module=module):
                net.module = module
                return lower(net, *values)

            layout = channels_last if group is dropped else as_is
            modes = ['predicting'] if group is dropped else ['both']
            found = walk.layers_case(name, module, args, {}, build, layout, layout, modes)
            assert found[2] < 0.5, (name, found[2])
            made.append(found)
    names = [case['name'] for case, _, _ in made]
    assert len(set(names)) == len(names), 'names are unique'
    return made
