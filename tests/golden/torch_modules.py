"""Writes torch_modules.safetensors, PyTorch's own module tests as cases of the library, and torch_tensors.safetensors,
PyTorch's functions of tensors; see README.md.

    /usr/bin/python3 tests/golden/torch_modules.py
"""

import collections
import pathlib

import numpy as np
import torch

import rawfile
from torch_cases import lists, tensors, walk
from torch_cases.net import Skip

HERE = pathlib.Path(__file__).parent


def drawn(name, draw, number):
    """A case that PyTorch's own float32 passes with half of the tolerance: another would test luck."""
    for again in range(10):
        found = walk.golden(name, draw, number + 10_000 * again)
        if found[2] < 0.5:
            return found
    raise AssertionError(f'float32 itself is {found[2]:.2f} tolerances away')


def write(name, made, **metadata):
    """All numbers stand one behind the other in one tensor; each case says what its own are."""
    described, values = [], []
    for case, own, _ in made:
        arrays = [(key, walk.stored(value)) for key, value in own.items()]
        values += [array.ravel() for _, array in arrays]
        described.append({**case, 'tensors': [[key, *array.shape] for key, array in arrays]})
    metadata = {'cases': described, **metadata, 'torch': torch.__version__}
    rawfile.write(HERE / f'{name}.safetensors', {'values': np.concatenate(values)}, metadata)
    worst = max(distance for _, _, distance in made)
    print(f'{name}: {len(made)} cases; PyTorch float32 within {worst:.2f} tolerances')


def main():
    made, skips, names = [], {}, []
    for number, (_, name, draw) in enumerate(lists.cases()):
        names.append(name)
        try:
            found = drawn(name, draw, number)
            walk.check_size(sum(value.numel() for value in found[1].values()))
            made.append(found)
        except Skip as reason:
            skips[name] = str(reason)
        except Exception as error:
            raise RuntimeError(name) from error
    write('torch_modules', made, skips=skips, names=names)
    print(f'skipped {len(skips)} of {len(names)}')
    for reason, count in collections.Counter(skips.values()).most_common():
        print(f'{count:5} {reason}')
    write('torch_tensors', tensors.cases())


if __name__ == '__main__':
    main()
