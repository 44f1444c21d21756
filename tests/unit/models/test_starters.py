"""The start page's suggestions can be asked for as they are."""

from __future__ import annotations

from qwqdesk.models.hub_names import parse_name
from qwqdesk.models.starters import STARTERS


def test_every_suggestion_is_a_repository_named_once() -> None:
    names = [starter.repo for starter in STARTERS]
    assert [parse_name(name).repo for name in names] == names
    assert len(set(names)) == len(names)
    assert all(starter.why and starter.memory_gb > 0 for starter in STARTERS)
