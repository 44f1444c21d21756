"""The vocabulary as a list, from the header alone: ids, pieces as text, kinds of token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qwqdesk.models.gguf_arrays import read_numbers, read_strings
from qwqdesk.models.gguf_header import GgufHeader
from qwqdesk.models.shape import text
from qwqdesk.reasoning_tags import KNOWN_TAGS

MAX_TOKENS = 500_000  # real vocabularies have up to 262,000
MAX_PIECE = 300  # characters

# llama.cpp's token types.
KINDS = {1: "", 2: "unknown", 3: "control", 4: "user-defined", 5: "unused", 6: "byte"}
# Keys of the header that give a token a name.
_NAMES = {
    "tokenizer.ggml.bos_token_id": "bos",
    "tokenizer.ggml.eos_token_id": "eos",
    "tokenizer.ggml.eot_token_id": "eot",
    "tokenizer.ggml.padding_token_id": "pad",
    "tokenizer.ggml.unknown_token_id": "unknown",
    "tokenizer.ggml.seperator_token_id": "separator",
    "tokenizer.ggml.mask_token_id": "mask",
    "tokenizer.ggml.fim_pre_token_id": "fim prefix",
    "tokenizer.ggml.fim_suf_token_id": "fim suffix",
    "tokenizer.ggml.fim_mid_token_id": "fim middle",
}


@dataclass(frozen=True)
class ListedToken:
    """One row; `name` is eos, pad, think ... where it has one."""

    id: int
    piece: str
    kind: str
    name: str = ""


def read_tokens(path: Path, header: GgufHeader) -> list[ListedToken]:
    """The first 500,000 tokens; 152,000 take some 0.3 s.

    Tokens that open or close reasoning are called "think".

    Raises:
        UserError: the file has changed since.
    """
    raw = read_strings(path, header, "tokenizer.ggml.tokens", MAX_TOKENS)
    kinds = read_numbers(path, header, "tokenizer.ggml.token_type", len(raw))
    model = text(header, "tokenizer.ggml.model") or ""
    names = named_ids(header)
    tags = {tag for pair in KNOWN_TAGS for tag in (pair.open, pair.close)}
    found = []
    for number, spelled in enumerate(raw):
        kind = KINDS.get(int(kinds[number]), "") if number < len(kinds) else ""
        special = kind in ("control", "user-defined")
        cut = spelled[:MAX_PIECE]
        piece = cut if special else spell(cut, model)
        name = names.get(number, "") or ("think" if spelled in tags else "")
        found.append(ListedToken(number, piece, kind, name))
    return found


def named_ids(header: GgufHeader) -> dict[int, str]:
    """Ids that the header names."""
    found: dict[int, str] = {}
    for key, name in _NAMES.items():
        value = header.metadata.get(key)
        if type(value) is int and value >= 0:
            found[value] = f"{found[value]}, {name}" if value in found else name
    return found


def spell(raw: str, model: str) -> str:
    """A token's text as people read it, from how the vocabulary writes it.

    Byte-level vocabularies write each byte as a letter (GPT-2's table), others a blank as `▁`.
    """
    if model != "gpt2":
        return raw.replace("\u2581", " ")
    table = _byte_letters()
    try:
        return bytes(table[letter] for letter in raw).decode("utf-8", "replace")
    except KeyError:
        return raw


def visible(piece: str) -> str:
    """A piece with its blanks and line ends as signs, in one line."""
    shown = piece.replace(" ", "\u2423").replace("\n", "\u21b5").replace("\t", "\u21e5")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)


@cache
def _byte_letters() -> dict[str, int]:
    """GPT-2's table: printable bytes are themselves, the others follow from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + number): byte for number, byte in enumerate(others)
    }
