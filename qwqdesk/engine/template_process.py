"""Running a render job in a child process, so that no template can hang or fill this one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psutil

from qwqdesk.child_process import start_child
from qwqdesk.engine.template_chat import RenderedChat, RenderJob
from qwqdesk.engine.template_sandbox import TOO_LARGE, ChatTemplateError
from qwqdesk.template_variables import TemplateInput

# The child stops itself; the rest is for a slow start.
RENDER_S = 2.0
START_S = 30.0
MEMORY_BYTES = 1 << 30
_LOOK_EVERY_S = 0.1


def render_in_child(
    job: RenderJob, *, seconds: float = RENDER_S, python: str = sys.executable
) -> RenderedChat:
    """Render the job in a child process that is killed when it takes too much.

    `seconds` counts from the moment when the child has the job.

    Raises:
        ChatTemplateError: when the template fails, or takes too long or too much memory.
        OSError: when no process can be started.
    """
    payload = json.dumps(asdict(job)).encode("ascii")
    begun = time.monotonic()
    process = start_child(
        "qwqdesk.engine.template_child",
        str(seconds),
        python=python,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        more={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process, _memory_watched(process) as watch:
        output = _exchange(process, payload, seconds + START_S)
    if watch.too_large:
        raise ChatTemplateError(TOO_LARGE)
    if not output and time.monotonic() - begun >= seconds:
        raise ChatTemplateError(f"it did not finish within {seconds:g} seconds")
    return _read_answer(output, process.returncode)


def _exchange(process: subprocess.Popen[bytes], payload: bytes, seconds: float) -> bytes:
    try:
        return process.communicate(payload, timeout=seconds)[0]
    except subprocess.TimeoutExpired as error:
        raise ChatTemplateError("it did not start in time") from error
    finally:
        process.kill()


class _MemoryWatch:
    """Kills a process that grows beyond `MEMORY_BYTES`, where the system has no limit for it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.too_large = False
        self.done = threading.Event()
        self._process = process

    def run(self) -> None:
        """Look until `done` is set."""
        while not self.done.wait(_LOOK_EVERY_S):
            if _memory(self._process.pid) > MEMORY_BYTES:
                self.too_large = True
                self._process.kill()
                return


@contextmanager
def _memory_watched(process: subprocess.Popen[bytes]) -> Iterator[_MemoryWatch]:
    watch = _MemoryWatch(process)
    thread = threading.Thread(target=watch.run, name="template-memory", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        thread.join()


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _read_answer(output: bytes, status: int) -> RenderedChat:
    if not output:
        raise ChatTemplateError(f"it crashed (status {status})")
    answer = json.loads(output)
    if "failure" in answer:
        raise ChatTemplateError(str(answer["failure"]), int(answer["line"]))
    tried = answer["tried"]
    notes = tuple(map(str, answer["notes"]))
    inputs = tuple(
        TemplateInput(str(each["name"]), each["kind"], tuple(map(str, each["choices"])))
        for each in answer["inputs"]
    )
    return RenderedChat(str(answer["text"]), notes, None if tried is None else str(tried), inputs)
