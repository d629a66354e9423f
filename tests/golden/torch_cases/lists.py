"""PyTorch's own lists of module tests (torch.testing._internal), as (name, function that draws the case)."""

import collections
import inspect
import sys
import types
import unittest
import warnings

import torch

warnings.simplefilter('ignore')


def load():
    """The lists hold tensors that are drawn while they are imported. Debian does not package expecttest, of which the
    import needs two names and the cases none."""
    if 'expecttest' not in sys.modules:
        module = types.ModuleType('expecttest')
        module.TestCase, module.ACCEPT = unittest.TestCase, False
        sys.modules['expecttest'] = module
    torch.manual_seed(0)
    from torch.testing._internal import common_modules, common_nn

    return common_nn, common_modules


class Case:
    """A module with the arguments that PyTorch calls it with, and for a criterion its target."""

    def __init__(self, name, module, args, kwargs=None, target=None):
        self.name, self.module, self.args, self.kwargs, self.target = name, module, args, kwargs or {}, target


def functional(module):
    """(function, keyword arguments, variables it closes over) of what `wrap_functional` made, or None."""
    forward = type(module).forward
    if type(module).__name__ != 'FunctionalModule':
        return None
    wrapped = inspect.getclosurevars(forward).nonlocals
    own = wrapped['fn']
    return own, wrapped['kwargs'], inspect.getclosurevars(own).nonlocals if inspect.isfunction(own) else {}


def drawn(test, key, default=None):
    """What `TestBase._get_arg` of common_nn gives."""
    if key in test:
        return test[key]
    if key + '_fn' in test:
        return test[key + '_fn']()
    if key + '_size' in test:
        return torch.randn(test[key + '_size'])
    return default


def of_common_nn(test, name, criterion):
    def draw():
        constructor = test.get('constructor') or getattr(torch.nn, test['module_name'])
        module = constructor(*drawn(test, 'constructor_args', ()))
        given = drawn(test, 'input')
        args = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        target = drawn(test, 'target') if criterion else None
        kwargs = {'extra_args': drawn(test, 'extra_args', ())} if criterion and 'extra_args' in test else {}
        return Case(name, module, args, kwargs, target)

    return draw


def of_module_db(info, sample, name):
    def draw():
        module = info.module_cls(*sample.constructor_input.args, **sample.constructor_input.kwargs)
        args, kwargs = list(sample.forward_input.args), dict(sample.forward_input.kwargs)
        if 'input' in kwargs:
            args.insert(0, kwargs.pop('input'))
        target = args.pop(1) if info.module_cls.__name__.endswith('Loss') else None
        return Case(name, module, tuple(args), kwargs, target)

    return draw


def cases():
    """[(list, name, draw)] of all of them, names made unique by a number."""
    common_nn, common_modules = load()
    found, seen = [], collections.Counter()

    def unique(name):
        seen[name] += 1
        return name if seen[name] == 1 else f'{name} #{seen[name]}'

    for key in ('module_tests', 'new_module_tests', 'criterion_tests'):
        for test in getattr(common_nn, key):
            plain = test.get('fullname') or '_'.join(filter(None, [test['module_name'], test.get('desc')]))
            name = unique(f'{key}/{plain}')
            found.append((key, name, of_common_nn(test, name, key == 'criterion_tests')))
    for info in common_modules.module_db:
        torch.manual_seed(1)
        samples = info.module_inputs_func(info, 'cpu', torch.float64, False, False)
        for sample in samples:
            name = unique('module_db/' + '_'.join(filter(None, [info.module_cls.__name__, sample.desc])))
            found.append(('module_db', name, of_module_db(info, sample, name)))
    return found
