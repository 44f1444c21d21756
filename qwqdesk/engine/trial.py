"""Tries a model file in a child process before it is loaded here.

llama.cpp ends the whole process where a header holds values that it never expected (no layers, an
odd number of rotated dimensions, a vocabulary of another kind), and so does an override of such a
key. A crash cannot be caught, so a child process reads the header, builds the vocabulary and plans
the context, all without the weights. Files that passed are remembered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.engine.llama_library import package_version
from qwqdesk.engine.remembered import keep_json, read_json
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError

_log = logging.getLogger(__name__)
_CHILD_SECONDS = 60.0
_LOOK_EVERY_S = 0.02
_MOST_REMEMBERED = 200
# POSIX: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV. Others did not come from the file.
_CRASHES = frozenset({4, 5, 6, 7, 8, 10, 11})
_WINDOWS_CRASH = 0xC000_0000


@dataclass(frozen=True)
class LoadTrial:
    """Calling it raises for a file that would end the program.

    `remembered` is the JSON list of what passed before; files in the folder `trusted` (the
    program's own models) are tried only when settings of theirs are overridden.
    """

    remembered: Path
    trusted: Path
    python: str = sys.executable
    seconds: float = _CHILD_SECONDS

    def __call__(self, path: Path, settings: EngineSettings, cancelled: Callable[[], bool]) -> None:
        """Return when the file can be loaded as far as a trial can tell, or when cancelled.

        Raises:
            UserError: code "load", when llama.cpp crashes on the file or on the overrides.
        """
        risky = _risky(settings)
        if risky == _risky(EngineSettings()) and self._is_trusted(path):
            return
        key = _key(path, risky)
        passed = _read(self.remembered)
        if key in passed:
            return
        found = self._child(path, risky, cancelled)
        if found is None:
            return
        if found:
            raise _crash(path, settings, found)
        keep_json(self.remembered, lambda now: [*_keys(now), key][-_MOST_REMEMBERED:])

    def _is_trusted(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.trusted.resolve())

    def _child(
        self, path: Path, settings: EngineSettings, cancelled: Callable[[], bool]
    ) -> str | None:
        """What the crash said; empty when there was none; None when nothing was found out."""
        command = [self.python, "-P", "-m", "qwqdesk.engine.trial_child", str(path)]
        try:
            process = subprocess.Popen(
                [*command, json.dumps(settings.to_json())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=child_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            _log.warning("the trial of %s did not start: %s", path, error)
            return None
        with process:
            said = self._wait(process, cancelled)
        status = process.returncode
        _log.info("trial of %s: exit status %s", path, status)
        if status == 0:
            return ""
        crashed = -status in _CRASHES or status >= _WINDOWS_CRASH
        return _last_words(said) if crashed else None

    def _wait(self, process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> bytes:
        """The child's standard error; a child that takes too long is killed."""
        end = time.monotonic() + self.seconds
        while True:
            try:
                return process.communicate(timeout=_LOOK_EVERY_S)[1]
            except subprocess.TimeoutExpired:
                if cancelled() or time.monotonic() > end:
                    process.kill()
                    return process.communicate()[1]


def _risky(settings: EngineSettings) -> EngineSettings:
    """Only the settings that reach the graph; sizes, threads and devices are planned for before."""
    return replace(
        EngineSettings(),
        flash_attn=settings.flash_attn,
        type_k=settings.type_k,
        type_v=settings.type_v,
        rope_scaling=settings.rope_scaling,
        rope_freq_base=settings.rope_freq_base,
        rope_freq_scale=settings.rope_freq_scale,
        override_kv=settings.override_kv,
        n_ctx=512,
        n_gpu_layers=0,
    )


def _key(path: Path, settings: EngineSettings) -> str:
    """Names this file as it is now, with these settings, on this engine build."""
    try:
        found = path.stat()
        state = f"{found.st_size} {found.st_mtime_ns}"
    except OSError:
        state = ""
    parts = [str(path.absolute()), state, json.dumps(settings.to_json()), package_version()]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def child_environment() -> dict[str, str]:
    """The same modules as here, and no debugger that ggml would start at a crash."""
    paths = os.pathsep.join(os.path.realpath(path) for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths, "GGML_NO_BACKTRACE": "1"}


def _last_words(said: bytes) -> str:
    """What the child wrote about its end, never empty."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    marks = ("GGML_ASSERT", "what():", "fatal error")
    told = [line for line in lines if any(mark in line for mark in marks)]
    words = told[-1] if told else "a crash"
    return words.split(": ", 1)[-1].strip()[:200]


def _crash(path: Path, settings: EngineSettings, said: str) -> UserError:
    todo = (
        "Leave the overrides away, or write values that fit this model."
        if settings.override_kv
        else "The file is damaged or not meant for this llama.cpp: download it again."
    )
    return UserError(f"{path.name} would make llama.cpp crash ({said}).", todo, code="load")


def _read(path: Path) -> list[str]:
    return _keys(read_json(path))


def _keys(data: object) -> list[str]:
    return [key for key in data if isinstance(key, str)] if isinstance(data, list) else []
