"""A chain as a request body for llama-server's /completion."""

from __future__ import annotations

import json
from typing import Any

from qwqdesk.sampling.chain import CONTEXT_SIZE, LAST_N, SamplerChain


def to_server_json(chain: SamplerChain) -> tuple[dict[str, Any], tuple[str, ...]]:
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
    return body, tuple(lost)


def server_json_text(chain: SamplerChain) -> tuple[str, tuple[str, ...]]:
    """The same as indented text."""
    body, lost = to_server_json(chain)
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n", lost
