"""The engine: one thread owns every llama.cpp object, nothing else calls llama.cpp.

Requests queue up; a new one starts only when the last native call has returned.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qwqdesk.engine.decode import PrefixCache, Run
from qwqdesk.engine.dry_load import DryLoad
from qwqdesk.engine.events import (
    DeviceMemory,
    EngineInfo,
    Event,
    Loaded,
    LoadProgress,
    RunRequest,
    RunStarted,
)
from qwqdesk.engine.llama import LlamaContext, LlamaModel, LoadCancelledError
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_params import padded_context
from qwqdesk.engine.row_check import require_last_row
from qwqdesk.engine.thread_governor import BusyWatch, ThreadGovernor
from qwqdesk.engine.threads import OtherPrograms, set_priority
from qwqdesk.engine.token_ids import check_tokens
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.pipe import Stream
from qwqdesk.sampling.chain import SamplerChain

# Characters of a prompt that are cut into tokens before the rest is looked at.
_BEGINNING = 1 << 16

State = Literal["empty", "loading", "ready", "running", "closed"]


@dataclass(frozen=True)
class LoadRequest:
    """Which file to load and how; `quantized` models need the extra-buffers probe first.

    `files` are all that the load reads where a model is in several; () is the path alone.
    `short_factors_up_to` is the context in tokens up to which a model with two sets of RoPE factors
    takes the short ones; 0 where there is only one.
    """

    path: Path
    settings: EngineSettings
    quantized: bool = True
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    short_factors_up_to: int = 0


class RunStream(Stream[Event]):
    """A run's events; lanes can be stopped one by one."""

    def __init__(self) -> None:
        super().__init__()
        self._stopped: set[int] = set()
        self._closing: set[int] = set()

    def stop_lane(self, lane: int) -> None:
        """Ask lane number `lane` to stop; the others go on."""
        self._stopped.add(lane)

    def close_reasoning(self, lane: int) -> None:
        """Ask lane number `lane` to end its reasoning now and to answer; in its answer, nothing."""
        self._closing.add(lane)

    def take_asked_to_close(self, lane: int) -> bool:
        """Whether the lane was asked to end its reasoning since the last call."""
        if lane not in self._closing:
            return False
        self._closing.discard(lane)
        return True

    def asked_to_stop(self, lane: int | None) -> bool:
        """Whether the whole run (None) or one lane was asked to stop."""
        return self.cancelled.is_set() if lane is None else lane in self._stopped


@dataclass(frozen=True)
class RunTimes:
    """Seconds of one run on the engine's thread: all, in llama_decode, and in sampling.

    One clock, and the parts lie inside of the whole.
    """

    whole_s: float = 0.0
    decode_s: float = 0.0
    sample_s: float = 0.0

    @property
    def native_share(self) -> float:
        """How much of the time was spent inside llama.cpp, 0 to 1."""
        return (self.decode_s + self.sample_s) / self.whole_s if self.whole_s else 0.0


Job = Callable[[], None]
Trial = Callable[[Path, EngineSettings, Callable[[], bool], Sequence[Path]], None]


