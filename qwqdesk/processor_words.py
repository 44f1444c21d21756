"""What is said of the processor: other programs on it, and the phases of a load. Codes to words."""

from __future__ import annotations

from typing import Final

from qwqdesk.engine.events import LoadPhase, LoadProgress, ProcessorShared, ThreadsUsed
from qwqdesk.sampling.effective import ChainWarning

PREPARING_GPU: Final = "Preparing the GPU"
_PHASES: Final[dict[LoadPhase, str]] = {
    "header": "Reading the header",
    "memory": "Estimating the memory",
    "engine": "Starting the engine",
    "file": "Checking the file",
    "processor": "Checking this processor",
    "weights": "Loading",
    "gpu": PREPARING_GPU,
    "check": "Checking the model",
}
# Below this a gain is not worth other conditions.
_WORTH: Final = 1.1
# Where all threads wait for one that does not come, a few steps measure that one wait.
_MOST_TIMES: Final = 5


def phase_words(phase: LoadPhase) -> str:
    """What a load does now."""
    return _PHASES[phase]


def load_words(progress: LoadProgress) -> str:
    """The phase of a load, with how far it is where that is known: "Loading 40 %"."""
    words = _PHASES[progress.phase]
    if progress.phase != "weights" or not progress.fraction:
        return words
    return f"{words} {progress.fraction * 100:.0f} %"


def threads_count(count: int) -> str:
    """ "1 thread", "2 threads"."""
    return f"{count} thread" if count == 1 else f"{count} threads"


def fewer_help(shared: ProcessorShared) -> bool:
    """Whether the next run would be faster with fewer threads by what is worth a change."""
    return 0 < shared.fewer < shared.threads and shared.times >= _WORTH


def shared_words(shared: ProcessorShared) -> str:
    """What other programs do to a run whose number of threads stays, and what would help."""
    if not fewer_help(shared):
        if shared.times:
            return "Other programs use the processor; fewer threads would not be faster."
        return "Other programs use the processor, which slows this run down."
    return (
        f"Other programs use the processor: with {threads_count(shared.fewer)} the next run would "
        f"be {_times_words(shared.times)} faster."
    )


def _times_words(times: float) -> str:
    """How many times, as exactly as half a second of trying can tell."""
    if times >= _MOST_TIMES:
        return f"more than {_MOST_TIMES} times"
    rounded = f"{times:.1f}" if times < 2.95 else f"{times:.0f}"
    return f"about {rounded.removesuffix('.0')} times"


def fewer_threads_words(used: ThreadsUsed) -> str:
    """Which part of a finished run had fewer threads than a quiet machine's."""
    fewer = {count: steps for count, steps in used.steps.items() if count < used.most}
    least, most = min(fewer, default=used.most), max(fewer, default=used.most)
    count = threads_count(most) if least == most else f"{least} to {threads_count(most)}"
    return (
        f"Fewer threads were faster: {sum(fewer.values()):,} of {sum(used.steps.values()):,} steps "
        f"were decoded with {count} instead of {used.most}, which can change the tokens."
    )


def thread_warnings(used: ThreadsUsed | None) -> tuple[ChainWarning, ...]:
    """As a lane's warnings: `fewer-threads`, where fast mode changed their number."""
    return () if used is None else (ChainWarning("fewer-threads", fewer_threads_words(used)),)
