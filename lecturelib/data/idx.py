"""IDX, the file format of MNIST and its relatives: a short header, then plain bytes.

The header is two zero bytes, a code for the type of the numbers, the number of axes, and the
length of each axis as a big-endian 32-bit integer.
"""

from __future__ import annotations

from math import prod

import numpy as np

from lecturelib.data.download import DataError

UNSIGNED_BYTE = 8  # IDX has codes for other types of numbers; the MNIST family uses none of them


def parse_idx(content: bytes, name: str) -> np.ndarray:
    """The uint8 array that the IDX file `name` holds, read-only.

    Raises DataError if the header is not that of an IDX file of bytes, or promises more or fewer
    numbers than there are.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise DataError(f"{name} is not an IDX file of bytes: it begins {content[:4].hex(' ')}, "
                        "expected 00 00 08 and the number of axes")
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise DataError(f"{name} ends within its header: {len(content)} of {header} bytes")
    shape = tuple(np.frombuffer(content[4:header], ">u4").tolist())
    if len(content) - header != prod(shape):
        raise DataError(f"{name} promises {prod(shape)} numbers, shape {shape}, "
                        f"but holds {len(content) - header}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
