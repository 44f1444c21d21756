"""Everything that the inspector shows of a model file, read once: header, facts, tables.

The file is hostile input: what cannot be read is an error in words beside what could be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from qwqdesk.errors import UserError
from qwqdesk.models import quants, shape
from qwqdesk.models.file_words import size_words
from qwqdesk.models.folders import shard_count
from qwqdesk.models.gguf import GgufArray, GgufHeader, Scalar, read_partly
from qwqdesk.models.library_acts import files_of
from qwqdesk.models.loadable import loading_problem
from qwqdesk.models.memory import estimate
from qwqdesk.models.parts import read_model_header
from qwqdesk.models.shape import ModelShape, model_shape

MAX_TEMPLATES = 50
MAX_VALUE = 400  # characters of a value in a table; the whole is shown on demand
_SAMPLING = "general.sampling."
_TEMPLATE = "tokenizer.chat_template"
_CONTEXTS = (4096, 16_384, 32_768, 131_072)


@dataclass(frozen=True)
class MetadataRow:
    """One key as the file has it; `text` is its value in one line, cut where it is long."""

    key: str
    kind: str
    text: str


@dataclass(frozen=True)
class TypeShare:
    """How much of a file one tensor type takes: tensors, bytes, share of all bytes."""

    name: str
    count: int
    size_bytes: int
    share: float


@dataclass(frozen=True)
class MemoryRow:
    """What loading takes with a context of so many tokens; bytes."""

    n_ctx: int
    weights: int
    cache: int
    buffers: int

    @property
    def total(self) -> int:
        """Everything."""
        return self.weights + self.cache + self.buffers


@dataclass(frozen=True)
class Details:
    """One model. `header` has the tensors of all its parts; None when nothing could be read.

    `on_hub`: it is not on this disk, and `path` is the one in its repository. `problem` is why it
    cannot be loaded as a model though all could be read: an adapter, a part alone, foreign types.
    """

    path: PurePath
    parts: int
    size_bytes: int
    header: GgufHeader | None
    error: UserError | None = None
    on_hub: bool = False
    problem: UserError | None = None

    @property
    def name(self) -> str:
        """The model's own name; its file's where it has none."""
        own = self.text("general.name") or ""
        return one_line(" ".join(own.split()) or self.path.name.removesuffix(".gguf"), 120)

    @property
    def label(self) -> str:
        """The quantization."""
        return quants.quantization_label(self.header, str(self.path)) if self.header else "unknown"

    def text(self, key: str) -> str | None:
        """A metadata value if it is text."""
        return shape.text(self.header, key) if self.header is not None else None


def read_details(path: Path) -> Details:
    """Read a model's header, with those of its other parts; some 40 ms for 152,000 tokens."""
    files = files_of(path)
    first = read_partly(path if path in files else files[0])
    header, error = first.header, first.error
    size = header.file_size if header is not None else 0
    for file in files:
        if file == path or header is None:
            continue
        more = read_partly(file)
        error = error or more.error
        if more.header is not None:
            size += more.header.file_size
            header = replace(header, tensors=(*header.tensors, *more.header.tensors))
    problem = None if header is None or error is not None else _problem(files[0], header)
    return Details(path, len(files), size, header, error, problem=problem)


def _problem(path: Path, header: GgufHeader) -> UserError | None:
    """Why a file that can be read cannot be loaded, as far as headers tell."""
    if header.split is None:
        return loading_problem(path, header)
    try:
        read_model_header(path)
    except UserError as error:
        return error
    return None


def model_facts(details: Details) -> list[tuple[str, str]]:
    """Names and values about the model; what the file does not say is left out."""
    header = details.header
    if header is None:
        return []
    found = model_shape(header)
    label = details.label
    weights = sum(tensor.elements for tensor in header.tensors if tensor.size_bytes is not None)
    size = sum(tensor.size_bytes or 0 for tensor in header.tensors)
    rows = [
        ("Architecture", details.text("general.architecture") or ""),
        ("Parameters", _parameters(found.parameter_count)),
        ("Quantization", f"{label}. {quants.meaning(label)}".strip(". ")),
        ("Bits per weight", f"{size * 8 / weights:.2f}" if weights else ""),
        ("Trained context", f"{found.context_length:,} tokens" if found.context_length else ""),
        ("Layers", _number(found.block_count)),
        ("Heads", _heads(found)),
        ("Embedding", _number(found.embedding_length)),
        ("Feed forward", _number(found.feed_forward_length)),
        ("Vocabulary", f"{found.vocabulary_size:,} tokens" if found.vocabulary_size else ""),
        ("Licence", details.text("general.license") or ""),
        ("Based on", details.text("general.base_model.0.name") or ""),
    ]
    return [(name, one_line(value)) for name, value in rows if value]


