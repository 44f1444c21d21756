"""What is asked of each tiny model: the same of all, whatever its memory is."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models.gguf import read_header
from qwqdesk.models.memory import estimate
from qwqdesk.models.shape import model_shape
from tests import every_model
from tests.architectures.make import WINDOW, Architecture, Memory
from tests.every_model import Check, Subject, kept_and_run_again, state_of, subject_of
from tests.fidelity.compare_with_server import engine_tokens
from tests.fidelity.llama_server import running
from tests.fidelity.random_chains import random_chain

N_CTX, LARGE_CTX = 2048, 32768
# One thread: with more, a busy machine makes every decode wait for its slowest core.
SETTINGS = EngineSettings(n_ctx=N_CTX, n_gpu_layers=0, n_threads=1)
SHORT = "What is the capital of Peru? It is "
LONG = "".join(f"{n} plus {n + 3} is {2 * n + 3}. " for n in range(44)) + SHORT
CHAINS = 20
MIB = 1 << 20
# An estimate may be off by the larger of both (part of what is really allocated, bytes).
PART, SLACK = 0.10, 32 * MIB
YES, NOT_ASKED = "yes", "not asked"
REFUSED: Mapping[tuple[str, Memory], str] = {}
"""The code of the refusal, by check and memory, where a memory cannot do what a check asks."""


@dataclass
class Model:
    """A tiny model, loaded while it is asked."""

    architecture: Architecture
    path: Path
    subject: Subject
    server: Path | None = None


@contextmanager
def model_of(
    architecture: Architecture, folder: Path, server: Path | None = None
) -> Iterator[Model]:
    """The model written into the folder and loaded."""
    path = architecture.write(folder / f"tiny-{architecture.name}.gguf")
    with subject_of(path, SETTINGS, (SHORT, LONG), length=16) as subject:
        assert len(subject.short) < WINDOW < SETTINGS.n_ubatch < len(subject.long)
        yield Model(architecture, path, subject, server)


def _asks(check: Check) -> Callable[[Model], str]:
    return lambda model: state_of(check, model.subject)


def equal_to_server(model: Model) -> str:
    """How many random chains write llama-server's tokens, with prompts of several lengths."""
    if model.server is None:
        return NOT_ASKED
    rng, same = random.Random(8), 0
    subject = model.subject
    middle = subject.long[: 2 * WINDOW + 5]
    prompts = (subject.short, middle, subject.long, subject.long[:512])
    with running(model.server, model.path, threads=1, n_ctx=N_CTX) as server:
        for number in range(CHAINS):
            chain, prompt = random_chain(rng, n_predict=24), prompts[number % len(prompts)]
            ours = engine_tokens(subject.engine, prompt, chain)
            theirs = server.tokens(prompt, chain)
            same += ours == theirs[: len(ours)] and len(theirs) - len(ours) in (0, 1)
    return YES if same == CHAINS else f"{same} of {CHAINS}"


def memory_as_estimated(model: Model) -> str:
    """What llama.cpp allocates beside the weights, and what was estimated before: MiB."""
    shape = model_shape(read_header(model.path))
    settings = replace(SETTINGS, n_ctx=LARGE_CTX)
    library = LlamaLibrary()
    bare = LlamaModel(library, model.path, settings, use_extra_bufts=False, progress=lambda _: True)
    found, wrong = [], False
    for lanes, fast in ((1, False), (4, False), (4, True)):
        unified = fast and not bare.copies_late and not bare.rolls_a_window
        streams = 2 * lanes if unified else lanes
        context = LlamaContext(bare, streams=streams, lanes=lanes, unified=unified)
        real = MIB * sum(
            float(match[1])
            for line in library.messages
            if (match := re.search(r"buffer size\s*=\s*([\d.]+) MiB", line))
        )
        context.close()
        needed = estimate(shape, LARGE_CTX, lanes=lanes, shared=fast)
        expected = needed.kv_cpu + needed.compute_cpu
        wrong |= abs(expected - real) > max(PART * real, SLACK)
        found.append(f"{real / MIB:.0f}/{expected / MIB:.0f}")
    bare.close()
    return ("wrong: " if wrong else "") + ", ".join(found)


def kept(model: Model) -> str:
    """Regenerated, answered again, opened again, run again."""
    asyncio.run(kept_and_run_again(model.path, SETTINGS, model.path.with_suffix(".sqlite3")))
    return YES


CHECKS: Mapping[str, Callable[[Model], str]] = {
    "memory, MiB": memory_as_estimated,
    "llama-server": equal_to_server,
    "alone = four": _asks(every_model.alone_as_among_four),
    "stop": _asks(every_model.a_stopped_run_leaves_nothing),
    "fast turns": _asks(every_model.a_second_turn_goes_on),
    "banned strings": _asks(every_model.banned_strings),
    "budget": _asks(every_model.a_budget_ends_the_reasoning),
    "two chains": _asks(every_model.a_second_chain_draws_the_answer),
    "kept, run again": kept,
}


def as_expected(check: str, architecture: Architecture, found: str) -> bool:
    """Whether a check's result is the one that the table promises."""
    if check == "memory, MiB":
        return not found.startswith("wrong")
    promised = REFUSED.get((check, architecture.memory), YES)
    return found in (promised, NOT_ASKED)
