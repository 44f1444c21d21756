"""The words of the library: sources, checks, times, and what a row may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from qwqdesk.models.library import Check, LibraryModel, missing_words
from qwqdesk.ui.base import BadgeKind

_SOURCES = {
    "bundled": "Built in",
    "library": "Library",
    "folder": "Folder",
    "lm-studio": "LM Studio",
    "hf-cache": "Hugging Face cache",
}
_OWNERS = {"lm-studio": "LM Studio", "hf-cache": "the Hugging Face cache"}

# Check: kind of its colour, icon, words, what it means.
_CHECKS: dict[Check, tuple[BadgeKind, str, str, str]] = {
    "verified": ("good", "shield-check", "Verified", "The checksum is the publisher's."),
    "unchecked": ("neutral", "circle-dashed", "Not checked", "Nobody compared its checksum yet."),
    "changed": (
        "warn", "triangle-alert", "Changed since checked",
        "The file was written after its checksum was compared. Verify it again.",
    ),
    "damaged": (
        "bad", "circle-alert", "Damaged",
        "The checksum differs from the publisher's. Delete it and download it again.",
    ),
    "unpublished": (
        "neutral", "circle-check", "Checksum noted",
        "There is no publisher to compare with. Changes of the file will be seen.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class CheckWords:
    """How a check is shown."""

    kind: BadgeKind
    icon: str
    text: str
    meaning: str


def check_words(model: LibraryModel) -> CheckWords:
    """What is known of a model's files; a missing part is said before all else."""
    if not model.complete:
        numbers = ", ".join(str(number) for number in model.missing[:12])
        return CheckWords(
            "warn", "triangle-alert", missing_words(model), f"Not here: part {numbers}."
        )
    if not model.readable:
        return CheckWords(
            "bad", "circle-alert", "Cannot be read", "Its header is damaged; Details says how."
        )
    if model.source == "bundled":
        return CheckWords("good", "shield-check", "Verified", "It is part of the program.")
    return CheckWords(*_CHECKS[model.check])


def source_words(model: LibraryModel) -> str:
    """Where a model is from: the badge's words."""
    if model.source == "library" and model.repo is None:
        return "Imported"
    return _SOURCES[model.source]


def source_meaning(model: LibraryModel) -> str:
    """What the badge leaves out: the repository, and whether files are only read."""
    parts = [model.repo or ""]
    if model.source in ("folder", "lm-studio", "hf-cache"):
        parts.append("Read-only")
    return ", ".join(part for part in parts if part)


def read_only_words(model: LibraryModel) -> tuple[str, str] | None:
    """Why a model is never deleted here, and what to do; None for our own files."""
    if model.source == "library":
        return None
    name = title(model)
    if model.source == "bundled":
        return f"{name} is part of the program.", "It goes when the program is uninstalled."
    if model.source == "folder":
        return (
            f"{name} is in a folder you added; such folders are read-only here.",
            "Delete the file in your file manager, or remove the folder from the library.",
        )
    owner = _OWNERS[model.source]
    return f"{name} belongs to {owner}, which is read-only here.", "Delete it with that program."


def title(model: LibraryModel) -> str:
    """The file's name without its ending and without the number of its part."""
    stem = model.path.name.removesuffix(".gguf")
    head, dash, count = stem.rpartition("-of-")
    if model.parts > 1 and dash and count.isdigit():
        return head.rpartition("-")[0] or stem
    return stem


def used_words(when: float | None, today: date) -> str:
    """The day of the last load in a word or two."""
    if when is None:
        return "Not yet"
    try:
        day = datetime.fromtimestamp(when).date()
    except (OverflowError, OSError, ValueError):
        return "Not yet"
    days = (today - day).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if days < 7:
        return f"{days} days ago"
    if day.year == today.year:
        return f"{day.day} {day:%b}"
    return f"{day:%b} {day.year}"


def copy_words(copies: tuple[Path, ...]) -> str:
    """The quiet line below a name that lies here more than once."""
    if not copies:
        return ""
    more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
    return f"Same file as {copies[0].parent.name}/{copies[0].name}{more}"
