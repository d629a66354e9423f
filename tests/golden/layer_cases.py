"""Cases of the layers in more_layers.py; see cases.py."""

from cases import FLATTEN, conv2d, dense, graph, regression
from more_layers import ACTIVATIONS


def activation_cases():
    named = [name for name in ACTIVATIONS if name not in (None, 'linear', 'relu', 'sigmoid', 'softmax')]
    cases = []
    for name in named:
        layers = [dense(9, activation=name), {'type': 'activation', 'activation': name}, dense(3)]
        # Twice e^x grows beyond what float32 can follow.
        extra = {'scale': 0.4} if name == 'exponential' else {}
        cases.append(regression(f'activation {name}', [5], layers, batch=4, **extra))
    options = [
        {'type': 'reLU', 'maxValue': 1, 'negativeSlope': 0.1, 'threshold': 0.2},
        {'type': 'leakyReLU'},
        {'type': 'leakyReLU', 'negativeSlope': 0.01},
        {'type': 'elu', 'alpha': 0.6},
        {'type': 'gelu'},
        {'type': 'gelu', 'approximate': True},
        {'type': 'logSoftmax'},
    ]
    for layer in options:
        cases.append(regression(f'layer {layer}', [5], [dense(9), layer, dense(3)], batch=4, scale=2))
    for shared in ([], [1, 2], [1, 2, 3]):
        layers = [conv2d(5, [2, 2]), {'type': 'pReLU', 'sharedAxes': shared}, FLATTEN, dense(3)]
        cases.append(regression(f'pReLU, axes {shared} shared', [4, 5, 2], layers, batch=3))
    return cases


def merge_cases():
    cases = []
    merges = [({'type': kind}, 3) for kind in ('multiply', 'average', 'maximum', 'minimum', 'concatenate')]
    for layer, inputs in [*merges, ({'type': 'subtract'}, 2), ({'type': 'dot'}, 2)]:
        read = ['a', 'b', ''][:inputs] if layer['type'] == 'concatenate' else ['a', 'b', 'a'][:inputs]
        layers = [dense(5, name='a'), dense(5, inputs=[''], name='b'), {**layer, 'inputs': read, 'name': 'merged'}, dense(2)]
        cases.append(graph(f'{layer["type"]} of {inputs}', [6], layers, 4))
    for axis in (1, 2, 3, -3):
        window = {1: [2, 1], -3: [2, 1], 2: [1, 2], 3: [1, 1]}[axis]
        branch = conv2d(3, window, inputs=[''], name='b')
        joined = {'type': 'concatenate', 'axis': axis, 'inputs': ['a', 'b'], 'name': 'joined'}
        layers = [conv2d(3, [1, 1], name='a'), branch, joined, FLATTEN, dense(2)]
        cases.append(graph(f'concatenate along axis {axis}', [4, 3, 2], layers, 3))
    return cases


def shape_cases():
    image = [
        {'type': 'permute', 'dims': [3, 1, 2]},
        {'type': 'permute', 'dims': [2, 1, 3]},
        {'type': 'cropping2d', 'cropping': [[1, 0], [0, 2]]},
        {'type': 'zeroPadding2d'},
        {'type': 'zeroPadding2d', 'padding': [[1, 2], [0, 3]]},
        {'type': 'upSampling2d'},
        {'type': 'upSampling2d', 'size': [3, 2]},
        {'type': 'upSampling2d', 'interpolation': 'bilinear'},
        {'type': 'upSampling2d', 'size': [3, 4], 'interpolation': 'bilinear'},
        {'type': 'adaptiveAveragePooling2d', 'outputSize': [7, 7]},
        {'type': 'adaptiveAveragePooling2d', 'outputSize': [3, 2]},
        {'type': 'adaptiveMaxPooling2d', 'outputSize': [3, 2]},
        {'type': 'globalMaxPooling2d', 'keepdims': True},
    ]
    cases = []
    for layer in image:
        layers = [conv2d(5, [1, 1]), layer, conv2d(3, [1, 1]), FLATTEN, dense(2)]
        cases.append(regression(f'layer {layer}', [5, 4, 2], layers, batch=3))
    reshape = {'type': 'reshape', 'targetShape': [2, -1]}
    flat = [dense(6), {'type': 'repeatVector', 'n': 3}, dense(4), reshape, dense(3), FLATTEN]
    cases.append(regression('repeatVector, dense over rows, reshape, flatten', [5], flat, batch=3))
    pooled = [conv2d(5, [2, 2]), {'type': 'globalMaxPooling2d'}, dense(2)]
    cases.append(regression('global max pooling', [5, 4, 2], pooled, batch=3))
    return cases


def norm_cases():
    layers = [
        {'type': 'layerNormalization'},
        {'type': 'layerNormalization', 'axis': [-3, -2, -1], 'epsilon': 1e-5},
        {'type': 'layerNormalization', 'center': False},
        {'type': 'layerNormalization', 'scale': False, 'axis': [-2, -1]},
        {'type': 'groupNormalization', 'groups': 3},
        {'type': 'groupNormalization', 'groups': -1},
        {'type': 'groupNormalization', 'groups': 1, 'center': False, 'epsilon': 1e-5},
        {'type': 'groupNormalization', 'groups': 2, 'scale': False},
        {'type': 'rmsNormalization'},
        {'type': 'rmsNormalization', 'axis': [-3, -2, -1]},
        {'type': 'unitNormalization'},
    ]
    cases = []
    for layer in layers:
        around = [conv2d(6, [2, 2]), layer, {'type': 'reLU'}, FLATTEN, dense(2)]
        cases.append(regression(f'layer {layer}', [5, 4, 2], around, batch=3))
        if len(layer) == 1:
            cases.append(regression(f'layer {layer} of rows', [7], [dense(9), layer, dense(2)], batch=4))
    angle = {'type': 'dot', 'normalize': True, 'inputs': ['a', 'b'], 'name': 'cosine'}
    layers = [dense(5, name='a'), dense(5, inputs=[''], name='b'), angle, dense(2)]
    return [*cases, graph('cosine', [6], layers, 4)]


def embedding_cases():
    layers = [{'type': 'embedding', 'inputDim': 6, 'outputDim': 5}, dense(4), FLATTEN, dense(2)]
    return [regression('embedding', [7], layers, batch=4, whole=6)]


def instance_cases():
    around = [conv2d(6, [2, 2]), {'type': 'instanceNormalization', 'epsilon': 1e-5}, FLATTEN, dense(2)]
    return [regression('instance normalisation', [5, 4, 2], around, batch=3)]


def cases():
    return activation_cases() + merge_cases() + shape_cases() + norm_cases() + embedding_cases() + instance_cases()
