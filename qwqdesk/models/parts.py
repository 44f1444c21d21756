"""Models in several files: which belong together, and parts that were joined or renamed.

llama.cpp finds the other parts by the first one's name, so that a renamed part is as useless as a
missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.byte_source import FileSource
from qwqdesk.models.gguf import MAGIC, GgufHeader, read_header
from qwqdesk.models.loadable import require_model

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_LOOK = 64 << 10
"""Bytes behind the end of a part's tensors in which the next one would begin."""


def read_model_header(path: Path) -> GgufHeader:
    """The header of a file that is a model; of all its parts when it is split.

    Raises:
        UserError: what `read_header` and `require_model` raise, and code "shard" for parts that
            are missing, joined, renamed, or of another model.
    """
    header = read_header(path)
    require_model(path, header)
    if header.split is None:
        return header
    tensors = list(header.tensors)
    size, aligned = header.file_size, header.aligned
    for part, more in _other_parts(path, header):
        require_model(part, replace(more, metadata=header.metadata))
        tensors.extend(more.tensors)
        size += more.file_size
        aligned = aligned and more.aligned
    whole = replace(header, tensors=tuple(tensors), file_size=size, aligned=aligned)
    _require_all_tensors(path, whole)
    return whole


def model_files(path: Path, header: GgufHeader) -> tuple[Path, ...]:
    """The files that a load of this model reads: the path, and its other parts."""
    if header.split is None:
        return (path,)
    count = header.split.count
    return tuple(_part(path, number, count) for number in range(1, count + 1))


def is_joined(path: Path, header: GgufHeader) -> bool:
    """Whether another part of a split model begins behind the end of this one's tensors."""
    if header.split is None or header.split.count <= 1:
        return False
    end = header.data_end or header.data_offset
    if header.file_size <= end + len(MAGIC):
        return False
    with FileSource(path) as file:
        return MAGIC in file.read_at(end, _LOOK)


def _other_parts(path: Path, header: GgufHeader) -> Iterator[tuple[Path, GgufHeader]]:
    """The parts behind the first with their headers."""
    split = header.split
    assert split is not None
    count = split.count
    named = _PART.search(path.name)
    if named is None or (int(named[1]), int(named[2])) != (split.no + 1, count) or split.no:
        raise _not_the_first(path, header)
    for number in range(2, count + 1):
        part = _part(path, number, count)
        if not part.is_file():
            if is_joined(path, header):
                raise _joined(path, count)
            raise UserError(
                f"Part {number} of {count} is missing: {part.name}.",
                "Download the missing part into the same folder.",
                code="shard",
            )
        more = read_header(part)
        if more.split is None or (more.split.no, more.split.count) != (number - 1, count):
            stated = "no part of a model"
            if more.split is not None:
                stated = f"part {more.split.no + 1} of {more.split.count}"
            raise UserError(
                f"{part.name} is {stated}, not part {number} of {count} as its name says.",
                "Give the parts their own names again, or download them again.",
                code="shard",
            )
        yield part, more


def _not_the_first(path: Path, header: GgufHeader) -> UserError:
    """Why a part cannot be loaded by its name."""
    split = header.split
    assert split is not None
    if is_joined(path, header):
        return _joined(path, split.count)
    if split.no == 0:
        ending = f"-00001-of-{split.count:05d}.gguf"
        return UserError(
            f"{path.name} is the first part of a model in {split.count} parts, but its name does "
            f"not end with {ending}, by which llama.cpp finds the others.",
            f"Rename it so that it ends with {ending}; the other parts must lie beside it.",
            code="shard",
        )
    return UserError(
        f"{path.name} is one part of a model in {split.count} parts, not the first.",
        f"Open the file whose name ends with -00001-of-{split.count:05d}.gguf; "
        "the others must lie beside it.",
        code="shard",
    )


def _joined(path: Path, count: int) -> UserError:
    return UserError(
        f"{path.name} was joined with cat from several of the {count} parts of a model; "
        "llama.cpp cannot read GGUF parts that are joined this way.",
        "Keep the parts as they were downloaded and open the first, or join them with "
        "llama-gguf-split --merge.",
        code="shard",
    )


def _require_all_tensors(path: Path, header: GgufHeader) -> None:
    """Parts of different files of the same model fit by their numbers, but not together."""
    stated = header.metadata.get("split.tensors.count")
    names = {tensor.name for tensor in header.tensors}
    twice = len(header.tensors) - len(names)
    if not twice and (type(stated) is not int or stated == len(names)):
        return
    what = (
        f"{twice} tensors are in two of them"
        if twice
        else f"they hold {len(names)} of {stated} tensors"
    )
    raise UserError(
        f"The parts of {path.name} do not belong together: {what}.",
        "Download all parts of one quantization into a folder of their own.",
        code="shard",
    )


def _part(path: Path, number: int, count: int) -> Path:
    return path.with_name(_PART.sub(f"-{number:05d}-of-{count:05d}.gguf", path.name))
