"""Names of quantizations: one spelling, from file names and from headers, and what each means.

A label is what people download by (`Q4_K_M`, `UD-Q4_K_XL`); a tensor type (`Q4_K`) is how single
tensors are stored. A label's mix decides which tensors get which type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from qwqdesk.models.gguf import GgufHeader, TensorInfo
from qwqdesk.models.tensor_types import FOREIGN_TYPES, TYPES_BY_NAME

# The numbers of `llama_ftype` in llama.cpp 0c1e57098.
FILE_TYPES: Mapping[int, str] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}
_GUESSED = 1024  # llama.cpp's flag for "not said in the file"

MEANINGS: Mapping[str, str] = {
    "F32": "Full 32-bit floats: twice the size of F16 without being better in practice.",
    "F16": "16-bit floats: the unquantized weights in most files.",
    "BF16": "16-bit floats with the range of F32: how most models are trained.",
    "Q8_0": "8 bits in blocks of 32: as good as unquantized, half its size.",
    "Q8_1": "8 bits with a block sum: used inside computations, not for files.",
    "Q8_K": "8 bits in blocks of 256: used inside computations, not for files.",
    "Q6_K": "6 bits in blocks of 256: very close to the original.",
    "Q5_0": "5 bits in blocks of 32: an older format; Q5_K is better at the same size.",
    "Q5_1": "5 bits with an offset for each block of 32: an older format; prefer Q5_K.",
    "Q5_K": "5 bits in blocks of 256: very good; M keeps more tensors at 6 bits than S.",
    "Q4_0": "4 bits in blocks of 32: an older format, fast on most processors.",
    "Q4_1": "4 bits with an offset for each block of 32: an older format; prefer Q4_K.",
    "Q4_K": "4 bits in blocks of 256: the usual choice; M keeps some tensors at 6 bits.",
    "Q3_K": "3 bits in blocks of 256: a visible loss; L and M keep more tensors at 4 to 5 bits.",
    "Q2_K": "2 bits in blocks of 256: a strong loss, only where nothing larger fits.",
    "IQ4_NL": "4 bits on an uneven scale in blocks of 32: a little better than Q4_0.",
    "IQ4_XS": "4.25 bits on an uneven scale: close to Q4_K_S and smaller; slower on a CPU.",
    "IQ3_S": "3.4 bits from a table of patterns: better than Q3_K_S at the same size.",
    "IQ3_XXS": "3.1 bits from a table of patterns: small, with a clear loss.",
    "IQ2_S": "2.6 bits from a table of patterns: a strong loss.",
    "IQ2_XS": "2.3 bits from a table of patterns: a strong loss.",
    "IQ2_XXS": "2.1 bits from a table of patterns: a very strong loss.",
    "IQ1_M": "1.75 bits: for experiments with very large models.",
    "IQ1_S": "1.56 bits: the smallest, for experiments with very large models.",
    "TQ1_0": "1.7 bits for models trained with the three weights -1, 0 and 1.",
    "TQ2_0": "2.1 bits for models trained with the three weights -1, 0 and 1; faster than TQ1_0.",
    "MXFP4": "4-bit floats in blocks of 32 with a shared exponent, as some models are released.",
    "NVFP4": "4-bit floats in blocks of 64 with 8-bit scales, made for recent NVIDIA GPUs.",
    "Q1_0": "1 bit in blocks of 128: for models trained that way.",
    "Q2_0": "2 bits in blocks of 64: for models trained that way.",
}

_MIX_WORDS = {
    "XL": "its most sensitive tensors are kept larger than in the L mix",
    "L": "the largest mix",
    "M": "the middle mix",
    "S": "the smallest mix",
    "XS": "a smaller mix than S",
}

_REPACKED = r"(?:_R(?:4|8|16)|_[48]_[48])"
_LABEL = re.compile(
    r"(?<![A-Za-z0-9])(?P<prefix>UD-|i1-)?(?P<name>"
    rf"IQ[1-6]_(?:XXS|XS|NL|XL|KSS|KS|KT|KL|BN|TN|S|M|K)(?:_XL)?{_REPACKED}?"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|I2_S|TL[12]"
    rf"|Q[2-8]_K(?:V|_(?:XXL|XL|L|M|S|P))?{_REPACKED}?|Q[1-8]_[01]{_REPACKED}?"
    r"|BF16(?:_R16)?|F16|FP16|F32|FP32)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_FOREIGN_LAYOUT = re.compile(rf"{_REPACKED}$")
# Beside the foreign types: what bitnet.cpp calls its own.
_FOREIGN = frozenset(FOREIGN_TYPES.values()) | {"I2_S", "TL1", "TL2"}
_REMOVED = re.compile(r"Q4_[23]|(?:Q4_0|IQ4_NL)_[48]_[48]")
_BASES = {
    "IQ3_M": "IQ3_S",
    "IQ3_XS": "IQ3_S",
    "IQ2_M": "IQ2_S",
    "MXFP4_MOE": "MXFP4",
    "Q8_K_XL": "Q8_0",
}
_SPELLINGS = {"FP16": "F16", "FP32": "F32"}
_PREFIX = re.compile(r"^(UD-|i1-)")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$", re.IGNORECASE)


def label_of_name(path: str) -> str | None:
    """The label in a file's name, else in its folders' names; the last match wins.

    The spelling is canonical: upper case, `F16` for fp16, with `UD-` and `i1-` kept.
    """
    parts = PurePosixPath(path.replace("\\", "/"))
    stem = _SHARD.sub("", re.sub(r"\.gguf$", "", parts.name, flags=re.IGNORECASE))
    for text in (stem, *reversed(parts.parent.parts)):
        found = find_label(text)
        if found is not None:
            return found[0]
    return None


def find_label(text: str) -> tuple[str, int, int] | None:
    """The last label in a text, canonical, with where it begins and ends."""
    found = list(_LABEL.finditer(text))
    return (_canonical(found[-1]), found[-1].start(), found[-1].end()) if found else None


def is_foreign(label: str) -> bool:
    """Whether a label or a tensor type is none that this llama.cpp can load."""
    name = _PREFIX.sub("", label)
    return name in _FOREIGN or _FOREIGN_LAYOUT.search(name) is not None


def foreign_words(label: str) -> str:
    """Why a label cannot be loaded, as a sentence; empty for one that can."""
    if not is_foreign(label):
        return ""
    if _REMOVED.search(label):
        return "llama.cpp removed this type: it cannot be loaded here."
    if _PREFIX.sub("", label) in ("I2_S", "TL1", "TL2"):
        return "This is a type of bitnet.cpp: it cannot be loaded here."
    return "This is a type of ik_llama.cpp: it cannot be loaded here."


def canonical(label: str) -> str:
    """A label in any case as this program writes it; unknown ones unchanged."""
    found = _LABEL.fullmatch(label.strip())
    return _canonical(found) if found else label.strip()


def label_of_header(header: GgufHeader) -> str | None:
    """The label that the header states, else its commonest tensor type by size."""
    number = header.metadata.get("general.file_type")
    if type(number) is int and number & ~_GUESSED in FILE_TYPES:
        return FILE_TYPES[number & ~_GUESSED]
    return main_type(header.tensors)


def quantization_label(header: GgufHeader, name: str) -> str:
    """The label of a file: its name's, unless the header says that the weights are another kind.

    A name knows more than the header (`UD-Q4_K_XL` is `Q4_K_M` there), but files get renamed.
    """
    stated, named = label_of_header(header), label_of_name(name)
    if stated is None:
        return named or "unknown"
    if named is None:
        return stated
    if is_foreign(named) and any(is_foreign(tensor.type_name) for tensor in header.tensors):
        return named
    quantized = base_type(stated) not in ("F32", "F16", "BF16")
    own_mix = named.startswith(("UD-", "i1-")) and quantized
    return named if own_mix or base_type(named) == base_type(stated) else stated


def main_type(tensors: Sequence[TensorInfo]) -> str | None:
    """The tensor type that takes the most bytes; None without tensors."""
    sizes: dict[str, int] = {}
    for tensor in tensors:
        # Of a foreign type the size is not known: some four bits a weight.
        size = tensor.elements // 2 if tensor.size_bytes is None else tensor.size_bytes
        sizes[tensor.type_name] = sizes.get(tensor.type_name, 0) + size
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def base_type(label: str) -> str:
    """The tensor type that a label's mix is built on: `Q4_K` for `UD-Q4_K_XL`."""
    name = _PREFIX.sub("", label)
    if is_foreign(name):
        return name
    if name in _BASES:
        return _BASES[name]
    while name and name not in TYPES_BY_NAME and "_" in name:
        name = name.rpartition("_")[0]
    return name or label


def bits_per_weight(label: str) -> float | None:
    """Bits per weight of a label's base type; a real mix is a little above. None if unknown."""
    kind = TYPES_BY_NAME.get(base_type(label))
    return kind.bits_per_weight if kind else None


def meaning(label: str) -> str:
    """One line for people about a label or a tensor type; empty if unknown."""
    if is_foreign(label):
        return foreign_words(label)
    base = base_type(label)
    text = MEANINGS.get(base, "")
    mix = _MIX_WORDS.get(label.rpartition("_")[2]) if label != base else None
    if text and mix:
        text = f"{text[:-1]} ({mix})."
    if label.startswith("UD-"):
        text = f"{text} Bits chosen layer by layer by Unsloth.".strip()
    if label.startswith("i1-"):
        text = f"{text} Made with an importance matrix.".strip()
    return text


def _canonical(found: re.Match[str]) -> str:
    prefix = {"ud-": "UD-", "i1-": "i1-"}.get((found["prefix"] or "").lower(), "")
    name = found["name"].upper()
    return prefix + _SPELLINGS.get(name, name)
