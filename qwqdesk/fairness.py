"""A = A: the same lane twice gives the same tokens, or a comparison of lanes means nothing.

What was found holds for a model file, an engine build, the engine's settings and a mode; it is
kept in one small file, so that every later run under the same conditions has its answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from qwqdesk.analysis.divergence import first_difference
from qwqdesk.conversation import Mode
from qwqdesk.rerun import Progress, RerunResult, present_conditions, run_stored
from qwqdesk.run_conditions import Conditions, changes
from qwqdesk.session import Session
from qwqdesk.shared_file import DamagedFileError, change_json, read_json
from qwqdesk.stored_run import StoredLane
from qwqdesk.stored_values import (
    engine_of,
    line_of,
    list_of,
    map_of,
    model_of,
    settings_of,
    sha256_of,
    size_of,
)

SELF_TEST_TOKENS: Final = 256
_MAX_TESTS: Final = 100
_MAX_BYTES: Final = 4 << 20

FairKind = Literal["fair", "unchecked", "fast", "changed", "unfair"]
Tone = Literal["good", "neutral", "warn", "bad"]


@dataclass(frozen=True)
class SelfTest:
    """Lane `label` was run twice beside itself for `tokens` tokens.

    `differs_at` is the first differing token, None when both gave the same; `when` is Unix time.
    """

    label: str
    tokens: int
    differs_at: int | None
    when: float
    conditions: Conditions

    @property
    def passed(self) -> bool:
        """Whether A = A."""
        return self.differs_at is None


class SelfTests:
    """All self-tests of this installation, newest last.

    A file that cannot be read is taken for empty, one that cannot be written costs a new test.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._tests = _read(path) if path is not None else []

    def find(self, conditions: Conditions) -> SelfTest | None:
        """The newest test under the same conditions."""
        for test in reversed(self._tests):
            if _same(test.conditions, conditions):
                return test
        return None

    def add(self, test: SelfTest) -> None:
        """Keep a result; it replaces older ones under the same conditions."""
        self._tests = _with(self._tests, test)
        if self._path is not None:
            with suppress(OSError):
                change_json(self._path, lambda now: self._merged(now, test), most=_MAX_BYTES)

    def _merged(self, now: object, test: SelfTest) -> list[dict[str, Any]]:
        """What other programs have found out stays."""
        known = _tests_of(now) if now is not None else self._tests
        self._tests = _with(known, test)
        return [_to_json(kept) for kept in self._tests]


async def self_test(
    session: Session,
    lane: StoredLane,
    *,
    limit: int | None = SELF_TEST_TOKENS,
    progress: Progress = lambda counts: None,
) -> SelfTest | None:
    """Run a stored lane twice, side by side, and compare both with each other and with the run.

    Returns None when it was stopped. The stored tokens count only where nothing has changed since.

    Args:
        limit: so many tokens at most; None runs the whole reply again.

    Raises:
        UserError: when it cannot run.
    """
    twice = [lane, replace(lane, label=f"{lane.label}'")]
    result = await run_stored(session, twice, limit=limit, progress=progress, early_end=False)
    if result.stopped:
        return None
    tokens = max(outcome.tokens for outcome in result.lanes)
    return SelfTest(
        lane.label,
        tokens,
        _difference(result),
        time.time(),
        present_conditions(session, lane.mode),
    )


def _difference(result: RerunResult) -> int | None:
    first, second = result.lanes
    found = [first_difference(first.written, second.written)]
    if not result.changed:
        found += [first.differs_at, second.differs_at]
    return min((at for at in found if at is not None), default=None)


# ---------------------------------------------------------------- what the badge says


@dataclass(frozen=True)
class Fairness:
    """One of the badge's states in words; `short` where there is little room."""

    kind: FairKind
    tone: Tone
    icon: str
    text: str
    short: str


UNCHECKED: Final = Fairness(
    "unchecked", "neutral", "scale", "Exact, not yet checked", "Not checked"
)
FAST: Final = Fairness(
    "fast", "neutral", "zap", "Not reproducible: lanes share batches", "Not reproducible"
)
FAIR: Final = Fairness("fair", "good", "scale", "Fair: A = A", "Fair: A = A")
CHANGED: Final = Fairness(
    "changed", "warn", "triangle-alert", "Settings changed since this run", "Settings changed"
)


def judge(mode: Mode, test: SelfTest | None, changed: Sequence[str] = ()) -> Fairness:
    """What a run is worth.

    Args:
        test: the self-test under its conditions, if there was one.
        changed: what differs between the run and what would run now.
    """
    if mode == "exact" and test is not None and not test.passed:
        words = f"{test.label} ≠ {test.label} from token {test.differs_at:,}"
        return Fairness("unfair", "bad", "scale", words, f"{test.label} ≠ {test.label}")
    if changed:
        return CHANGED
    if mode == "fast":
        return FAST
    return UNCHECKED if test is None else FAIR


# ---------------------------------------------------------------- the file


def _same(a: Conditions, b: Conditions) -> bool:
    """Without a checksum on both sides only the same path counts as the same model."""
    if changes(a, b):
        return False
    return bool(a.model.sha256 and b.model.sha256) or a.model.path == b.model.path


def _with(tests: Sequence[SelfTest], test: SelfTest) -> list[SelfTest]:
    kept = [old for old in tests if not _same(old.conditions, test.conditions)]
    return [*kept, test][-_MAX_TESTS:]


def _read(path: Path) -> list[SelfTest]:
    try:
        return _tests_of(read_json(path, _MAX_BYTES))
    except (OSError, DamagedFileError):
        return []


def _tests_of(data: object) -> list[SelfTest]:
    """The tests of a document; entries that make no sense are left out."""
    found = (_from_json(map_of(entry)) for entry in list_of(data)[-_MAX_TESTS:])
    return [test for test in found if test is not None]


def _to_json(test: SelfTest) -> dict[str, Any]:
    then = test.conditions
    model = asdict(then.model)
    files = model.pop("files")
    names = ("path", "size_bytes", "sha256")
    return {
        "label": test.label,
        "tokens": test.tokens,
        "differs_at": test.differs_at,
        "when": test.when,
        "mode": then.mode,
        "model": model,
        "engine": {name: value for name, value in then.engine.items() if name in _kept(then)},
        "files": [dict(zip(names, file, strict=True)) for file in files],
        "settings": then.settings.to_json() if then.settings is not None else None,
        "library_sha256": then.library_sha256,
    }


def _kept(conditions: Conditions) -> set[str]:
    """Free memory and the number of streams are no conditions."""
    return set(conditions.engine) - {"kv_streams", "kv_unified"}


def _from_json(data: Mapping[str, Any]) -> SelfTest | None:
    when, at = data.get("when"), data.get("differs_at")
    if data.get("mode") != "exact" or not isinstance(when, (int, float)):
        return None
    return SelfTest(
        line_of(data.get("label"))[:40],
        size_of(data.get("tokens")),
        at if type(at) is int and at >= 0 else None,
        float(when),
        Conditions(
            "exact",
            model_of(map_of(data.get("model")), data),
            engine_of(map_of(data.get("engine"))),
            settings_of(data.get("settings")),
            sha256_of(data.get("library_sha256")),
        ),
    )
