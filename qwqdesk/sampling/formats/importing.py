"""Reading a recipe from foreign text: what kind of text it is, and which part of it is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.formats.command_import import preset_flag, read_command, read_preset
from qwqdesk.sampling.formats.foreign import Imported, LeftOut
from qwqdesk.sampling.formats.modelfile_import import is_modelfile, read_modelfile
from qwqdesk.sampling.formats.parts import Part, find_parts
from qwqdesk.sampling.formats.programs import PROGRAMS, best_program, sets_sampler
from qwqdesk.sampling.formats.settings_text import (
    TOP,
    Values,
    decoded,
    is_ini,
    read_ini,
    read_json,
    read_yaml,
    starts_as_json,
)
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipe_files import read_bytes
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, recipe_id

__all__ = ["Imported", "SeveralPartsError", "import_file", "import_text", "states_settings"]

_YAML_LINE: Final = re.compile(r"(?:[\w.][\w ./:-]*|\"[^\"\n]*\"|'[^'\n]*'):(?:[ \t].*)?|- .*")
_SHARED: Final = "*"
"""The section of llama-server's presets whose values hold for all."""


class SeveralPartsError(UserError):
    """A file with several sets of settings, of which none was chosen; `parts` are their names."""

    def __init__(
        self, what: str, what_to_do: str, *, code: str = "part", parts: Sequence[str] = ()
    ) -> None:
        super().__init__(what, what_to_do, code=code)
        self.parts = tuple(parts)


def import_file(path: Path, part: str | None = None) -> Imported:
    """The recipe in a file, named after the file if it states no name.

    Args:
        path: the file.
        part: the name of the part that is wanted, where a file has several.

    Raises:
        SeveralPartsError: when there are several, and `part` names none of them.
        UserError: when the file cannot be read or is no recipe.
    """
    text = decoded(read_bytes(path))
    if text is None:
        what = f"{shown(path.name)} is not a text in UTF-8."
        raise UserError(what, "Give a recipe or a text with a command line.", code="file")
    return import_text(text, path.name.removesuffix(path.suffix), part, path.name)


def import_text(text: str, title: str, part: str | None = None, file_name: str = "") -> Imported:
    """The recipe in a text; one with a built-in recipe's name gets "-copy" added.

    Read are our own JSON, requests, presets and settings of other programs (see `programs`) in
    JSON, YAML and INI, Ollama's Modelfile, and command lines of llama.cpp.

    Args:
        text: what the file says.
        title: of the recipe, where the text states none.
        part: the name of the part that is wanted, where there are several.
        file_name: a hint at the program.

    Raises:
        SeveralPartsError: when there are several parts, and `part` names none of them.
        UserError: when it is none of these.
    """
    found = _from_any(text.lstrip("\ufeff"), title, part, file_name)
    if all(found.recipe.id != recipe.id for recipe in BUILTIN_RECIPES):
        return found
    copy = replace(found.recipe, id=recipe_id(f"{found.recipe.id}-copy"))
    return replace(found, recipe=copy)


def states_settings(text: str) -> bool:
    """Whether a text is a document of settings (JSON, YAML, INI, a Modelfile), no command line."""
    text = text.lstrip("\ufeff")
    if starts_as_json(text) or is_modelfile(text):
        return True
    if is_ini(text):
        try:
            return not _is_environment(read_ini(text))
        except UserError:
            return True
    return _looks_like_yaml(text) and "--" not in text


def _from_any(text: str, title: str, part: str | None, file_name: str) -> Imported:
    if starts_as_json(text) and not is_ini(text):
        return _from_values(read_json(text), title, part, file_name)
    if is_modelfile(text):
        return _whole(part, read_modelfile(text, title))
    if is_ini(text) and not _is_environment(values := read_ini(text)):
        return _from_sections(values, title, part, file_name)
    if _looks_like_yaml(text):
        try:
            values = read_yaml(text)
        except UserError:
            if "--" not in text:
                raise
        else:
            parts = find_parts(values.data, f"{file_name}.yaml")
            if parts or "--" not in text:
                return _chosen(parts, values, title, part)
    return _whole(part, read_command(text, title))


def _looks_like_yaml(text: str) -> bool:
    """Whether the first line that says anything is a `name:` or an entry of a list."""
    for line in text.splitlines():
        said = line.strip()
        if said and not said.startswith(("#", "%", "---")):
            return _YAML_LINE.fullmatch(said) is not None
    return False


