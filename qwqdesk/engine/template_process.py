"""Running a render job in a child process, so that no template can hang or fill this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict

import psutil

from qwqdesk.engine.template_chat import RenderedChat, RenderJob
from qwqdesk.engine.template_sandbox import ChatTemplateError

# The child stops itself two seconds after it has begun; the rest is a slow start.
GIVE_UP_S = 30.0
MEMORY_BYTES = 1 << 30
_LOOK_EVERY_S = 0.1
_KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "TZ", "LANG", "LC_ALL", "LC_TIME", "LD_LIBRARY_PATH")
_TIME_OVER = "it did not finish within 2 seconds"
_TOO_LARGE = "it needs too much memory"


def render_in_child(job: RenderJob, *, give_up_s: float = GIVE_UP_S) -> RenderedChat:
    """Render the job in a child process that is killed when it takes too much.

    Raises:
        ChatTemplateError: when the template fails, or takes too long or too much memory.
        OSError: when no process can be started.
    """
    payload = json.dumps(asdict(job)).encode("ascii")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "qwqdesk.engine.template_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:
        try:
            output = _wait(process, payload, time.monotonic() + give_up_s)
        finally:
            process.kill()
    return _read_answer(output, process.returncode)


def _environment() -> dict[str, str]:
    """No secrets for the child, and the same modules as here."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    paths = [os.path.realpath(path) for path in sys.path if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def _wait(process: subprocess.Popen[bytes], payload: bytes, deadline: float) -> bytes:
    unsent: bytes | None = payload
    while True:
        try:
            return process.communicate(unsent, timeout=_LOOK_EVERY_S)[0]
        except subprocess.TimeoutExpired:
            unsent = None
        if time.monotonic() > deadline:
            raise ChatTemplateError(_TIME_OVER)
        if _memory(process.pid) > MEMORY_BYTES:
            raise ChatTemplateError(_TOO_LARGE)


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _read_answer(output: bytes, status: int) -> RenderedChat:
    if not output:
        raise ChatTemplateError(_TIME_OVER if status == 1 else f"it crashed (status {status})")
    answer = json.loads(output)
    if "failure" in answer:
        raise ChatTemplateError(str(answer["failure"]), int(answer["line"]))
    return RenderedChat(str(answer["text"]), tuple(map(str, answer["notes"])))
