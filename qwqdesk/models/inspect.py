"""`qwqdesk inspect`: a GGUF file's header as INTERFACE's JSON object and as text."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from qwqdesk.models import quants, shape
from qwqdesk.models.file_words import size_words
from qwqdesk.models.gguf import GgufArray, GgufHeader, Scalar, read_header

_SAMPLING = "general.sampling."
_LONGEST_VALUE = 100


def inspect_json(path: Path) -> dict[str, Any]:
    """What INTERFACE says for `inspect --json`; strict JSON when dumped.

    Raises:
        UserError: see `read_header`.
    """
    header = read_header(path)
    model = shape.model_shape(header)
    heads_kv = sorted(set(model.head_count_kv))
    return {
        "path": str(path),
        "architecture": shape.text(header, "general.architecture"),
        "name": shape.text(header, "general.name"),
        "quantization": quants.quantization_label(header, str(path)),
        "file_size": header.file_size,
        "tensor_count": len(header.tensors),
        "parameter_count": model.parameter_count,
        "bits_per_weight": _bits_per_weight(header),
        "context_length": model.context_length or None,
        "block_count": shape.number(header, "block_count") or None,
        "head_count": model.head_count or None,
        "head_count_kv": (heads_kv[-1] or None) if heads_kv else None,
        "vocabulary_size": model.vocabulary_size or None,
        "split": {"no": header.split.no, "count": header.split.count} if header.split else None,
        "chat_template": shape.text(header, shape.TEMPLATE_KEY),
        "sampling": {
            key.removeprefix(_SAMPLING): _plain(value)
            for key, value in header.metadata.items()
            if key.startswith(_SAMPLING)
        },
        "metadata": {key: _plain(value) for key, value in header.metadata.items()},
        "tensor_types": dict(Counter(tensor.type_name for tensor in header.tensors).most_common()),
        "gguf_version": header.version,
        "byte_order": "big" if header.big_endian else "little",
    }


def inspect_text(path: Path) -> str:
    """The same for a terminal; control characters in the file's texts are made harmless.

    Raises:
        UserError: see `read_header`.
    """
    found = inspect_json(path)
    lines = [_line(name, value) for name, value in _facts(found) if value]
    for title in ("tensor_types", "sampling", "metadata"):
        if found[title]:
            lines += ["", f"{title.replace('_', ' ')}:"]
            lines += [f"  {_printable(key)} = {_short(item)}" for key, item in found[title].items()]
    if found["chat_template"]:
        lines += ["", "chat template:"]
        lines += [f"  {_printable(line)}" for line in found["chat_template"].splitlines()]
    return "\n".join(lines)


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    bits, split = found["bits_per_weight"], found["split"]
    label = found["quantization"]
    return [
        ("file", found["path"]),
        ("name", found["name"] or ""),
        ("architecture", found["architecture"] or ""),
        ("quantization", f"{label}  {quants.meaning(label)}".strip()),
        ("size", f"{size_words(found['file_size'])} ({found['file_size']:,} bytes)"),
        ("parameters", f"{found['parameter_count']:,}"),
        ("bits per weight", f"{bits:.2f}" if bits else ""),
        ("context length", f"{found['context_length'] or 0:,}"),
        ("layers", str(found["block_count"] or "")),
        ("heads", f"{found['head_count'] or '?'}, {found['head_count_kv'] or '?'} for keys/values"),
        ("vocabulary", f"{found['vocabulary_size'] or 0:,} tokens"),
        ("tensors", str(found["tensor_count"])),
        ("shard", f"{split['no'] + 1} of {split['count']}" if split else ""),
        ("byte order", "big-endian" if found["byte_order"] == "big" else ""),
    ]


def _bits_per_weight(header: GgufHeader) -> float | None:
    known = [tensor for tensor in header.tensors if tensor.size_bytes is not None]
    weights = sum(tensor.elements for tensor in known)
    size = sum(tensor.size_bytes or 0 for tensor in known)
    return size * 8 / weights if weights else None


def _plain(value: Scalar | GgufArray) -> Any:  # noqa: ANN401  (JSON has many types)
    if isinstance(value, GgufArray):
        return {"type": value.item_type, "count": value.count}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _line(name: str, value: str) -> str:
    return f"{name + ':':<17}{_printable(value)}"


def _short(value: object) -> str:
    if isinstance(value, dict) and "count" in value:
        return f"{value['count']:,} x {value['type']}"
    line = _printable(str(value))
    return line if len(line) <= _LONGEST_VALUE else f"{line[:_LONGEST_VALUE]}... ({len(line):,})"


def _printable(line: str) -> str:
    """A file's text may hold terminal commands; show them as escapes."""
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode()
        for char in line
    )
