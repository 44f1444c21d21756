"""Results of experiments on disk: one file for each experiment on each set of conditions.

The conditions (models, engine and its settings, the experiment itself) are in the file's name, so
a result is never shown for, or continued under, others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qwqdesk.engine.llama_library import package_version
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult
from qwqdesk.model_turns import LanePlace
from qwqdesk.run_plan import RAW
from qwqdesk.sampling.recipe_files import parse_json, read_bytes
from qwqdesk.shared_file import change_json


def conditions(experiment: Experiment, places: Sequence[LanePlace]) -> dict[str, Any]:
    """All that the trials depend on besides their seeds."""
    return {
        "experiment": {**experiment.to_json(), "seed": None, "checks": None},
        "places": [_place(place) for place in places],
        "llama_cpp_python": package_version(),
    }


def _place(place: LanePlace) -> dict[str, Any]:
    state = _state(place.model)
    options = place.options.for_model(place.model or "")
    return {
        "model": str(place.model),
        "size_bytes": state.st_size if state is not None else -1,
        "mtime_ns": state.st_mtime_ns if state is not None else -1,
        "engine": place.settings.to_json(),
        "mode": place.options.mode,
        "template": RAW if options.raw else str(options.template),
        "loop_guard": place.options.loop_guard,
    }


def _state(path: Path | None) -> os.stat_result | None:
    try:
        return path.stat() if path is not None else None
    except OSError:
        return None


def file_time(path: Path) -> int:
    """When a result was written, in ns; -1 where there is none."""
    state = _state(path)
    return state.st_mtime_ns if state is not None else -1


def result_path(folder: Path, experiment: Experiment, places: Sequence[LanePlace]) -> Path:
    """Where this experiment's result under these conditions is kept."""
    checks = [check.to_json() for check in experiment.checks]
    text = json.dumps([conditions(experiment, places), checks], sort_keys=True, default=str)
    mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return folder / f"{experiment.id}-{mark}.json"


def load_result(path: Path, experiment: Experiment) -> ExperimentResult:
    """The trials that are there; none where the file is missing or cannot be read."""
    result = ExperimentResult(experiment)
    try:
        result.take(parse_json(read_bytes(path)))
    except UserError:
        return result
    return result


def save_result(path: Path, result: ExperimentResult) -> None:
    """Write the result as it is now, with the trials that another program has added meanwhile.

    Raises:
        UserError: code "disk".
    """
    own = result.to_json()

    def merged(now: object) -> dict[str, Any]:
        every = ExperimentResult(result.experiment)
        every.take(own)
        every.take(now)
        return every.to_json()

    try:
        change_json(path, merged)
    except OSError as error:
        what = f"The result cannot be saved: {error.strerror or error}."
        raise UserError(what, "Check the folder and the free space.", code="disk") from error


def forget_result(path: Path) -> None:
    """Remove a result, if there is one.

    Raises:
        UserError: code "disk".
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        what = f"The result cannot be removed: {error.strerror or error}."
        raise UserError(what, "Check the folder's rights.", code="disk") from error
