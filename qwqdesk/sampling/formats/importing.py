"""Reading a recipe from foreign text: which format it is, and those of llama.cpp and our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain, order_from_json
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.constraint_args import CONSTRAINT_DESTS, constraints_from
from qwqdesk.sampling.formats.foreign import Foreign, Imported
from qwqdesk.sampling.formats.generation_config import is_generation_config, read_generation_config
from qwqdesk.sampling.formats.koboldcpp import is_koboldcpp, read_koboldcpp
from qwqdesk.sampling.formats.llama_args import ParsedArgs
from qwqdesk.sampling.formats.lmstudio import is_lmstudio, read_lmstudio
from qwqdesk.sampling.formats.modelfile_import import is_modelfile, read_modelfile
from qwqdesk.sampling.formats.sillytavern import is_sillytavern, read_sillytavern
from qwqdesk.sampling.formats.textgen import is_textgen, read_textgen
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipe_files import parse_json, read_bytes
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, FORMAT, Recipe, recipe_id
from qwqdesk.sampling.samplers import PARAMS, order_from_letters

__all__ = ["Imported", "import_file", "import_text"]

# Other programs' names of the same values, for llama-server's JSON.
_ALIASES: Final[Mapping[str, str]] = {
    "temp": "temperature",
    "typ_p": "typical_p",
    "max_tokens": "n_predict",
    "max_completion_tokens": "n_predict",
}


@dataclass(frozen=True)
class _Kind:
    """A format of another program: how it is told from others, and how it is read."""

    is_it: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any], str], Imported]


# JSON formats, the most telling first; what none of them is, is llama-server's.
_JSON_KINDS: Final = (
    _Kind(is_lmstudio, read_lmstudio),
    _Kind(is_sillytavern, read_sillytavern),
    _Kind(is_koboldcpp, read_koboldcpp),
    _Kind(is_generation_config, read_generation_config),
)


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

    Read are our own JSON, llama-server's, presets of LM Studio, SillyTavern, KoboldCpp and
    text-generation-webui, Hugging Face's generation_config.json, Ollama's Modelfile, and
    command lines of llama.cpp.

    Raises:
        UserError: when it is none of these.
    """
    found = _from_any(text, title)
    if all(found.recipe.id != recipe.id for recipe in BUILTIN_RECIPES):
        return found
    copy = replace(found.recipe, id=recipe_id(f"{found.recipe.id}-copy"))
    return replace(found, recipe=copy)


def _from_any(text: str, title: str) -> Imported:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return _from_json(parse_json(text.lstrip("\ufeff")), title)
    if is_modelfile(text):
        return read_modelfile(text, title)
    if is_textgen(text):
        return read_textgen(text, title)
    return _from_command(text, title)


def _from_json(data: object, title: str) -> Imported:
    if not isinstance(data, Mapping):
        what = "The JSON document is not an object with settings."
        raise UserError(what, "Give one recipe as an object.", code="recipe")
    if data.get("format") == FORMAT:
        return Imported(Recipe.from_json(data))
    if isinstance(data.get("sampling"), Mapping):
        return _from_shown(data, title)
    for kind in _JSON_KINDS:
        if kind.is_it(data):
            return kind.read(data, title)
    values: dict[str, object] = {}
    found = Foreign()
    for key, value in data.items():
        name = _ALIASES.get(key, key)
        if name in PARAMS:
            values[name] = _value(name, value)
        elif name != "samplers" and not found.limit(key, value):
            found.leave(key)
    if not values and "samplers" not in data:
        what = "The JSON object has no sampling setting."
        raise UserError(what, "Use llama-server's names, for example temperature.", code="recipe")
    order = _order(data["samplers"]) if "samplers" in data else None
    chain = SamplerChain.of(order, **values)
    recipe = Recipe.of(chain, title, constraints=found.constraints)
    return Imported(recipe, tuple(found.unmapped))


def _from_shown(data: Mapping[str, object], title: str) -> Imported:
    """What `recipes show --json` prints, or one lane of a run: the object under "sampling"."""
    chain = SamplerChain.from_json(data["sampling"])
    texts = {key: text for key, text in data.items() if isinstance(text, str)}
    named = texts.get("title") or texts.get("name") or title
    name, source = texts.get("name", ""), texts.get("source", "")
    limits = Constraints.from_json(data.get("constraints", {}))
    recipe = Recipe.of(chain, named, source=source, name=name, constraints=limits)
    return Imported(recipe)


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
    limits = None
    if not _needs_file(args):
        limits = constraints_from(args)
    known = CONSTRAINT_DESTS if limits is not None else frozenset[str]()
    unmapped = [
        item.word
        for item in args.occurrences
        if item.flag.group != "sampling" and item.flag.dest not in known
    ]
    unmapped += args.unread
    unmapped += [f"sampler {shown(name)}" for name in args.skipped]
    unmapped += [shown(word) for word in args.positional]
    if not args.sampling:
        what = "The text has no sampling flag."
        raise UserError(what, "Paste a llama-cli line, for example --temp 0.6.", code="recipe")
    chain = SamplerChain.of(**args.sampling)
    recipe = Recipe.of(chain, title, constraints=limits if limits is not None else NO_CONSTRAINTS)
    return Imported(recipe, tuple(dict.fromkeys(unmapped)))


def _needs_file(args: ParsedArgs) -> bool:
    """A pasted line may name a grammar's file, which is not part of the text."""
    kind, _ = args.options.get("form", ("", ""))
    return str(kind).endswith("-file")
