"""What the inspector shows of a quantization on the hub: its headers, read by Range."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from qwqdesk.errors import UserError
from qwqdesk.models.details import Details
from qwqdesk.models.gguf_header import TensorInfo
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.loadable import loading_problem

MAX_PARTS = 64  # headers read of one model; real ones have up to some 20 parts


def read_hub_details(
    hub: Hub, found: Repository, row: Quantization, stop: StopSwitch | None = None
) -> Details:
    """Read the headers of a quantization's files; some MB with a large vocabulary.

    An error of the hub or of a file is in the details, as with files on this disk. Blocks: use it
    on a worker thread.

    Raises:
        Stopped: `stop` was thrown.
    """
    header, error, more = None, None, list[TensorInfo]()
    for file in row.files[:MAX_PARTS]:
        try:
            read = hub.header(found.repo, found.commit, file, stop)
        except UserError as unread:
            error = unread
            break
        header = header or read
        more += read.tensors
    if header is not None:
        header = replace(header, tensors=tuple(more))
    name = PurePosixPath(row.files[0].path if row.files else row.stem)
    problem = loading_problem(name, header) if header is not None and error is None else None
    return Details(
        name, len(row.files), row.size_bytes, header, error, on_hub=True, problem=problem
    )
