"""The cases, as data: each is a network of a few layers around the operator, loss or optimizer under test.

The layer under test stands behind a weighted one, so that its input gradient shows in the weight gradients before it.
"""

CROSSENTROPIES = ('sparseCategoricalCrossentropy', 'categoricalCrossentropy')


def named(*layers):
    """Layers with names of their own: the tensors in the files are called after them."""
    return [{'name': f"{layer['type']}{i}", **layer} for i, layer in enumerate(layers)]


def conv2d(filters, kernel, **options):
    return {'type': 'conv2d', 'filters': filters, 'kernelSize': kernel, **options}


def dense(units, **options):
    return {'type': 'dense', 'units': units, **options}


def pool(kind, size, **options):
    return {'type': f'{kind}Pooling2d', 'poolSize': size, **options}


FLATTEN = {'type': 'flatten'}
RELU = {'type': 'reLU'}


def regression(name, input_shape, layers, batch=2, **extra):
    """Mean squared error with targets so large that the upstream gradient is of the order of one."""
    return {
        'name': name,
        'inputShape': input_shape,
        'layers': named(*layers),
        'loss': 'meanSquaredError',
        'fromLogits': False,
        'batch': batch,
        **extra,
    }


def conv_cases():
    cases = []
    kernels = {'1x1': [1, 1], '3x3': [3, 3], '5x5': [5, 5], '2x4': [2, 4]}
    # Channels miss the vector width in different ways; sizes give odd and even paddings.
    channels = iter([(3, 5), (8, 8), (1, 9), (5, 4), (7, 12), (4, 1), (16, 17), (2, 8)] * 3)
    for label, kernel in kernels.items():
        for stride in (1, 2, 3):
            for padding in ('valid', 'same'):
                before, filters = next(channels)
                layers = [
                    conv2d(before, [1, 1]),
                    conv2d(filters, kernel, strides=[stride, stride], padding=padding),
                    FLATTEN,
                ]
                cases.append(regression(f'conv2d {label} stride {stride} {padding}', [9, 8, 2], layers))
    mixed = [conv2d(3, [1, 1]), conv2d(6, [3, 2], strides=[2, 1], padding='same'), FLATTEN]
    cases.append(regression('conv2d 3x2 strides 2x1 same', [8, 7, 2], mixed))
    relu = [conv2d(16, [3, 3], activation='relu'), conv2d(32, [3, 3], activation='relu'), FLATTEN]
    cases.append(regression('conv2d 3x3 with relu, twice', [8, 8, 3], relu))
    bare = [conv2d(5, [3, 3], useBias=False), conv2d(4, [3, 3], useBias=False), FLATTEN]
    cases.append(regression('conv2d without bias', [7, 7, 3], bare))
    whole = [conv2d(4, [1, 1]), conv2d(3, [6, 5]), FLATTEN]
    cases.append(regression('conv2d with a kernel as large as its input', [6, 5, 2], whole, batch=3))
    return cases


def pool_cases():
    cases = []
    for kind in ('max', 'average'):
        for size, strides in (([2, 2], [2, 2]), ([3, 3], [2, 2]), ([3, 2], [1, 1]), ([2, 3], [3, 2])):
            for padding in ('valid', 'same'):
                label = f'{kind} pool {size[0]}x{size[1]} strides {strides[0]}x{strides[1]} {padding}'
                layers = [conv2d(5, [1, 1]), pool(kind, size, strides=strides, padding=padding), FLATTEN]
                cases.append(regression(label, [7, 6, 2], layers))
    # Behind a ReLU most windows are ties of zeros: the gradient belongs to the first cell.
    ties = [conv2d(8, [3, 3], activation='relu', padding='same'), pool('max', [2, 2]), FLATTEN]
    cases.append(regression('max pool over ties of a relu', [8, 8, 3], ties))
    return cases


