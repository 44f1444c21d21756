"""Compares the engine's tokens with llama-server's under grammars and JSON schemas.

    python -m tests.fidelity.compare_grammars LLAMA_SERVER MODEL [--cases N]

The server gets a schema as JSON, so that its own converter makes the grammar. typ_p is off: behind
candidates that a grammar has masked it computes NaN, and sorts them by chance.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import LaneRequest, Output, RunRequest
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from tests.fidelity.compare_with_server import SHORT, drain
from tests.fidelity.llama_server import LlamaServer, running
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
    {"description": "anything; the server takes {} for no schema"},
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


def engine_tokens(
    engine: Engine, prompt: Sequence[int], chain: SamplerChain, limits: Constraints
) -> list[int]:
    """The engine's ids for one lane in exact mode."""
    lane = LaneRequest("A", chain, tuple(prompt), loop_guard="off", constraints=limits)
    events = drain(engine.run(RunRequest((lane,))))
    return [token for event in events if isinstance(event, Output) for token in event.tokens]


def compare(
    engine: Engine, server: LlamaServer, cases: int, rng: random.Random, *, schemas: bool
) -> int:
    """How many cases have the server's tokens."""
    same = 0
    prompts = [drain(engine.tokenize(text))[0] for text in SHORT]
    for number in range(cases):
        chain = random_chain(rng, n_predict=80).with_values(typical_p=1.0)
        prompt = prompts[number % len(prompts)]
        if schemas:
            form: object = SCHEMAS[number % len(SCHEMAS)]
            theirs = server.tokens(prompt, chain, json_schema=form)
            limits = Constraints(json_schema=json.dumps(form))
        else:
            form = GRAMMARS[number % len(GRAMMARS)]
            theirs = server.tokens(prompt, chain, grammar=form)
            limits = Constraints(grammar=str(form))
        ours = engine_tokens(engine, prompt, chain, limits)
        equal = ours == theirs[: len(ours)] and len(theirs) - len(ours) in (0, 1)
        same += equal
        if not equal:
            print("differs:", form, chain.order_text, ours[:9], theirs[:9])
    return same


def main() -> None:
    """Compare and print two lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cases", type=int, default=24)
    options = parser.parse_args()
    engine = Engine(extra_buffers_safe=lambda: False)
    settings = EngineSettings(n_ctx=4096, n_threads=1, n_gpu_layers=0)
    drain(engine.load(LoadRequest(options.model, settings)))
    rng = random.Random(3)
    with running(options.server, options.model, threads=1, n_ctx=4096) as server:
        for what in ("grammars", "schemas"):
            same = compare(engine, server, options.cases, rng, schemas=what == "schemas")
            print(f"{options.model.name}: {same} of {options.cases} {what} token-identical")
    engine.close()


if __name__ == "__main__":
    main()
