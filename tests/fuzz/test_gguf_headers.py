"""Headers of GGUF files, mutated by the thousand: no crash, no hang, no memory without bound."""

from __future__ import annotations

import random
import struct
import tracemalloc
from pathlib import Path

from qwqdesk.errors import UserError
from qwqdesk.models.details import (
    file_facts,
    memory_rows,
    metadata_rows,
    model_facts,
    read_details,
    sampling_rows,
    templates,
    type_shares,
)
from qwqdesk.models.gguf import read_header, read_partly
from qwqdesk.models.gguf_arrays import read_first, read_strings
from qwqdesk.models.shape import model_shape
from qwqdesk.models.token_list import read_tokens
from tests.unit.models.gguf_writer import (
    small_model,
)


def test_mutated_headers_raise_nothing_but_user_errors(tmp_path: Path) -> None:
    rng = random.Random(11)
    originals = [small_model().build(), small_model(order=">", version=2).build()]
    head = read_header(originals[0]).data_offset
    codes = set()
    path = tmp_path / "mutated.gguf"
    tracemalloc.start()
    for round_ in range(1800):
        data = bytearray(originals[round_ % 2])
        for _ in range(rng.randint(1, 6)):
            _mutate(data, rng, head)
        try:
            model_shape(read_header(bytes(data)))
        except UserError as error:
            codes.add(error.code)
        if round_ % 3 == 0:
            path.write_bytes(data)
            codes |= _look_at_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert codes <= {"corrupt", "not_gguf"}
    assert peak < 32 << 20


def _look_at_all(path: Path) -> set[str]:
    """Everything that the inspector reads of a file; the codes of what failed."""
    partial = read_partly(path)
    codes = {partial.error.code} if partial.error else set()
    if partial.header is not None:
        _details_of(path)
        for key in partial.header.metadata:
            try:
                read_first(path, partial.header, key, 50)
                read_strings(path, partial.header, key)
                read_tokens(path, partial.header)
            except UserError as error:
                codes.add(error.code)
    return codes


def _details_of(path: Path) -> None:
    details = read_details(path)
    assert details.header is not None
    for facts in (model_facts, file_facts):
        facts(details)
    for rows in (sampling_rows, templates, metadata_rows, type_shares, memory_rows):
        rows(details.header)


def _mutate(data: bytearray, rng: random.Random, head: int) -> None:
    end = min(len(data), head)
    if end < 16:
        return
    at = rng.randrange(4, end - 8)
    kind = rng.randrange(5)
    if kind == 0:
        data[at] = rng.randrange(256)
    elif kind == 1:
        data[at : at + 8] = struct.pack("<Q", rng.choice((0, 1, 1 << 31, 1 << 63, (1 << 64) - 1)))
    elif kind == 2:
        del data[at : at + rng.randrange(1, 40)]
    elif kind == 3:
        data[at:at] = rng.randbytes(rng.randrange(1, 20))
    else:
        del data[at + 8 :]