def window_cases():
    """Dilation, groups, explicit padding, depthwise, separable and transposed convolutions, and layers over steps."""
    cases = []

    def around(label, layer, shape=(9, 8, 2), before=6):
        first = conv2d(before, [1, 1]) if len(shape) == 3 else {'type': 'conv1d', 'filters': before, 'kernelSize': 1}
        cases.append(regression(label, list(shape), [first, layer, FLATTEN]))

    def kernel(kind, size, **options):
        return {'type': kind, 'kernelSize': size, **options}

    for padding in ('valid', 'same'):
        for strides, rate in (([1, 1], [2, 2]), ([1, 1], [3, 1]), ([2, 1], [2, 3])):
            options = {'strides': strides, 'padding': padding, 'dilationRate': rate}
            label = f'strides {strides[0]}x{strides[1]} rate {rate[0]}x{rate[1]} {padding}'
            around(f'conv2d {label}', conv2d(5, [3, 3], **options))
            around(f'conv2d in groups {label}', conv2d(4, [3, 2], groups=2, **options))
            around(f'depthwise {label}', kernel('depthwiseConv2d', [3, 3], **options))
            around(f'two filters a channel {label}', kernel('depthwiseConv2d', [2, 3], depthMultiplier=2, **options))
        for strides in ([1, 1], [2, 2], [3, 1]):
            options = {'strides': strides, 'padding': padding}
            label = f'strides {strides[0]}x{strides[1]} {padding}'
            around(f'conv2d in 3 groups {label}', conv2d(9, [3, 3], groups=3, **options))
            around(f'conv2d with a group a channel {label}', conv2d(12, [3, 3], groups=6, **options))
            around(f'depthwise {label}', kernel('depthwiseConv2d', [3, 3], activation='relu', **options), before=9)
            for size in ([3, 3], [2, 4], [1, 2]):
                name = f'transposed {size[0]}x{size[1]} {label}'
                around(name, kernel('conv2dTranspose', size, filters=5, **options), (4, 5, 2))
            padded = [stride - 1 for stride in strides]
            around(
                f'transposed with output padding {label}',
                kernel('conv2dTranspose', [3, 4], filters=3, outputPadding=padded, **options),
                (4, 5, 2),
            )
        around(
            f'transposed, dilated, with relu, {padding}',
            kernel('conv2dTranspose', [3, 2], filters=9, dilationRate=2, padding=padding, activation='relu'),
            (4, 5, 2),
        )
        around(f'separable {padding}', kernel('separableConv2d', [3, 3], filters=7, padding=padding))
        around(
            f'separable of three filters a channel {padding}',
            kernel('separableConv2d', 3, filters=4, depthMultiplier=3, strides=2, padding=padding, activation='relu'),
        )
    around('conv2d in wide groups', conv2d(16, [3, 3], groups=2, padding='same'), before=16)
    around('conv2d padded by 1', conv2d(5, [3, 3], padding=1))
    around('conv2d padded unevenly', conv2d(5, [3, 3], padding=[2, 0, 1, 3], strides=2))
    around('depthwise padded unevenly', kernel('depthwiseConv2d', 3, padding=[2, 0, 1, 3], strides=2))
    around('conv2d padded for Winograd', conv2d(17, [3, 3], padding=[2, 1, 0, 1]), before=16)
    for kind in ('max', 'average'):
        around(f'{kind} pool padded by 1', pool(kind, 3, strides=2, padding=1))
        around(f'{kind} pool padded unevenly', pool(kind, [2, 4], strides=[1, 3], padding=[0, 1, 2, 1]))
    around('average pool that leaves out padding', pool('average', 3, strides=2, padding=1, countIncludePad=False))
    around('average pool same that counts padding', pool('average', 3, strides=2, padding='same', countIncludePad=True))
    around('global max pooling', {'type': 'globalMaxPooling2d'})

    steps = (11, 3)
    for padding in ('valid', 'same', [2, 1]):
        for strides, rate in ((1, 1), (2, 1), (1, 3)):
            options = {'filters': 8, 'strides': strides, 'dilationRate': rate, 'padding': padding}
            label = f'stride {strides} rate {rate} padding {padding}'
            around(f'conv1d {label}', kernel('conv1d', 3, activation='relu', **options), steps)
            around(f'conv1d in groups {label}', kernel('conv1d', 2, groups=2, **options), steps)
    for kind in ('max', 'average'):
        for padding in ('valid', 'same', 1):
            layer = {'type': f'{kind}Pooling1d', 'poolSize': 3, 'strides': 2, 'padding': padding}
            around(f'{kind} pool over steps, {padding}', layer, steps)
        around(f'global {kind} pool over steps', {'type': f'global{kind.capitalize()}Pooling1d'}, steps)
    for kind in ('Max', 'Average'):
        around(f'global {kind} pool, axes kept', {'type': f'global{kind}Pooling2d', 'keepdims': True})
        around(f'global {kind} pool over steps, axis kept', {'type': f'global{kind}Pooling1d', 'keepdims': True}, steps)
        for size in (4, 13):
            around(f'adaptive {kind} pool over steps to {size}', {'type': f'adaptive{kind}Pooling1d', 'outputSize': size}, steps)
    around('depthwise without bias', kernel('depthwiseConv2d', 3, useBias=False))
    around('separable without bias', kernel('separableConv2d', 3, filters=4, useBias=False))
    around('transposed without bias', kernel('conv2dTranspose', 3, filters=4, strides=2, useBias=False), (4, 5, 2))
    return cases


