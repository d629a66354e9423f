"""Cases of the layers in sequence_layers.py; see cases.py."""

from cases import FLATTEN, dense, regression


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


def cases():
    return recurrent_cases() + wrapper_cases()
