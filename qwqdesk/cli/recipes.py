"""`qwqdesk recipes`: list, show, import, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qwqdesk.cli import common
from qwqdesk.cli.output import print_json, printable, to_stderr, write_out
from qwqdesk.paths import DataDirs
from qwqdesk.recipe_import import imported_recipe
from qwqdesk.sampling.formats.exporting import EXPORT_FORMATS, export_recipe
from qwqdesk.sampling.formats.llama_args import UsageError
from qwqdesk.sampling.recipe_files import delete_recipe, save_recipe
from qwqdesk.sampling.recipes import Recipe

HELP = (
    "usage: qwqdesk recipes list | show NAME | import FILE [--part NAME] "
    "| export NAME --to FORMAT | remove NAME   [--json]"
)


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    from qwqdesk.cli.commands import take_option

    to, words = take_option(argv, "--to")
    part, words = take_option(words, "--part")
    as_json = "--json" in words
    words = [word for word in words if word != "--json"]
    if any(word in ("--help", "-h") for word in words):
        write_out(HELP + f"\nformats: {', '.join(EXPORT_FORMATS)}\n")
        return 0
    match words:
        case ["list"]:
            _list(dirs, as_json=as_json)
        case ["show", name]:
            _show(common.recipes(dirs).named(name), as_json=as_json)
        case ["import", file]:
            _import(Path(file), part, dirs, as_json=as_json)
        case ["export", name] if to is not None:
            _export(common.recipes(dirs).named(name), to, as_json=as_json)
        case ["remove", name]:
            delete_recipe(dirs.recipes, name)
            if as_json:
                print_json({"removed": name})
            else:
                write_out(printable(f"{name} is deleted") + "\n")
        case _:
            raise UsageError("recipes needs one of its commands.", HELP.removeprefix("usage: "))
    return 0


def _list(dirs: DataDirs, *, as_json: bool) -> None:
    rows = [_row(recipe) for recipe in common.recipes(dirs).recipes]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        write_out(printable(f"{row['name']:<22} {row['title']}") + "\n")


def _row(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.id,
        "title": recipe.title,
        "source": recipe.source,
        "llama_args": export_recipe(recipe, "llama-args").text,
    }


def _show(recipe: Recipe, *, as_json: bool) -> None:
    row = _whole_row(recipe)
    if as_json:
        print_json(row)
        return
    lines = [recipe.title, f"from: {recipe.source}", recipe.meaning, row["llama_args"]]
    write_out(printable("\n".join(line for line in lines if line)) + "\n")


def _whole_row(recipe: Recipe) -> dict[str, Any]:
    limits = recipe.constraints.to_json()
    more = {"constraints": limits} if limits else {}
    return {**_row(recipe), "sampling": recipe.chain.to_json(), **more}


def _import(file: Path, part: str | None, dirs: DataDirs, *, as_json: bool) -> None:
    found = imported_recipe(file, part)
    path = save_recipe(dirs.create().recipes, found.recipe)
    if as_json:
        warnings = [warning.to_json() for warning in found.warnings]
        more = {"unmapped": list(found.unmapped), "warnings": warnings}
        print_json({**_whole_row(found.recipe), **more})
        return
    write_out(printable(f"{found.recipe.id} is saved as {path}") + "\n")
    for name in found.without_counterpart:
        to_stderr(printable(f"note: {name} has no counterpart and was left out"))
    for warning in found.warnings:
        to_stderr(printable(f"note: {warning.text}"))


def _export(recipe: Recipe, to: str, *, as_json: bool) -> None:
    exported = export_recipe(recipe, to)
    if as_json:
        print_json({"format": to, "text": exported.text, "lost": list(exported.lost)})
        return
    write_out(exported.text.rstrip("\n") + "\n")
    for name in exported.lost:
        to_stderr(f"note: {to} cannot express {name}")