def flat_cases():
    def around(layer):
        return [dense(9), layer, dense(3)]

    sigmoid = {'type': 'activation', 'activation': 'sigmoid'}
    return [
        regression('dense', [7], [dense(13), dense(5)], batch=5),
        regression('dense without bias', [6], [dense(11, useBias=False), dense(4, useBias=False)], batch=3),
        regression('dense of one unit', [17], [dense(8), dense(1)], batch=4),
        regression('dense with relu', [10], [dense(33, activation='relu'), dense(6, activation='relu')], batch=4),
        regression('relu', [5], around({'type': 'reLU'}), batch=4),
        regression('sigmoid', [5], around(sigmoid), batch=4),
        regression('sigmoid far from zero', [5], around(sigmoid), batch=4, scale=6),
        regression('softmax in the middle', [5], around({'type': 'softmax'}), batch=4),
        regression('softmax far from zero', [5], around({'type': 'softmax'}), batch=4, scale=4),
        regression('softmax at the end', [5], [dense(9), {'type': 'softmax'}], batch=4),
        regression('flatten', [3, 4, 5], [conv2d(2, [2, 2]), FLATTEN, dense(7), dense(3)], batch=3),
    ]


def norm(**options):
    return {'type': 'batchNormalization', **options}


def graph(name, input_shape, layers, batch):
    """A case whose layers name what they read; '' is the input, and without `inputs` it is the layer before."""
    return {**regression(name, input_shape, layers, batch=batch), 'graph': True}


def norm_cases():
    def residual(strides):
        shortcut = conv2d(8, [1, 1], strides=strides, useBias=False, inputs=['stem'], name='narrow')
        return [
            conv2d(5, [3, 3], padding='same', name='stem'),
            norm(),
            RELU,
            conv2d(8, [3, 3], strides=strides, padding='same', useBias=False),
            norm(name='body'),
            shortcut,
            norm(name='shortcut'),
            {'type': 'add', 'inputs': ['body', 'shortcut'], 'name': 'sum'},
            RELU,
            {'type': 'globalAveragePooling2d'},
            dense(3),
        ]

    plain = [conv2d(5, [3, 3]), norm(), FLATTEN]
    relu = [conv2d(13, [3, 3], padding='same'), norm(momentum=0.8, epsilon=0.01), RELU, FLATTEN]
    three = {'type': 'add', 'inputs': ['a', 'b', 'a'], 'name': 'sum'}
    return [
        regression('batch normalisation', [6, 5, 3], plain, batch=4),
        regression('batch normalisation with relu', [6, 5, 3], relu, batch=4),
        regression('batch normalisation without center', [7], [dense(9), norm(center=False), dense(3)], batch=8),
        regression('batch normalisation without scale', [7], [dense(9), norm(scale=False), dense(3)], batch=8),
        regression('bare batch normalisation', [7], [dense(9), norm(center=False, scale=False), dense(3)], batch=8),
        regression('batch normalisation first', [4, 4, 3], [norm(), conv2d(4, [3, 3]), FLATTEN], batch=5),
        regression('global average pooling', [5, 6, 3], [conv2d(9, [2, 2]), {'type': 'globalAveragePooling2d'}, dense(3)]),
        graph('residual block', [6, 6, 3], residual([1, 1]), 4),
        graph('residual block with strides', [7, 6, 3], residual([2, 2]), 4),
        graph('a sum of three', [6], [dense(5, name='a'), dense(5, inputs=[''], name='b'), three, dense(2)], 4),
    ]


