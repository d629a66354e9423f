"""Layers over steps, as PyTorch has them, with the library's weights: gates in Keras's order."""

import torch
import torch.nn.functional as F

from more_layers import ACTIVATIONS

GATES = {'simpleRNN': 1, 'lstm': 4, 'gru': 3}
# Where PyTorch looks for the library's gates.
ORDER = {'simpleRNN': [0], 'lstm': [0, 1, 2, 3], 'gru': [1, 0, 2]}
FUNCTIONS = {'simpleRNN': torch.rnn_tanh, 'lstm': torch.lstm, 'gru': torch.gru}


def recurrent_weights(layer, shapes):
    [shape] = shapes
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


def bidirectional_weights(layer, shapes):
    own = recurrent_weights(layer['layer'], shapes)
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


def step_dense_weights(layer, shapes):
    return [('kernel', (shapes[0][-1], layer['layer']['units'])), ('bias', (layer['layer']['units'],))]


def several(x):
    return x if isinstance(x, list) else [x]


def attention_weights(layer, shapes):
    """`shapes` of query, value and key, as far as they differ from the one before."""
    query, value, key = (list(shapes) + [shapes[-1]] * 2)[:3]
    heads, dim = layer['numHeads'], layer['keyDim']
    wide = heads * layer.get('valueDim', dim)
    own = []
    for name, features, units in (
        ('query', query[-1], heads * dim),
        ('key', key[-1], heads * dim),
        ('value', value[-1], wide),
        ('attention_output', wide, query[-1]),
    ):
        own.append((f'{name}/kernel', (features, units)))
        if layer.get('useBias', True):
            own.append((f'{name}/bias', (units,)))
    return own


def pytorch_attention(query, value, key, layer, own):
    """What is behind torch.nn.MultiheadAttention; heads are as wide together as the query."""
    kernels, biases = own[0::2], own[1::2]
    blocked = torch.ones(query.shape[1], key.shape[1]).tril() == 0 if layer.get('causal') else None
    y, _ = F.multi_head_attention_forward(
        query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1), query.shape[-1], layer['numHeads'], None,
        torch.cat(biases[:3]), None, None, False, 0.0, kernels[3].T, biases[3], attn_mask=blocked,
        use_separate_proj_weight=True, q_proj_weight=kernels[0].T, k_proj_weight=kernels[1].T,
        v_proj_weight=kernels[2].T,
    )  # fmt: skip
    return y.transpose(0, 1)


def attention(x, layer, *own):
    query, value, key = (several(x) + [several(x)[-1]] * 2)[:3]
    width = layer['numHeads'] * layer['keyDim']
    if width == query.shape[-1] and layer.get('valueDim', layer['keyDim']) == layer['keyDim'] and len(own) == 8:
        return pytorch_attention(query, value, key, layer, own)
    own = iter(own)

    def project(x):
        y = x @ next(own)
        return y + next(own) if layer.get('useBias', True) else y

    def heads(x):
        return x.unflatten(-1, (layer['numHeads'], -1)).transpose(1, 2)

    q, k, v = heads(project(query)), heads(project(key)), heads(project(value))
    scores = q @ k.transpose(-1, -2) / layer['keyDim'] ** 0.5
    if layer.get('causal'):
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).tril() == 0, -torch.inf)
    return project((torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2))


def position_embedding(x, layer, table):
    return x + table[: x.shape[1]]


LAYERS = {
    'multiHeadAttention': attention,
    'positionEmbedding': position_embedding,
    **{name: recurrent for name in GATES},
    'bidirectional': bidirectional,
    'timeDistributed': step_dense,
}

WEIGHTS = {
    'multiHeadAttention': attention_weights,
    'positionEmbedding': lambda layer, shapes: [
        ('embeddings', (layer.get('sequenceLength', shapes[0][0]), shapes[0][1]))
    ],
    **{name: recurrent_weights for name in GATES},
    'bidirectional': bidirectional_weights,
    'timeDistributed': step_dense_weights,
}
