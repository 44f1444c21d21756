"""The start page's suggestions can be asked for as they are."""

from __future__ import annotations

from itertools import groupby

from qwqdesk.models.hub_names import parse_name
from qwqdesk.models.starters import STARTERS


def test_every_suggestion_is_a_repository_named_once() -> None:
    names = [starter.repo for starter in STARTERS]
    assert [parse_name(name).repo for name in names] == names
    assert len(set(names)) == len(names)
    assert all(starter.why and starter.memory_gb > 0 for starter in STARTERS)


def test_groups_come_one_after_another_and_from_large_to_small() -> None:
    groups = [starter.group for starter in STARTERS]
    assert [group for group, _ in groupby(groups)] == list(dict.fromkeys(groups))
    sizes = [starter.memory_gb for starter in STARTERS]
    assert sizes == sorted(sizes, reverse=True)
