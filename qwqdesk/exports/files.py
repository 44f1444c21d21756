"""The files of an exported comparison, by name: what `compare --out DIR` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from qwqdesk.exports.markdown import to_markdown
from qwqdesk.exports.page import to_html
from qwqdesk.exports.view import RunView, view_of

JSON_NAME: Final = "run.json"
MARKDOWN_NAME: Final = "comparison.md"
HTML_NAME: Final = "comparison.html"
_LONGEST_STEM: Final = 80
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)


def comparison_files(
    document: Mapping[str, Any], labels: Sequence[str] | None = None
) -> dict[str, str]:
    """Name and content of every file for a `qwqdesk.run` document.

    `labels` name the text files of the lanes in place of the lanes' own labels.

    `run.json` is the document itself, then one page to read as Markdown and as HTML, and for each
    lane its whole text, unchanged, in a file named as in Unsloth's guide: quantization and label.
    Contents may hold lone surrogates; write them with ``errors="replace"``.
    """
    view = view_of(document)
    files = {
        JSON_NAME: to_json_text(document),
        MARKDOWN_NAME: to_markdown(view),
        HTML_NAME: to_html(view),
    }
    names = lane_names(view)
    if labels is not None:
        quantizations = [lane.quantization for lane in view.lanes]
        names = text_names(list(zip(quantizations, labels, strict=True)))
    files.update(zip(names, (lane.text for lane in view.lanes), strict=True))
    return files


def to_json_text(document: Mapping[str, Any]) -> str:
    """The document as a file's text."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def file_stem(title: str) -> str:
    """A title as the name of a file or a folder, without its ending."""
    return _stem("", title, 0) if _plain(title) else "comparison"


def lane_names(run: RunView) -> tuple[str, ...]:
    """A file name for each lane, such as ``Q4_K_M_yes_samplers.txt``; no two are the same.

    They differ also where capitals do not count, and no system reserves them.
    """
    return text_names([(lane.quantization, lane.label) for lane in run.lanes])


def text_names(lanes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The same for pairs of quantization and label."""
    taken: set[str] = set()
    names = []
    for number, (quantization, label) in enumerate(lanes):
        stem = _stem(quantization, label, number)
        name, count = stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name.casefold())
        names.append(f"{name}.txt")
    return tuple(names)


def _stem(quantization: str, label: str, number: int) -> str:
    """A label that begins with the quantization already does not get it twice."""
    first, second = _plain(quantization), _plain(label) or f"lane{number + 1}"
    repeated = f"{second}_".casefold().startswith(f"{first}_".casefold())
    stem = second if not first or repeated else f"{first}_{second}"
    cut = stem[:_LONGEST_STEM]
    while len(cut.encode("utf-8")) > 2 * _LONGEST_STEM:
        cut = cut[:-1]
    return f"lane_{cut}" if cut.split(".")[0].casefold() in _RESERVED else cut.rstrip(". ")


def _plain(text: str) -> str:
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[^\w.+-]+", "_", valid).strip("._-")
