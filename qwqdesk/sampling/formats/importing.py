"""Reading a recipe from foreign text: our JSON, llama-server's JSON, or a command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain, order_from_json
from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipe_files import parse_json, read_bytes
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, FORMAT, Recipe, recipe_id
from qwqdesk.sampling.samplers import PARAMS, order_from_letters

# Other programs' names of the same values, for llama-server's JSON.
_ALIASES: Final[Mapping[str, str]] = {
    "temp": "temperature",
    "typ_p": "typical_p",
    "max_tokens": "n_predict",
    "max_completion_tokens": "n_predict",
}


@dataclass(frozen=True)
class Imported:
    """A recipe made from foreign text; `unmapped` names what has no place in a recipe."""

    recipe: Recipe
    unmapped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The recipe's JSON with its unmapped names."""
        return {**self.recipe.to_json(), "unmapped": list(self.unmapped)}


def import_file(path: Path) -> Imported:
    """The recipe in a file, named after the file if it states no name.

    Raises:
        UserError: when the file cannot be read or is no recipe.
    """
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{shown(path.name)} is not a text in UTF-8."
        raise UserError(
            what, "Give a recipe or a text with a command line.", code="file"
        ) from error
    return import_text(text, path.stem)


def import_text(text: str, title: str) -> Imported:
    """The recipe in a text; one with a built-in recipe's name gets "-copy" added.

    Raises:
        UserError: when it is neither a recipe, nor a JSON object, nor a command line.
    """
    is_json = text.lstrip().startswith(("{", "["))
    found = _from_json(parse_json(text), title) if is_json else _from_command(text, title)
    if all(found.recipe.id != recipe.id for recipe in BUILTIN_RECIPES):
        return found
    copy = replace(found.recipe, id=recipe_id(f"{found.recipe.id}-copy"))
    return replace(found, recipe=copy)


def _from_json(data: object, title: str) -> Imported:
    if not isinstance(data, Mapping):
        what = "The JSON document is not an object with settings."
        raise UserError(what, "Give one recipe as an object.", code="recipe")
    if data.get("format") == FORMAT:
        return Imported(Recipe.from_json(data))
    if isinstance(data.get("sampling"), Mapping):
        return _from_shown(data, title)
    values: dict[str, object] = {}
    unmapped: list[str] = []
    for key, value in data.items():
        name = _ALIASES.get(key, key)
        if name in PARAMS:
            values[name] = _value(name, value)
        elif name != "samplers":
            unmapped.append(shown(key))
    if not values and "samplers" not in data:
        what = "The JSON object has no sampling setting."
        raise UserError(what, "Use llama-server's names, for example temperature.", code="recipe")
    order = _order(data["samplers"]) if "samplers" in data else None
    return Imported(Recipe.of(SamplerChain.of(order, **values), title), tuple(unmapped))


def _from_shown(data: Mapping[str, object], title: str) -> Imported:
    """What `recipes show --json` prints, or one lane of a run: the object under "sampling"."""
    chain = SamplerChain.from_json(data["sampling"])
    texts = {key: text for key, text in data.items() if isinstance(text, str)}
    named = texts.get("title") or texts.get("name") or title
    name, source = texts.get("name", ""), texts.get("source", "")
    return Imported(Recipe.of(chain, named, source=source, name=name))


def _value(name: str, value: object) -> object:
    """llama-server takes a single stop string as well as a list."""
    return [value] if name == "stop" and isinstance(value, str) else value


def _order(data: object) -> tuple[str, ...]:
    """llama-server reads a text as letters, our own files have names."""
    if isinstance(data, str) and ";" not in data and "_" not in data:
        return order_from_letters(data)
    return order_from_json(data)


def _from_command(text: str, title: str) -> Imported:
    args = parse_command(text)
    unmapped = [item.word for item in args.occurrences if item.flag.group != "sampling"]
    unmapped += [shown(word) for word in args.positional]
    if not args.sampling:
        what = "The text has no sampling flag."
        raise UserError(what, "Paste a llama-cli line, for example --temp 0.6.", code="recipe")
    chain = SamplerChain.of(**args.sampling)
    return Imported(Recipe.of(chain, title), tuple(dict.fromkeys(unmapped)))