def file_facts(details: Details) -> list[tuple[str, str]]:
    """Names and values about the file."""
    header = details.header
    if header is None:
        return []
    rows = [
        ("Size", f"{size_words(details.size_bytes)} ({details.size_bytes:,} bytes)"),
        ("Parts", _parts(details, header)),
        ("Tensors", f"{len(header.tensors):,}"),
        ("Metadata", f"{len(header.metadata):,} keys"),
        ("Format", f"GGUF {header.version}{', big-endian' if header.big_endian else ''}"),
    ]
    return [(name, value) for name, value in rows if value]


def metadata_rows(header: GgufHeader) -> list[MetadataRow]:
    """All keys in the file's order."""
    return [_metadata_row(key, value) for key, value in header.metadata.items()]


def sampling_rows(header: GgufHeader) -> list[tuple[str, str]]:
    """What the model's makers recommend, by llama.cpp's names."""
    return [
        (key.removeprefix(_SAMPLING), _metadata_row(key, value).text)
        for key, value in header.metadata.items()
        if key.startswith(_SAMPLING)
    ]


def templates(header: GgufHeader) -> dict[str, str]:
    """Chat templates by name; the usual one is called "default"."""
    found: dict[str, str] = {}
    for key, value in header.metadata.items():
        if len(found) == MAX_TEMPLATES:
            break
        if isinstance(value, str) and (key == _TEMPLATE or key.startswith(f"{_TEMPLATE}.")):
            found[one_line(key.removeprefix(_TEMPLATE).lstrip("."), 60) or "default"] = value
    return found


def type_shares(header: GgufHeader) -> list[TypeShare]:
    """The tensor types by the bytes that they take."""
    counts: dict[str, tuple[int, int]] = {}
    for tensor in header.tensors:
        count, size = counts.get(tensor.type_name, (0, 0))
        counts[tensor.type_name] = (count + 1, size + (tensor.size_bytes or 0))
    whole = sum(size for _, size in counts.values()) or 1
    rows = [TypeShare(name, count, size, size / whole) for name, (count, size) in counts.items()]
    return sorted(rows, key=lambda row: -row.size_bytes)


def memory_rows(header: GgufHeader) -> list[MemoryRow]:
    """Estimates without a GPU and with an f16 cache, for contexts up to the trained one."""
    found = model_shape(header)
    if not found.block_count or not found.context_length:
        return []
    most = found.context_length
    contexts = sorted({min(n_ctx, most) for n_ctx in _CONTEXTS} | {min(most, 1 << 20)})
    return [_memory_row(found, n_ctx) for n_ctx in contexts]


def one_line(text: str, most: int = MAX_VALUE) -> str:
    """A file's text in one line, without what would move the cursor, cut where it is long."""
    cut = text[: most + 1]
    clean = "".join(
        char if char.isprintable() else "\u00b7" for char in cut.replace("\n", "\u21b5")
    )
    return f"{clean[:most]}…" if len(text) > most else clean


def _memory_row(found: ModelShape, n_ctx: int) -> MemoryRow:
    needed = estimate(found, n_ctx)
    return MemoryRow(n_ctx, needed.weights_cpu, needed.kv_cpu, needed.compute_cpu)


def _metadata_row(key: str, value: Scalar | GgufArray) -> MetadataRow:
    if isinstance(value, GgufArray):
        if value.values is not None and value.count <= 16:
            return MetadataRow(key, f"{value.item_type}[]", ", ".join(map(_plain, value.values)))
        return MetadataRow(key, f"{value.item_type}[]", f"{value.count:,} items")
    kinds: Sequence[tuple[type, str]] = ((bool, "bool"), (int, "int"), (float, "float"))
    kind = next((word for cls, word in kinds if isinstance(value, cls)), "string")
    return MetadataRow(key, kind, one_line(value) if isinstance(value, str) else _plain(value))


def _plain(value: float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _parameters(count: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit} ({count:,})"
    return f"{count:,}" if count else ""


def _parts(details: Details, header: GgufHeader) -> str:
    """How many of a model's files are here."""
    count = max(header.split.count if header.split else 1, shard_count(details.path.name))
    if count == 1:
        return ""
    if details.on_hub:
        return f"{details.parts} of {count}" if details.parts < count else f"{count}"
    missing = "" if details.parts >= count else "; the model cannot be loaded without the others"
    return f"{details.parts} of {count} are here{missing}"


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _heads(found: ModelShape) -> str:
    if not found.head_count:
        return ""
    shared = sorted(set(found.head_count_kv))
    kv = f", {shared[-1]} for keys and values" if shared and shared[-1] else ""
    return f"{found.head_count}{kv}, {found.key_length} long"
