"""Repositories that changed their name: a model is found by every name that it was known by.

The hub answers to an old name with the new one. What was learned so is remembered in one file of
the models folder, because a model that was downloaded by the old name may be asked for by it again,
without the hub.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from qwqdesk.models.hub_names import is_repo
from qwqdesk.models.records import FOLDER, read_json
from qwqdesk.shared_file import change_json

FILE = "renamed.json"
MOST = 1000


def note_name(models: Path, asked: str, now: str) -> None:
    """Remember that the hub calls the repository `asked` by the name `now`.

    A full disk is no error here: the hub says it again.
    """
    same = asked.lower() == now.lower()
    known = [new for old, new in _read(models) if old.lower() == asked.lower()]
    if known == ([] if same else [now]):
        return

    def change(data: object) -> dict[str, Any]:
        names = {old: new for old, new in _names(data) if old.lower() != asked.lower()}
        if not same:
            names[asked] = now  # the newest is last
        return {"version": 1, "names": dict(list(names.items())[-MOST:])}

    with suppress(OSError):
        change_json(models / FOLDER / FILE, change)


def names_of(models: Path, repo: str) -> tuple[str, ...]:
    """Every known name of a repository, itself first."""
    found = [repo]
    pairs = tuple(_read(models))
    for name in found:  # it grows
        for old, now in pairs:
            for one, other in ((old, now), (now, old)):
                if one.lower() == name.lower() and not _has(found, other):
                    found.append(other)
    return tuple(found)


def _has(names: Iterable[str], name: str) -> bool:
    return any(each.lower() == name.lower() for each in names)


def _read(models: Path) -> Iterable[tuple[str, str]]:
    return _names(read_json(models / FOLDER / FILE, 1 << 20))


def _names(data: object) -> Iterable[tuple[str, str]]:
    names = data.get("names") if isinstance(data, dict) else None
    for old, now in names.items() if isinstance(names, dict) else ():
        if isinstance(now, str) and is_repo(old) and is_repo(now):
            yield old, now
