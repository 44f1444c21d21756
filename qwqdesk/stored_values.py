"""Reading a stored run's parts: whatever a file holds, each reader gives a bounded plain value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, cast, get_args

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.conversation import FinishReason, Timing, Usage
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import NO_BUDGET, LaneRules
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.param import INT32_MAX

_MAX_TEXT: Final = 4_000
_MAX_FILES: Final = 1_000
_MOST_SECONDS: Final = 1e9


@dataclass(frozen=True)
class StoredModel:
    """Which model wrote it; `sha256` has one checksum for each file, in order, where known."""

    path: str = ""
    name: str = ""
    architecture: str = ""
    quantization: str = ""
    size_bytes: int = 0
    files: tuple[tuple[str, int, str | None], ...] = ()  # path, bytes, sha256

    @property
    def sha256(self) -> tuple[str, ...]:
        """The checksums, () unless every file has one."""
        known = tuple(sha256 for _, _, sha256 in self.files if sha256)
        return known if len(known) == len(self.files) else ()

    @property
    def title(self) -> str:
        """Name and quantization for people."""
        name = self.name or Path(self.path).name or "an unnamed model"
        return f"{name} {self.quantization}".strip()


def model_of(data: Mapping[str, Any], manifest: Mapping[str, Any]) -> StoredModel:
    """The model of a `model` object and of what a manifest says of its files."""
    files = [map_of(entry) for entry in list_of(manifest.get("files"))[:_MAX_FILES]]
    return StoredModel(
        line_of(data.get("path")),
        line_of(data.get("name")),
        line_of(data.get("architecture")),
        line_of(data.get("quantization")),
        size_of(data.get("size_bytes")),
        tuple(
            (
                line_of(file.get("path")),
                size_of(file.get("size_bytes")),
                sha256_of(file.get("sha256")),
            )
            for file in files
        ),
    )


def engine_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Its plain values, and the devices' names."""
    plain: dict[str, Any] = {
        line_of(key): line_of(value) if isinstance(value, str) else value
        for key, value in list(data.items())[:100]
        if value is None or isinstance(value, (bool, int, float, str))
    }
    devices = [map_of(entry) for entry in list_of(data.get("devices"))[:64]]
    plain["devices"] = [
        {name: line_of(device.get(name)) for name in ("name", "description", "kind")}
        for device in devices
    ]
    return plain


def settings_of(data: object) -> EngineSettings | None:
    """Engine settings of a run; None when they are none or not allowed.

    A run that does not say `swa_full` was made when it was always on.
    """
    if isinstance(data, Mapping):
        data = {"swa_full": True, **data}
    try:
        return EngineSettings.from_json(data)
    except (UserError, TypeError):
        return None


def guard_of(value: object) -> LoopGuard:
    """A loop guard's name, "mark" for anything else."""
    return cast("LoopGuard", value) if value in get_args(LoopGuard) else "mark"


def rules_of(manifest: Mapping[str, Any]) -> LaneRules:
    """What watched over the lane; older manifests know of no budget.

    Raises:
        UserError: for constraints that cannot be read: without them the run would be another one.
    """
    budget = manifest.get("reasoning_budget")
    known = type(budget) is int and 0 <= budget <= INT32_MAX
    limits = Constraints.from_json(manifest.get("constraints", {}))
    return LaneRules(
        guard_of(manifest.get("loop_guard")),
        cast("int", budget) if known else NO_BUDGET,
        text_of(manifest.get("reasoning_budget_message"))[:_MAX_TEXT],
        limits,
    )


def finish_of(value: object) -> FinishReason | None:
    """A finish reason, or None."""
    return cast("FinishReason", value) if value in get_args(FinishReason) else None


def usage_of(data: object) -> Usage:
    """Counts of tokens."""
    found = map_of(data)
    return Usage(*(size_of(found.get(field.name)) for field in fields(Usage)))


def timing_of(data: object) -> Timing:
    """Seconds and tokens a second, finite and not negative."""
    found = map_of(data)
    return Timing(*(_seconds(found.get(field.name)) for field in fields(Timing)))


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if 0 <= value < _MOST_SECONDS else 0.0


def sha256_of(value: object) -> str | None:
    """A checksum in hexadecimal, or None."""
    text = value.lower() if isinstance(value, str) else ""
    return text if len(text) == 64 and all(c in "0123456789abcdef" for c in text) else None


def size_of(value: object) -> int:
    """A number of bytes, 0 for anything else."""
    return value if type(value) is int and 0 <= value < 1 << 62 else 0


def line_of(value: object) -> str:
    """A name or a line: bounded, without control characters."""
    text = value[:_MAX_TEXT] if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def text_of(value: object) -> str:
    """A text, "" for anything else."""
    return value if isinstance(value, str) else ""


def map_of(value: object) -> Mapping[str, Any]:
    """An object, {} for anything else."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> Sequence[Any]:
    """A list, [] for anything else."""
    return value if isinstance(value, list) else []
