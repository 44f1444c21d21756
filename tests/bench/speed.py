"""Speed against llama.cpp's own programs of the same build, in alternation, as ratios.

    python -m tests.bench.speed MODEL --llama-bench PATH --llama-batched-bench PATH [--rounds N]

prints JSON:
- `one_lane`: our decode rate (sampling not counted) over llama-bench's; 1.0 is equal.
- `four_lanes_fast`: our rate with four lanes in one batch over llama-batched-bench's with a shared
  prompt of 1,000 tokens.
- `prefill_four_over_one`: time to the first token of four lanes over that of one lane.
Figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneFinished, LaneRequest, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.pipe import Stream
from qwqdesk.sampling.chain import SamplerChain

T = TypeVar("T")
PROMPT = tuple(1000 + i % 500 for i in range(1000))
GENERATED = 64


@dataclass(frozen=True)
class Timed:
    """One run: rates in tokens per second without sampling, times in seconds."""

    decode_rate: float
    first_token_s: float
    sampling_ms: float


def drain(stream: Stream[T]) -> Iterator[T]:
    """All items of a stream."""
    while (batch := stream.wait_batch()) is not None:
        yield from batch


def run(engine: Engine, prompt: Sequence[int], lanes: int, mode: Mode) -> Timed:
    """Lanes that run to their limit; what is around llama_decode counts, sampling does not."""
    chain = SamplerChain.of(n_predict=GENERATED, ignore_eos=True, top_k=40)
    request = RunRequest(
        tuple(
            LaneRequest("ABCD"[i], chain.with_seed(i + 1), tuple(prompt), loop_guard="off")
            for i in range(lanes)
        ),
        mode=mode,
    )
    ends = [event for event in drain(engine.run(request)) if isinstance(event, LaneFinished)]
    sampled = engine.run_times().sample_s
    seconds = max(end.timing.decode_s for end in ends) - sampled
    # The first token of each lane comes out of the prefill's logits.
    return Timed(
        decode_rate=lanes * (GENERATED - 1) / seconds,
        first_token_s=max(end.timing.first_token_s for end in ends),
        sampling_ms=1000 * sampled / (lanes * GENERATED),
    )


def llama_bench(program: Path, model: Path, threads: int) -> float:
    """Tokens per second of llama-bench's text generation."""
    command = [program, "-m", model, "-p", 0, "-n", GENERATED, "-t", threads, "-r", 1]
    done = subprocess.run(
        [*map(str, command), "-fa", "on", "-o", "json"], capture_output=True, check=True
    )
    return float(json.loads(done.stdout)[0]["avg_ts"])


def batched_bench(program: Path, model: Path, threads: int) -> float:
    """Tokens per second of llama-batched-bench with four sequences and a shared prompt."""
    command = [program, "-m", model, "-c", 8192, "-npp", 1000, "-ntg", GENERATED, "-npl", 4]
    command += ["-pps", "-t", threads, "-fa", "on", "-kvu", "--output-format", "jsonl"]
    done = subprocess.run([str(word) for word in command], capture_output=True, check=True)
    rows = [line for line in done.stdout.decode().splitlines() if line.startswith("{")]
    return float(json.loads(rows[-1])["speed_tg"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--llama-bench", type=Path, required=True)
    parser.add_argument("--llama-batched-bench", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    engine = Engine(extra_buffers_safe=lambda: True)
    settings = EngineSettings(
        n_ctx=2048, n_threads=options.threads, n_gpu_layers=0, flash_attn="on"
    )
    list(drain(engine.load(LoadRequest(options.model, settings))))
    run(engine, PROMPT[:64], 1, "exact")
    one, four, prefill, sampling = [], [], [], []
    for _ in range(options.rounds):
        ours = run(engine, PROMPT[:1], 1, "exact")
        one.append(
            ours.decode_rate / llama_bench(options.llama_bench, options.model, options.threads)
        )
        sampling.append(ours.sampling_ms)
        together = run(engine, PROMPT, 4, "fast")
        theirs = batched_bench(options.llama_batched_bench, options.model, options.threads)
        four.append(together.decode_rate / theirs)
        alone = run(engine, PROMPT, 1, "exact")
        prefill.append(run(engine, PROMPT, 4, "exact").first_token_s / alone.first_token_s)
    engine.close()
    print(
        json.dumps(
            {
                "one_lane": statistics.median(one),
                "four_lanes_fast": statistics.median(four),
                "prefill_four_over_one": statistics.median(prefill),
                "sampling_ms_per_token": statistics.median(sampling),
                "rounds": {"one_lane": one, "four_lanes_fast": four, "prefill": prefill},
            }
        )
    )


if __name__ == "__main__":
    main()
