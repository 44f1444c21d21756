"""Runs many seeds of a prompt in llama.cpp, each with its own sampler chain."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chains
import llama_cpp
from chains import Settings

CHUNK = 512
CONTEXT = 2048


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
    """llama.cpp's messages are not wanted here."""


@dataclass
class Lane:
    """One run: a prompt, a seed, and what came of it."""

    prompt: list[int]
    chain: Any
    tokens: list[int] = field(default_factory=list)
    position: int = 0
    next_token: int = -1
    done: bool = False


@dataclass(frozen=True)
class Reply:
    """What a lane wrote."""

    text: str
    tokens: list[int]
    finished: bool


class Runner:
    """A loaded model. `together` lanes share a batch; 1 is llama.cpp's plain way."""

    def __init__(self, path: Path, together: int = 20, threads: int = 1) -> None:
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        # Quantized types crash where the processor reports AMX and cannot use it.
        params.use_extra_bufts = False
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.together, self.context_size = together, CONTEXT
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = CONTEXT * together
        settings.n_batch = settings.n_ubatch = CHUNK
        settings.n_seq_max = together
        settings.kv_unified = False
        settings.n_threads = settings.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        self.batch = llama_cpp.llama_batch_init(CHUNK, 0, 1)

    def close(self) -> None:
        """Free everything."""
        llama_cpp.llama_batch_free(self.batch)
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)

    def tokenize(self, text: str) -> list[int]:
        """Token ids; special tokens are read as such."""
        data = text.encode()
        room = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self.vocabulary, data, len(data), room, len(room), False, True
        )
        return list(room[:count])

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones included."""
        room = ctypes.create_string_buffer(256)
        parts = []
        for token in tokens:
            size = llama_cpp.llama_token_to_piece(self.vocabulary, token, room, 256, 0, True)
            parts.append(room.raw[:size])
        return b"".join(parts).decode("utf-8", "replace")

    def _decode(self, entries: list[tuple[int, int, int, bool]]) -> None:
        """Token, position, sequence, whether its logits are wanted."""
        batch = self.batch
        batch.n_tokens = len(entries)
        for i, (token, position, sequence, wanted) in enumerate(entries):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            batch.logits[i] = wanted
        if llama_cpp.llama_decode(self.context, batch):
            raise RuntimeError("llama_decode failed")

    def _start(self, lane: Lane, sequence: int) -> None:
        last = len(lane.prompt) - 1
        for begin in range(0, len(lane.prompt), CHUNK):
            part = lane.prompt[begin : begin + CHUNK]
            self._decode([(t, begin + i, sequence, begin + i == last) for i, t in enumerate(part)])
        for token in lane.prompt:
            llama_cpp.llama_sampler_accept(lane.chain, token)
        lane.position = len(lane.prompt)
        self._sample(lane, -1)

    def _sample(self, lane: Lane, row: int) -> None:
        token = llama_cpp.llama_sampler_sample(lane.chain, self.context, row)
        lane.done = llama_cpp.llama_vocab_is_eog(self.vocabulary, token)
        lane.next_token = token
        if not lane.done:
            lane.tokens.append(token)

    def _group(self, lanes: list[Lane], limit: int) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        for sequence, lane in enumerate(lanes):
            self._start(lane, sequence)
        limit = min(limit, self.context_size - max(len(lane.prompt) for lane in lanes))
        while True:
            active = [
                (sequence, lane)
                for sequence, lane in enumerate(lanes)
                if not lane.done and len(lane.tokens) < limit
            ]
            if not active:
                return
            self._decode([(lane.next_token, lane.position, s, True) for s, lane in active])
            for row, (_, lane) in enumerate(active):
                lane.position += 1
                self._sample(lane, row)

    def run(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int], limit: int = 1600
    ) -> list[Reply]:
        """One reply for every pair of prompt and seed."""
        lanes = [
            Lane(self.tokenize(p), chains.build(settings, seed, self.vocabulary, self.size))
            for p, seed in zip(prompts, seeds, strict=True)
        ]
        for begin in range(0, len(lanes), self.together):
            self._group(lanes[begin : begin + self.together], limit)
        for lane in lanes:
            llama_cpp.llama_sampler_free(lane.chain)
        return [Reply(self.text(lane.tokens), lane.tokens, lane.done) for lane in lanes]
