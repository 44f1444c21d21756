"""The exported Python program draws what the engine draws."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Output
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.python_code import to_python
from tests.native.driving import drain, lanes_of, run_lanes

PROMPT = "hello there"


@pytest.mark.parametrize(
    "chain",
    [
        SamplerChain.of(
            ["top_k", "penalties", "dry", "temperature", "xtc", "min_p"],
            seed=7,
            repeat_penalty=1.2,
            dry_multiplier=0.5,
            xtc_probability=0.5,
            n_predict=24,
            ignore_eos=True,
            logit_bias=[(40, 2.0), (41, False)],
        ),
        SamplerChain.of(seed=8, mirostat=2, n_predict=12),
    ],
)
def test_draws_the_same(
    load: Callable[[str], Engine], models: dict[str, Path], tmp_path: Path, chain: SamplerChain
) -> None:
    engine = load("F16")
    prompt = drain(engine.tokenize(PROMPT))[0]
    events = run_lanes(engine, lanes_of([chain], prompt))
    outputs = [event for event in events if isinstance(event, Output)]
    ours = "".join(span.text for output in outputs for span in output.spans)
    program = tmp_path / "program.py"
    program.write_text(to_python(chain)[0], encoding="utf-8")
    command = [sys.executable, str(program), str(models["F16"]), PROMPT]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert done.stdout.decode("utf-8", "replace").removesuffix("\n") == ours
