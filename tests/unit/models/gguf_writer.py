"""Writes GGUF files for tests, good ones and bad ones: nothing is checked here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwqdesk.models.tensor_types import TENSOR_TYPES, TYPES_BY_NAME

LETTERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
U16, U32, I32, F32, BOOL, STRING, ARRAY, U64, F64 = 2, 4, 5, 6, 7, 8, 9, 10, 12


@dataclass
class GgufFile:
    """Collects what a file shall hold; `build` gives its bytes."""

    version: int = 3
    order: str = "<"
    alignment: int = 32
    keys: list[bytes] = field(default_factory=list)
    tensors: list[tuple[str, tuple[int, ...], int]] = field(default_factory=list)

    def number(self, value: float, letter: str) -> bytes:
        """One number in the file's byte order."""
        return struct.pack(self.order + letter, value)

    def text(self, value: str | bytes) -> bytes:
        """A string with its length."""
        raw = value.encode() if isinstance(value, str) else value
        return self.number(len(raw), "Q") + raw

    def scalar(self, key: str, kind: int, value: float) -> GgufFile:
        """Add a number."""
        self.keys.append(
            self.text(key) + self.number(kind, "I") + self.number(value, LETTERS[kind])
        )
        return self

    def string(self, key: str, value: str | bytes) -> GgufFile:
        """Add a string."""
        self.keys.append(self.text(key) + self.number(STRING, "I") + self.text(value))
        return self

    def strings(self, key: str, values: Sequence[str]) -> GgufFile:
        """Add an array of strings."""
        head = self.text(key) + self.number(ARRAY, "I") + self.number(STRING, "I")
        body = b"".join(self.text(value) for value in values)
        self.keys.append(head + self.number(len(values), "Q") + body)
        return self

    def numbers(self, key: str, kind: int, values: Sequence[float]) -> GgufFile:
        """Add an array of numbers."""
        head = self.text(key) + self.number(ARRAY, "I") + self.number(kind, "I")
        body = b"".join(self.number(value, LETTERS[kind]) for value in values)
        self.keys.append(head + self.number(len(values), "Q") + body)
        return self

    def raw(self, key: str, kind: int, body: bytes) -> GgufFile:
        """Add a key with any type and bytes."""
        self.keys.append(self.text(key) + self.number(kind, "I") + body)
        return self

    def without(self, key: str) -> GgufFile:
        """Take a key away again."""
        self.keys = [each for each in self.keys if not each.startswith(self.text(key))]
        return self

    def as_architecture(self, name: str) -> GgufFile:
        """Another architecture with the same values; the present one must be qwen2."""
        for number, key in enumerate(self.keys):
            (length,) = struct.unpack_from(f"{self.order}Q", key)
            called = key[8 : 8 + length].decode()
            if called.startswith("qwen2."):
                rest = key[8 + length :]
                self.keys[number] = self.text(name + called.removeprefix("qwen2")) + rest
        return self.without("general.architecture").string("general.architecture", name)

    def tensor(self, name: str, shape: tuple[int, ...], type_name: str) -> GgufFile:
        """Add a tensor of zeros."""
        self.tensors.append((name, shape, TYPES_BY_NAME[type_name].number))
        return self

    def build(self) -> bytes:
        """The whole file."""
        infos, data = b"", b""
        for name, shape, kind in self.tensors:
            infos += self.text(name) + self.number(len(shape), "I")
            infos += b"".join(self.number(length, "Q") for length in shape)
            infos += self.number(kind, "I") + self.number(len(data), "Q")
            data += bytes(self._padded(tensor_bytes(shape, kind)))
        head = b"GGUF" + self.number(self.version, "I")
        head += self.number(len(self.tensors), "Q") + self.number(len(self.keys), "Q")
        head += b"".join(self.keys) + infos
        return head + bytes(self._padded(len(head)) - len(head)) + data

    def write(self, path: Path) -> Path:
        """Write it, with its folders."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.build())
        return path

    def _padded(self, size: int) -> int:
        return -(-size // self.alignment) * self.alignment


def tensor_bytes(shape: tuple[int, ...], kind: int) -> int:
    """The size of a tensor's data."""
    count = 1
    for length in shape:
        count *= length
    return count // TENSOR_TYPES[kind].block_elements * TENSOR_TYPES[kind].block_bytes


def small_model(*, file_type: int = 15, order: str = "<", version: int = 3) -> GgufFile:
    """A tiny qwen2 with everything that a real header has."""
    file = GgufFile(version=version, order=order)
    file.string("general.architecture", "qwen2").string("general.name", "Tiny 딸기")
    file.scalar("general.file_type", U32, file_type)
    for key, value in (
        ("block_count", 2),
        ("context_length", 4096),
        ("embedding_length", 256),
        ("feed_forward_length", 512),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
    ):
        file.scalar(f"qwen2.{key}", U32, value)
    file.scalar("general.sampling.temp", F32, 0.5).scalar("general.sampling.top_k", I32, 20)
    file.strings("tokenizer.ggml.tokens", ["a", "bc", "", "<think>"] * 8)
    file.numbers("tokenizer.ggml.token_type", I32, [1] * 32)
    file.string("tokenizer.chat_template", "{{ messages }}")
    file.tensor("token_embd.weight", (256, 32), "Q4_K").tensor("output_norm.weight", (256,), "F32")
    for layer in range(2):
        file.tensor(f"blk.{layer}.attn_q.weight", (256, 256), "Q4_K")
        file.tensor(f"blk.{layer}.ffn_down.weight", (512, 256), "Q6_K")
    return file
