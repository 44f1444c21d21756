"""Log file, the hooks that catch what nobody caught, reports, and the marker of a native load.

No Qt here. Neither the log nor a report ever holds a prompt, an answer or a token: callers log
what happened, not what was said, and secrets are taken out of everything that passes through.
"""

from __future__ import annotations

import errno
import faulthandler
import json
import logging
import os
import platform
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import psutil

from qwqdesk import __version__
from qwqdesk.whole_file import is_free_for_file, open_regular, write_whole

LOG_BYTES = 1 << 20
_MOST_NOTE = 1 << 20  # bytes of the loading marker
LOG_FILES = 3
REPORTED = ("PySide6-Essentials", "llama-cpp-python", "huggingface_hub", "qasync", "numpy")
_SECRETS = (
    re.compile(r"\bhf_[A-Za-z0-9]{6,}"),
    re.compile(r"(?i)(bearer\s+|(?:token|password|secret|api[_-]?key)[\"']?\s*[=:]\s*)[^\s,;]+"),
    re.compile(r"(?<=://)[^/\s@]+@"),
)

Report = Callable[[BaseException, str], None]


def scrub(text: str) -> str:
    """The text without access tokens, passwords and the credentials in addresses."""
    text = _SECRETS[0].sub("hf_***", text)
    text = _SECRETS[1].sub(r"\1***", text)
    return _SECRETS[2].sub("***@", text)


class _ScrubbingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


def start_log(folder: Path, *, level: int = logging.INFO) -> Callable[[], None]:
    """Log to a rotating file in `folder`; a folder that cannot be written means no log.

    Returns:
        A function that ends the logging and closes the file.
    """
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_free(folder / "qwqdesk.log")
        handler = RotatingFileHandler(
            folder / "qwqdesk.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()  # without any, warnings would go to standard error
    handler.setFormatter(_ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("qwqdesk")
    logger.setLevel(level)
    logger.addHandler(handler)

    def stop() -> None:
        logger.removeHandler(handler)
        handler.close()

    return stop


def start_fault_log(folder: Path) -> Callable[[], None]:
    """Write the Python stacks to `folder` when native code crashes; the function that ends it.

    The file of the run before is kept as ``crash.previous.txt`` if something was in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "crash.txt"
        _require_free(path)
        if path.exists() and path.stat().st_size:
            path.replace(folder / "crash.previous.txt")
        file: TextIO = path.open("w", encoding="utf-8")
    except OSError:
        return lambda: None
    faulthandler.enable(file)

    def stop() -> None:
        faulthandler.disable()
        file.close()
        with suppress(OSError):
            if not path.stat().st_size:
                path.unlink()

    return stop


def _require_free(path: Path) -> None:
    """Raises OSError where a log cannot be a file: to open a pipe waits for its reader."""
    if not is_free_for_file(path):
        raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))


def install_hooks(report: Report) -> Callable[[], None]:
    """Lead every uncaught exception to `report(error, where)`, from any thread; the function that
    restores what was there.

    Ctrl-C and orderly exits keep their meaning. `report` may fail without harm.
    """
    old = sys.excepthook, threading.excepthook, sys.unraisablehook

    def safely(error: BaseException | None, where: str) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        logging.getLogger("qwqdesk").error("uncaught, %s", where, exc_info=error)
        with suppress(Exception):
            report(error, where)

    def on_exception(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            old[0](kind, error, trace)
        else:
            safely(error, "main thread")

    def on_thread(args: threading.ExceptHookArgs) -> None:
        safely(args.exc_value, f"thread {args.thread.name if args.thread else '?'}")

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        safely(args.exc_value, args.err_msg or "while an object was destroyed")

    sys.excepthook, threading.excepthook, sys.unraisablehook = (
        on_exception,
        on_thread,
        on_unraisable,
    )

    def restore() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = old

    return restore


def report_text(error: BaseException, where: str) -> str:
    """A report to copy: versions, where, and the traceback; without secrets or local values."""
    trace = "".join(traceback.format_exception(error))
    return scrub(f"QwQ Desk {__version__}: {where}\n{versions()}\n\n{trace}")


def versions() -> str:
    """Python, system and the libraries that matter, one per line."""
    from importlib import metadata  # slow to import at start

    lines = [f"Python {platform.python_version()} on {platform.platform()}"]
    for name in REPORTED:
        try:
            lines.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{name} is missing")
    return "\n".join(lines)


# ---------------------------------------------------------------- what was being loaded


@dataclass(frozen=True)
class Crash:
    """What an earlier run was loading when its process ended."""

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    started: float = 0.0


class LoadingMarker:
    """A file that exists while native code loads a model: found at a start, that killed us.

    It is only a note: a disk that cannot take it never stops a load.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, model: str, settings: Mapping[str, Any]) -> None:
        """Note what is about to be loaded; on disk when this returns."""
        note = {
            "model": model,
            "settings": dict(settings),
            "started": time.time(),
            "pid": os.getpid(),
            "pid_started": psutil.Process().create_time(),
        }
        with suppress(OSError):
            write_whole(self.path, json.dumps(note, default=str))

    def clear(self) -> None:
        """The load has ended, well or with an error in words."""
        with suppress(OSError):
            if self.path.is_file():  # anything else is no marker of ours
                self.path.unlink()

    def previous_crash(self) -> Crash | None:
        """What was being loaded when an earlier run died, told once; None if nothing was.

        A marker of a program that still runs (a second window) is left alone.
        """
        try:
            with open_regular(self.path) as file:
                note = json.loads(file.read(_MOST_NOTE))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            note = None
        if isinstance(note, dict) and _still_runs(note.get("pid"), note.get("pid_started")):
            return None
        self.clear()
        if not isinstance(note, dict) or not isinstance(note.get("model"), str):
            return None
        settings, started = note.get("settings"), note.get("started")
        return Crash(
            model=note["model"],
            settings=settings if isinstance(settings, dict) else {},
            started=float(started) if isinstance(started, int | float) else 0.0,
        )


def _still_runs(pid: object, started: object) -> bool:
    if not isinstance(pid, int) or not isinstance(started, int | float):
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 5 and process.is_running()
    except (psutil.Error, ValueError, OverflowError):
        return False