def _whole(part: str | None, found: Imported) -> Imported:
    if part is not None:
        what = f"The file has no part named {shown(part)!r}: it holds one set of settings."
        raise UserError(what, "Import it without naming a part.", code="part")
    return found


# ---------------------------------------------------------------- JSON and YAML


def _from_values(values: Values, title: str, part: str | None, file_name: str) -> Imported:
    data = values.data
    if not isinstance(data, (Mapping, list)):
        what = "The JSON document is not an object with settings."
        raise UserError(what, "Give one recipe as an object.", code="recipe")
    parts = find_parts(data, file_name)
    if not parts and isinstance(data, Mapping):
        parts = _lonely(data, file_name)
    return _chosen(parts, values, title, part)


def _lonely(data: Mapping[Any, Any], file_name: str) -> list[Part]:
    """An object that states no sampler's value may still state a seed, a length or stops."""
    named = {str(key): value for key, value in data.items()}
    if not any(program.knows(key) for key in named for program in PROGRAMS):
        return []
    program = best_program(named, (), file_name)
    return [Part((), partial(program.read, named))]


def _chosen(parts: Sequence[Part], values: Values, title: str, part: str | None) -> Imported:
    if not parts:
        what = "The text has no sampling setting."
        raise UserError(what, "Use llama-server's names, for example temperature.", code="recipe")
    if len(parts) == 1 and part is None:
        found = parts[0].read(title)
        beside = [LeftOut(name) for name in parts[0].beside]
    else:
        wanted = _wanted(parts, part)
        found, beside = wanted.read(f"{title} {wanted.name}"), []
    twice = [
        LeftOut(shown(key), "stated-twice", "of the two the last one counts.")
        for key in dict.fromkeys(values.twice)
    ]
    left_out = tuple(dict.fromkeys((*found.left_out, *beside, *twice)))
    return replace(found, left_out=left_out)


def _wanted(parts: Sequence[Part], name: str | None) -> Part:
    names = [part.name for part in parts]
    if name is not None:
        for part in parts:
            if name in (part.name, "/".join(part.path)):
                return part
        alike = [part for part in parts if part.name.casefold() == name.strip().casefold()]
        if len(alike) == 1:
            return alike[0]
    listed = ", ".join(shown(each) for each in names[:_MOST_LISTED])
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    if name is None:
        what = f"The file holds {len(parts)} sets of settings: {listed}{more}."
    else:
        what = f"The file has no part named {shown(name)!r}. It has: {listed}{more}."
    todo = f"Name one of them: --part {_quoted(names[0])}."
    raise SeveralPartsError(what, todo, parts=names)


_MOST_LISTED: Final = 20


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[^\w./:*-]", name) else name


# ---------------------------------------------------------------- INI


def _from_sections(values: Values, title: str, part: str | None, file_name: str) -> Imported:
    sections: Mapping[str, Mapping[str, str]] = values.data
    shared = {**sections.get(TOP, {}), **sections.get(_SHARED, {})}
    shared.pop("version", None)
    parts = [
        _section_part(name, {**shared, **section}, section or shared, file_name)
        for name, section in sections.items()
        if name not in (TOP, _SHARED) and _sets_sampler({**shared, **section})
    ]
    if not parts and _sets_sampler(shared):
        parts = [_section_part("", shared, shared, file_name)]
    return _chosen(parts, values, title, part)


def _is_environment(values: Values) -> bool:
    """Whether this is an .env file of llama.cpp's variables, which is part of a command line."""
    return [*values.data] == [TOP] and any(name.startswith("LLAMA_") for name in values.data[TOP])


def _section_part(
    name: str, section: Mapping[str, str], own: Mapping[str, str], file_name: str
) -> Part:
    program = best_program(own, (), file_name)
    known = sum(program.knows(key) or key in program.marks for key in own)
    flags = sum(preset_flag(key) is not None for key in own)
    read = partial(read_preset if flags >= known else program.read, section)
    return Part((name,) if name else (), read, (), name)


def _sets_sampler(section: Mapping[str, str]) -> bool:
    return any(
        ((flag := preset_flag(key)) is not None and flag.group == "sampling")
        or sets_sampler(key, value)
        for key, value in section.items()
    )
