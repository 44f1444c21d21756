"""The formats that a recipe can be exported to, in one table."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import CONTEXT_SIZE, LAST_N
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.formats.constraint_args import constraint_words
from qwqdesk.sampling.formats.export_args import to_llama_args
from qwqdesk.sampling.formats.modelfile import to_modelfile
from qwqdesk.sampling.formats.python_code import to_python
from qwqdesk.sampling.formats.server_json import server_json_text
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import Recipe


@dataclass(frozen=True)
class Exported:
    """A recipe in another program's words; `lost` names what that program cannot do."""

    format: str
    text: str
    lost: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `recipes export --json` prints."""
        return {"format": self.format, "text": self.text, "lost": list(self.lost)}


def export_recipe(recipe: Recipe, to: str) -> Exported:
    """The recipe in the format of this name.

    Raises:
        UserError: for an unknown format.
    """
    name = _ALIASES.get(to.strip().lower(), to.strip().lower())
    if name not in _WRITERS:
        what = f"There is no export format {shown(to)!r}."
        raise UserError(what, f"The formats are: {', '.join(EXPORT_FORMATS)}.", code="format")
    text, lost = _WRITERS[name](recipe)
    can = _CARRIES.get(name, frozenset())
    more = [key for key in recipe.constraints.to_json() if key not in can]
    return Exported(name, text, (*lost, *more))


def _args(recipe: Recipe) -> tuple[str, tuple[str, ...]]:
    lost = [name for name in LAST_N if recipe.chain[name] == CONTEXT_SIZE]
    lost += ["min_keep"] if recipe.chain["min_keep"] else []
    words = shlex.join(constraint_words(recipe.constraints))
    return f"{to_llama_args(recipe.chain)} {words}".rstrip(), tuple(lost)


def _json(recipe: Recipe) -> tuple[str, tuple[str, ...]]:
    text = json.dumps(recipe.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    return text + "\n", ()


_WRITERS: Final[Mapping[str, Callable[[Recipe], tuple[str, tuple[str, ...]]]]] = MappingProxyType(
    {
        "llama-args": _args,
        "json": _json,
        "llama-server": lambda recipe: server_json_text(recipe.chain, recipe.constraints),
        "modelfile": lambda recipe: to_modelfile(recipe.chain),
        "python": lambda recipe: to_python(recipe.chain),
    }
)

# The constraints that a format has a place for; banned strings are this program's alone, and the
# command line of llama.cpp has token ids only.
_CARRIES: Final[Mapping[str, frozenset[str]]] = {
    "llama-args": frozenset({"grammar", "json_schema"}),
    "llama-server": frozenset({"grammar", "json_schema", "logit_bias_text"}),
    "json": frozenset(Constraints().names),
}

EXPORT_FORMATS: Final[tuple[str, ...]] = tuple(_WRITERS)

_ALIASES: Final[Mapping[str, str]] = {
    "ollama": "modelfile",
    "server": "llama-server",
    "py": "python",
}
