"""How a download looks, without a widget: its icon, colours, words, and what can be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from qwqdesk.models.file_words import short_size

if TYPE_CHECKING:
    from qwqdesk.models.download_status import Status
    from qwqdesk.models.queue_item import QueueRow

# The next step of a download that waits or has failed.
Toggle = Literal["", "pause", "resume"]
Step = Literal["", "now", "again", "restart", "token", "page", "space"]

STEP_WORDS: dict[Step, str] = {
    "now": "Try now",
    "again": "Try again",
    "restart": "Start again",
    "token": "Set a token",
    "page": "Model page",
    "space": "Free space",
}
_STEPS: dict[str, Step] = {
    "gated_login": "token",
    "gated_ask": "page",
    "token": "token",
    "not_found": "page",
    "no_file": "page",
    "disabled": "page",
    "changed": "restart",
    "disk_full": "space",
}
# First what happened. What arrived is kept, unless a sentence says otherwise.
_FAILED = {
    "rate": "Too many requests.",
    "portal": "This network wants you to log in first.",
    "gated_login": "Accept its licence, then set a token.",
    "gated_ask": "Your account has no access to it yet.",
    "token": "The access token is not accepted.",
    "not_found": "Not found, or private.",
    "no_file": "This file is no longer there.",
    "disabled": "Hugging Face has disabled it.",
    "changed": "It was changed since you started.",
    "disk_full": "Not enough space on the disk.",
    "disk": "The folder cannot be written.",
    "corrupt": "Damaged: its checksum differs. It was deleted.",
    "busy": "Another program is downloading it.",
    "proxy": "The proxy refuses the connection.",
    "tls": "The certificate is not trusted.",
    "offline": "This computer is set to work offline.",
    "internal": "The program failed.",
}
_BROKEN = ("network", "timeout", "incomplete")
_SUMMARY = {
    "downloading": "running",
    "stalled": "running",
    "retrying": "running",
    "waiting": "waiting for the network",
    "checking": "checking",
    "verifying": "checking",
    "queued": "waiting",
    "paused": "paused",
    "failed": "failed",
    "done": "finished",
}


@dataclass(frozen=True)
class Look:
    """One row. `ink`, `bar` and `tone` are colour tokens, `share` is 0 to 1.

    `toggle` is pause, resume or nothing; `whole` is all that is known, for tool tip and readers.
    """

    icon: str
    ink: str
    bar: str
    share: float
    words: str
    tone: str
    whole: str
    toggle: Toggle = ""
    step: Step = ""


def title(row: QueueRow) -> str:
    """The file's name without its ending and the number of its shard."""
    if row.order is None or not row.order.quantization.files:
        return row.label
    return PurePosixPath(row.order.quantization.stem).name


def look(row: QueueRow, ahead: int, *, offline: bool = False) -> Look:
    """How a row looks; `ahead` is how many go before it while it waits."""
    status = row.status
    if status.state == "failed":
        return _failed(status)
    if status.state == "queued":
        return _queued(status, ahead, offline)
    if status.state == "paused":
        kept = f" at {amounts(status.done, status.total)}" if status.done else ""
        words = f"Paused{kept}"
        return Look("pause", "text2", "control", _share(status), words, "text2", words, "resume")
    if status.state == "done":
        return Look("shield-check", "good", "good", 1.0, "In library", "good", "In library")
    if status.state in ("checking", "verifying"):
        verifying = status.state == "verifying"
        what = "Checking sha256" if verifying else "Checking what is here"
        toggle: Toggle = "" if verifying else "pause"
        words = f"{what} · {amounts(status.done, status.total)}"
        return Look("shield-check", "good", "good", _share(status), words, "text2", words, toggle)
    return _running(status)


def summary(rows: Sequence[QueueRow]) -> str:
    """The head's words: "1 running, 1 checking, 2 waiting"."""
    kinds = Counter(_kind(row.status) for row in rows)
    order = list(dict.fromkeys([*_SUMMARY.values(), "interrupted"]))
    order.sort(key=lambda kind: ("running", "checking").index(kind) if kind in
               ("running", "checking") else 9)  # fmt: skip
    return ", ".join(f"{kinds[kind]} {kind}" for kind in order if kinds[kind])


def amounts(done: int, total: int) -> str:
    """ "12.3 of 19.9 GB": both in the unit of the whole."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if total >= size:
            return f"{done / size:.1f} of {total / size:.1f} {unit}"
    return f"{done} of {total} bytes"


def rate(bytes_per_second: float) -> str:
    """A speed for people: "47 MB/s"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_per_second >= size:
            value = bytes_per_second / size
            return f"{value:.1f} {unit}/s" if value < 9.95 else f"{value:.0f} {unit}/s"
    return f"{bytes_per_second:.0f} bytes/s"


def time_left(seconds: float) -> str:
    """ "3 min left", "40 s left", "2 h 5 min left"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s left"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min left"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min left" if hours < 48 else f"{hours // 24} days left"


def _kind(status: Status) -> str:
    if status.state == "failed" and status.code in _BROKEN:
        return "interrupted"
    return _SUMMARY[status.state]


def _share(status: Status) -> float:
    return min(status.done / status.total, 1.0) if status.total else 0.0


def _queued(status: Status, ahead: int, offline: bool) -> Look:
    if offline:
        words = "Offline: it waits until you are online again"
        return Look("cloud-off", "warn", "control", _share(status), words, "warn", words, "pause")
    words = f"Waiting, {ahead} ahead" if ahead else "Waiting"
    return Look("hourglass", "text2", "control", _share(status), words, "text2", words, "pause")


def _running(status: Status) -> Look:
    share = _share(status)
    if status.state == "downloading":
        parts = [amounts(status.done, status.total)]
        if status.bytes_per_second >= 1:
            parts.append(rate(status.bytes_per_second))
        if status.seconds_left is not None:
            parts.append(time_left(status.seconds_left))
        words = " · ".join(parts)
        whole = f"{words}. {status.note}" if status.note else words
        return Look("download", "accent", "accent", share, words, "text2", whole, "pause")
    words = _trouble(status)
    kept = f" {short_size(status.done)} are kept." if status.done else ""
    whole = f"{words}. {status.note}{kept}" if status.note else f"{words}.{kept}"
    step: Step = "now" if status.state == "waiting" else ""
    return Look("triangle-alert", "warn", "accent", share, words, "warn", whole, "pause", step)


def _trouble(status: Status) -> str:
    wait = f"{status.retry_in or 0:.0f} s"
    if status.state == "stalled":
        return f"No data for {status.quiet:.0f} s, trying again"
    if status.code == "rate":
        return f"The hub asks to wait {wait}"
    if status.state == "waiting":
        return f"No connection, trying again in {wait}"
    return f"Connection lost, trying again in {wait}"


def _failed(status: Status) -> Look:
    code, done = status.code, status.done
    if code in _BROKEN:
        words = f"Connection lost at {short_size(done)}. What arrived is kept."
        words = words if done else "The connection failed."
    else:
        words = _FAILED.get(code, "It failed.")
        if done and code in ("rate", "disk_full", "disk", "proxy"):
            words = f"{words} {short_size(done)} are kept."
    whole = status.note or words
    step = _STEPS.get(code, "again")
    return Look("circle-alert", "bad", "bad", _share(status), words, "bad", whole, "", step)