def loss_case(name, loss, layers, from_logits=False, **extra):
    return {
        'name': name,
        'inputShape': [6],
        'layers': named(*layers),
        'loss': loss,
        'fromLogits': from_logits,
        'batch': 5,
        **extra,
    }


def loss_cases():
    cases = []
    for loss in CROSSENTROPIES:
        cases += [
            loss_case(f'{loss} from logits', loss, [dense(8), dense(4)], True),
            loss_case(f'{loss} from large logits', loss, [dense(8), dense(4)], True, scale=30),
            loss_case(f'{loss} after a softmax', loss, [dense(8), dense(4, activation='softmax')]),
            # Saturated: from the probabilities it would be clipped, from the logits (Keras) it is not.
            loss_case(f'{loss} after a saturated softmax', loss, [dense(8), dense(4, activation='softmax')], scale=30),
            loss_case(f'{loss} from probabilities', loss, [dense(8), dense(4, activation='sigmoid')]),
        ]
    cases.append(loss_case('categorical with soft labels', 'categoricalCrossentropy', [dense(4)], True, labels='soft'))
    loss = 'binaryCrossentropy'
    central = {'scale': 0.4, 'outputBias': 0.5}
    for units, labels in ((1, 'class'), (1, 'values'), (3, 'values')):
        label = f'{loss}, {units} output, {labels} labels'
        cases += [
            loss_case(f'{label}, from logits', loss, [dense(8), dense(units)], True, labels=labels),
            loss_case(f'{label}, after a sigmoid', loss, [dense(8), dense(units, activation='sigmoid')], labels=labels),
            # No sigmoid at the end, so the values are taken as probabilities, and clipped outside 0 … 1. Bias and scale
            # keep most off the edge, where the gradient 1/p magnifies a rounding error a million times.
            loss_case(f'{label}, from probabilities', loss, [dense(8), dense(units)], labels=labels, **central),
        ]
    cases += [
        loss_case('binary from large logits', loss, [dense(8), dense(1)], True, labels='class', scale=30),
        loss_case('meanSquaredError', 'meanSquaredError', [dense(8), dense(3)]),
        loss_case('meanSquaredError, class labels', 'meanSquaredError', [dense(8), dense(1)], labels='class'),
    ]
    return cases + value_loss_cases() + focal_cases() + weighted_cases() + image_loss_cases()


