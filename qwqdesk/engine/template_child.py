"""The child process that renders an untrusted chat template: a job on stdin, its result on stdout.

It ends itself when the time is over, by a thread of C code that no operation of Python can hold
up, and it asks the system for a limit of memory where there is such a thing.
"""

from __future__ import annotations

import faulthandler
import json
import sys
from dataclasses import asdict
from typing import Any

from qwqdesk.engine.template_chat import RenderJob, render_chat
from qwqdesk.engine.template_sandbox import ChatTemplateError

MEMORY_BYTES = 1 << 30


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """The result as plain values: those of `RenderedChat`, or ``failure`` and ``line``."""
    try:
        chat = render_chat(RenderJob(**job))
    except ChatTemplateError as error:
        return {"failure": error.message, "line": error.line}
    return {
        "text": chat.text,
        "notes": list(chat.notes),
        "tried": chat.tried,
        "inputs": [asdict(each) for each in chat.inputs],
    }


def limit_memory(size: int) -> None:
    """Ask the system to refuse memory beyond `size` bytes; without effect where it cannot."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return


def main() -> None:
    """Serve one job; the only argument is the limit of time in seconds."""
    seconds = float(sys.argv[1])
    job = json.loads(sys.stdin.buffer.read())
    limit_memory(MEMORY_BYTES)
    faulthandler.dump_traceback_later(seconds, exit=True)
    result = answer(job)
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.buffer.write(json.dumps(result).encode("ascii"))


if __name__ == "__main__":
    main()
