"""Tries a model file in a child process before it is loaded here.

llama.cpp ends the whole process where a header holds values that it never expected (no layers, an
odd number of rotated dimensions, a vocabulary of another kind), and so does an override of such a
key. A crash cannot be caught, so a child process does what the load will do. A small file is loaded
whole there and computes a token. Of a large one the child reads the header, builds the vocabulary,
plans the context, and maps the file where the load would, all without reading the weights. Files
that passed are remembered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.child_process import start_child
from qwqdesk.engine.llama_library import package_version
from qwqdesk.engine.remembered import keep_json, read_json
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError

_log = logging.getLogger(__name__)
_CHILD_SECONDS = 60.0
# A slow disk reads 20 MB/s; of a large file the child reads the header, which grows with it.
_BYTES_PER_SECOND = 20e6
_LOOK_EVERY_S = 0.02
_MOST_REMEMBERED = 200
# The file's fault, where the system knows them: their numbers differ. Other signals came from
# outside; SIGKILL is how Linux ends a process when memory is short.
_CRASHES = frozenset(
    int(getattr(signal, name))
    for name in ("SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV")
    if hasattr(signal, name)
)
_KILLED = 9
_WINDOWS_CRASH = 0xC000_0000
OUT_OF_MEMORY = 12
"""The child's exit status when Python ran out of memory."""


@dataclass(frozen=True)
class LoadTrial:
    """Calling it raises for a file that would end the program.

    `remembered` is the JSON list of what passed before; files in the folder `trusted` (the
    program's own models) are tried only when settings of theirs are overridden. `seconds` is the
    time of a trial; it grows with the size of the files.
    """

    remembered: Path
    trusted: Path
    python: str = sys.executable
    seconds: float = _CHILD_SECONDS

    def __call__(
        self,
        path: Path,
        settings: EngineSettings,
        cancelled: Callable[[], bool],
        files: Sequence[Path] = (),
    ) -> None:
        """Return when the model can be loaded as far as a trial can tell, or when cancelled.

        `files` are all that the load reads; () is the path alone.

        Raises:
            UserError: code "load", when llama.cpp crashes on the file or on the overrides, or does
                not come to an end; code "memory", when the trial ran out of memory.
        """
        risky = _risky(settings)
        if replace(risky, use_mmap=True) == _risky(EngineSettings()) and self._is_trusted(path):
            return
        files = files or (path,)
        key = file_key(files, risky)
        passed = _read(self.remembered)
        if key in passed:
            return
        if self._has_passed(path, files, risky, cancelled):
            keep_json(self.remembered, lambda now: [*_keys(now), key][-_MOST_REMEMBERED:])

    def _is_trusted(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.trusted.resolve())

    def _has_passed(
        self,
        path: Path,
        files: Sequence[Path],
        settings: EngineSettings,
        cancelled: Callable[[], bool],
    ) -> bool:
        """True after a whole trial, False when nothing was found out; raises for the rest."""
        try:
            process = start_child(
                "qwqdesk.engine.trial_child",
                json.dumps(settings.to_json()),
                *map(str, files),
                python=self.python,
                stderr=subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            _log.warning("the trial of %s did not start: %s", path, error)
            return False
        seconds = self.seconds + _size(files) / _BYTES_PER_SECOND
        with process:
            said, in_time = _wait(process, seconds, cancelled)
        status = process.returncode
        _log.info("trial of %s: exit status %s", path, status)
        if status == 0:
            return True
        if cancelled():
            return False
        if not in_time:
            raise _endless(path, settings, seconds)
        if status in (-_KILLED, OUT_OF_MEMORY) or b"std::bad_alloc" in said:
            raise _no_memory(path)
        if -status in _CRASHES or status >= _WINDOWS_CRASH:
            raise _crash(path, settings, _last_words(said))
        if status < 0:
            raise _stopped(path)
        _log.warning("the trial of %s failed: %s", path, said.decode("utf-8", "replace")[-2000:])
        return False


def _wait(
    process: subprocess.Popen[bytes], seconds: float, cancelled: Callable[[], bool]
) -> tuple[bytes, bool]:
    """The child's standard error, and whether it ended in time; else, or if cancelled, killed."""
    end = time.monotonic() + seconds
    while True:
        try:
            return process.communicate(timeout=_LOOK_EVERY_S)[1], True
        except subprocess.TimeoutExpired:
            late = time.monotonic() > end
            if late or cancelled():
                process.kill()
                return process.communicate()[1], not late


def _risky(settings: EngineSettings) -> EngineSettings:
    """Only the settings that reach graph and file; sizes and devices are planned for before."""
    return replace(
        EngineSettings(),
        flash_attn=settings.flash_attn,
        type_k=settings.type_k,
        type_v=settings.type_v,
        rope_scaling=settings.rope_scaling,
        rope_freq_base=settings.rope_freq_base,
        rope_freq_scale=settings.rope_freq_scale,
        override_kv=settings.override_kv,
        use_mmap=settings.use_mmap,
        n_ctx=512,
        n_gpu_layers=0,
    )


def file_key(files: Sequence[Path], settings: EngineSettings, more: str = "") -> str:
    """Names these files as they are now, with these settings, on this engine build."""
    states = [f"{file.absolute()} {_state(file)}" for file in files]
    parts = [*states, json.dumps(settings.to_json()), package_version()]
    parts += [more] if more else []
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _state(file: Path) -> str:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _size(files: Sequence[Path]) -> int:
    """Bytes of all files together, 0 for what cannot be asked."""
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.stat().st_size
    return size


def _last_words(said: bytes) -> str:
    """What the child wrote about its end, never empty."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    marks = ("GGML_ASSERT", "what():", "fatal error")
    told = [line for line in lines if any(mark in line for mark in marks)]
    words = told[-1] if told else "a crash"
    return words.split(": ", 1)[-1].strip()[:200]


def _crash(path: Path, settings: EngineSettings, said: str) -> UserError:
    what = f"{path.name} would make llama.cpp crash ({said})."
    return UserError(what, _without_it(settings), code="load")


def _endless(path: Path, settings: EngineSettings, seconds: float) -> UserError:
    what = f"llama.cpp did not come to an end with {path.name} in {seconds:.0f} seconds."
    return UserError(what, _without_it(settings), code="load")


def _without_it(settings: EngineSettings) -> str:
    if settings.override_kv:
        return "Omit the overrides, or write values that fit this model."
    return "The file is damaged or not meant for this llama.cpp: download it again."


def _no_memory(path: Path) -> UserError:
    return UserError(
        f"{path.name} was not loaded: memory ran out when it was tried in a process of its own.",
        "Close other programs, or choose a smaller model. A damaged file can be the cause too.",
        code="memory",
    )


def _stopped(path: Path) -> UserError:
    what = f"{path.name} was not loaded: the process in which it was tried was stopped."
    return UserError(what, "Load it again.", code="load")


def _read(path: Path) -> list[str]:
    return _keys(read_json(path))


def _keys(data: object) -> list[str]:
    return [key for key in data if isinstance(key, str)] if isinstance(data, list) else []
