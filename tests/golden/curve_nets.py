"""The networks of the loss curves, described as for the JavaScript library."""

from cases import FLATTEN, conv2d, dense, named, pool
from sequence_cases import reshape

RELU = {'type': 'reLU'}

S1 = {
    'name': 's1',
    'layers': named(
        conv2d(32, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        FLATTEN,
        dense(64, activation='relu'),
        dense(10),
    ),
    'loss': 'sparseCategoricalCrossentropy',
    'fromLogits': True,
    'optimizer': 'adam',
    'options': {},
}

S4 = {
    'name': 's4',
    'layers': named(
        conv2d(32, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        conv2d(64, [3, 3], activation='relu'),
        pool('max', [2, 2]),
        FLATTEN,
        dense(128, activation='relu'),
        {'type': 'dropout', 'rate': 0.5},
        dense(10, activation='softmax'),
    ),
    'loss': 'categoricalCrossentropy',
    'fromLogits': False,
    'optimizer': 'adam',
    'options': {},
}


def convolve(name, filters, size, strides=1, relu=True, **options):
    """Convolution, batch normalisation, which has the bias, and a ReLU that bears the name."""
    conv = conv2d(filters, [size, size], strides=[strides, strides], padding='same', useBias=False)
    norm = {'type': 'batchNormalization', 'momentum': 0.9}
    if not relu:
        return [{**conv, 'name': f'{name}_conv', **options}, {**norm, 'name': name}]
    return [{**conv, 'name': f'{name}_conv', **options}, {**norm, 'name': f'{name}_norm'}, {**RELU, 'name': name}]


def residual(name, source, filters, strides):
    """Two 3x3 convolutions beside a shortcut."""
    layers = [
        *convolve(f'{name}_first', filters, 3, strides, inputs=[source]),
        *convolve(f'{name}_second', filters, 3, relu=False),
    ]
    shortcut = source
    if strides > 1:
        shortcut = f'{name}_shortcut'
        layers += convolve(shortcut, filters, 1, strides, relu=False, inputs=[source])
    layers.append({'type': 'add', 'inputs': [f'{name}_second', shortcut], 'name': f'{name}_sum'})
    return [*layers, {**RELU, 'name': name}]


def resnet20():
    """He, Zhang, Ren, Sun 2015, section 4.2, as examples/resnet20.mjs has it."""
    layers, source = convolve('stem', 16, 3), 'stem'
    for stage, filters in enumerate((16, 32, 64)):
        for number in range(3):
            name = f'block{stage}{number}'
            layers += residual(name, source, filters, 2 if stage > 0 and number == 0 else 1)
            source = name
    return [*layers, {'type': 'globalAveragePooling2d', 'name': 'mean'}, dense(10, name='classes')]


def inception(name, source, filters):
    """Szegedy et al. 2014, figure 2b: 1x1, 3x3, 5x5 and pooling side by side, `filters` channels from each."""
    narrow = filters // 2
    return [
        *convolve(f'{name}_1x1', filters, 1, inputs=[source]),
        *convolve(f'{name}_to3x3', narrow, 1, inputs=[source]),
        *convolve(f'{name}_3x3', filters, 3),
        *convolve(f'{name}_to5x5', narrow, 1, inputs=[source]),
        *convolve(f'{name}_5x5', filters, 5),
        {**pool('max', [3, 3], strides=[1, 1], padding='same'), 'inputs': [source], 'name': f'{name}_near'},
        *convolve(f'{name}_pool', filters, 1),
        {'type': 'concatenate', 'inputs': [f'{name}_{branch}' for branch in ('1x1', '3x3', '5x5', 'pool')], 'name': name},
    ]


def inception_net():
    half = pool('max', [3, 3], strides=[2, 2], padding='same')
    return [
        *convolve('stem', 16, 3),
        {**half, 'name': 'half'},
        *inception('block0', 'half', 8),
        {**half, 'name': 'quarter'},
        *inception('block1', 'quarter', 16),
        {'type': 'globalAveragePooling2d', 'name': 'mean'},
        dense(10, name='classes'),
    ]


def normalized(name, layers, rate, spread):
    """Ten steps on one batch, so that the loss falls; `spread`: how far runs that round differently may be apart at the end.

    Batch normalisation makes the loss so steep in the weights that ResNet-20 multiplies a difference by 20 to 100 in each step
    at a rate of 0.003, by at most 5 at 0.0003.
    """
    return {
        'name': name,
        'layers': layers,
        'loss': 'sparseCategoricalCrossentropy',
        'fromLogits': True,
        'optimizer': 'sgd',
        'options': {'learningRate': rate, 'momentum': 0.9},
        'batches': 1,
        'spread': spread,
    }


RESNET20 = normalized('resnet20', resnet20(), 0.0003, 3e-4)
INCEPTION = normalized('inception', inception_net(), 0.01, 3e-4)


def over_steps(name, layers):
    """Twenty steps of Adam on one batch: no batch normalisation, no ReLU, so that no edge is near."""
    return {
        'name': name,
        'layers': layers,
        'loss': 'sparseCategoricalCrossentropy',
        'fromLogits': True,
        'optimizer': 'adam',
        'options': {},
        'batches': 1,
        'steps': 20,
    }


# 32 steps of 96 numbers: the rows of the image.
LSTM = over_steps(
    'lstm',
    named(
        reshape(32, 96),
        {'type': 'lstm', 'units': 48, 'returnSequences': True},
        {'type': 'gru', 'units': 32},
        dense(10),
    ),
)

WIDTH = 32


def transformer(name, source):
    """A transformer block, normalised before each part (Xiong et al. 2020)."""
    # No biases: that of the keys changes nothing, so its gradient is rounding errors, which Adam would make whole steps of.
    heads = {'numHeads': 4, 'keyDim': WIDTH // 4, 'useBias': False}
    return [
        {'type': 'layerNormalization', 'inputs': [source], 'name': f'{name}_norm'},
        {'type': 'multiHeadAttention', **heads, 'name': f'{name}_attention'},
        {'type': 'add', 'inputs': [source, f'{name}_attention'], 'name': f'{name}_attended'},
        {'type': 'layerNormalization', 'name': f'{name}_attended_norm'},
        dense(2 * WIDTH, activation='gelu', name=f'{name}_wide'),
        dense(WIDTH, name=f'{name}_narrow'),
        {'type': 'add', 'inputs': [f'{name}_attended', f'{name}_narrow'], 'name': name},
    ]


def vision_transformer():
    """Dosovitskiy et al. 2020 in small: 64 patches of 4x4 pixels, and their mean instead of a class token."""
    return [
        conv2d(WIDTH, [4, 4], strides=[4, 4], name='patches'),
        {**reshape(64, WIDTH), 'name': 'tokens'},
        {'type': 'positionEmbedding', 'name': 'start'},
        *transformer('block0', 'start'),
        *transformer('block1', 'block0'),
        {'type': 'layerNormalization', 'name': 'norm'},
        {'type': 'globalAveragePooling1d', 'name': 'mean'},
        dense(10, name='classes'),
    ]


VIT = over_steps('vit', vision_transformer())
