"""The ctypes boundary: a loaded model and one context of it, in llama.cpp's terms.

Nothing here decides anything; `decode.py` does, through the Protocols that these classes satisfy.
Everything must be called on the engine's thread. What takes a token number refuses, with a
UserError of code "token", one that the vocabulary does not have: native code would read beside it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

from qwqdesk.engine.events import EngineInfo, ModelInfo
from qwqdesk.engine.limits import Grammar
from qwqdesk.engine.llama_errors import (
    context_error,
    decode_error,
    load_error,
    lora_error,
    no_generator,
    no_state,
)
from qwqdesk.engine.llama_grammar import Candidates, NativeGrammar
from qwqdesk.engine.llama_library import LlamaLibrary, package_version
from qwqdesk.engine.llama_params import (
    cache_type_name,
    context_params,
    flash_attention_state,
    model_params,
    padded_context,
)
from qwqdesk.engine.llama_probability import TokenProbability
from qwqdesk.engine.llama_sampler import NativeChain
from qwqdesk.engine.threads import default_threads
from qwqdesk.engine.token_ids import check_tokens, no_such_token
from qwqdesk.engine_settings import EngineSettings, lora_adapters
from qwqdesk.sampling.chain import SamplerChain

PREFILL_CHUNK = 512
# Their memory clears a sequence at once and copies it at the next decoding (llama-kv-cache-dsv4.cpp
# of llama.cpp 0c1e57098): a copy whose source is given up in between is empty.
_COPIES_LATE = frozenset({"deepseek4"})
# Their memory holds tokens in blocks that only grow.
_COMPRESSES = frozenset({"deepseek4"})
_PARTIAL = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: windows and recurrent states alone


class HasHandle(Protocol):
    """Something native, by its pointer."""

    @property
    def handle(self) -> Any: ...


class LoadCancelledError(Exception):
    """The progress callback asked to stop; nothing was loaded."""


class LlamaModel:
    """A model file loaded by llama.cpp; `without_weights` it can plan a context, not decode.

    Raises:
        UserError: code "load", when llama.cpp refuses the file.
        LoadCancelledError: when `progress` returned False.
    """

    def __init__(
        self,
        library: LlamaLibrary,
        path: Path,
        settings: EngineSettings,
        *,
        use_extra_bufts: bool,
        progress: Callable[[float], bool],
        without_weights: bool = False,
    ) -> None:
        self.library = library
        self.settings = settings
        self.use_extra_bufts = use_extra_bufts
        self._api = library.api
        self._pieces: dict[int, bytes] = {}
        cancelled: list[bool] = []

        def on_progress(fraction: float, _user_data: object) -> bool:
            if not progress(fraction):
                cancelled.append(True)
                return False
            return True

        params, self._keep_alive = model_params(
            self._api, settings, library.ggml, use_extra_bufts=use_extra_bufts
        )
        params.progress_callback = self._api.llama_progress_callback(on_progress)
        if without_weights:
            params.no_alloc, params.load_mode = True, self._api.LLAMA_LOAD_MODE_NONE
        library.begin_log()
        self.handle: Any = self._api.llama_model_load_from_file(os.fsencode(path), params)
        if not self.handle:
            if cancelled:
                raise LoadCancelledError
            raise load_error(path, library.errors())
        if self._api.llama_model_has_encoder(self.handle) or not (
            self._api.llama_model_has_decoder(self.handle)
        ):
            self.close()
            raise no_generator(path.name)
        self.vocab: Any = self._api.llama_model_get_vocab(self.handle)
        self.n_vocab: int = self._api.llama_vocab_n_tokens(self.vocab)
        self.adds_bos = bool(self._api.llama_vocab_get_add_bos(self.vocab))
        self.info = self._read_info(path)
        self.adapters = () if without_weights else self._load_adapters(settings.lora)
        self.copies_late = self.info.architecture in _COPIES_LATE
        self.window: int = self._api.llama_model_n_swa(self.handle)

    @property
    def is_recurrent(self) -> bool:
        """Whether there is a state that goes on with each token, in some layers or in all."""
        return bool(
            self.info.architecture in _COMPRESSES
            or self._api.llama_model_is_recurrent(self.handle)
            or self._api.llama_model_is_hybrid(self.handle)
        )

    @property
    def rolls_a_window(self) -> bool:
        """Whether layers forget what is behind their sliding window."""
        return self.window > 0 and not self.settings.swa_full

    def _load_adapters(self, text: str) -> tuple[tuple[Any, float], ...]:
        """LoRA adapters and their scales; they are freed with the model."""
        found = []
        for adapter in lora_adapters(text):
            path = Path(adapter.path)
            handle = self._api.llama_adapter_lora_init(self.handle, os.fsencode(path))
            if not handle:
                self.close()
                raise lora_error(path, self.library.errors())
            found.append((handle, adapter.scale))
        return tuple(found)

    def close(self) -> None:
        """Free the model; its contexts and chains must be gone."""
        if self.handle:
            self._api.llama_model_free(self.handle)
            self.handle = None

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        """Token ids of `text`, as llama.cpp's `common_tokenize` gives them."""
        data = text.encode("utf-8", "replace")
        size = len(data) + 8
        while True:
            buffer = (self._api.llama_token * size)()
            count = self._api.llama_tokenize(
                self.vocab, data, len(data), buffer, size, add_special, parse_special
            )
            if count >= 0:
                return tuple(buffer[:count])
            size = -count

    def piece(self, token: int) -> bytes:
        """The bytes of one token, special tokens rendered."""
        cached = self._pieces.get(token)
        if cached is None:
            self._check(token)
            cached = self._pieces[token] = self._read_piece(token)
        return cached

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation (end of turn, of text, ...)."""
        self._check(token)
        return bool(self._api.llama_vocab_is_eog(self.vocab, token))

    def is_special(self, token: int) -> bool:
        """Whether the vocabulary marks the token as control or user-defined."""
        self._check(token)
        attributes = self._api.llama_vocab_get_attr(self.vocab, token)
        special = self._api.LLAMA_TOKEN_ATTR_CONTROL | self._api.LLAMA_TOKEN_ATTR_USER_DEFINED
        return bool(attributes & special)

    def chain(self, chain: SamplerChain) -> NativeChain:
        """A native sampler chain for this vocabulary; the caller closes it."""
        return NativeChain(self._api, self.vocab, chain)

    def grammar(self, text: str) -> NativeGrammar:
        """A native grammar for this vocabulary; the caller closes it.

        Raises:
            UserError: code "grammar", also for a token that it names and the model has not.
        """

        def tokenize(part: str) -> tuple[int, ...]:
            return self.tokenize(part, add_special=False, parse_special=True)

        return NativeGrammar(self._api, self.vocab, text, tokenize)

    def _check(self, token: int) -> None:
        if not 0 <= token < self.n_vocab:
            raise no_such_token(token, self.n_vocab)

    def _read_piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self._api.llama_token_to_piece(self.vocab, token, buffer, size, 0, True)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def _token_text(self, token: int) -> str:
        return self.piece(token).decode("utf-8", "replace") if 0 <= token < self.n_vocab else ""

    def _read_info(self, path: Path) -> ModelInfo:
        api, handle = self._api, self.handle
        metadata = self._metadata()
        template = api.llama_model_chat_template(handle, None)
        description = ctypes.create_string_buffer(256)
        api.llama_model_desc(handle, description, 256)
        return ModelInfo(
            path=str(path),
            name=metadata.get("general.name") or path.stem,
            architecture=metadata.get("general.architecture", ""),
            quantization=description.value.decode("utf-8", "replace").split(" ")[-1],
            size_bytes=api.llama_model_size(handle),
            n_params=api.llama_model_n_params(handle),
            n_ctx_train=api.llama_model_n_ctx_train(handle),
            n_layer=api.llama_model_n_layer(handle),
            n_vocab=self.n_vocab,
            chat_template=template.decode("utf-8", "replace") if template else None,
            bos_token=self._token_text(api.llama_vocab_bos(self.vocab)),
            eos_token=self._token_text(api.llama_vocab_eos(self.vocab)),
            metadata=metadata,
            vocabulary_sum=self._vocabulary_sum(),
        )

    def _vocabulary_sum(self) -> str:
        """Over ids that every version of a vocabulary has: its end may be padded or added to."""
        ids = (*range(1000), *range(1000, 32_000, 31))
        pieces = (self.piece(token) for token in ids if token < self.n_vocab)
        return hashlib.sha256(b"\n".join(pieces)).hexdigest()[:16]

    def _metadata(self) -> dict[str, str]:
        """Scalars of the header as text; the template is kept apart (it can be long)."""
        api, handle = self._api, self.handle
        buffer = ctypes.create_string_buffer(4096)
        found: dict[str, str] = {}
        for index in range(api.llama_model_meta_count(handle)):
            if api.llama_model_meta_key_by_index(handle, index, buffer, len(buffer)) < 0:
                continue
            key = buffer.value.decode("utf-8", "replace")
            if api.llama_model_meta_val_str_by_index(handle, index, buffer, len(buffer)) < 0:
                continue
            if not key.startswith("tokenizer.chat_template"):
                found[key] = buffer.value.decode("utf-8", "replace")
        return found


class LlamaContext:
    """One context: `streams` sequences, each with its own KV stream unless `unified`.

    `goes_back` says how many tokens a sequence can always be cut back by, None for any number. A
    model with a sliding window must not be `unified`: its sequences would overwrite each other.

    Raises:
        UserError: code "context", when llama.cpp cannot create it.
    """

    def __init__(self, model: LlamaModel, *, streams: int, lanes: int, unified: bool) -> None:
        self._model = model
        self._api = model.library.api
        self.streams = streams
        self.lanes = lanes
        self.unified = unified
        settings = model.settings
        self.n_threads = settings.n_threads or default_threads()
        params = context_params(
            self._api,
            settings,
            streams=streams,
            lanes=lanes,
            unified=unified,
            threads=self.n_threads,
        )
        model.library.begin_log()
        self.handle: Any = self._api.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise context_error(settings, streams, model.library.errors())
        self._apply_adapters(model.adapters)
        self.flash_attn = flash_attention_state(model.library.messages, settings.flash_attn)
        self._memory: Any = self._api.llama_get_memory(self.handle)
        if not self._memory:  # embedding and diffusion models; sampling from them would abort
            self._api.llama_free(self.handle)
            self.handle = None
            raise no_generator(Path(model.info.path).name)
        # A unified cache is shared: each lane may still use only what was asked for one lane.
        n_ctx_seq = self._api.llama_n_ctx_seq(self.handle)
        self.n_ctx: int = n_ctx_seq // lanes if unified else n_ctx_seq
        self.goes_back = _goes_back(model, self.n_ctx, self._api.llama_n_ubatch(self.handle))
        # Seconds spent in llama_decode and in sampling since the context was made.
        self.decode_s = 0.0
        self.sample_s = 0.0
        self._batch: Any = self._api.llama_batch_init(max(PREFILL_CHUNK, streams), 0, 1)
        self._candidates: Candidates | None = None
        self._probability = TokenProbability(self._api, self.handle, model.n_vocab)

    def _apply_adapters(self, adapters: Sequence[tuple[Any, float]]) -> None:
        """Lay LoRA adapters over the weights, for all sequences of this context."""
        if not adapters:
            return
        count = len(adapters)
        handles = (self._api.llama_adapter_lora_p_ctypes * count)(*(each for each, _ in adapters))
        scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
        if self._api.llama_set_adapters_lora(self.handle, handles, count, scales) != 0:
            self._api.llama_free(self.handle)
            self.handle = None
            raise lora_error(None, self._model.library.errors())

    def close(self) -> None:
        """Free the batch and the context; sampler chains may outlive it."""
        if self.handle:
            self._api.llama_batch_free(self._batch)
            self._api.llama_free(self.handle)
            self.handle = None

    @property
    def chunk(self) -> int:
        """Tokens of one prefill chunk."""
        return min(PREFILL_CHUNK, int(self._api.llama_n_batch(self.handle)))

    def use_threads(self, threads: int | None) -> None:
        """Decode with so many threads from now on; None: with what was asked for."""
        batch = self._model.settings.n_threads_batch or self.n_threads
        if threads is None:
            self._api.llama_set_n_threads(self.handle, self.n_threads, batch)
        else:  # several lanes in one batch count as a prompt
            self._api.llama_set_n_threads(self.handle, threads, threads)

    def clear(self) -> None:
        """Forget every sequence, data included: a cold start."""
        self._api.llama_memory_clear(self._memory, True)

    def decode(self, entries: Sequence[tuple[int, int, int]], *, outputs: bool) -> None:
        """Decode `(sequence, token, position)` entries in one batch.

        With `outputs` every entry gives a row of logits (row i = entry i), else only the last.

        Raises:
            UserError: code "decode", when llama.cpp fails (no room, device error); "token", for a
                number that is no token.
        """
        check_tokens([token for _, token, _ in entries], self._model.n_vocab)
        batch = self._batch
        batch.n_tokens = len(entries)
        last = len(entries) - 1
        for i, (sequence, token, position) in enumerate(entries):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = outputs or i == last
        self._decode_batch()

    def prefill(self, sequence: int, tokens: Sequence[int], start: int, *, last: bool) -> None:
        """Decode one chunk of a prompt; the logits of its last token are row 0 if `last`."""
        check_tokens(tokens, self._model.n_vocab)
        batch = self._batch
        count = batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = start + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = False
        batch.logits[count - 1] = last
        self._decode_batch()

    def _decode_batch(self) -> None:
        self._model.library.forget_errors()
        began = time.perf_counter()
        status = self._api.llama_decode(self.handle, self._batch)
        self.decode_s += time.perf_counter() - began
        if status != 0:
            raise decode_error(status, self._model.library.errors())

    def copy(self, source: int, target: int) -> None:
        """Let `target` share (unified) or own a copy of (streams) all of `source`'s cells."""
        self._api.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def cut(self, sequence: int, start: int) -> bool:
        """Drop the positions from `start`; False, and nothing is done, where the memory cannot.

        Recurrent memory cannot, nor can a window that has lost what would be before its start.
        """
        if start and self._model.rolls_a_window and not self._model.is_recurrent:
            first = self._api.llama_memory_seq_pos_min(self._memory, sequence)
            if first > max(0, start - self._model.window):
                return False
        return bool(self._api.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def state_size(self, sequence: int) -> int:
        """How many bytes `keep` would take now."""
        return int(self._api.llama_state_seq_get_size_ext(self.handle, sequence, _PARTIAL))

    def keep(self, sequence: int) -> object:
        """The part of a sequence's memory that `cut` may not bring back, in a copy.

        Raises:
            UserError: code "state", where llama.cpp cannot say it.
        """
        size = self.state_size(sequence)
        state = (ctypes.c_uint8 * size)()
        if not size or not self._api.llama_state_seq_get_data_ext(
            self.handle, state, size, sequence, _PARTIAL
        ):
            raise no_state()
        return state

    def bring_back(self, sequence: int, kept: object) -> None:
        """Set that part back; the rest must still be there, and is to be cut to its length then.

        Raises:
            UserError: code "state", where llama.cpp cannot read it.
        """
        assert isinstance(kept, ctypes.Array)
        if not self._api.llama_state_seq_set_data_ext(
            self.handle, kept, len(kept), sequence, _PARTIAL
        ):
            raise no_state()

    def sample(self, chain: HasHandle, row: int) -> int:
        """Draw a token for output row `row` (-1 is the last one)."""
        began = time.perf_counter()
        token = int(self._api.llama_sampler_sample(chain.handle, self.handle, row))
        self.sample_s += time.perf_counter() - began
        return token

    def probability(self, token: int, row: int | object) -> float:
        """What the model gave `token` in an output row, before any sampler: 0 < p <= 1."""
        logits = self._probability.logits(row) if isinstance(row, int) else row
        return self._probability.within(logits, token)

    def logits(self, row: int) -> object:
        """A copy of an output row, which the next decoding does not overwrite."""
        return self._probability.logits(row).copy()

    def sample_within(
        self,
        chain: HasHandle,
        row: int | object,
        *,
        grammar: Grammar | None,
        free: Callable[[int], bool],
        banned: Collection[int],
    ) -> int:
        """Draw a token that fits the grammar, unless it is `free` of it, and is not banned.

        Raises:
            LaneEndError: when there is none.
        """
        if self._candidates is None:
            self._candidates = Candidates(self._api, self._model.n_vocab)
        began = time.perf_counter()
        logits = self._probability.logits(row) if isinstance(row, int) else row
        token = self._candidates.draw(chain, logits, grammar, free, banned)
        self.sample_s += time.perf_counter() - began
        return token

    def info(self) -> EngineInfo:
        """What this context really has."""
        api, settings, library = self._api, self._model.settings, self._model.library
        return EngineInfo(
            llama_cpp_python=package_version(),
            system_info=library.system_info(),
            devices=library.devices(),
            n_ctx=self.n_ctx,
            n_batch=api.llama_n_batch(self.handle),
            n_ubatch=api.llama_n_ubatch(self.handle),
            n_threads=api.llama_n_threads(self.handle),
            n_gpu_layers=min(max(settings.n_gpu_layers, 0), self._model.info.n_layer + 1)
            if api.llama_supports_gpu_offload()
            else 0,
            flash_attn=self.flash_attn,
            type_k=cache_type_name(settings.type_k),
            type_v=cache_type_name(settings.type_v),
            use_extra_bufts=self._model.use_extra_bufts,
            extra={
                "kv_streams": 1 if self.unified else self.streams,
                "kv_unified": self.unified,
                **({"swa_full": settings.swa_full} if self._model.window else {}),
            },
        )


def _goes_back(model: LlamaModel, n_ctx: int, n_ubatch: int) -> int | None:
    """How many tokens of a sequence can always be given back; None for any number."""
    if model.is_recurrent:
        return 0
    if not model.rolls_a_window or n_ctx <= model.window + n_ubatch:
        return None
    return padded_context(model.window + n_ubatch) - model.window
