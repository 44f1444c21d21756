"""Items of a header's arrays, read on demand: the vocabulary, its types, the merges.

The header says where an array begins; its count and every length are checked against the bytes
that are really there, and nothing is allocated by a declared size.
"""

from __future__ import annotations

import struct
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.byte_source import FileSource
from qwqdesk.models.gguf_header import GgufArray, GgufHeader

MAX_ITEMS = 1_000_000
MAX_ITEM_BYTES = 1 << 20
_PIECE = 1 << 20
_LETTERS = {
    "uint8": "B", "int8": "b", "uint16": "H", "int16": "h", "uint32": "I", "int32": "i",
    "float32": "f", "bool": "?", "uint64": "Q", "int64": "q", "float64": "d",
}  # fmt: skip


def read_strings(path: Path, header: GgufHeader, key: str, limit: int = MAX_ITEMS) -> list[str]:
    """The first `limit` items of a string array; empty if `key` is no such array.

    152,000 items take some 80 ms. Broken UTF-8 is replaced.

    Raises:
        UserError: the file cannot be read any more, or it has changed since.
    """
    array = header.metadata.get(key)
    if not isinstance(array, GgufArray) or array.item_type != "string":
        return []
    order = ">" if header.big_endian else "<"
    return _strings(path, array.offset, min(limit, array.count, MAX_ITEMS), order)


def read_numbers(
    path: Path, header: GgufHeader, key: str, limit: int = MAX_ITEMS
) -> list[int | float | bool]:
    """The same for an array of numbers.

    Raises:
        UserError: the file cannot be read any more, or it has changed since.
    """
    array = header.metadata.get(key)
    if not isinstance(array, GgufArray) or array.item_type not in _LETTERS:
        return []
    count = min(limit, array.count, MAX_ITEMS)
    if array.values is not None:
        return list(array.values[:count])
    form = "?" if array.item_type == "bool" else _LETTERS[array.item_type]
    order = ">" if header.big_endian else "<"
    with FileSource(path) as file:
        data = file.read_at(array.offset, count * struct.calcsize(f"<{form}"))
    whole = len(data) // struct.calcsize(f"<{form}")
    return list(struct.unpack_from(f"{order}{whole}{form}", data))


def read_first(path: Path, header: GgufHeader, key: str, limit: int) -> list[str]:
    """The first items of any array as texts, for people; nested arrays have none.

    Raises:
        UserError: the file cannot be read any more, or it has changed since.
    """
    texts = read_strings(path, header, key, limit)
    return texts or [str(value) for value in read_numbers(path, header, key, limit)]


def _strings(path: Path, offset: int, count: int, order: str) -> list[str]:
    """Read in pieces; `data` begins at `at` bytes behind `offset`."""
    unpack = struct.Struct(f"{order}Q").unpack_from
    found: list[str] = []
    with FileSource(path) as file:
        data, at = b"", 0
        while len(found) < count:
            if len(data) - at < 8:
                data, offset, at = _more(file, data, offset, at, 8)
            end = at + 8 + unpack(data, at)[0]
            if end - at > MAX_ITEM_BYTES:
                raise _changed(path)
            if end > len(data):
                data, offset, at = _more(file, data, offset, at, end - at)
                end = at + 8 + unpack(data, at)[0]
            found.append(data[at + 8 : end].decode("utf-8", "replace"))
            at = end
    return found


def _more(
    file: FileSource, data: bytes, offset: int, at: int, needed: int
) -> tuple[bytes, int, int]:
    """At least `needed` bytes from where the reader is: data, where it begins, 0."""
    offset += at
    data = file.read_at(offset, max(needed, _PIECE))
    if len(data) < needed:
        raise _changed(file.path)
    return data, offset, 0


def _changed(path: Path) -> UserError:
    return UserError(
        f"{path.name} has changed while it was read, or it is damaged.",
        "Open it again.",
        code="corrupt",
    )
