"""A graph of the library's layers that says the same as a PyTorch module, with the module's weights in their places."""

import math


class Skip(Exception):
    """The case does not apply; the text says why."""


class Value:
    """A tensor of the graph: the layer that gives it and its shape without the batch."""

    def __init__(self, name, shape):
        self.name, self.shape = name, tuple(shape)


class Weight:
    """A tensor of the library: `turn` of some of the module's. Gradients are turned alike, or by `gradient`."""

    def __init__(self, turn, *sources, gradient=None):
        self.turn, self.sources, self.of_gradients = turn, sources, gradient or turn

    def value(self):
        return self.turn(*(source.detach() for source in self.sources)).clone()

    def gradient(self):
        """None for what is not trained."""
        if any(not source.requires_grad for source in self.sources):
            return None
        return self.of_gradients(*(dense(source.grad) for source in self.sources))


def dense(gradient):
    return gradient.to_dense() if gradient.is_sparse else gradient


def same(tensor):
    return Weight(lambda t: t, tensor)


def turned(tensor):
    """A matrix that multiplies from the other side."""
    return Weight(lambda t: t.T, tensor)


class Net:
    def __init__(self):
        self.inputs, self.layers, self.weights = [], [], {}

    def input(self, shape):
        value = Value(f'x{len(self.inputs)}', shape)
        self.inputs.append({'name': value.name, 'shape': list(shape)})
        return value

    def sample(self, shape):
        """An input of any shape: one of more than three axes comes as a row."""
        if len(shape) <= 3:
            return self.input(shape)
        return self.reshape(self.input([math.prod(shape)]), shape)

    def __call__(self, kind, *reads, weights=None, gives=None, **options):
        """One layer more. The shape of its value is that of the first it reads, or what is given."""
        name = f'{kind}{len(self.layers)}'
        self.layers.append({'type': kind, 'name': name, 'inputs': [v.name for v in reads], **options})
        for tensor, weight in (weights or {}).items():
            if weight is not None:
                self.weights[f'{name}/{tensor}'] = weight
        return Value(name, reads[0].shape if gives is None else gives)

    def reshape(self, x, shape):
        return x if x.shape == tuple(shape) else self('reshape', x, targetShape=list(shape), gives=shape)

    def permute(self, x, order):
        """Axis k of the result is axis order[k] of x, counted from 0."""
        if list(order) == list(range(len(order))):
            return x
        return self('permute', x, dims=[k + 1 for k in order], gives=[x.shape[k] for k in order])

    def activation(self, x, name):
        return self('activation', x, activation=name)

    def scaled(self, x, scale, offset=0.0):
        return x if scale == 1 and offset == 0 else self('rescaling', x, scale=scale, offset=offset)

    def constant(self, tensor):
        """A variable that is not trained."""
        shape = list(tensor.shape)
        return self('variable', weights={'value': same(tensor)}, gives=shape, shape=shape, trainable=False)

    def slice(self, x, start, size):
        return self('slice', x, start=list(start), size=list(size), gives=size)
