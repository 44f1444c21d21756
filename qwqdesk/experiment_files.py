"""The experiments that ship with the program and the user's own: one JSON file each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.experiment import FORMAT, Experiment
from qwqdesk.resources import resource
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipe_files import parse_json, read_bytes
from qwqdesk.sampling.recipes import Recipe, recipe_id
from qwqdesk.whole_file import open_regular, write_whole

_GLANCE: Final = 4096  # bytes
_MOST_NAMES: Final = 1000
_ORDER: Final = ("flappy-bird", "strawberry", "arithmetic", "long-story", "json-output")


@dataclass(frozen=True)
class ExperimentList:
    """Every experiment, built-in ones first; `problems` are sentences about files left out."""

    experiments: tuple[Experiment, ...]
    problems: tuple[str, ...] = ()

    def named(self, text: str) -> Experiment:
        """The experiment with this id or title, in any case.

        Raises:
            UserError: code "experiment-unknown", with the names that there are.
        """
        wanted = text.strip().casefold()
        for found in self.experiments:
            if wanted in (found.id.casefold(), found.title.casefold()):
                return found
        known = ", ".join(found.id for found in self.experiments)
        raise UserError(
            f"There is no experiment named {shown(text)!r}.",
            f"The experiments are: {known}.",
            code="experiment-unknown",
        )


def load_experiments(directory: Path | None, recipes: Sequence[Recipe]) -> ExperimentList:
    """The built-in experiments and those in `directory`; a broken file never hides the others."""
    known = {recipe.id: recipe for recipe in recipes}
    found: dict[str, Experiment] = {}
    problems: list[str] = []
    for path in _builtin_files():
        made = read_experiment(path, known)
        found[made.id] = replace(made, builtin=True)
    for path in _files(directory):
        try:
            made = read_experiment(path, known)
        except UserError as error:
            problems.append(f"The experiment file {shown(path.name)} is left out. {error.what}")
            continue
        if made.id in found:
            what = f"The experiment file {shown(path.name)} is left out: its name is taken."
            problems.append(what)
        else:
            found[made.id] = made
    return ExperimentList(tuple(found.values()), tuple(problems))


def read_experiment(path: Path, recipes: Mapping[str, Recipe]) -> Experiment:
    """One file, of a stranger perhaps; its id is the file's name.

    Raises:
        UserError: when it cannot be read or is no experiment.
    """
    return Experiment.from_json(parse_json(read_bytes(path)), recipes, name=path.stem)


def is_experiment_file(path: Path) -> bool:
    """Whether a file looks like an experiment: a glance at its beginning, of any file."""
    try:
        if path.suffix.lower() != ".json" or not path.is_file():
            return False
        with open_regular(path) as file:
            return FORMAT.encode() in file.read(_GLANCE)
    except OSError:
        return False


def import_experiment(directory: Path, path: Path, recipes: Mapping[str, Recipe]) -> Experiment:
    """Keep the experiment of a file among the user's own, under a name that is free.

    Raises:
        UserError: as `read_experiment` and `save_experiment`.
    """
    one = read_experiment(path, recipes)
    name, title = one.id, one.title
    for number in range(2, _MOST_NAMES):
        target = directory / f"{one.id}.json"
        if one.id not in _builtin_ids() and not target.exists():
            break
        one = replace(one, id=f"{name}-{number}", title=f"{title} ({number})")
    save_experiment(directory, one)
    return one


def save_experiment(directory: Path, experiment: Experiment) -> Path:
    """Write an experiment to its file, replacing an older one of the user's.

    Raises:
        UserError: for the name of a built-in one, or when the file cannot be written.
    """
    if experiment.id in _builtin_ids():
        what = f"{experiment.id} is a built-in experiment and cannot be replaced."
        raise UserError(what, "Save it under another name.", code="experiment-name")
    return export_experiment(directory / f"{experiment.id}.json", experiment)


def export_experiment(path: Path, experiment: Experiment) -> Path:
    """Write an experiment to a file for others.

    Raises:
        UserError: code "disk".
    """
    text = json.dumps(experiment.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        write_whole(path, text + "\n")
    except OSError as error:
        what = f"The experiment cannot be saved: {error.strerror or error}."
        raise UserError(what, "Check the folder and the free space.", code="disk") from error
    return path


def delete_experiment(directory: Path, name: str) -> None:
    """Remove an experiment of the user's.

    Raises:
        UserError: when there is none of that name, or its file cannot be removed.
    """
    path = directory / f"{recipe_id(name)}.json"
    try:
        path.unlink()
    except FileNotFoundError:
        what = f"There is no experiment file for {shown(name)!r}."
        todo = "Built-in experiments cannot be deleted."
        raise UserError(what, todo, code="experiment-unknown") from None
    except OSError as error:
        what = f"The experiment {name} cannot be deleted: {error.strerror or error}."
        raise UserError(what, "Check the folder's rights.", code="disk") from error


def _files(directory: Path | None) -> list[Path]:
    if directory is None:
        return []
    try:
        return sorted(path for path in directory.iterdir() if _may_be_one(path))
    except OSError:
        return []


def _may_be_one(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.startswith(".") and path.is_file()


def _builtin_files() -> list[Path]:
    """The one that the program was made for comes first."""
    place = {name: number for number, name in enumerate(_ORDER)}
    files = _files(resource("experiments"))
    return sorted(files, key=lambda path: place.get(path.stem, len(place)))


def _builtin_ids() -> frozenset[str]:
    return frozenset(recipe_id(path.stem) for path in _builtin_files())
