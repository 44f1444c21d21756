"""Cases recorded from llama-server of the same build, repeated on the bundled demo models.

`recordings/llama_server.json` is written by `python -m tests.fidelity.compare_with_server
LLAMA_SERVER MODEL... --record FILE`; the tokens change with every new demo model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.resources import resource
from qwqdesk.sampling.chain import SamplerChain
from tests.native.driving import drain, lanes_of, run_lanes, tokens_of

RECORDED = Path(__file__).parent / "recordings" / "llama_server.json"
N_CTX = 4096
"""The context of the recording, in tokens."""


def _recorded() -> dict[str, Any]:
    if not RECORDED.exists():
        return {"cases": []}
    data: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return data


MODELS = sorted({case["model"] for case in _recorded()["cases"]})


@pytest.fixture(scope="module", params=MODELS or [None])
def recorded(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, list[dict[str, Any]]]]:
    """An engine with one of the recorded models, and that model's cases."""
    if request.param is None:
        pytest.skip("no cases have been recorded yet")
    found = _recorded()
    cases = [case for case in found["cases"] if case["model"] == request.param]
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=N_CTX, n_threads=cases[0]["threads"], n_gpu_layers=0)
    loaded = drain(engine.load(LoadRequest(resource("models", request.param), settings)))[-1]
    try:
        assert isinstance(loaded, Loaded)
        if loaded.engine.system_info != found["system_info"]:
            pytest.skip("recorded on a processor with other features, which round differently")
        yield engine, cases
    finally:
        assert engine.close()


def test_the_tokens_are_those_of_llama_server(
    recorded: tuple[Engine, list[dict[str, Any]]],
) -> None:
    engine, cases = recorded
    different = []
    for number, case in enumerate(cases):
        chain = SamplerChain.from_json(case["sampling"])
        ours = tokens_of(run_lanes(engine, lanes_of([chain], case["prompt"])))
        theirs = case["tokens"]
        # The server may list the end token, which is no token of a reply here.
        if ours != theirs[: len(ours)] or len(theirs) - len(ours) not in (0, 1):
            different.append((number, chain.order_text))
    assert different == []
