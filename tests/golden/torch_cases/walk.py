"""From a case of PyTorch's to a case of the golden file: values and gradients by PyTorch in float64."""

import copy

import numpy as np
import torch
from torch import nn

from .composed import FUNCTIONS
from .layers import LOWERINGS
from .layouts import as_is, channels_last, one_sample
from .lists import Case, functional
from .losses import LOSSES, of_function
from .net import Net, Skip, Weight
from .skips import REASONS

PADDINGS = tuple(getattr(nn.modules.padding, f'_{kind}PadNd') for kind in ('Constant', 'Reflection', 'Replication'))
# A case of more numbers than that belongs in no committed file.
LARGEST = 12_000


def upstream(shape):
    """The gradient that arrives at the output, the same in the test."""
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return ((i * 37) % 19 - 9).reshape(shape) / 8


def rounded(tensor):
    return tensor.float().double() if tensor.is_floating_point() else tensor


def flat(args):
    return [t for arg in args for t in (arg if isinstance(arg, (tuple, list)) else [arg])]


def check_size(numbers):
    if numbers > LARGEST:
        raise Skip(f'{numbers:,} numbers or more are too many for a committed file')


def check_inputs(args):
    for arg in flat(args):
        if not isinstance(arg, torch.Tensor):
            raise Skip('arguments that are no tensors')
        if arg.is_complex():
            raise Skip('complex numbers')
        if arg.numel() == 0:
            raise Skip('a batch of no samples, which the library refuses (E_EMPTY)')
        check_size(arg.numel())


def prepare(module, random):
    """float32 numbers in float64; weights that all begin alike, and moving averages, become different."""
    module.double()
    with torch.no_grad():
        for tensor in module.parameters():
            if tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all()):
                tensor += 0.3 * torch.randn(tensor.shape, generator=random, dtype=tensor.dtype)
            tensor.copy_(rounded(tensor))
        for name, tensor in module.named_buffers():
            if name.endswith('running_mean'):
                tensor.copy_(0.5 * torch.randn(tensor.shape, generator=random, dtype=tensor.dtype))
            if name.endswith('running_var'):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=random, dtype=tensor.dtype))
            tensor.copy_(rounded(tensor))


def first(result):
    return result[0] if isinstance(result, tuple) else result


def layout_of(module, lowering, args):
    """(layout of the inputs, that of the output). A sample without a batch is a batch of one."""
    _, layout, axes, out = lowering
    x = args[0]
    if isinstance(module, PADDINGS):
        axes = len(module.padding) // 2 + 2
    if axes is not None and x.dim() == axes - 1:
        return (lambda t: layout(t[None]) if layout is channels_last else t[None],) * 2
    kinds = (nn.Softmax, nn.LogSoftmax, nn.Softmin)
    whole = isinstance(module, kinds) and module.dim == 0
    whole |= isinstance(module, nn.Flatten) and module.start_dim == -3
    whole |= isinstance(module, nn.GLU) and x.dim() == 1
    whole |= isinstance(module, nn.PairwiseDistance) and (x.dim() == 1 or args[0].shape != args[1].shape)
    if whole:
        return one_sample, one_sample
    if layout is channels_last and x.dim() < 2:
        return as_is, as_is
    if getattr(module, 'batch_first', False) or getattr(getattr(module, 'self_attn', None), 'batch_first', False):
        return as_is, as_is
    return layout, out


def leaves(args):
    """Copies of the arguments that receive gradients, where they are no whole numbers."""
    copies = [rounded(a.detach().clone().double() if a.is_floating_point() else a) for a in args]
    return [a.requires_grad_(a.is_floating_point()) for a in copies]


def run(module, args, kwargs, out, training):
    """(output as the library has it, with its gradients in the leaves)."""
    module.train(training)
    for tensor in [*module.parameters(), *args]:
        tensor.grad = None
    given = (args[0], tuple(args[1:])) if isinstance(module, nn.LSTMCell) else args
    y = first(module(*given, **kwargs))
    # PyTorch 1.13 reads a gradient that lies channels last wrongly in InstanceNorm2d of a single sample.
    y.register_hook(lambda gradient: gradient.contiguous())
    y = out(y)
    (y * upstream(y.shape).to(y.dtype)).sum().backward()
    return y.detach()


def collect(net, args, layout, prefix=''):
    """Gradients as the library has them."""
    found = {}
    for k, arg in enumerate(args):
        if arg.requires_grad:
            found[f'{prefix}gradients/x{k}'] = layout(arg.grad)
    for name, weight in net.weights.items():
        gradient = weight.gradient()
        if gradient is not None:
            found[f'{prefix}gradients/{name}'] = gradient
    return found


def modes_of(module):
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if norms:
        return ['training'] if norms[0].running_mean is None else ['predicting', 'training']
    if isinstance(module, nn.RReLU):
        return ['predicting']
    return ['both']


