"""The user's own recipes: one JSON file each in one folder, read and written whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, Recipe, recipe_id, recipe_named
from qwqdesk.whole_file import open_regular, write_whole

_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class RecipeList:
    """Every recipe, built-in ones first; `problems` are sentences about files left out."""

    recipes: tuple[Recipe, ...]
    problems: tuple[str, ...] = ()

    def named(self, text: str) -> Recipe:
        """The recipe with this id or title; raises `UserError` when there is none."""
        return recipe_named(text, self.recipes)


def load_recipes(directory: Path | None) -> RecipeList:
    """The built-in recipes and those in `directory`; one broken file never hides the others."""
    own: list[Recipe] = []
    problems: list[str] = []
    for path in _files(directory, problems):
        try:
            recipe = _read(path)
            if any(recipe.id == other.id for other in own):
                what = f"Another file is named {recipe.id} already."
                raise UserError(what, "Rename the file.", code="recipe-name")
            own.append(recipe)
        except UserError as error:
            problems.append(f"The recipe file {shown(path.name)} is left out. {error.what}")
    return RecipeList((*BUILTIN_RECIPES, *own), tuple(problems))


def _files(directory: Path | None, problems: list[str]) -> list[Path]:
    if directory is None:
        return []
    try:
        return sorted(p for p in directory.iterdir() if p.suffix == ".json" and p.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"The folder of recipes cannot be read: {error.strerror or error}.")
        return []


def _read(path: Path) -> Recipe:
    recipe = Recipe.from_json(parse_json(read_bytes(path)), name=path.stem)
    if recipe.id in _builtin_ids():
        what = f"It has the name of the built-in recipe {recipe.id}."
        raise UserError(what, "Rename the file.", code="recipe-name")
    return recipe


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most 4 MiB.

    Raises:
        UserError: when it cannot be read or is larger.
    """
    try:
        with open_regular(path) as file:
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        what = f"{shown(path.name)} cannot be read: {shown(str(reason))}."
        raise UserError(what, "Check the file and its rights.", code="file") from error
    if len(raw) > _MAX_BYTES:
        what = f"{shown(path.name)} is larger than {_MAX_BYTES // 2**20} MiB."
        raise UserError(what, "Give a smaller file.", code="file")
    return raw


def read_text(name: str | Path) -> str:
    """The text of a file in UTF-8 of at most 4 MiB, without a byte order mark.

    Raises:
        UserError: when it cannot be read, is larger or is no such text.
    """
    path = Path(name)
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{shown(path.name)} is not a text in UTF-8."
        raise UserError(what, "Give a text file.", code="file") from error


def parse_json(raw: str | bytes) -> object:
    """A JSON document from foreign text.

    Raises:
        UserError: when it is not JSON, nested too deep, or has numbers too long to read.
    """
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"It is not valid JSON: {json_fault(error)}."
        raise UserError(what, "Fix the file or export it again.", code="json") from error


def json_fault(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that `json` refused, and where."""
    if isinstance(error, json.JSONDecodeError):
        words = error.msg[:1].lower() + error.msg[1:]
        return f"{shown(words)} in line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return "a number in it is too long"


def save_recipe(directory: Path, recipe: Recipe) -> Path:
    """Write the recipe to its file, replacing an older one; the file is whole or untouched.

    Raises:
        UserError: for a built-in name, or when the file cannot be written.
    """
    if recipe.id in _builtin_ids():
        what = f"{recipe.id} is a built-in recipe and cannot be replaced."
        raise UserError(what, "Save it under another name.", code="recipe-name")
    path = directory / f"{recipe.id}.json"
    text = json.dumps(recipe.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write_whole(path, text)
    except OSError as error:
        what = f"The recipe {recipe.id} cannot be saved: {error.strerror or error}."
        raise UserError(what, "Check the folder and the free space.", code="disk") from error
    return path


def delete_recipe(directory: Path, name: str) -> None:
    """Remove a user's recipe.

    Raises:
        UserError: when there is none of that name, or the file cannot be removed.
    """
    path = directory / f"{recipe_id(name)}.json"
    try:
        if recipe_id(name) != name:
            raise FileNotFoundError
        path.unlink()
    except FileNotFoundError:
        what = f"There is no recipe file for {shown(name)!r}."
        raise UserError(
            what, "Built-in recipes cannot be deleted.", code="recipe-unknown"
        ) from None
    except OSError as error:
        what = f"The recipe {name} cannot be deleted: {error.strerror or error}."
        raise UserError(what, "Check the folder's rights.", code="disk") from error


def _builtin_ids() -> frozenset[str]:
    return frozenset(recipe.id for recipe in BUILTIN_RECIPES)
