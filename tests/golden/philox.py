"""Philox4x32-10 written from the paper, apart from src/rng.h, so that each checks the other."""

import math

import numpy as np

STREAM_DROPOUT = 0x3000000
WORD = 0xFFFFFFFF

# counter, key, result: the known answers that Random123 publishes for philox4x32-10.
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([WORD] * 4, [WORD] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def philox(counter, key):
    """Four words for one counter (four words) and key (two words)."""
    x, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * x[0], 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * x[2], 1 << 32)
        x = [high1 ^ x[1] ^ k[0], low1, high0 ^ x[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return x


def check():
    for counter, key, expected in KNOWN_ANSWERS:
        assert philox(counter, key) == expected, f'philox{counter} is not {expected}'


def words(count, key, c1, c2=0, c3=0):
    """The first `count` words of blocks (0, c1, c2, c3), (1, c1, c2, c3) …"""
    key = [key & WORD, key >> 32]
    blocks = (philox([block, c1, c2, c3], key) for block in range((count + 3) // 4))
    return np.fromiter((word for block in blocks for word in block), np.uint32)[:count]


def glorot_uniform(shape, key, tensor):
    """The starting weights of the loss curves, so that no file has to store them; the README gives the formula."""
    count = int(np.prod(shape))
    receptive = int(np.prod(shape[:-2]))
    limit = math.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
    uniform = (words(count, key, tensor) >> 8) / 2.0**24
    return ((2 * uniform - 1) * limit).astype(np.float32).reshape(shape)


def dropout_mask(count, rate, seed, node, step):
    """1 where tg_dropout keeps the element (src/kernels/elementwise.h)."""
    drawn = words(count, seed, STREAM_DROPOUT + node, step & WORD, step >> 32)
    return (drawn >= int(rate * 2.0**32)).astype(np.float64)
