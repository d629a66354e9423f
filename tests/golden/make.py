"""Writes the golden files beside this script; see README.md.

    /usr/bin/python3 tests/golden/make.py [data_batch_1.bin]

The argument is needed only when curves.safetensors, which keeps the images, is not there.
"""

import pathlib
import sys

import numpy as np
import torch

import cases
import curves
import layer_cases
import philox
import rawfile
import sequence_cases
import updates
from generate import generate

HERE = pathlib.Path(__file__).parent
IMAGES = curves.BATCH * curves.STEPS
RECORD = 1 + 32 * 32 * 3


def cifar_images():
    """The first images of data_batch_1 as (n, 32, 32, 3) bytes, and their labels."""
    kept = HERE / 'curves.safetensors'
    if len(sys.argv) < 2 and kept.exists():
        tensors = rawfile.read(kept)
        return tensors['images'], tensors['labels']
    records = np.fromfile(sys.argv[1], np.uint8, IMAGES * RECORD).reshape(IMAGES, RECORD)
    planes = records[:, 1:].reshape(IMAGES, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int32)


def write_cases(name, group, seed):
    tensors, worst = {}, 0.0
    for index, case in enumerate(group):
        made, distance = generate(case, [seed, index])
        assert distance < 0.5, f"{case['name']}: float32 itself is {distance:.2f} tolerances away"
        worst = max(worst, distance)
        tensors.update({f'{index}/{key}': value for key, value in made.items()})
    rawfile.write(HERE / f'{name}.safetensors', tensors, {'cases': group, 'torch': torch.__version__})
    print(f'{name}: {len(group)} cases; PyTorch float32 gradients within {worst:.2f} tolerances')


def main():
    philox.check()
    updates.check()
    groups = [
        ('conv2d', cases.conv_cases()),
        ('pool2d', cases.pool_cases()),
        ('flat', cases.flat_cases()),
        ('losses', cases.loss_cases()),
        ('optimizers', cases.optimizer_cases()),
        ('norm', cases.norm_cases()),
        ('windows', cases.window_cases()),
    ]
    for seed, (name, group) in enumerate(groups):
        write_cases(name, group, seed)
    write_cases('layers', layer_cases.cases(), 100)
    write_cases('sequences', sequence_cases.cases(), 200)
    tensors, described = curves.make(*cifar_images())
    rawfile.write(HERE / 'curves.safetensors', tensors, {'cases': described, 'torch': torch.__version__})


if __name__ == '__main__':
    main()
