"""A chain as a request body for llama-server's /completion."""

from __future__ import annotations

import json
from typing import Any

from qwqdesk.sampling.chain import CONTEXT_SIZE, LAST_N, SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints


def to_server_json(
    chain: SamplerChain, constraints: Constraints = NO_CONSTRAINTS
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request's sampling part, and the names that llama-server would refuse.

    It refuses a last-n of -1 and an empty list of breakers: they are left out, so that its
    defaults apply. The prompt's cache is off, because reuse changes the text.
    """
    body = chain.to_json()
    lost = [name for name in LAST_N if chain[name] == CONTEXT_SIZE]
    if not chain["dry_sequence_breakers"]:
        lost.append("dry_sequence_breakers")
    for name in lost:
        del body[name]
    body["cache_prompt"] = False
    if constraints.grammar:
        body["grammar"] = constraints.grammar
    if constraints.json_schema:
        body["json_schema"] = json.loads(constraints.json_schema)
    for bias in (entry.to_json() for entry in constraints.text_biases):
        body["logit_bias"] += [[text, bias["bias"]] for text in _spellings(bias["text"])]
    return body, tuple(lost)


def _spellings(text: str) -> tuple[str, str]:
    """A text as it is, and with a blank before it, as this program takes it."""
    return text, f" {text}"


def server_json_text(
    chain: SamplerChain, constraints: Constraints = NO_CONSTRAINTS
) -> tuple[str, tuple[str, ...]]:
    """The same as indented text."""
    body, lost = to_server_json(chain, constraints)
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n", lost
