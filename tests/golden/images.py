"""Pictures in other sizes, by PyTorch, and moved, by SciPy and PyTorch: images.safetensors. By hand, see README.md."""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

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


# What augmentation calls the ways to go on beyond an edge, and SciPy's and PyTorch's names for them.
MODES = {'constant': 'grid-constant', 'nearest': 'nearest', 'reflect': 'reflect', 'wrap': 'grid-wrap', 'mirror': 'mirror'}
PADDING = {'nearest': 'border', 'reflect': 'reflection', 'constant': 'zeros'}


def matrix_of(move, height, width):
    """Places of the result as places of the picture: 3x3 on (y, x, 1), by the formulas of Keras."""
    kind, (cy, cx) = move['type'], ((height - 1) / 2, (width - 1) / 2)
    if kind == 'randomRotation':
        t = 2 * np.pi * move['factor'][0]
        x_offset = ((width - 1) - (np.cos(t) * (width - 1) - np.sin(t) * (height - 1))) / 2
        y_offset = ((height - 1) - (np.sin(t) * (width - 1) + np.cos(t) * (height - 1))) / 2
        return np.array([[np.cos(t), np.sin(t), y_offset], [-np.sin(t), np.cos(t), x_offset], [0, 0, 1]])
    if kind == 'randomTranslation':
        return np.array([[1, 0, -move['heightFactor'][0] * height], [0, 1, -move['widthFactor'][0] * width], [0, 0, 1]])
    if kind == 'randomZoom':
        zy = 1 + move['heightFactor'][0]
        zx = zy if move.get('widthFactor') is None else 1 + move['widthFactor'][0]
        return np.array([[zy, 0, cy * (1 - zy)], [0, zx, cx * (1 - zx)], [0, 0, 1]])
    centre, back = np.eye(3), np.eye(3)
    centre[:2, 2], back[:2, 2] = (cy, cx), (-cy, -cx)
    if 'degrees' in move:
        s = np.deg2rad(move['degrees'][0])
        return centre @ np.array([[1, -np.sin(s), 0], [0, np.cos(s), 0], [0, 0, 1]]) @ back
    return centre @ np.array([[1, move['yFactor'][0], 0], [move['xFactor'][0], 1, 0], [0, 0, 1]]) @ back


def by_pytorch(picture, rows, columns, mode):
    """The same by grid_sample, whose places run from -1 to 1 over edges."""
    height, width, _ = picture.shape
    grid = torch.from_numpy(np.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1))[None]
    x = torch.from_numpy(picture.transpose(2, 0, 1))[None]
    y = F.grid_sample(x, grid, mode='bilinear', padding_mode=PADDING[mode], align_corners=False)
    return y[0].permute(1, 2, 0).numpy()


def moved(picture, moves, mode, value, order):
    height, width, channels = picture.shape
    matrix = np.eye(3)
    for move in moves:
        matrix = matrix @ matrix_of(move, height, width)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    rows, columns, _ = np.tensordot(matrix, np.stack([y, x, np.ones_like(y)]), 1)
    if order == 0:
        rows, columns = np.floor(rows + 0.5), np.floor(columns + 0.5)
    planes = [
        ndimage.map_coordinates(picture[..., c], [rows, columns], order=order, mode=MODES[mode], cval=value)
        for c in range(channels)
    ]
    result = np.stack(planes, -1)
    if order == 1 and mode in PADDING and value == 0:
        assert np.abs(result - by_pytorch(picture, rows, columns, mode)).max() < 1e-9, (moves, mode)
    return result


def move_cases(tensors):
    turn = {'type': 'randomRotation', 'factor': [0.07, 0.07]}
    shift = {'type': 'randomTranslation', 'heightFactor': [0.13, 0.13], 'widthFactor': [-0.31, -0.31]}
    zoom = {'type': 'randomZoom', 'heightFactor': [0.2, 0.2], 'widthFactor': [-0.3, -0.3]}
    even = {'type': 'randomZoom', 'heightFactor': [-0.4, -0.4]}
    shear = {'type': 'randomShear', 'xFactor': [0.3, 0.3], 'yFactor': [-0.1, -0.1]}
    degrees = {'type': 'randomShear', 'degrees': [20, 20]}
    lists = [[turn], [shift], [zoom], [even], [shear], [degrees], [turn, shift, zoom], [shear, even, degrees, shift, turn]]
    cases = []
    for number, moves in enumerate(lists):
        random = np.random.default_rng([301, number])
        shape = (9 + number, 12 - number, 1 + number % 5)
        picture = random.standard_normal(shape).astype(np.float32)
        tensors[f'move {number}'] = picture
        for mode in MODES:
            value = 0.5 if mode == 'constant' and number % 2 else 0
            for order in (0, 1):
                name = f'moved {len(cases)}'
                tensors[name] = moved(picture.astype(np.float64), moves, mode, value, order).astype(np.float32)
                fill = {'fillMode': mode, 'fillValue': value, 'interpolation': ['nearest', 'bilinear'][order]}
                cases.append({'picture': f'move {number}', 'result': name, 'moves': moves, 'fill': fill})
    return cases


def main():
    tensors = {}
    cases = {'resize': resize_cases(tensors), 'move': move_cases(tensors)}
    path = pathlib.Path(__file__).parent / 'images.safetensors'
    rawfile.write(path, tensors, {'cases': cases, 'torch': torch.__version__})
    print(f'{sum(map(len, cases.values()))} cases')


if __name__ == '__main__':
    main()
