"""Reads the header of a GGUF file: metadata, tensor table, split; never the weights.

The format is llama.cpp's (docs/gguf.md of ggml), versions 2 and 3, either byte order. A header is
hostile input: every count and length is checked against the bytes that are really there, nothing
is allocated by a declared size, and all that is wrong becomes a `UserError`. Long arrays (the
vocabulary) are skipped, which makes a header of 152,000 tokens a matter of milliseconds.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.byte_source import ByteSource, FileSource, MemorySource, Prefix
from qwqdesk.models.file_words import amount, short, what_it_is
from qwqdesk.models.gguf_header import BUFFER_ALIGNMENT
from qwqdesk.models.gguf_header import GgufArray as GgufArray
from qwqdesk.models.gguf_header import GgufHeader as GgufHeader
from qwqdesk.models.gguf_header import PartialHeader as PartialHeader
from qwqdesk.models.gguf_header import Scalar as Scalar
from qwqdesk.models.gguf_header import Split as Split
from qwqdesk.models.gguf_header import TensorInfo as TensorInfo
from qwqdesk.models.tensor_types import FOREIGN_TYPES, TENSOR_TYPES

MAGIC = b"GGUF"
DEFAULT_ALIGNMENT = 32
MAX_KEYS = 65_536
MAX_TENSORS = 100_000
MAX_STRING = 16 << 20
MAX_STRINGS_SKIPPED = 3_000_000
MAX_DEPTH = 4
MAX_DIMENSIONS = 4
KEPT_ITEMS = 4096
_MAX_ELEMENTS = 2**63 - 1
# An array in an array takes as long as so many strings: limits count work, not only bytes.
_NESTED_COST = 40

_FLOAT32, _STRING, _ARRAY = 6, 8, 9
_SCALARS = {
    0: ("uint8", "B", 1),
    1: ("int8", "b", 1),
    2: ("uint16", "H", 2),
    3: ("int16", "h", 2),
    4: ("uint32", "I", 4),
    5: ("int32", "i", 4),
    6: ("float32", "f", 4),
    7: ("bool", "?", 1),
    10: ("uint64", "Q", 8),
    11: ("int64", "q", 8),
    12: ("float64", "d", 8),
}
_TYPE_NAMES = {number: row[0] for number, row in _SCALARS.items()} | {
    _STRING: "string",
    _ARRAY: "array",
}


def read_header(source: Path | bytes | ByteSource, *, check_end: bool = True) -> GgufHeader:
    """Read a header from a path, from bytes, or from anything that reads ranges.

    Args:
        source: what to read; bytes stand for a whole file.
        check_end: also fail when the tensors' data would end behind the file's end.

    Raises:
        UserError: "not_found", "unreadable", "not_gguf" (also unknown versions) or "corrupt".
    """
    if isinstance(source, Path):
        with FileSource(source) as file:
            return _Parser(file, str(source)).header(check_end)
    name = "These bytes" if isinstance(source, bytes) else "This file"
    data = MemorySource(source) if isinstance(source, bytes) else source
    return _Parser(data, name).header(check_end)


def read_partly(path: Path) -> PartialHeader:
    """Read a header as far as it goes; never raises for what a file holds."""
    try:
        with FileSource(path) as file:
            parser = _Parser(file, str(path))
            try:
                return PartialHeader(parser.header(check_end=True))
            except UserError as error:
                return PartialHeader(parser.so_far() if parser.version else None, error)
    except UserError as error:
        return PartialHeader(None, error)


class _Parser:
    """A cursor over a growing prefix of the source."""

    def __init__(self, source: ByteSource, name: str) -> None:
        self.name = name
        self.source = source
        self.prefix = Prefix(source)
        self.at = 0
        self.order = "<"
        self.strings_left = MAX_STRINGS_SKIPPED
        # What was read, so that a damaged file can still be looked at.
        self.version = 0
        self.metadata: dict[str, Scalar | GgufArray] = {}
        self.tensors: dict[str, TensorInfo] = {}

    # ------------------------------------------------------------ the parts of a header

    def header(self, check_end: bool) -> GgufHeader:
        self.version = self._version()
        tensor_count, key_count = self.number("Q"), self.number("Q")
        self._limit("tensors", tensor_count, MAX_TENSORS, 24)
        self._limit("metadata keys", key_count, MAX_KEYS, 13)
        self._metadata(key_count)
        alignment = self._alignment(self.metadata)
        self._tensors(tensor_count)
        result = self.so_far(alignment)
        if check_end and result.data_end > self.source.size:
            raise self._ends_early(result.data_end)
        return result

    def so_far(self, alignment: int = DEFAULT_ALIGNMENT) -> GgufHeader:
        """What was read until now."""
        begin = -(-self.at // alignment) * alignment
        return GgufHeader(
            version=self.version,
            big_endian=self.order == ">",
            metadata=self.metadata,
            tensors=tuple(self.tensors.values()),
            alignment=alignment,
            data_offset=begin,
            file_size=self.source.size,
            split=_split(self.metadata),
            aligned=all(
                (begin + tensor.offset) % BUFFER_ALIGNMENT == 0 for tensor in self.tensors.values()
            ),
        )

    def _version(self) -> int:
        head = bytes(self.prefix.data[:64])
        if not head.startswith(MAGIC):
            raise UserError(
                f"{self.name} is not a GGUF file{what_it_is(head)}.",
                "Choose a model in GGUF format.",
                code="not_gguf",
            )
        self.at = 4
        version = self.number("I")
        if version & 0xFFFF == 0 and version:
            self.order = ">"
            version = struct.unpack(">I", struct.pack("<I", version))[0]
        if version not in (2, 3):
            age = "older" if version < 2 else "newer"
            raise UserError(
                f"{self.name} has GGUF version {version}, which is {age} than this program reads "
                "(2 and 3).",
                "Download a current file of this model.",
                code="not_gguf",
            )
        return version

    def _metadata(self, count: int) -> None:
        metadata = self.metadata
        for index in range(count):
            key = self.string(f"the name of metadata key {index + 1}")
            if key in metadata:
                raise self.corrupt(f"the metadata key {short(key)} appears twice")
            metadata[key] = self._value(key, self.number("I"))

    def _value(self, key: str, kind: int) -> Scalar | GgufArray:
        if kind in _SCALARS:
            return self._scalar(kind)
        if kind == _STRING:
            return self.string(f"the value of {short(key)}")
        if kind == _ARRAY:
            return self._array(key)
        raise self.corrupt(f"the metadata key {short(key)} has the unknown type {kind}")

    def _scalar(self, kind: int) -> Scalar:
        if _SCALARS[kind][1] == "?":
            return self.number("B") != 0
        value = self._unpack(_SCALARS[kind][1])
        return shortest_float32(value) if kind == _FLOAT32 else value

    def _array(self, key: str) -> GgufArray:
        kind, count = self.number("I"), self.number("Q")
        start = self.at
        values = None
        if kind in _SCALARS and count <= KEPT_ITEMS:
            values = self._numbers(kind, count)
        else:
            self._skip(key, kind, count, depth=1)
        return GgufArray(_TYPE_NAMES[kind], count, start, values)

    def _numbers(self, kind: int, count: int) -> tuple[int | float | bool, ...]:
        _, letter, size = _SCALARS[kind]
        self._need(count * size)
        values = struct.unpack_from(f"{self.order}{count}{letter}", self.prefix.data, self.at)
        self.at += count * size
        return values

    def _skip(self, key: str, kind: int, count: int, depth: int) -> None:
        if kind in _SCALARS:
            self._need(count * _SCALARS[kind][2])
            self.at += count * _SCALARS[kind][2]
        elif kind == _STRING:
            self._spend(key, count)
            self._skip_strings(count)
        elif kind == _ARRAY and depth < MAX_DEPTH:
            self._spend(key, count * _NESTED_COST)
            for _ in range(count):
                self._skip(key, self.number("I"), self.number("Q"), depth + 1)
        elif kind == _ARRAY:
            raise self.corrupt(f"the arrays in {short(key)} are nested too deeply")
        else:
            raise self.corrupt(f"the array {short(key)} has the unknown item type {kind}")

    def _skip_strings(self, count: int) -> None:
        """The hot loop: a vocabulary has 300,000 strings. Out of bytes is noticed by `unpack`."""
        data, at = self.prefix.data, self.at
        unpack = struct.Struct(f"{self.order}Q").unpack_from
        while count:
            done = 0
            try:
                for done in range(count):  # noqa: B007  (read after an error)
                    at += 8 + unpack(data, at)[0]
                break
            except struct.error:
                count -= done
                self.at = at
                self._need(8)
            except OverflowError:
                raise self.corrupt("a string in an array has an impossible length") from None
        self.at = at
        self._need(0)

    def _tensors(self, count: int) -> None:
        tensors = self.tensors
        for index in range(count):
            tensor = self._tensor(index)
            if tensor.name in tensors:
                raise self.corrupt(f"the tensor {short(tensor.name)} appears twice")
            tensors[tensor.name] = tensor

    def _tensor(self, index: int) -> TensorInfo:
        name = self.string(f"the name of tensor {index + 1}")
        dimensions = self.number("I")
        if dimensions > MAX_DIMENSIONS:
            raise self.corrupt(f"the tensor {short(name)} has {dimensions} dimensions")
        shape = tuple(self.number("Q") for _ in range(dimensions))
        elements = 1
        for length in shape:
            elements *= length
            if elements > _MAX_ELEMENTS:
                raise self.corrupt(f"the tensor {short(name)} has an impossible shape")
        kind = TENSOR_TYPES.get(number := self.number("I"))
        if kind is not None and shape and shape[0] % kind.block_elements:
            raise self.corrupt(f"the rows of the tensor {short(name)} do not fit {kind.name}")
        size = elements // kind.block_elements * kind.block_bytes if kind else None
        type_name = kind.name if kind else FOREIGN_TYPES.get(number, f"type {number}")
        return TensorInfo(name, shape, type_name, self.number("Q"), elements, size)

    def _alignment(self, metadata: Mapping[str, Scalar | GgufArray]) -> int:
        value = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        if type(value) is not int or not 0 < value <= 1 << 30 or value & (value - 1):
            raise self.corrupt("general.alignment is not a power of two")
        return value

    # ------------------------------------------------------------ bytes

    def number(self, letter: str) -> int:
        """The next unsigned number."""
        value = self._unpack(letter)
        assert isinstance(value, int)
        return value

    def string(self, what: str) -> str:
        """The next string; broken UTF-8 is replaced."""
        length = self.number("Q")
        if length > MAX_STRING:
            raise self.corrupt(f"{what} is longer than {MAX_STRING >> 20} MiB")
        self._need(length)
        raw = bytes(self.prefix.data[self.at : self.at + length])
        self.at += length
        return raw.decode("utf-8", "replace")

    def _unpack(self, letter: str) -> int | float:
        size = struct.calcsize(f"<{letter}")
        self._need(size)
        value: int | float = struct.unpack_from(self.order + letter, self.prefix.data, self.at)[0]
        self.at += size
        return value

    def _need(self, size: int) -> None:
        if not self.prefix.ensure(self.at + size):
            if self.at + size > self.source.size:
                raise self._ends_early(None)
            raise self.corrupt("its header is impossibly long")

    def _limit(self, what: str, count: int, most: int, least_bytes: int) -> None:
        if count > most or count * least_bytes > self.source.size:
            raise self.corrupt(f"it declares {count} {what}")

    def _spend(self, key: str, count: int) -> None:
        self.strings_left -= count
        if self.strings_left < 0:
            raise self.corrupt(f"the array {short(key)} has {count} items")

    # ------------------------------------------------------------ errors

    def corrupt(self, detail: str) -> UserError:
        """The error for a header that says something impossible."""
        return UserError(
            f"{self.name} is damaged: {detail}.", "Download or copy it again.", code="corrupt"
        )

    def _ends_early(self, needed: int | None) -> UserError:
        there = self.source.size
        how_much = f" ({amount(there, needed)})" if needed else " (inside its header)"
        return UserError(
            f"{self.name} is truncated. This file ends early{how_much}.",
            "Download or copy it again.",
            code="corrupt",
        )


def shortest_float32(value: float) -> float:
    """The number with the fewest digits that is this 32-bit float: 0.6, not 0.60000002384."""
    if not math.isfinite(value):
        return value
    wanted = struct.pack("<f", value)
    for digits in range(6, 9):
        short_value = float(f"{value:.{digits}g}")
        with suppress(OverflowError):
            if struct.pack("<f", short_value) == wanted:
                return short_value
    return value


def _split(metadata: Mapping[str, Scalar | GgufArray]) -> Split | None:
    no, count = metadata.get("split.no"), metadata.get("split.count")
    if type(no) is int and type(count) is int and 0 <= no < count and count > 1:
        return Split(no, count)
    return None
