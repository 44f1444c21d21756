"""A loopback hub with QwQ's repositories as they are, for screenshots and for trying by hand.

Names and sizes are those of the real repositories; the files are a real header and then zeros, made
as they are asked for, so that 65 GB take no room. `python -m tests.hub.demo_hub` serves it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from tests.hub.loopback_hub import FakeFile, FakeRepo, LoopbackHub
from tests.unit.models.gguf_writer import U32, GgufFile, tensor_bytes

QWQ = {
    "Q2_K": 12.31, "Q3_K_S": 14.39, "Q3_K_M": 15.94, "IQ4_XS": 17.69, "Q4_K_S": 18.78,
    "Q4_K_M": 19.85, "UD-Q4_K_XL": 20.02, "Q5_K_M": 23.26, "Q6_K": 26.89, "Q8_0": 34.82,
}  # fmt: skip
SMALL = {"Q4_K_M": 1.12, "Q6_K": 1.46, "Q8_0": 1.89, "F16": 3.56}
# Owner/name, downloads, likes, days since the last change.
OTHERS = (
    ("Qwen/QwQ-32B-GGUF", 64_100, 228, 250),
    ("bartowski/Qwen_QwQ-32B-GGUF", 41_300, 175, 250),
    ("lmstudio-community/QwQ-32B-GGUF", 23_000, 48, 251),
    ("Qwen/QwQ-32B-Preview-GGUF", 3_020, 60, 380),
)


_LARGE = 1 << 20


class SparseBytes:
    """A head and then zeros, as long as it says; only small slices are ever made."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head, self._size = head, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes | SparseBytes:
        begin, end, _ = part.indices(self._size)
        there = self._head[begin:end]
        if end - begin > _LARGE:
            return SparseBytes(there, end - begin)
        return there + bytes(end - begin - len(there))


@dataclass
class SparseFile(FakeFile):
    """A file of many GB; its checksum is only a name for it."""

    number: int = 0

    @property
    def sha256(self) -> str:
        return f"{self.number:064x}"

    @property
    def blob_id(self) -> str:
        return f"{self.number:040x}"


class HeadOnly(GgufFile):
    """A header whose tensors lie one after another behind it, without their bytes."""

    def build(self) -> bytes:
        infos, at = b"", 0
        for name, shape, kind in self.tensors:
            infos += self.text(name) + self.number(len(shape), "I")
            infos += b"".join(self.number(length, "Q") for length in shape)
            infos += self.number(kind, "I") + self.number(at, "Q")
            at += self._padded(tensor_bytes(shape, kind))
        head = b"GGUF" + self.number(self.version, "I")
        head += self.number(len(self.tensors), "Q") + self.number(len(self.keys), "Q")
        head += b"".join(self.keys) + infos
        return head + bytes(self._padded(len(head)) - len(head))


def qwen_header(
    layers: int, width: int, inner: int, heads: int, kv_heads: int, context: int
) -> bytes:
    """A qwen2 header of these measures with a vocabulary of 152,064 tokens."""
    file = HeadOnly()
    file.string("general.architecture", "qwen2").string("general.name", "QwQ 32B")
    for key, value in (
        ("block_count", layers),
        ("context_length", context),
        ("embedding_length", width),
        ("feed_forward_length", inner),
        ("attention.head_count", heads),
        ("attention.head_count_kv", kv_heads),
    ):
        file.scalar(f"qwen2.{key}", U32, value)
    file.strings("tokenizer.ggml.tokens", [f"t{n}" for n in range(152_064)])
    kv = width // heads * kv_heads
    file.tensor("token_embd.weight", (width, 152_064), "Q2_K")
    file.tensor("output_norm.weight", (width,), "F32")
    file.tensor("output.weight", (width, 152_064), "Q2_K")
    for layer in range(layers):
        for name, shape in (
            ("attn_q", (width, width)),
            ("attn_k", (width, kv)),
            ("attn_v", (width, kv)),
            ("attn_output", (width, width)),
            ("ffn_gate", (width, inner)),
            ("ffn_up", (width, inner)),
            ("ffn_down", (inner, width)),
        ):
            file.tensor(f"blk.{layer}.{name}.weight", shape, "Q2_K")
    return file.build()


class DemoHub(LoopbackHub):
    """The hub with these repositories in it."""

    def fill(self) -> DemoHub:
        """Add them; returns itself."""
        large = self.qwq_head
        small = qwen_header(28, 1536, 8960, 12, 2, 131_072)
        self._add("unsloth/QwQ-32B-GGUF", "QwQ-32B", large, QWQ, (82_400, 311, 62))
        for index, size in enumerate((49.97, 15.57), 1):
            path = f"BF16/QwQ-32B-BF16-{index:05d}-of-00002.gguf"
            self.put_sparse("unsloth/QwQ-32B-GGUF", path, large, size)
        self.put_sparse("unsloth/QwQ-32B-GGUF", "mmproj-F16.gguf", large, 1.4)
        for name, downloads, likes, days in OTHERS:
            self._add(name, "qwq-32b", large, QWQ, (downloads, likes, days))
        distill = "unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF"
        self._add(distill, "DeepSeek-R1-Distill-Qwen-1.5B", small, SMALL, (51_200, 140, 300))
        self._add("gated/QwQ-Secret-GGUF", "Secret", small, SMALL, (900, 12, 20)).gated = "manual"
        shards = self._add("tiny/missing-shard-GGUF", "T", small, {"Q4_K_M": 1.1}, (20, 1, 5))
        self.put_sparse("tiny/missing-shard-GGUF", "T-Q8_0-00001-of-00003.gguf", small, 0.6)
        self.put_sparse("tiny/missing-shard-GGUF", "T-Q8_0-00003-of-00003.gguf", small, 0.6)
        shards.gguf = {"total": 1_777_088_000, "architecture": "qwen2", "context_length": 131_072}
        self.add("tiny/empty-GGUF")
        for number in range(120):
            name = f"bulk/model-{number:03d}-GGUF"
            self._add(name, "m", small, {"Q8_0": 1.9}, (1000 - number, number % 9, number))
        return self

    @cached_property
    def qwq_head(self) -> bytes:
        """The header of QwQ-32B."""
        return qwen_header(64, 5120, 27_648, 40, 8, 131_072)

    def _add(
        self,
        repo: str,
        stem: str,
        head: bytes,
        sizes: dict[str, float],
        about: tuple[int, int, int],
    ) -> FakeRepo:
        for name, size in sizes.items():
            self.put_sparse(repo, f"{stem}-{name}.gguf", head, size)
        made = self.add(repo)
        made.downloads, made.likes = about[0], about[1]
        made.updated = f"{datetime.now(UTC) - timedelta(days=about[2]):%Y-%m-%dT%H:%M:%S.000Z}"
        return made

    def put_sparse(self, repo: str, path: str, head: bytes, gigabytes: float) -> None:
        """Add a file that is this head and then zeros."""
        number = sum(len(each.files) for each in self.repos.values()) + 1
        data = SparseBytes(head, int(gigabytes * 1e9))
        self.add(repo).files[path] = SparseFile(data, number=number)  # type: ignore[arg-type]


def main() -> None:
    """Serve until interrupted."""
    hub = DemoHub().fill()
    with hub:
        hub.rate, hub.page = 50e6, 50
        print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