def value_loss_cases():
    linear, positive, shares = [dense(8), dense(5)], [dense(8), dense(5, activation='sigmoid')], [dense(8), dense(5, activation='softmax')]
    return [
        loss_case('meanAbsoluteError', 'meanAbsoluteError', linear),
        loss_case('huber', 'huber', linear, lossOptions={'delta': 0.7}),
        loss_case('huber with its default', 'huber', linear),
        loss_case('smooth L1', 'huber', linear, lossOptions={'delta': 0.7, 'smoothL1': True}),
        loss_case('logCosh', 'logCosh', linear),
        loss_case('logCosh, far', 'logCosh', linear, scale=10),
        loss_case('meanSquaredLogarithmicError', 'meanSquaredLogarithmicError', positive, labels='positive'),
        loss_case('poisson', 'poisson', positive, labels='positive'),
        loss_case('klDivergence', 'klDivergence', shares, labels='soft'),
        loss_case('klDivergence, one-hot', 'klDivergence', shares, labels='hot'),
        loss_case('cosineSimilarity', 'cosineSimilarity', linear),
        loss_case('hinge', 'hinge', linear, labels='signs'),
        loss_case('hinge of bits', 'hinge', linear, labels='bits'),
        loss_case('hinge, class labels', 'hinge', [dense(8), dense(1)], labels='class'),
        loss_case('squaredHinge', 'squaredHinge', linear, labels='bits'),
        loss_case('categoricalHinge', 'categoricalHinge', linear, labels='hot'),
    ]


def focal_cases():
    cases = []
    for name, end, labels in (('categorical', 'softmax', 'hot'), ('binary', 'sigmoid', 'bits')):
        loss = f'{name}FocalCrossentropy'
        options = {'alpha': 0.4, 'gamma': 1.5, 'labelSmoothing': 0.1}
        if name == 'binary':
            options['applyClassBalancing'] = True
        cases += [
            loss_case(f'{loss} from logits', loss, [dense(8), dense(4)], True, labels=labels),
            loss_case(f'{loss} at the end', loss, [dense(8), dense(4, activation=end)], labels=labels),
            loss_case(f'{loss} with options', loss, [dense(8), dense(4)], True, labels=labels, lossOptions=options),
        ]
    probabilities = [dense(8), dense(4, activation='sigmoid')]
    cases.append(loss_case('categorical focal from probabilities', 'categoricalFocalCrossentropy', probabilities, labels='hot'))
    cases.append(loss_case('binary focal from probabilities', 'binaryFocalCrossentropy', [dense(8), dense(4, activation='softmax')], labels='bits'))
    return cases


def weighted_cases():
    weights = {'sampleWeight': [0.5, 2, 0, 1.25, -0.5]}
    smooth = {'lossOptions': {'labelSmoothing': 0.2}}
    return [
        loss_case(f'{loss}, {label}', loss, [dense(8), dense(4)], True, **extra)
        for loss in (*CROSSENTROPIES, 'binaryCrossentropy')
        for label, extra in (('smoothed', smooth), ('weighted', weights), ('smoothed and weighted', {**smooth, **weights}))
    ] + [
        loss_case('sparse from probabilities, smoothed', CROSSENTROPIES[0], [dense(8), dense(4, activation='sigmoid')], **smooth),
        loss_case('binary of classes, smoothed', 'binaryCrossentropy', [dense(8), dense(1)], True, labels='class', **smooth),
        loss_case('meanSquaredError, weighted', 'meanSquaredError', [dense(8), dense(3)], **weights),
    ]


def image_loss_cases():
    """Outputs of three dimensions, as an autoencoder has."""
    def images(name, loss, *layers, **extra):
        return {**loss_case(name, loss, layers, extra.pop('from_logits', False), **extra), 'inputShape': [4, 3, 2]}

    linear = conv2d(3, [2, 2], padding='same')
    ends = {'sigmoid': {**linear, 'activation': 'sigmoid'}, 'softmax': {**linear, 'activation': 'softmax'}}
    weights = {'sampleWeight': [0.5, 2, 1, 1.25, 0]}
    return [
        images('meanSquaredError of images', 'meanSquaredError', linear, **weights),
        images('meanAbsoluteError of images', 'meanAbsoluteError', linear),
        images('binaryCrossentropy of images', 'binaryCrossentropy', ends['sigmoid'], labels='bits'),
        images('categoricalCrossentropy of pixels', 'categoricalCrossentropy', ends['softmax'], **weights),
        images('categoricalCrossentropy of pixels, smoothed', 'categoricalCrossentropy', linear, from_logits=True, lossOptions={'labelSmoothing': 0.1}),
        images('cosineSimilarity of pixels', 'cosineSimilarity', linear),
    ]


