"""Compares the engine's tokens with llama.cpp's own programs under grammars and JSON schemas.

    python -m tests.fidelity.compare_grammars LLAMA_SERVER LLAMA_COMPLETION MODEL [--cases N]

Grammars go to llama-server, whose tokens are compared; schemas go to llama-completion as
``--json-schema``, so that its converter makes the grammar, and the texts are compared. typ_p is
off: behind candidates that a grammar has masked it computes NaN, and sorts them by chance.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import subprocess
from pathlib import Path

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneRequest, Output, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.formats.export_args import to_llama_args
from tests.fidelity.compare_with_server import SHORT, drain
from tests.fidelity.llama_server import running
from tests.fidelity.random_chains import random_chain

GRAMMARS = (
    'root ::= "The answer is " [0-9]{1,4} "."',
    'root ::= (line "\\n")+\nline ::= "- " [a-zA-Z ,]+',
    'root ::= ("yes" | "no") " because " [^\\n.]* "."',
    "root ::= [^0-9]+",
    'root ::= value\nvalue ::= "(" value* ")" | [a-z]',
    'root ::= .{5,40} "é"? "!"',
    'root ::= [А-Яа-я ]+ "."',
    'root ::= ([a-z]+ " "){3} [a-z]+ "."',
    "root ::= !<think> .*",
)
SCHEMAS: tuple[dict[str, object], ...] = (
    {},
    {"type": "object"},
    {"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 1250}, "minItems": 2},
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "tags": {"type": "array", "items": {"enum": ["a", "b", None]}, "maxItems": 3},
            "more": {"anyOf": [{"type": "null"}, {"type": "number"}]},
        },
        "required": ["name", "age"],
    },
    {
        "properties": {"a": {"type": "boolean"}, "ab": {"const": {"x": [1, "ü"]}}},
        "additionalProperties": {"type": "integer", "minimum": -20, "maximum": 7},
    },
    {"properties": {"a": {"type": "null"}, "b": {"format": "date", "type": "string"}}},
    {
        "$defs": {
            "tree": {"properties": {"v": {"type": "integer"}, "l": {"$ref": "#/$defs/tree"}}}
        },
        "$ref": "#/$defs/tree",
    },
    {"type": ["string", "boolean"], "minLength": 2},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "minimum": 0},
)


def engine_output(
    engine: Engine, prompt: tuple[int, ...], chain: SamplerChain, limits: Constraints
) -> tuple[list[int], str]:
    """The engine's ids and text for one lane in exact mode."""
    lane = LaneRequest("A", chain, prompt, loop_guard="off", constraints=limits)
    events = drain(engine.run(RunRequest((lane,))))
    outputs = [event for event in events if isinstance(event, Output)]
    tokens = [token for output in outputs for token in output.tokens]
    return tokens, "".join(span.text for output in outputs for span in output.spans)


def completion_text(
    program: Path, model: Path, prompt: str, chain: SamplerChain, schema: str
) -> str:
    """What llama-completion writes after the prompt under a schema."""
    command = [str(program), "-m", str(model), "-no-cnv", "--no-display-prompt", "-p", prompt]
    command += ["--no-escape", "-t", "1", "-c", "4096", "--no-repack", "-sp", "-j", schema]
    words = shlex.split(to_llama_args(chain))
    while "--dry-sequence-breaker" in words:
        at = words.index("--dry-sequence-breaker")
        del words[at : at + 2]
    done = subprocess.run([*command, *words], capture_output=True, check=True)
    text = done.stdout.decode("utf-8", "replace").strip().removesuffix(" [end of text]")
    return text.removesuffix("<|im_end|>").removesuffix("<|endoftext|>")


def compare_grammars(
    engine: Engine, program: Path, model: Path, cases: int, rng: random.Random
) -> int:
    """How many cases have the server's tokens."""
    same = 0
    prompts = [drain(engine.tokenize(text))[0] for text in SHORT]
    with running(program, model, threads=1, n_ctx=4096) as server:
        for number in range(cases):
            grammar = GRAMMARS[number % len(GRAMMARS)]
            chain = random_chain(rng, n_predict=80).with_values(typical_p=1.0)
            prompt = prompts[number % len(prompts)]
            ours, _ = engine_output(engine, prompt, chain, Constraints(grammar=grammar))
            theirs = server.tokens(prompt, chain, grammar=grammar)
            equal = ours == theirs[: len(ours)] and len(theirs) - len(ours) in (0, 1)
            same += equal
            if not equal:
                print("differs:", grammar, chain.order_text, ours[:9], theirs[:9])
    return same


def compare_schemas(
    engine: Engine, program: Path, model: Path, cases: int, rng: random.Random
) -> int:
    """How many cases have llama-completion's text."""
    same = 0
    for number in range(cases):
        schema = json.dumps(SCHEMAS[number % len(SCHEMAS)])
        chain = random_chain(rng, n_predict=80).with_values(min_keep=0, typical_p=1.0)
        text = SHORT[number % len(SHORT)]
        prompt = drain(engine.tokenize(text))[0]
        _, ours = engine_output(engine, prompt, chain, Constraints(json_schema=schema))
        theirs = completion_text(program, model, text, chain, schema)
        equal = ours.strip() == theirs.strip()
        same += equal
        if not equal:
            print("differs:", schema, chain.order_text, repr(ours[:200]), repr(theirs[:200]))
    return same


def main() -> None:
    """Compare and print two lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", type=Path)
    parser.add_argument("completion", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cases", type=int, default=18)
    options = parser.parse_args()
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=4096, n_threads=1, n_gpu_layers=0)
    drain(engine.load(LoadRequest(options.model, settings)))
    rng = random.Random(3)
    same = compare_grammars(engine, options.server, options.model, options.cases, rng)
    print(f"{options.model.name}: {same} of {options.cases} grammars token-identical")
    same = compare_schemas(engine, options.completion, options.model, options.cases, rng)
    print(f"{options.model.name}: {same} of {options.cases} schemas with equal text")
    engine.close()


if __name__ == "__main__":
    main()
