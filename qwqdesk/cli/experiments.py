"""`qwqdesk experiments`: comparisons with checks; list, show, run, import, export, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qwqdesk.cli import common
from qwqdesk.cli.experiments_job import run_trials
from qwqdesk.cli.output import print_json, printable, write_out
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import (
    ExperimentList,
    delete_experiment,
    export_experiment,
    load_experiments,
    read_experiment,
    save_experiment,
)
from qwqdesk.experiment_run import check_repeats
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import UsageError
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.resolve import draw_seed

HELP = (
    "usage: qwqdesk experiments list | show NAME | run NAME [MODEL] [--repeats N] [FLAGS] "
    "[--out FILE] | import FILE | export NAME FILE | remove NAME   [--json]"
)


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    words = [word for word in argv if word != "--json"]
    as_json = len(words) != len(argv)
    if not words or {"--help", "-h"} & set(words):
        write_out(HELP + "\n")
        return 0 if words else 2
    match words:
        case ["list"]:
            _list(_known(dirs), as_json=as_json)
        case ["show", name]:
            _show(_known(dirs).named(name), as_json=as_json)
        case ["run", name, *flags]:
            return _run(_known(dirs).named(name), flags, dirs, as_json=as_json)
        case ["import", file]:
            _import(Path(file), dirs, as_json=as_json)
        case ["export", name, file]:
            _export(_known(dirs).named(name), Path(file), as_json=as_json)
        case ["remove", name]:
            delete_experiment(dirs.experiments, name)
            _say({"removed": name}, f"{name} is removed", as_json=as_json)
        case _:
            raise UsageError("experiments needs one of its commands.", HELP.removeprefix("usage: "))
    return 0


def _known(dirs: DataDirs) -> ExperimentList:
    return load_experiments(dirs.experiments, common.recipes(dirs).recipes)


def _list(found: ExperimentList, *, as_json: bool) -> None:
    rows = [_row(one) for one in found.experiments]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        write_out(printable(f"{row['name']:<14} {row['title']}") + "\n")


def _row(one: Experiment) -> dict[str, Any]:
    return {
        "name": one.id,
        "title": one.title,
        "builtin": one.builtin,
        "lanes": len(one.lanes),
        "checks": len(one.checks),
    }


def _show(one: Experiment, *, as_json: bool) -> None:
    if as_json:
        print_json(one.to_json())
        return
    lines = [one.title, one.about, "", one.prompt, ""]
    for lane in one.lanes:
        title = lane.recipe.title if lane.recipe else "llama.cpp default"
        lines.append(f"lane {lane.label}: {title}{', edited' if lane.edited else ''}")
    lines += [f"check: {check.title}" for check in one.checks]
    write_out(printable("\n".join(lines)) + "\n")


def _run(one: Experiment, flags: Sequence[str], dirs: DataDirs, *, as_json: bool) -> int:
    from qwqdesk.cli.commands import take_option

    repeats, words = take_option(flags, "--repeats")
    args = common.parse(words)
    count = check_repeats(_number(repeats))
    outcome = run_trials(_with_flags(one, args.sampling), args, count, dirs, quiet=as_json)
    if as_json:
        print_json(outcome.result.to_json())
    return 130 if outcome.interrupted else 0


def _with_flags(one: Experiment, flags: Mapping[str, Any]) -> Experiment:
    """FLAGS apply to every lane, its own values after them; a seed is that of the first run."""
    values = {name: value for name, value in flags.items() if name != "seed"}
    lanes = [replace(lane, user={**values, **lane.user}) for lane in one.lanes]
    seed = int(flags.get("seed", one.seed))
    return replace(one, lanes=tuple(lanes), seed=seed if 0 <= seed < 2**32 - 1 else draw_seed())


def _number(text: str | None) -> int:
    if text is None:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"--repeats {shown(text)} is not a number.", "Write --repeats 20.")
    return int(text)


def _import(file: Path, dirs: DataDirs, *, as_json: bool) -> None:
    recipes = {recipe.id: recipe for recipe in common.recipes(dirs).recipes}
    one = read_experiment(file, recipes)
    path = save_experiment(dirs.create().experiments, one)
    _say(one.to_json(), f"{one.id} is saved as {path}", as_json=as_json)


def _export(one: Experiment, file: Path, *, as_json: bool) -> None:
    export_experiment(file, one)
    _say({"name": one.id, "path": str(file)}, f"{one.id} is written to {file}", as_json=as_json)


def _say(data: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        write_out(printable(words) + "\n")