def optimizer_cases():
    layers = [dense(7, activation='sigmoid'), dense(3)]
    momentum = {'learningRate': 0.05, 'momentum': 0.9}
    rules = [
        ('sgd', 50, {'learningRate': 0.1}),
        ('sgd', 50, {'learningRate': 0.05, 'momentum': 0.9}),
        ('sgd', 50, {'learningRate': 0.05, 'momentum': 0.9, 'nesterov': True}),
        ('adam', 30, {}),
        ('adam', 50, {'learningRate': 0.01}),
        ('adam', 30, {'learningRate': 0.005, 'beta1': 0.8, 'beta2': 0.95, 'epsilon': 1e-3}),
        ('adam', 50, {'learningRate': 0.01, 'beta2': 0.9, 'amsgrad': True}),
        ('adamw', 50, {'learningRate': 0.01}),
        ('adamw', 50, {'learningRate': 0.01, 'weightDecay': 0.3, 'amsgrad': True}),
        ('adamax', 50, {'learningRate': 0.01}),
        ('nadam', 50, {'learningRate': 0.01}),
        ('adagrad', 50, {'learningRate': 0.1}),
        ('rmsprop', 50, {'learningRate': 0.005}),
        ('rmsprop', 50, {'learningRate': 0.002, 'momentum': 0.8}),
        ('rmsprop', 50, {'learningRate': 0.002, 'momentum': 0.8, 'centered': True, 'epsilon': 1e-3}),
        ('adadelta', 50, {'learningRate': 1.0}),
        ('lion', 50, {}),
        ('lion', 50, {'learningRate': 0.003, 'beta1': 0.95, 'beta2': 0.98, 'weightDecay': 0.5}),
        ('adafactor', 50, {'learningRate': 0.05}),
        ('adafactor', 50, {'learningRate': 0.3, 'clipThreshold': 0.5, 'beta2Decay': -0.6, 'weightDecay': 0.1}),
        ('adafactor', 50, {'learningRate': 0.3, 'relativeStep': False}),
        ('muon', 50, {'learningRate': 0.01}),
        ('muon', 50, {'learningRate': 0.02, 'nesterov': False, 'rmsRate': None, 'nsSteps': 4, 'weightDecay': 0.5}),
        ('sgd', 50, {**momentum, 'weightDecay': 0.1}),
        ('sgd', 50, {**momentum, 'clipValue': 0.05}),
        ('sgd', 50, {**momentum, 'clipNorm': 0.1}),
        ('sgd', 50, {**momentum, 'globalClipNorm': 0.2}),
        ('adam', 50, {'learningRate': 0.01, 'gradientAccumulationSteps': 4}),
        ('adam', 50, {'learningRate': 0.01, 'useEma': True, 'emaMomentum': 0.8, 'emaOverwriteFrequency': 7}),
        ('sgd', 50, {**momentum, 'lookahead': {}}),
        ('adam', 50, {'learningRate': 0.01, 'lookahead': {'steps': 3, 'alpha': 0.8}}),
    ]
    cases = [
        {
            **loss_case(f'{name} {options}', 'sparseCategoricalCrossentropy', layers, True, batch=8),
            'optimizer': name,
            'options': options,
            'steps': steps,
        }
        for name, steps, options in rules
    ]
    # Kernels of rank 4, taller and wider than square, and more than one tile of a product.
    pictures = [conv2d(5, [3, 3], activation='sigmoid'), conv2d(40, [1, 1], activation='sigmoid'), FLATTEN, dense(3)]
    for name, options in (('adafactor', {'learningRate': 0.05}), ('muon', {'learningRate': 0.002})):
        case = loss_case(f'{name} of kernels', 'sparseCategoricalCrossentropy', pictures, True, batch=8)
        extra = {'inputShape': [5, 4, 2], 'optimizer': name, 'options': options, 'steps': 50}
        cases.append({**case, **extra})
    return cases
