"""A recipe out of any file: another program's preset, or what a model's header recommends."""

from __future__ import annotations

from pathlib import Path

from qwqdesk.models.gguf import read_header
from qwqdesk.sampling.formats.foreign import Imported
from qwqdesk.sampling.formats.gguf_metadata import read_gguf_metadata
from qwqdesk.sampling.formats.importing import import_file
from qwqdesk.whole_file import open_regular


def imported_recipe(file: Path, part: str | None = None) -> Imported:
    """The recipe of a file, and what of it has no counterpart here.

    Args:
        file: the file.
        part: the name of the wanted part, where the file has several sets of settings.

    Raises:
        SeveralPartsError: when there are several, and `part` names none of them.
        UserError: when the file cannot be read or is of no known kind.
    """
    if part is not None or not _is_model(file):
        return import_file(file, part)
    header = read_header(file, check_end=False)
    title = str(header.metadata.get("general.name") or file.stem)
    return read_gguf_metadata(header.metadata, title)


def _is_model(file: Path) -> bool:
    """Whether an ordinary file begins as GGUF does; one that cannot be read is none."""
    try:
        if not file.is_file():
            return False
        with open_regular(file) as opened:
            return opened.read(4) == b"GGUF"
    except (OSError, ValueError):
        return False
