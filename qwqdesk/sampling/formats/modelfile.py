"""A chain as PARAMETER lines of an Ollama Modelfile.

Ollama has a fixed order and few samplers. Its own default of repeat_penalty is not 1, so a value
whose step is not in the chain is written as the value that does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.differences import counts
from qwqdesk.sampling.param import number_text
from qwqdesk.sampling.samplers import PARAMS

# Our names and Ollama's, from its docs/modelfile.mdx and api/types.go.
OLLAMA_NAMES: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "repeat_last_n": "repeat_last_n",
    "repeat_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
    "n_predict": "num_predict",
    "stop": "stop",
}


def to_modelfile(chain: SamplerChain) -> tuple[str, tuple[str, ...]]:
    """The PARAMETER lines, and the names of what Ollama cannot do."""
    lost = [name for name in PARAMS if name not in OLLAMA_NAMES and _acts(name, chain)]
    return "".join(f"{line}\n" for line in _lines(chain)), (*lost, "samplers")


def _acts(name: str, chain: SamplerChain) -> bool:
    return counts(name, chain) and chain[name] != PARAMS[name].neutral


def _lines(chain: SamplerChain) -> Iterator[str]:
    for name, theirs in OLLAMA_NAMES.items():
        value = chain[name]
        if name == "seed" and chain.has_random_seed:
            continue
        if isinstance(value, tuple):
            for text in value:
                yield f"PARAMETER {theirs} {_quoted(str(text))}"
            continue
        neutral = PARAMS[name].neutral
        if neutral is not None and not counts(name, chain):
            value = neutral
        assert isinstance(value, (int, float))
        yield f"PARAMETER {theirs} {number_text(value)}"


def _quoted(text: str) -> str:
    """Three quotes hold everything but themselves."""
    return f'"""{text}"""' if '"' in text or "\n" in text else f'"{text}"'
