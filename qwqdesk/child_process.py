"""The one way to start a child process: with a minimal environment.

A child reads a stranger's file or runs a stranger's template, so it gets nothing that it does not
need: no access token, no password of a proxy, nothing of the desktop's session. It is not in the
terminal's group of processes: Ctrl-C is the program's, which ends its children itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

_NAMES: Final = frozenset(
    {
        # Where the system finds programs and libraries; a llama.cpp of one's own may lie there.
        *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        # Where an embedded Python has its standard library.
        "PYTHONHOME",
        # Where compiled modules lie, and whether a child may write them: as for the program itself.
        *("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"),
        # Windows finds its own libraries by these; without them no socket and no random number.
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "PROGRAMDATA", "PROGRAMFILES"),
        # GPU drivers keep the kernels that they compiled in the user's folders, and load slowly
        # without them; Path.home() fails on Windows without a profile.
        *("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME"),
        # Vulkan looks for its drivers there.
        *("XDG_DATA_DIRS", "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME"),
        # Temporary files.
        *("TMPDIR", "TEMP", "TMP"),
        # The encoding of file names; a template may write the time of day.
        *("LANG", "LANGUAGE", "TZ"),
        # A user's choice of CPU threads for numeric libraries.
        *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    }
)
_FAMILIES: Final = (
    "LC_",  # the locale
    *("GGML_", "LLAMA_"),  # llama.cpp: which device, which backend library
    *("CUDA_", "NVIDIA_"),
    *("HIP_", "HSA_", "ROCR_", "ROCM_", "GPU_"),  # AMD: also which of several devices
    *("VK_", "MESA_", "RADV_"),  # Vulkan
    *("METAL_", "MTL_"),
    *("ONEAPI_", "SYCL_", "ZE_", "ZES_"),  # Intel
    *("OMP_", "GOMP_", "KMP_"),  # threads of OpenMP
)
# llama.cpp's own programs read LLAMA_API_KEY, for one.
_SECRET: Final = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended: its exit status (minus a signal's number), and its standard output."""

    status: int
    output: bytes


def child_environment(more: Mapping[str, str] = _NOTHING) -> dict[str, str]:
    """What a child gets: the variables above, the same modules as here, and `more`."""
    kept = {name: value for name, value in os.environ.items() if _is_needed(name.upper())}
    paths = os.pathsep.join(os.path.realpath(path) for path in sys.path)
    # At a crash ggml would start a debugger.
    return {**kept, "PYTHONPATH": paths, "GGML_NO_BACKTRACE": "1", **more}


def start_child(
    module: str,
    *arguments: str,
    python: str = sys.executable,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
    more: Mapping[str, str] = _NOTHING,
) -> subprocess.Popen[bytes]:
    """Start ``python -m module arguments``; `more` are variables of this child alone.

    Raises:
        OSError: when no process can be started.
        ValueError: when an argument holds a NUL.
    """
    return subprocess.Popen(
        [python, "-P", "-m", module, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=child_environment(more),
        **_apart(),
    )


def run_child(
    module: str,
    *arguments: str,
    given: bytes = b"",
    seconds: float,
    python: str = sys.executable,
    more: Mapping[str, str] = _NOTHING,
) -> ChildEnd:
    """Run a child to its end with `given` on its standard input.

    Raises:
        OSError: when no process can be started.
        ValueError: when an argument holds a NUL.
        subprocess.TimeoutExpired: after `seconds`; the child is killed.
    """
    pipe = subprocess.PIPE
    with start_child(
        module, *arguments, python=python, stdin=pipe, stdout=pipe, more=more
    ) as process:
        try:
            output = process.communicate(given, timeout=seconds)[0]
        except BaseException:
            process.kill()
            raise
    return ChildEnd(process.returncode, output)


def run_program(path: str, *arguments: str, seconds: float) -> int:
    """Run a program of the system that says nothing of interest; its exit status.

    Raises:
        OSError: when it cannot be started.
        subprocess.TimeoutExpired: after `seconds`; it is killed.
    """
    nothing = subprocess.DEVNULL
    return subprocess.run(
        [path, *arguments],
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        env=child_environment(),
        timeout=seconds,
        check=False,
        **_apart(),
    ).returncode


def _apart() -> dict[str, Any]:
    """Not in the terminal's group of processes, and without a console window of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"process_group": 0}


def _is_needed(name: str) -> bool:
    if any(mark in name for mark in _SECRET):
        return False
    return name in _NAMES or name.startswith(_FAMILIES)