class Engine:
    """Loads one model at a time and runs lanes on it.

    Args:
        extra_buffers_safe: asked before the first quantized load; see `probe.py`.
        trial: raises for a file on which native code would crash; see `trial.py`.
        dry_load: measures what a model takes without its weights; see `dry_load.py`.
        make_library: loads the native library; tests replace it.
    """

    def __init__(
        self,
        *,
        extra_buffers_safe: Callable[[], bool],
        trial: Trial | None = None,
        dry_load: DryLoad | None = None,
        make_library: Callable[[], LlamaLibrary] = LlamaLibrary,
    ) -> None:
        self.state: State = "empty"
        self._extra_buffers_safe = extra_buffers_safe
        self._trial = trial
        self.dry_load = dry_load
        self._make_library = make_library
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._library: LlamaLibrary | None = None
        self._model: LlamaModel | None = None
        self._context: LlamaContext | None = None
        self._cache = PrefixCache()
        self._short_factors_up_to = 0
        self._run_times = RunTimes()
        self._governor: ThreadGovernor | None = None
        self._gpu_is_new = False  # it has read no prompt of the loaded model yet
        self._current: Stream[Any] | None = None
        self._closing = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ requests (any thread)

    def load(self, request: LoadRequest) -> Stream[LoadProgress | Loaded]:
        """Load a model in place of the present one. Cancelling the stream aborts the load."""
        stream: Stream[LoadProgress | Loaded] = Stream()
        self._submit(stream, lambda: self._load(request, stream))
        return stream

    def unload(self) -> Stream[None]:
        """Free the model and its memory."""
        stream: Stream[None] = Stream()
        self._submit(stream, self._free)
        return stream

    def run(self, request: RunRequest) -> RunStream:
        """Run lanes on the loaded model; raises UserError through the stream."""
        stream = RunStream()
        self._submit(stream, lambda: self._run(request, stream))
        return stream

    def tokenize(self, text: str) -> Stream[tuple[int, ...]]:
        """One item: the ids of a rendered prompt (BOS by the vocabulary's rule)."""
        stream: Stream[tuple[int, ...]] = Stream()
        self._submit(stream, lambda: stream.put(self._tokenize(text)))
        return stream

    def token_ends(self, texts: Sequence[str]) -> Stream[Mapping[str, bool]]:
        """One item: those of the texts that are one token, and whether it ends a generation."""
        stream: Stream[Mapping[str, bool]] = Stream()
        self._submit(stream, lambda: stream.put(self._token_ends(texts)))
        return stream

    def chain_names(self, chain: SamplerChain) -> Stream[tuple[str, ...]]:
        """One item: what llama.cpp itself reports of the chain's steps."""
        stream: Stream[tuple[str, ...]] = Stream()
        self._submit(stream, lambda: stream.put(self._chain_names(chain)))
        return stream

    def devices(self) -> Stream[tuple[DeviceMemory, ...]]:
        """One item: the devices with their free memory."""
        stream: Stream[tuple[DeviceMemory, ...]] = Stream()
        self._submit(stream, lambda: stream.put(self._load_library().devices()))
        return stream

    def run_times(self) -> RunTimes:
        """Where the time of the latest run went (for `bench`); known when its stream has ended."""
        return self._run_times

    def close(self, timeout: float = 3.0) -> bool:
        """Stop what runs, free everything, end the thread; False if it did not end in time."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._jobs.put(None)
            current = self._current
        if current is not None:
            current.cancel()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # ------------------------------------------------------------ the thread

    def _submit(self, stream: Stream[Any], work: Callable[[], object]) -> None:
        with self._lock:  # a job behind the end mark would never run
            if not self._closing:
                self._jobs.put(lambda: self._do(stream, work))
                return
        stream.close(_ended())

    def _do(self, stream: Stream[Any], work: Callable[[], object]) -> None:
        with self._lock:
            self._current = stream
            ended = self._closing
        error: BaseException | None = None
        try:
            if ended:
                raise _ended()
            if not stream.cancelled.is_set():
                work()
        except BaseException as caught:  # it is raised again where the stream is read
            error = caught
        finally:
            self._current = None
            stream.close(error)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self.state = "closed"
        self._free()

    def _load_library(self) -> LlamaLibrary:
        if self._library is None:
            self._library = self._make_library()
        return self._library

    def _load(self, request: LoadRequest, stream: Stream[LoadProgress | Loaded]) -> None:
        began = time.perf_counter()
        self._free()
        self.state = "loading"
        try:
            stream.put(LoadProgress(0.0, "engine"))
            library = self._load_library()
            if self._trial is not None:
                stream.put(LoadProgress(0.0, "file"))
                cancelled = stream.cancelled.is_set
                self._trial(request.path, request.settings, cancelled, request.files)
                if stream.cancelled.is_set():
                    raise LoadCancelledError
            if request.quantized:
                stream.put(LoadProgress(0.0, "processor"))
            said = set_priority(request.settings.priority)
            extra = self._extra_buffers_safe() if request.quantized else True
            self._model = LlamaModel(
                library,
                request.path,
                request.settings,
                use_extra_bufts=extra,
                progress=_progress_to(stream),
            )
            self._short_factors_up_to = request.short_factors_up_to
            context = self._open_context(streams=1, lanes=1, unified=False)
            self._gpu_is_new = uses_gpu(context.info())
            stream.put(LoadProgress(1.0, "gpu" if self._gpu_is_new else "check"))
            require_last_row(context, self._model)
        except LoadCancelledError:
            self._free()
            raise UserError("Loading was cancelled.", "", code="cancelled") from None
        except BaseException:
            self._free()
            raise
        self.state = "ready"
        seconds = time.perf_counter() - began
        stream.put(
            Loaded(
                self._model.info,
                context.info(),
                request.settings,
                seconds,
                (*request.notes, said) if said else request.notes,
            )
        )

    def _run(self, request: RunRequest, stream: RunStream) -> None:
        model = self._loaded()
        for lane in request.lanes:  # before anything is decoded for any of them
            check_tokens(lane.prompt_tokens, model.n_vocab)
            check_tokens(lane.thought.tokens if lane.thought else (), model.n_vocab)
        lanes = len(request.lanes)
        fast = request.mode == "fast"
        own = model.copies_late or model.window > 0 or self._factors_differ(lanes)
        shared = fast and not own
        streams = 2 * lanes if shared else 1 if request.sequential and not fast else lanes
        context = self._open_context(streams=streams, lanes=lanes, unified=shared)
        if not fast or self._cache.in_place == shared:
            self._cache = PrefixCache(in_place=not shared)
        check_room((lane.given_tokens for lane in request.lanes), context.n_ctx)
        for text in {lane.thought.text for lane in request.lanes if lane.thought is not None}:
            self._refuse_far_too_long(model, text)
        info = context.info()
        stream.put(RunStarted(info, request.sequential))
        governor, watch = self._thread_watchers(info, fast=fast)
        run = Run(
            model,
            context,
            request,
            put=stream.put,
            cancelled=stream.asked_to_stop,
            close_asked=stream.take_asked_to_close,
            cache=self._cache if fast else None,
            prepares_gpu=self._gpu_is_new,
            governor=governor,
            watch=watch,
        )
        self._gpu_is_new = False
        self.state = "running"
        decode_s, sample_s = context.decode_s, context.sample_s
        began = time.perf_counter()
        try:
            run.execute()
        except BaseException:
            self._close_context()  # its memory is in an unknown state
            raise
        finally:
            self._run_times = RunTimes(
                time.perf_counter() - began,
                context.decode_s - decode_s,
                context.sample_s - sample_s,
            )
            self.state = "ready"

    def _thread_watchers(
        self, info: EngineInfo, *, fast: bool
    ) -> tuple[ThreadGovernor | None, BusyWatch | None]:
        """Who chooses the run's number of threads; where nobody may, who looks on.

        A number that the user gave is never overridden, and in exact mode it is a condition of the
        run. Where the whole model is on GPUs, threads hardly matter.
        """
        settings, most = self._loaded().settings, info.n_threads
        if most < 2 or info.n_gpu_layers > self._loaded().info.n_layer:
            return None, None
        if not fast or settings.n_threads or settings.n_threads_batch:
            return None, BusyWatch(most, OtherPrograms().cores)
        if self._governor is None or self._governor.most != most:
            self._governor = ThreadGovernor(most)
        return self._governor, None

    def _open_context(self, *, streams: int, lanes: int, unified: bool) -> LlamaContext:
        """The present context if it has this shape, else a new one in its place."""
        present = self._context
        shape = (streams, lanes, unified)
        if present is not None and (present.streams, present.lanes, present.unified) == shape:
            return present
        self._close_context()
        self._context = LlamaContext(self._loaded(), streams=streams, lanes=lanes, unified=unified)
        return self._context

    def _factors_differ(self, lanes: int) -> bool:
        """Whether a cache that `lanes` lanes share would change the model's RoPE factors.

        llama.cpp chooses them by the context of the whole cache, not by that of one lane.
        """
        n_ctx = padded_context(self._loaded().settings.n_ctx)
        return n_ctx <= self._short_factors_up_to < n_ctx * lanes

    def _loaded(self) -> LlamaModel:
        if self._model is None:
            raise UserError("No model is loaded.", "Choose a model first.", code="no_model")
        return self._model

    def _tokenize(self, text: str) -> tuple[int, ...]:
        model = self._loaded()
        bos = model.info.bos_token
        if bos and text.startswith(bos) and model.adds_bos:
            text = text[len(bos) :]
        self._refuse_far_too_long(model, text)
        return model.tokenize(text, add_special=True, parse_special=True)

    def _token_ends(self, texts: Sequence[str]) -> Mapping[str, bool]:
        model = self._loaded()
        found: dict[str, bool] = {}
        for text in texts:
            ids = model.tokenize(text, add_special=False, parse_special=True)
            if len(ids) == 1:
                found[text] = model.is_end(ids[0])
        return found

    def _refuse_far_too_long(self, model: LlamaModel, text: str) -> None:
        """Look at beginnings first: some texts of 10 MB take minutes to cut into tokens.

        Twice the context is asked for, since a whole text may have somewhat fewer tokens than its
        parts together.
        """
        n_ctx, size = self._lane_context(), _BEGINNING
        while size < len(text):
            count = len(model.tokenize(text[:size], add_special=True, parse_special=True))
            if count > 2 * n_ctx:
                raise _too_long(f"more than {count:,}", n_ctx)
            size *= 4

    def _chain_names(self, chain: SamplerChain) -> tuple[str, ...]:
        # Unlimited last-n values would make llama.cpp allocate gigabytes.
        limited = chain.with_context(self._lane_context())
        with contextlib.closing(self._loaded().chain(limited)) as native:
            return native.names()

    def _lane_context(self) -> int:
        return self._context.n_ctx if self._context else self._loaded().info.n_ctx_train

    def _close_context(self) -> None:
        self._cache = PrefixCache()
        if self._context is not None:
            self._context.close()
            self._context = None

    def _free(self) -> None:
        self._close_context()
        self._governor = None
        if self._model is not None:
            self._model.close()
            self._model = None
        if self.state != "closed":
            self.state = "empty"


def _ended() -> UserError:
    return UserError("The engine has ended.", "Start the program again.", code="closed")


def _progress_to(stream: Stream[LoadProgress | Loaded]) -> Callable[[float], bool]:
    """Reports at most every hundredth: llama.cpp calls once for each tensor."""
    last = [-1]

    def on_progress(fraction: float) -> bool:
        if int(fraction * 100) != last[0]:
            last[0] = int(fraction * 100)
            stream.put(LoadProgress(fraction))
        return not stream.cancelled.is_set()

    return on_progress


def uses_gpu(engine: EngineInfo) -> bool:
    """Whether a context computes on a GPU, at least in part."""
    return engine.n_gpu_layers > 0 and any(d.kind in ("gpu", "igpu") for d in engine.devices)


def check_room(counts: Iterable[int], n_ctx: int) -> None:
    """Refuse prompts that leave no room for a reply, before anything of them is decoded.

    Args:
        counts: each prompt's length in tokens.
        n_ctx: the context of one lane in tokens.
    """
    for count in counts:
        if count == 0:
            raise UserError("The prompt is empty.", "Write something first.", code="empty_prompt")
        if count >= n_ctx:
            raise _too_long(f"{count:,}", n_ctx)


def _too_long(count: str, n_ctx: int) -> UserError:
    return UserError(
        f"The prompt has {count} tokens, the context {n_ctx:,}.",
        "Shorten it or raise the context.",
        code="prompt_too_long",
    )
