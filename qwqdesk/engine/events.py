"""Requests to the engine and events from it: frozen dataclasses that pickle.

So the same engine can later be hosted in a child process behind the same interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.conversation import FinishReason, Loop, Mode, Timing, Usage
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.reasoning import Span as Span
from qwqdesk.reasoning import Tags
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints

# ---------------------------------------------------------------- requests


@dataclass(frozen=True)
class FrozenThought:
    """The beginning of a reply that is given and not drawn: ids, then text behind them.

    Reasoning that stands open behind both is closed; `closed` says that the ids have a closing tag
    that was meant. `probabilities` belong to `tokens`, as far as they are known.
    """

    tokens: tuple[int, ...] = ()
    text: str = ""
    probabilities: tuple[float, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class LaneRequest:
    """One lane of a run. The seeds in the chains are drawn already (never -1).

    `reasoning_open` says that the prompt itself opened the reasoning; `tags` are those to look for.

    `answer_chain` draws the answer, `chain` what comes before it; without one, `chain` draws all.
    `n_predict` and `stop` are those of `chain`. Behind `reasoning_budget` tokens of reasoning
    (None or -1: no limit, 0: at once) `reasoning_budget_message` and the closing tag are forced.
    The tokens of `thought` count as generated, but not for `n_predict`. `ends` are further stop
    strings: what the chat template writes at the end of a turn, where it is no token.

    `constraints` hold for its text.
    """

    label: str
    chain: SamplerChain
    prompt_tokens: tuple[int, ...]
    tags: tuple[Tags, ...] = ()
    reasoning_open: bool = False
    loop_guard: LoopGuard = "mark"
    answer_chain: SamplerChain | None = None
    reasoning_budget: int | None = None
    reasoning_budget_message: str = ""
    thought: FrozenThought | None = None
    constraints: Constraints = NO_CONSTRAINTS
    ends: tuple[str, ...] = ()

    @property
    def given_tokens(self) -> int:
        """How many tokens, as far as they are known, stand before the first one that is drawn."""
        return len(self.prompt_tokens) + (len(self.thought.tokens) if self.thought else 0)


@dataclass(frozen=True)
class RunRequest:
    """1..4 lanes. `sequential`: one after another in one stream, where memory is short."""

    lanes: tuple[LaneRequest, ...]
    mode: Mode = "exact"
    sequential: bool = False


# ---------------------------------------------------------------- what a loaded model is


@dataclass(frozen=True)
class DeviceMemory:
    """One ggml backend device; bytes.

    Devices with the same `device_id` are one card that several backends see; "" is not known.
    """

    name: str
    description: str
    kind: Literal["cpu", "gpu", "igpu", "accel"]
    free: int
    total: int
    device_id: str = ""


@dataclass(frozen=True)
class EngineInfo:
    """The engine as the context reports it (INTERFACE's `engine` object)."""

    llama_cpp_python: str
    system_info: str
    devices: tuple[DeviceMemory, ...]
    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_threads: int
    n_gpu_layers: int
    flash_attn: str
    type_k: str
    type_v: str
    use_extra_bufts: bool
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelInfo:
    """A loaded model. `chat_template` is untrusted text, `metadata` holds its scalars as text.

    `vocabulary_sum` is a checksum over some of its tokens: models with the same kind of tokenizer
    have different tokens all the same.
    `template_is_text` is False where the file has something else under the template's key.
    """

    path: str
    name: str
    architecture: str
    quantization: str
    size_bytes: int
    n_params: int
    n_ctx_train: int
    n_layer: int
    n_vocab: int
    chat_template: str | None
    bos_token: str
    eos_token: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    vocabulary_sum: str = ""
    template_is_text: bool = True


# ---------------------------------------------------------------- events


LoadPhase = Literal["header", "memory", "engine", "file", "processor", "weights", "gpu", "check"]
"""What a load does. "gpu" is the first decoding on a GPU: some compile their programs then."""


@dataclass(frozen=True)
class LoadProgress:
    """`fraction` 0..1 of the model file, and what is done with it now."""

    fraction: float
    phase: LoadPhase = "weights"


@dataclass(frozen=True)
class Loaded:
    """The model is ready, with a context for one lane.

    `notes` are sentences for the user (fewer layers, smaller context, unknown override keys).
    """

    model: ModelInfo
    engine: EngineInfo
    settings: EngineSettings
    load_s: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunStarted:
    """The context for this run exists; `sequential` says lanes run one after another."""

    engine: EngineInfo
    sequential: bool = False
    note: str | None = None


@dataclass(frozen=True)
class PrefillProgress:
    """`done` of `total` prompt tokens; `lane` is None while the prefill serves all lanes.

    `prepares_gpu`: the first tokens that a GPU reads since the model was loaded are still to be
    computed; some compile their programs for that, which takes seconds. A chunk that was handed
    over to a GPU is not computed yet: only what comes after it says that it was.
    """

    done: int
    total: int
    lane: int | None = None
    prepares_gpu: bool = False


@dataclass(frozen=True)
class BiasedToken:
    """One token of a vocabulary with its text."""

    id: int
    text: str


@dataclass(frozen=True)
class BiasedTokens:
    """What a bias by text became; minus infinity bans its tokens."""

    text: str
    bias: float
    tokens: tuple[BiasedToken, ...]


@dataclass(frozen=True)
class BiasesFound:
    """Which tokens lane number `lane`'s biases by text became."""

    lane: int
    biases: tuple[BiasedTokens, ...]


@dataclass(frozen=True)
class Output:
    """What lane number `lane` wrote since its last event; `tokens` are generated ids.

    For every token: `ends` says where its text ends, in characters of all that the lane writes,
    tags included (a part of it may still be held back); `probabilities` what the model itself
    gave it, before any sampler: 0 < p <= 1, NaN where it is not known.
    """

    lane: int
    spans: tuple[Span, ...]
    tokens: tuple[int, ...]
    reasoning_tokens: int = 0
    ends: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True)
