"""`qwqdesk bench`: prefill and decoding speed of one model, in and around llama.cpp.

With `--busy N` one lane is measured again beside N processes that compute.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from qwqdesk.cli import common
from qwqdesk.cli.busy import busy_processes
from qwqdesk.cli.output import print_json, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import (
    LaneFinished,
    LaneRequest,
    Loaded,
    LoadProgress,
    RunRequest,
)
from qwqdesk.load_plan import measured_memory, plan_load
from qwqdesk.manifest import engine_json, model_json
from qwqdesk.models.parts import read_model_header
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs
from qwqdesk.pipe import Stream
from qwqdesk.processor_words import load_words
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError

HELP = """usage: qwqdesk bench [MODEL] [--lanes N] [--busy N] [ENGINE FLAGS] [-n TOKENS]
                     [--mode exact|fast]

--busy N measures one lane again beside N processes that use the processor."""
PROMPT_TOKENS = 512
GENERATED = 128
_MOST_BUSY = 256
_ROUNDS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Measure:
    """One run: tokens over seconds, and where the time went."""

    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    native_share: float
    sampling_ms_per_token: float


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    from qwqdesk.cli.commands import take_option

    lanes_text, words = take_option(argv, "--lanes")
    busy_text, words = take_option(words, "--busy")
    args = common.parse(words)
    if args.switch("help"):
        return common.show_help(HELP, groups=("engine",))
    lanes = _count(lanes_text, "--lanes", usual=4, most=4)
    busy = _count(busy_text, "--busy", usual=0, most=_MOST_BUSY)
    if args.sampling.get("n_predict", GENERATED) < 1:
        raise UsageError("bench must write something.", "Choose -n 1 or more.")
    path = common.library(dirs).find(args.model)
    engine = new_engine(dirs)
    try:
        document = _bench(engine, path, args, lanes, busy)
    finally:
        engine.close()
    if args.switch("json"):
        print_json(document)
    else:
        write_out(_text(document))
    return 0


def _count(text: str | None, flag: str, *, usual: int, most: int) -> int:
    if text is None:
        return usual
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise UsageError(f"{flag} {text} is not possible.", f"Choose 1 to {most}.")
    return int(text)


def _bench(engine: Engine, path: Path, args: ParsedArgs, lanes: int, busy: int) -> dict[str, Any]:
    progress = Progress()
    header = read_model_header(path)
    devices = next(_items(engine.devices()))
    asked = args.engine_settings
    measured = measured_memory(path, header, asked, engine.dry_load)
    plan = plan_load(path, header, asked, devices, measured)
    loaded: Loaded | None = None
    for event in _items(engine.load(plan.request)):
        if isinstance(event, LoadProgress):
            progress.show(load_words(event))
        else:
            loaded = event
    assert loaded is not None
    mode: Mode = "fast" if args.mode == "fast" else "exact"
    chain = SamplerChain.of(
        **{**args.sampling, "n_predict": args.sampling.get("n_predict", GENERATED)}
    ).with_values(seed=1, ignore_eos=True)
    progress.show("Warming up", now=True)
    prompt = _prompt(loaded)
    measure(
        engine, chain.with_values(n_predict=min(8, chain.integer("n_predict"))), prompt, 1, mode
    )
    counts = sorted({1, lanes})
    found: dict[int, Measure] = {}
    for count in counts:
        progress.show(f"Measuring {count} lane{'s' if count > 1 else ''}", now=True)
        found[count] = measure(engine, chain, prompt, count, mode)
    beside = {}
    if busy:
        progress.show(f"Measuring beside {busy} busy", now=True)
        beside = {"busy": _beside(engine, chain, prompt, mode, busy, found[1])}
    progress.clear()
    one = found[1]
    return {
        "model": model_json(loaded.model),
        "engine": engine_json(loaded.engine),
        "mode": mode,
        "prefill_tokens_per_second": one.prefill_tokens_per_second,
        "decode_tokens_per_second": {
            str(count): each.decode_tokens_per_second for count, each in found.items()
        },
        "native_share": one.native_share,
        "sampling_ms_per_token": one.sampling_ms_per_token,
        **beside,
    }


def _beside(
    engine: Engine,
    chain: SamplerChain,
    prompt: tuple[int, ...],
    mode: Mode,
    busy: int,
    quiet: Measure,
) -> dict[str, Any]:
    """INTERFACE's `busy` object: the same run beside so many processes that compute.

    Both are medians of several runs: what is quiet for one run may not be for the next.
    """

    def rates(count: int) -> list[float]:
        runs = (measure(engine, chain, prompt, 1, mode) for _ in range(count))
        return [run.decode_tokens_per_second for run in runs]

    alone = statistics.median([quiet.decode_tokens_per_second, *rates(_ROUNDS - 1)])
    with busy_processes(busy):
        rate = statistics.median(rates(_ROUNDS))
    return {
        "processes": busy,
        "decode_tokens_per_second": rate,
        "share_of_quiet": rate / max(alone, 1e-9),
    }


def _prompt(loaded: Loaded) -> tuple[int, ...]:
    """Synthetic tokens that every vocabulary has; at most half of the context."""
    vocabulary = loaded.model.n_vocab
    first = min(100, vocabulary // 2)
    variety = max(min(400, vocabulary - first), 1)
    count = min(PROMPT_TOKENS, loaded.engine.n_ctx // 2)
    return tuple(first + i % variety for i in range(count))


def measure(
    engine: Engine, chain: SamplerChain, prompt: tuple[int, ...], lanes: int, mode: Mode
) -> Measure:
    """Run `lanes` equal lanes on a prompt; sampling is counted apart from decoding."""
    request = RunRequest(
        tuple(
            LaneRequest("ABCD"[i], chain.with_seed(i + 1), prompt, loop_guard="off")
            for i in range(lanes)
        ),
        mode=mode,
    )
    ends = [event for event in _items(engine.run(request)) if isinstance(event, LaneFinished)]
    times = engine.run_times()
    tokens = sum(end.usage.reasoning_tokens + end.usage.answer_tokens for end in ends)
    prefill = max(end.timing.prefill_s for end in ends)
    return Measure(
        prefill_tokens_per_second=len(prompt) / max(prefill, 1e-9),
        decode_tokens_per_second=tokens / max(times.decode_s - prefill, 1e-9),
        native_share=times.native_share,
        sampling_ms_per_token=1000 * times.sample_s / max(tokens, 1),
    )


def _items(stream: Stream[T]) -> Iterator[T]:
    while (batch := stream.wait_batch()) is not None:
        yield from batch


def _text(document: dict[str, Any]) -> str:
    decode = document["decode_tokens_per_second"]
    lines = [f"prefill            {document['prefill_tokens_per_second']:>10.1f} tokens/s"]
    lines += [f"decode, {n} lane(s)  {rate:>10.1f} tokens/s" for n, rate in decode.items()]
    lines += [
        f"inside llama.cpp   {document['native_share']:>10.1%} of the time",
        f"sampling           {document['sampling_ms_per_token']:>10.3f} ms a token",
    ]
    if (busy := document.get("busy")) is not None:
        lines.append(
            f"beside {busy['processes']} busy {busy['decode_tokens_per_second']:>15.1f} tokens/s, "
            f"{busy['share_of_quiet']:.0%} of the quiet speed"
        )
    return "\n".join(lines) + "\n"