def module_case(case, random):
    module, args, wrapped = case.module, flat(case.args), functional(case.module)
    if wrapped:
        lower, layout = FUNCTIONS[wrapped[0]]
        options = wrapped[1]
        layout = out = one_sample if options.get('dim') == 0 else layout
    else:
        if 'Lazy' in type(module).__name__:
            # The first call makes it a plain module of the size that it finds.
            module(*(arg.to(torch.get_default_dtype()) for arg in args))
        lowering = next(LOWERINGS[base] for base in type(module).__mro__ if base in LOWERINGS)
        layout, out = layout_of(module, lowering, args)
        lower, options = lowering[0], case.kwargs
        if isinstance(module, (nn.RNN, nn.LSTM, nn.GRU)) and len(args) > 1:
            raise Skip('starts from given states: ours starts from zero')
    prepare(module, random)

    def build(net, *values):
        return lower(net, *values, **options) if wrapped else lower(net, module, *values, **options)

    return layers_case(case.name, module, args, case.kwargs, build, layout, out, modes_of(module))


def layers_case(name, module, args, kwargs, build, layout, out, modes):
    """What `build` makes of the inputs, against what the module does."""
    args, net = leaves(args), Net()
    given = build(net, *(net.sample(layout(arg).shape[1:]) for arg in args))
    tensors = {f'x{k}': layout(arg.detach()) for k, arg in enumerate(args)}
    tensors.update({f'weights/{key}': weight.value() for key, weight in net.weights.items()})
    unmoved = copy.deepcopy(module)
    for mode in modes:
        prefix = 'training/' if mode == 'training' else ''
        tensors[f'{prefix}outputs'] = run(module, args, kwargs, out, mode != 'predicting')
        tensors.update(collect(net, args, layout, prefix))
    described = {'name': name, 'inputs': net.inputs, 'layers': net.layers, 'output': given.name}
    return described, tensors, single(module, unmoved, args, kwargs, out, layout, net, modes, tensors)


def single(module, unmoved, args, kwargs, out, layout, net, modes, tensors):
    """How far PyTorch's own float32 is from float64, in tolerances."""
    copied = unmoved.float()
    twin = {id(a): b for a, b in zip(parts_of(module), parts_of(copied))}
    args = [a.detach().float().requires_grad_() if a.is_floating_point() else a for a in args]
    kwargs = {k: v.float() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for k, v in kwargs.items()}
    other = Net()
    for name, weight in net.weights.items():
        sources = [twin.get(id(source), source) for source in weight.sources]
        other.weights[name] = Weight(weight.turn, *sources, gradient=weight.of_gradients)
    worst = 0.0
    for mode in modes:
        prefix = 'training/' if mode == 'training' else ''
        y = run(copied, args, kwargs, out, mode != 'predicting')
        worst = max([worst, distance(y, tensors[f'{prefix}outputs'])]
                    + [distance(v, tensors[k]) for k, v in collect(other, args, layout, prefix).items()])  # fmt: skip
    return worst


def parts_of(module):
    return [*module.parameters(), *module.buffers()]


def distance(found, expected):
    found, expected = found.detach().double(), expected.detach().double()
    return float(((found - expected).abs() / (1e-5 + 1.3e-6 * expected.abs())).max())


def loss_case(case, random):
    module, x, target = case.module, case.args[0], case.target
    check_inputs([target])
    prepare(module, random)
    [x] = leaves([x])
    target = rounded(target.detach().double() if target.is_floating_point() else target)
    lowered = LOSSES[type(module)](module, x.detach(), target)

    def losses(x, target, module):
        x.grad = None
        value = module(lowered.before(x), target)
        value.sum().backward()
        return value.detach().reshape(-1), lowered.layout(x.grad)

    value, gradient = losses(x, target, module)
    lone = x.detach().float().requires_grad_()
    floats = target.float() if target.is_floating_point() else target
    found = losses(lone, floats, copy.deepcopy(module).float())
    net = Net()
    y = net.input(lowered.layout(x).shape[1:])
    for layer in lowered.layers or [{'type': 'rescaling', 'scale': 1}]:
        y = net(layer['type'], y, **{key: given for key, given in layer.items() if key != 'type'})
    described = {
        'name': case.name, 'inputs': net.inputs, 'layers': net.layers, 'output': y.name, 'loss': lowered.loss,
        'lossOptions': lowered.options, 'factor': lowered.factor, 'each': lowered.each,
    }  # fmt: skip
    tensors = {'x0': lowered.layout(x.detach()), 'y': lowered.labels, 'losses': value, 'gradients/x0': gradient}
    if lowered.sample_weight is not None:
        tensors['sampleWeight'] = lowered.sample_weight
    return described, tensors, max(distance(found[0], value), distance(found[1], gradient))


def golden(name, draw, number):
    """(description, tensors, distance of PyTorch's float32), or a Skip."""
    torch.manual_seed(number)
    random = torch.Generator().manual_seed(number)
    case = draw()
    if type(case.module) in REASONS:
        raise Skip(REASONS[type(case.module)])
    check_inputs(case.args)
    wrapped = functional(case.module)
    if case.target is not None:
        return loss_case(case, random)
    if wrapped and wrapped[2]:
        kind, criterion, target = of_function(name, wrapped[2])
        if criterion is None:
            raise Skip(REASONS[kind])
        x = case.args[0].double()
        again = Case(name, criterion.double(), (x,), {}, target)
        wanted, got = case.module(x), criterion(x, target.double() if target.is_floating_point() else target)
        assert torch.allclose(wanted, got.reshape(wanted.shape), 1e-12, 1e-12), name
        return loss_case(again, random)
    return module_case(case, random)


def stored(tensor):
    """float32, whole numbers too: they are small."""
    return tensor.detach().contiguous().numpy().astype(np.float32)