class LoopFound:
    """Lane `lane` repeats itself (it goes on unless its guard says otherwise)."""

    lane: int
    loop: Loop


@dataclass(frozen=True)
class LoopGrew:
    """The loop of lane `lane` has gone on: `loop` has more whole rounds than was last said."""

    lane: int
    loop: Loop


CloseReason = Literal["budget", "asked", "loop"]


@dataclass(frozen=True)
class ReasoningClosed:
    """Lane `lane`'s reasoning is being closed from outside; `token` is the first forced one."""

    lane: int
    token: int
    reason: CloseReason


@dataclass(frozen=True)
class ThreadsUsed:
    """The run goes on with another number of threads, or it ends and had several.

    `threads` decode now, `most` are those of a quiet machine. `steps` says how many decodings had
    how many threads, in all.
    """

    threads: int
    most: int
    steps: Mapping[int, int]


@dataclass(frozen=True)
class ProcessorShared:
    """Other programs use the processor beside a run that keeps its `threads` threads.

    Said once while it runs. If they still do so at its end, it is measured and said again: with
    `fewer` threads the next run would be `times` as fast; 0 is not known.
    """

    threads: int
    fewer: int = 0
    times: float = 0.0


@dataclass(frozen=True)
class LaneFinished:
    """The lane is done; `detail` explains the reason in words, for example "context full".

    `loop` is the one it was found in, with all its rounds. The first `frozen_tokens` of its
    tokens were given to it, not drawn.
    """

    lane: int
    reason: FinishReason
    detail: str | None
    usage: Usage
    timing: Timing
    loop: Loop | None = None
    frozen_tokens: int = 0


Event = (
    LoadProgress
    | Loaded
    | RunStarted
    | PrefillProgress
    | Output
    | LoopFound
    | LoopGrew
    | ReasoningClosed
    | BiasesFound
    | ThreadsUsed
    | ProcessorShared
    | LaneFinished
)
