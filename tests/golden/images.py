"""Pictures in other sizes, by PyTorch: images.safetensors. Run by hand, see README.md."""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

import rawfile

SIZES = [((8, 6), (16, 9)), ((8, 6), (3, 4)), ((13, 17), (5, 17)), ((5, 4), (5, 4)), ((3, 40), (7, 6))]
METHODS = [('bilinear', False), ('bilinear', True), ('nearest', False)]


def resized(pictures, size, interpolation, antialias):
    """float64 (n, *size, channels) of (n, height, width, channels)."""
    x = torch.from_numpy(pictures.astype(np.float64)).permute(0, 3, 1, 2)
    if interpolation == 'nearest':
        y = F.interpolate(x, size, mode='nearest-exact')
    else:
        y = F.interpolate(x, size, mode='bilinear', align_corners=False, antialias=antialias)
    return y.permute(0, 2, 3, 1).contiguous().numpy()


def resize_cases(tensors):
    cases = []
    for number, (size, to) in enumerate(SIZES):
        random = np.random.default_rng([300, number])
        channels = 1 + number % 4
        pictures = random.integers(0, 256, (2, *size, channels)).astype(np.uint8)
        floats = random.standard_normal((2, *size, channels)).astype(np.float32)
        for interpolation, antialias in METHODS:
            index = len(cases)
            tensors[f'{index}/bytes'] = pictures
            tensors[f'{index}/floats'] = floats
            tensors[f'{index}/of bytes'] = resized(pictures, to, interpolation, antialias).astype(np.float32)
            tensors[f'{index}/of floats'] = resized(floats, to, interpolation, antialias).astype(np.float32)
            cases.append({'shape': [*size, channels], 'size': to, 'interpolation': interpolation, 'antialias': antialias})
    return cases


def main():
    tensors = {}
    cases = {'resize': resize_cases(tensors)}
    path = pathlib.Path(__file__).parent / 'images.safetensors'
    rawfile.write(path, tensors, {'cases': cases, 'torch': torch.__version__})
    print(f'{sum(map(len, cases.values()))} cases')


if __name__ == '__main__':
    main()
