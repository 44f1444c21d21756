"""What a GGUF header says, as values. Sizes and offsets are in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from qwqdesk.errors import UserError

Scalar = int | float | bool | str

BUFFER_ALIGNMENT: Final = 32
"""What ggml's buffers need of a tensor's address (TENSOR_ALIGNMENT of ggml-impl.h)."""


@dataclass(frozen=True)
class GgufArray:
    """An array that was skipped: where its items begin. `values` only of short number arrays."""

    item_type: str
    count: int
    offset: int
    values: tuple[int | float | bool, ...] | None = None


@dataclass(frozen=True)
class TensorInfo:
    """One tensor; `offset` counts from the data section; `size_bytes` is None for unknown types."""

    name: str
    shape: tuple[int, ...]
    type_name: str
    offset: int
    elements: int
    size_bytes: int | None


@dataclass(frozen=True)
class Split:
    """Which shard this is: `no` counts from 0."""

    no: int
    count: int


@dataclass(frozen=True)
class GgufHeader:
    """All that a GGUF file says before its weights; sizes and offsets in bytes."""

    version: int
    big_endian: bool
    metadata: Mapping[str, Scalar | GgufArray]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    file_size: int
    split: Split | None = field(default=None)
    aligned: bool = True
    """Whether each tensor lies at a multiple of `BUFFER_ALIGNMENT` of its file."""

    @property
    def data_end(self) -> int:
        """The size that the file must have at least, from the tensor table."""
        ends = (tensor.offset + (tensor.size_bytes or 0) for tensor in self.tensors)
        return self.data_offset + max(ends, default=0) if self.tensors else 0


@dataclass(frozen=True)
class PartialHeader:
    """What could be read of a file, and why no more: with an error, `header` may lack its end."""

    header: GgufHeader | None
    error: UserError | None = None
