"""What a file's name alone says about it, for files whose header was not read: those on the hub.

Beside a model lie adapters, projectors, importance matrices and draft heads, and models are named
after the same words: `X-LoRA-Q4_K_M` is a merged model, `X-F16-LoRA` an adapter. What tells them
apart is the quantization: such files are written in F16, BF16 or F32, sometimes in Q8_0, or their
name has no type at all.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePosixPath

from qwqdesk.models.quants import find_label

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_PLAIN = (None, "F16", "BF16", "F32")
_MERGED = frozenset({"merged", "merge", "fused", "full"})
_HAS_IT = frozenset({"with", "without", "no", "and", "plus", "incl", "including", "w"})
_ALWAYS_HEADS = frozenset({"eagle3", "dflash"})
_HEADS = frozenset({"head", "heads"})


def is_side_file(name: str) -> bool:
    """Whether a .gguf file's name says that it belongs to a model without being one."""
    stem = _SHARD.sub("", re.sub(r"\.gguf$", "", PurePosixPath(name).name, flags=re.IGNORECASE))
    found = find_label(stem)
    label, begin, end = found if found is not None else (None, len(stem), len(stem))
    before, after = _words(stem[:begin]), _words(stem[end:])
    return (
        _is_projector(before, after, label)
        or _is_matrix(before, after, label)
        or _is_adapter(before, after, label)
        or _is_head(before, after, label)
        or _is_other([*before, *after], label)
    )


def _is_projector(before: list[str], after: list[str], label: str | None) -> bool:
    """`mmproj-X-F16`, `X-mmproj-Q8_0`, `X-F16-mmproj`; not `X-with-mmproj`."""
    words = [*before, *after]
    if words[:1] == ["mmproj"]:
        return True
    if "mmproj" not in words or label not in (*_PLAIN, "Q8_0"):
        return False
    at = words.index("mmproj")
    at_end = words[-1] == "mmproj" or before[-1:] == ["mmproj"] or words[at + 1 :] == ["model"]
    return at_end and words[at - 1] not in _HAS_IT


def _is_matrix(before: list[str], after: list[str], label: str | None) -> bool:
    """`imatrix`, `imatrix-X-Q8_0`, `X.imatrix`, `X-BF16-imatrix`: its weights need no matrix."""
    if before[:1] == ["imatrix"]:
        return label in (*_PLAIN, "Q8_0")
    return "imatrix" in (*before, *after) and label in _PLAIN


def _is_adapter(before: list[str], after: list[str], label: str | None) -> bool:
    """`X-lora-f16`, `X-F16-LoRA`, `lora-X`, `adapter_model`; not `X-LoRA-Q4_K_M`."""
    words = [*before, *after]
    if _MERGED.intersection(words):
        return False
    if ("lora", "adapter") in pairwise(words):
        return label in (*_PLAIN, "Q8_0")
    marks = ("lora", "adapter")
    named = [words[:1], before[-1:], after[-1:], words[-2:-1] if words[-1:] == ["model"] else []]
    return label in _PLAIN and any(word in marks for each in named for word in each)


def _is_head(before: list[str], after: list[str], label: str | None) -> bool:
    """`mtp-X`, `X-MTP`, `X-eagle3-Q8_0`, `gemma-4-X-assistant`; not `X-MTP-Q4_K_M`."""
    words = [*before, *after]
    if _ALWAYS_HEADS.intersection(words):
        return True
    if any(one in ("mtp", "draft") and two in _HEADS for one, two in pairwise(words)):
        return True
    gemma = words[:2] == ["gemma", "4"] or words[:1] == ["gemma4"]
    if gemma and "assistant" in (before[-1:] + after[-1:]):
        return True
    return words[:1] == ["mtp"] or (label is None and words[-1:] == ["mtp"])


def _is_other(words: list[str], label: str | None) -> bool:
    """Vocabularies of llama.cpp's tests, and control vectors."""
    if words[:2] == ["ggml", "vocab"]:
        return True
    return label in _PLAIN and (("control", "vector") in pairwise(words) or "cvector" in words)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
