"""Layers over steps, as PyTorch has them, with the library's weights: gates in Keras's order."""

import torch

from more_layers import ACTIVATIONS

GATES = {'simpleRNN': 1, 'lstm': 4, 'gru': 3}
# Where PyTorch looks for the library's gates.
ORDER = {'simpleRNN': [0], 'lstm': [0, 1, 2, 3], 'gru': [1, 0, 2]}
FUNCTIONS = {'simpleRNN': torch.rnn_tanh, 'lstm': torch.lstm, 'gru': torch.gru}


def recurrent_weights(layer, shape):
    units, gates = layer['units'], GATES[layer['type']]
    own = [('kernel', (shape[-1], gates * units)), ('recurrent_kernel', (units, gates * units))]
    if layer.get('useBias', True):
        two = layer['type'] == 'gru' and layer.get('resetAfter', True)
        own.append(('bias', (2, gates * units) if two else (gates * units,)))
    return own


def reordered(tensor, layer):
    """The last axis, gate by gate, in PyTorch's order."""
    parts = tensor.split(layer['units'], -1)
    return torch.cat([parts[gate] for gate in ORDER[layer['type']]], -1)


def by_function(x, layer, kernel, recurrent, bias):
    """All states, from what is behind torch.nn.LSTM and its like."""
    if bias is None:
        bias = torch.zeros(kernel.shape[-1], dtype=x.dtype)
    if bias.dim() == 1:
        bias = torch.stack([bias, torch.zeros_like(bias)])
    weights = [reordered(kernel, layer).T, reordered(recurrent, layer).T]
    weights += [reordered(bias[0], layer), reordered(bias[1], layer)]
    start = torch.zeros(1, x.shape[0], layer['units'], dtype=x.dtype)
    start = (start, start) if layer['type'] == 'lstm' else start
    # Has biases, 1 layer, no dropout, training, one direction, the batch first.
    return FUNCTIONS[layer['type']](x, start, [w.contiguous() for w in weights], True, 1, 0.0, True, False, True)[0]


def by_steps(x, layer, kernel, recurrent, bias):
    """The same written out, for options that PyTorch's layers do not have: other activations, reset before."""
    inner, gate = ACTIVATIONS[layer.get('activation', 'tanh')], ACTIVATIONS[layer.get('recurrentActivation', 'sigmoid')]
    own, state_bias = (0, 0) if bias is None else (bias, 0) if bias.dim() == 1 else (bias[0], bias[1])
    h = c = torch.zeros(x.shape[0], layer['units'], dtype=x.dtype)
    states = []
    for t in range(x.shape[1]):
        sums = (x[:, t] @ kernel + own).split(layer['units'], -1)
        turned = (h @ recurrent + state_bias).split(layer['units'], -1)
        if layer['type'] == 'simpleRNN':
            h = inner(sums[0] + turned[0])
        elif layer['type'] == 'lstm':
            i, f, g, o = (a + b for a, b in zip(sums, turned))
            c = gate(f) * c + gate(i) * inner(g)
            h = gate(o) * inner(c)
        else:
            z, r = gate(sums[0] + turned[0]), gate(sums[1] + turned[1])
            if layer.get('resetAfter', True):
                candidate = inner(sums[2] + r * turned[2])
            else:
                candidate = inner(sums[2] + (r * h) @ recurrent[:, 2 * layer['units'] :])
            h = z * h + (1 - z) * candidate
        states.append(h)
    return torch.stack(states, 1)


def recurrent(x, layer, kernel, recurrent_kernel, bias=None):
    plain = layer.get('resetAfter', True) and not {'activation', 'recurrentActivation'} & set(layer)
    x = x.flip(1) if layer.get('goBackwards') else x
    states = by_steps(x, layer, kernel, recurrent_kernel, bias)
    if plain:
        exact = by_function(x, layer, kernel, recurrent_kernel, bias)
        assert torch.allclose(states, exact, 1e-4, 1e-5), layer
        states = exact
    return states if layer.get('returnSequences') else states[:, -1]


def bidirectional_weights(layer, shape):
    own = recurrent_weights(layer['layer'], shape)
    return [(f'{direction}/{name}', size) for direction in ('forward', 'backward') for name, size in own]


def bidirectional(x, layer, *own):
    inside, half = layer['layer'], len(own) // 2
    forward = recurrent(x, {**inside, 'goBackwards': False}, *own[:half])
    backward = recurrent(x, {**inside, 'goBackwards': True}, *own[half:])
    if inside.get('returnSequences'):
        backward = backward.flip(1)
    merges = {
        'concat': lambda: torch.cat([forward, backward], -1),
        'sum': lambda: forward + backward,
        'mul': lambda: forward * backward,
        'ave': lambda: (forward + backward) / 2,
    }
    return merges[layer.get('mergeMode', 'concat')]()


def step_dense(x, layer, kernel, bias):
    return ACTIVATIONS[layer['layer'].get('activation')](x @ kernel + bias)


def step_dense_weights(layer, shape):
    return [('kernel', (shape[-1], layer['layer']['units'])), ('bias', (layer['layer']['units'],))]


LAYERS = {
    **{name: recurrent for name in GATES},
    'bidirectional': bidirectional,
    'timeDistributed': step_dense,
}

WEIGHTS = {
    **{name: recurrent_weights for name in GATES},
    'bidirectional': bidirectional_weights,
    'timeDistributed': step_dense_weights,
}
