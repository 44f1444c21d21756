"""Compares the engine's tokens with llama-server's, for random chains.

    python -m tests.fidelity.compare_with_server LLAMA_SERVER MODEL... [--cases N]

prints how many of the cases are token-identical. With `--record FILE` the server's tokens are
written for `tests/native/test_recorded.py`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneRequest, Loaded, Output, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.pipe import Stream
from qwqdesk.sampling.chain import SamplerChain
from tests.fidelity.llama_server import running
from tests.fidelity.random_chains import random_chain

T = TypeVar("T")

SHORT = (
    "<|im_start|>user\nWhat is 27 + 58?<|im_end|>\n<|im_start|>assistant\n<think>\n",
    "<|im_start|>user\nWrite a Python function that returns the square of a number."
    "<|im_end|>\n<|im_start|>assistant\n<think>\n",
)
LONG = "".join(
    f"<|im_start|>user\nWhat is {n} + {n + 3}?<|im_end|>\n<|im_start|>assistant\n"
    f"The answer is **{2 * n + 3}**.<|im_end|>\n"
    for n in range(10, 40)
)


def drain(stream: Stream[T]) -> list[T]:
    """All items of a stream."""
    items: list[T] = []
    while (batch := stream.wait_batch(600)) is not None:
        items += batch
    return items


def engine_tokens(engine: Engine, prompt: Sequence[int], chain: SamplerChain) -> list[int]:
    """The engine's ids for one lane in exact mode."""
    lane = LaneRequest("A", chain, tuple(prompt), loop_guard="off")
    events = drain(engine.run(RunRequest((lane,))))
    return [token for event in events if isinstance(event, Output) for token in event.tokens]


def compare(
    program: Path,
    model: Path,
    cases: int,
    threads: int,
    seed: int,
    *,
    n_predict: int = 200,
    swa_full: bool = False,
) -> list[dict[str, Any]]:
    """Run all cases on both sides; each row says whether the tokens are the same."""
    rng = random.Random(seed)
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=4096, n_threads=threads, n_gpu_layers=0, swa_full=swa_full)
    drain(engine.load(LoadRequest(model, settings)))
    prompts = [drain(engine.tokenize(text))[0] for text in (*SHORT, LONG + SHORT[0])]
    rows: list[dict[str, Any]] = []
    extra = ["--swa-full"] if swa_full else []
    with running(program, model, threads=threads, n_ctx=4096, extra=extra) as server:
        for number in range(cases):
            chain = random_chain(rng, n_predict=n_predict)
            prompt = prompts[number % len(prompts)]
            theirs, ours = server.tokens(prompt, chain), engine_tokens(engine, prompt, chain)
            same = ours == theirs[: len(ours)] and len(theirs) - len(ours) in (0, 1)
            rows.append({"prompt": prompt, "chain": chain, "theirs": theirs, "same": same})
            if not same:
                print("differs", len(ours), len(theirs), chain.order_text)
    engine.close()
    return rows


def processor(model: Path) -> str:
    """What the build says of itself and this processor: other features round differently."""
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=256, n_threads=1, n_gpu_layers=0)
    loaded = drain(engine.load(LoadRequest(model, settings)))[-1]
    engine.close()
    assert isinstance(loaded, Loaded)
    return loaded.engine.system_info


def main() -> None:
    """Compare, print a line for each model, record if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=200, help="of each chain at most")
    parser.add_argument("--swa-full", action="store_true", help="on both sides")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    recorded: list[dict[str, Any]] = []
    for model in options.models:
        rows = compare(
            options.program,
            model,
            options.cases,
            options.threads,
            options.seed,
            n_predict=options.tokens,
            swa_full=options.swa_full,
        )
        same = sum(row["same"] for row in rows)
        print(f"{model.name}: {same} of {len(rows)} token-identical with llama-server", flush=True)
        recorded += [
            {
                "model": model.name,
                "threads": options.threads,
                "prompt": list(row["prompt"]),
                "sampling": row["chain"].to_json(),
                "tokens": row["theirs"],
            }
            for row in rows
            if row["same"]
        ]
    if options.record is not None:
        document = {
            "command": f"compare_with_server --cases {options.cases} --threads {options.threads} "
            f"--seed {options.seed}",
            "system_info": processor(options.models[0]),
            "cases": recorded,
        }
        options.record.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
