"""Cases of the layers in sequence_layers.py; see cases.py."""

from cases import FLATTEN, dense, graph, regression


def reshape(*shape):
    return {'type': 'reshape', 'targetShape': list(shape)}


def recurrent_cases():
    cases = []
    options = [
        {},
        {'returnSequences': True},
        {'goBackwards': True},
        {'returnSequences': True, 'goBackwards': True},
        {'useBias': False},
        {'activation': 'relu'},
    ]
    gates = [{'recurrentActivation': 'hardSigmoid', 'activation': 'softsign'}]
    before = [{'resetAfter': False}, {'resetAfter': False, 'returnSequences': True, 'goBackwards': True}]
    before += [{'resetAfter': False, 'useBias': False}]
    for kind, more in (('simpleRNN', []), ('lstm', gates), ('gru', gates + before)):
        for number, option in enumerate(options + more):
            # Units and features that miss the vector's and the tile's width in different ways.
            units, features = [(5, 6), (8, 3), (9, 4), (16, 7), (3, 8), (4, 5)][number % 6]
            layer = {'type': kind, 'units': units, **option}
            layers = [dense(5 * features), reshape(5, features), layer]
            layers += [FLATTEN] if option.get('returnSequences') else []
            cases.append(regression(f'{kind} {option}', [7], [*layers, dense(2)], batch=5))
        two = [{'type': kind, 'units': 6, 'returnSequences': True}, {'type': kind, 'units': 5}]
        cases.append(regression(f'{kind}, two of them', [7], [dense(24), reshape(6, 4), *two, dense(2)], batch=3))
    return cases


def wrapper_cases():
    cases = []
    for kind, merge, sequences in (
        ('lstm', 'concat', True),
        ('gru', 'concat', False),
        ('simpleRNN', 'sum', True),
        ('lstm', 'mul', False),
        ('gru', 'ave', True),
    ):
        inside = {'type': kind, 'units': 5, 'returnSequences': sequences}
        layer = {'type': 'bidirectional', 'layer': inside, 'mergeMode': merge}
        end = [FLATTEN, dense(2)] if sequences else [dense(2)]
        cases.append(regression(f'bidirectional {kind} {merge}', [7], [dense(24), reshape(6, 4), layer, *end], batch=3))
    steps = {'type': 'timeDistributed', 'layer': dense(4, activation='tanh')}
    cases.append(regression('timeDistributed dense', [7], [dense(15), reshape(5, 3), steps, FLATTEN, dense(2)], batch=3))
    return cases


def attention_cases():
    cases = []
    options = [
        {'numHeads': 2, 'keyDim': 3},  # as wide as its input: PyTorch's own
        {'numHeads': 3, 'keyDim': 2, 'causal': True},
        {'numHeads': 1, 'keyDim': 8},
        {'numHeads': 2, 'keyDim': 5, 'valueDim': 3, 'useBias': False},
        {'numHeads': 4, 'keyDim': 9, 'causal': True},
    ]
    for option in options:
        layer = {'type': 'multiHeadAttention', **option}
        layers = [dense(42), reshape(7, 6), layer, FLATTEN, dense(2)]
        cases.append(regression(f'attention {option}', [5], layers, batch=3))
    option = {'numHeads': 2, 'keyDim': 4}
    query, value = [dense(18), reshape(3, 6)], [dense(25, inputs=['']), reshape(5, 5)]
    key = [dense(20, inputs=['']), reshape(5, 4)]
    for names, more in ((['q', 'v'], []), (['q', 'v', 'k'], key), (['q', 'k', 'k'], key), (['q', 'q', 'q'], [])):
        cross = {'type': 'multiHeadAttention', **option, 'inputs': names}
        branches = [(query, 'q')] + ([(value, 'v')] if 'v' in names else []) + ([(more, 'k')] if more else [])
        layers = []
        for (wide, shaped), name in branches:
            layers += [wide, {**shaped, 'name': name}]
        cases.append(graph(f'attention of {names}', [5], [*layers, cross, FLATTEN, dense(2)], 3))
    for length in (None, 9):
        table = {'type': 'positionEmbedding', **({'sequenceLength': length} if length else {})}
        layers = [dense(42), reshape(7, 6), table, dense(3, activation='tanh'), FLATTEN, dense(2)]
        cases.append(regression(f'positionEmbedding of {length}', [5], layers, batch=3))
    return cases


def cases():
    return recurrent_cases() + wrapper_cases() + attention_cases()
