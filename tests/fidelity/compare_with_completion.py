"""Compares the engine's text with llama-completion's, for random chains.

    python -m tests.fidelity.compare_with_completion LLAMA_COMPLETION MODEL... [--cases N]

The chain goes to llama-completion as the command line that the program itself exports.
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
from pathlib import Path

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneRequest, Output, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.export_args import to_llama_args
from tests.fidelity.compare_with_server import LONG, SHORT, drain
from tests.fidelity.random_chains import random_chain


def completion_text(
    program: Path, model: Path, prompt: str, chain: SamplerChain, threads: int
) -> str:
    """What llama-completion writes after the prompt."""
    command = [str(program), "-m", str(model), "-no-cnv", "--no-display-prompt", "-p", prompt]
    command += ["--no-escape", "-t", str(threads), "-c", "4096", "--no-repack", "-sp"]
    # min_keep has no flag; breakers keep their default without escapes.
    words = shlex.split(to_llama_args(chain))
    while "--dry-sequence-breaker" in words:
        at = words.index("--dry-sequence-breaker")
        del words[at : at + 2]
    done = subprocess.run([*command, *words], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def main() -> None:
    """Compare and print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for model in options.models:
        rng = random.Random(2)
        engine = Engine(extra_buffers_safe=lambda: False)
        settings = EngineSettings(n_ctx=4096, n_threads=options.threads, n_gpu_layers=0)
        drain(engine.load(LoadRequest(model, settings)))
        same = 0
        for number in range(options.cases):
            chain = random_chain(rng, n_predict=200).with_values(min_keep=0)
            text = (*SHORT, LONG + SHORT[0])[number % 3]
            tokens = drain(engine.tokenize(text))[0]
            lane = LaneRequest("A", chain, tokens, loop_guard="off")
            events = drain(engine.run(RunRequest((lane,))))
            ours = "".join(
                span.text for event in events if isinstance(event, Output) for span in event.spans
            )
            theirs = completion_text(options.program, model, text, chain, options.threads)
            equal = ours.strip() == theirs.split("<|im_end|>")[0].split(" [end of text]")[0].strip()
            same += equal
            if not equal:
                print("differs:", chain.order_text, repr(ours[-60:]), repr(theirs[-60:]))
        engine.close()
        print(f"{model.name}: {same} of {options.cases} texts equal to llama-completion's")


if __name__ == "__main__":
    main()
