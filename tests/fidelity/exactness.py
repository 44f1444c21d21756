"""Counts lanes whose tokens are the same alone and among four, in both modes.

    python -m tests.fidelity.exactness [--threads N]

on the bundled models, with a short prompt and one of more than 512 tokens.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneRequest, Output, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.resources import resource
from qwqdesk.sampling.chain import SamplerChain
from tests.fidelity.compare_with_server import LONG, SHORT, drain

SEEDS = 36


def run(
    engine: Engine, prompt: tuple[int, ...], chains: Sequence[SamplerChain], mode: Mode
) -> list[tuple[int, ...]]:
    """Each lane's generated tokens."""
    lanes = tuple(LaneRequest("ABCD"[i], chain, prompt) for i, chain in enumerate(chains))
    events: list[Any] = drain(engine.run(RunRequest(lanes, mode)))
    outputs = [event for event in events if isinstance(event, Output)]
    return [
        tuple(token for output in outputs if output.lane == i for token in output.tokens)
        for i in range(len(chains))
    ]


def count(engine: Engine) -> tuple[int, int, int]:
    """(lanes, equal in exact mode, equal in fast mode)."""
    total = exact = fast = 0
    for text in (LONG + SHORT[0], SHORT[1]):
        prompt = drain(engine.tokenize(text))[0]
        for seed in range(0, SEEDS, 4):
            chains = [
                SamplerChain.of(seed=seed + i, temperature=0.6 + 0.2 * i, n_predict=300)
                for i in range(4)
            ]
            alone = [run(engine, prompt, [chain], "exact")[0] for chain in chains]
            together = run(engine, prompt, chains, "exact")
            batched = run(engine, prompt, chains, "fast")
            total += len(chains)
            exact += sum(a == b for a, b in zip(alone, together, strict=True))
            fast += sum(a == b for a, b in zip(alone, batched, strict=True))
    return total, exact, fast


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    for name in ("qwqdesk-demo-F16.gguf", "qwqdesk-demo-Q8_0.gguf"):
        engine = Engine(extra_buffers_safe=lambda: True)
        settings = EngineSettings(n_ctx=4096, n_threads=options.threads, n_gpu_layers=0)
        drain(engine.load(LoadRequest(resource("models", name), settings)))
        total, exact, fast = count(engine)
        engine.close()
        print(f"{name}: of {total} lanes equal alone and among four: exact {exact}, fast {fast}")


if __name__ == "__main__":
    main()
