"""Reads and writes safetensors: eight bytes of header length, the JSON header, then the raw tensors."""

import json
import struct

import numpy as np

NAMES = {'float64': 'F64', 'float32': 'F32', 'int32': 'I32', 'uint8': 'U8'}
TYPES = {short: np.dtype(name) for name, short in NAMES.items()}


def write(path, tensors, metadata):
    """tensors: name -> array. metadata: name -> anything JSON can say (stored as text, as the format asks)."""
    # Widest elements first keeps every tensor aligned to its element size, as readers with typed arrays need.
    order = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)
    header = {'__metadata__': {key: json.dumps(value, separators=(',', ':')) for key, value in metadata.items()}}
    offset = 0
    for name in order:
        array = tensors[name]
        header[name] = {
            'dtype': NAMES[array.dtype.name],
            'shape': list(array.shape),
            'data_offsets': [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for name in order:
            file.write(np.ascontiguousarray(tensors[name]).tobytes())


def read(path):
    """name -> array."""
    with open(path, 'rb') as file:
        data = file.read()
    (length,) = struct.unpack_from('<Q', data)
    header = json.loads(data[8 : 8 + length])
    header.pop('__metadata__', None)
    tensors = {}
    for name, entry in header.items():
        first, end = (8 + length + offset for offset in entry['data_offsets'])
        tensors[name] = np.frombuffer(data[first:end], TYPES[entry['dtype']]).reshape(entry['shape']).copy()
    return tensors
