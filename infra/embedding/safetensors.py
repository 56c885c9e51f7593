"""Reads the safetensors format: a length, a JSON header, then the numbers of every tensor as they lie in memory."""

import hashlib
import struct
from pathlib import Path

import msgspec

from infra.blas import Floats, np

LENGTH = struct.Struct("<Q")


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tensors(path: Path) -> dict[str, Floats]:
    """Views of the mapped file: what is not read takes no memory. Other types than 32-bit floats are left out."""
    raw = np.memmap(path, np.uint8, "r")
    begin = LENGTH.size + LENGTH.unpack(raw[: LENGTH.size].tobytes())[0]
    header = msgspec.json.decode(raw[LENGTH.size : begin].tobytes(), type=dict[str, msgspec.Raw])
    told = {name: msgspec.json.decode(text, type=_Tensor) for name, text in header.items() if name != "__metadata__"}
    return {
        name: raw[begin + each.data_offsets[0] : begin + each.data_offsets[1]].view(np.float32).reshape(each.shape)
        for name, each in told.items()
        if each.dtype == "F32"
    }
