"""Whether a file is a model that llama.cpp can load, by its header alone.

GGUF files hold many things: adapters, projectors, importance matrices, control vectors. What a file
is, its header says (`general.type`, its architecture, its tensors), not its name. llama.cpp would
refuse all of them, too, in words about its own inside.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from qwqdesk.errors import UserError
from qwqdesk.models.file_words import short
from qwqdesk.models.gguf import GgufHeader
from qwqdesk.models.tensor_types import TYPES_BY_NAME

FileKind = Literal[
    "model", "adapter", "projector", "imatrix", "control", "draft", "vocabulary", "image", "other"
]

_BY_TYPE: Mapping[str, FileKind] = {
    "adapter": "adapter",
    "lora": "adapter",
    "imatrix": "imatrix",
    "mmproj": "projector",
    "clip-vision": "projector",
    "clip-audio": "projector",
    "vocab": "vocabulary",
}
_BY_ARCHITECTURE: Mapping[str, FileKind] = {
    "clip": "projector",
    "mmproj": "projector",
    "controlvector": "control",
    **dict.fromkeys(("eagle3", "dflash", "gemma4-assistant"), "draft"),
    # The names that image generators give theirs.
    **dict.fromkeys(
        ("flux", "sd1", "sdxl", "sd3", "aura", "hidream", "cosmos", "ltxv", "hyvid", "wan"), "image"
    ),
    **dict.fromkeys(("lumina2", "qwen_image", "chroma", "pixart", "z_image"), "image"),
}
# What each kind is, and what is to be done with it.
_WORDS: Mapping[FileKind, tuple[str, str]] = {
    "adapter": (
        "this is an adapter (LoRA), not a model",
        "Load the model that it was trained for, and add this file with --lora or in the engine "
        "settings.",
    ),
    "projector": (
        "this is a projector (mmproj), which reads images or sound for a model",
        "Open the model itself, which is another file of the same repository.",
    ),
    "imatrix": (
        "this is an importance matrix (imatrix), which is used to quantize a model",
        "Open the model itself, which is another file of the same repository.",
    ),
    "control": (
        "this is a control vector, which changes a model's activations",
        "Open the model that it was made for. Control vectors are not supported yet.",
    ),
    "draft": (
        "this is a draft head, which guesses tokens for a larger model",
        "Open the larger model itself.",
    ),
    "vocabulary": (
        "it holds a vocabulary without weights",
        "Choose a GGUF file with the weights of a language model.",
    ),
    "image": (
        "this model makes images, not text",
        "Choose a language model; this file is for programs such as ComfyUI.",
    ),
    "other": (
        "it holds no model",
        "Choose a GGUF file with the weights of a language model.",
    ),
}


def kind_of(header: GgufHeader) -> FileKind:
    """What a file is. "model" is what could be a language model; llama.cpp may still refuse it."""
    architecture = header.metadata.get("general.architecture")
    stated = header.metadata.get("general.type")
    kind = _BY_TYPE.get(stated.lower()) if isinstance(stated, str) else None
    if kind is None and isinstance(architecture, str):
        kind = _BY_ARCHITECTURE.get(architecture.lower())
    if kind is not None:
        return kind
    names = {tensor.name for tensor in header.tensors}
    if any(name.endswith((".lora_a", ".lora_b")) for name in names):
        return "adapter"
    if any(name.endswith((".in_sum2", ".counts")) for name in names):
        return "imatrix"
    split = header.split is not None and header.split.count > 1
    if not names and not split:
        return "vocabulary" if "tokenizer.ggml.tokens" in header.metadata else "other"
    if not isinstance(architecture, str):
        return "other" if header.split is None or header.split.no == 0 else "model"
    first = any(name.startswith("blk.0.") for name in names)
    if not split and not first and any(".nextn." in name for name in names):
        return "draft"  # the layers that predict several tokens, without those before them
    return "model"


def require_model(path: PurePath, header: GgufHeader) -> None:
    """Refuse what is no model, or has tensors of types that this llama.cpp lacks.

    Raises:
        UserError: code "architecture", "byte_order", or "load" for the types.
    """
    problem = loading_problem(path, header)
    if problem is not None:
        raise problem


def loading_problem(path: PurePath, header: GgufHeader) -> UserError | None:
    """Why a file with this header cannot be loaded as a model; None where nothing is known."""
    if header.big_endian != (sys.byteorder == "big"):
        return UserError(
            f"{path.name} was written for machines with the other byte order.",
            "Download a file for this machine; llama.cpp cannot swap the bytes.",
            code="byte_order",
        )
    kind = kind_of(header)
    if kind != "model":
        what, what_to_do = _WORDS[kind]
        if kind == "other":
            what += ": no tensors" if not header.tensors else ": no architecture"
        return UserError(
            f"{path.name} cannot be opened as a model: {what}.", what_to_do, code="architecture"
        )
    strange = foreign_types(header)
    if strange:
        return UserError(
            f"{path.name} stores weights as {' and '.join(strange[:3])}: "
            "this llama.cpp cannot load them.",
            "Choose another quantization of this model, for example Q4_K_M.",
            code="load",
        )
    return None


def foreign_types(header: GgufHeader) -> tuple[str, ...]:
    """Types of tensors that this llama.cpp cannot load, in the order in which they appear."""
    found = dict.fromkeys(tensor.type_name for tensor in header.tensors)
    return tuple(short(name).strip('"') for name in found if name not in TYPES_BY_NAME)
