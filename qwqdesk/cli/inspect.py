"""`qwqdesk inspect`: what a GGUF file says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qwqdesk.cli import common
from qwqdesk.cli.output import print_json, printable, to_stderr, write_out
from qwqdesk.models.details import read_details
from qwqdesk.models.inspect import inspect_json, inspect_text
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import UsageError

HELP = "usage: qwqdesk inspect FILE [--json]"


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = common.parse(argv)
    if args.switch("help"):
        return common.show_help(HELP, groups=())
    if args.model is None:
        raise UsageError("There is no file.", HELP.removeprefix("usage: "))
    path = Path(args.model).expanduser()
    if not path.exists():
        path = common.library(dirs).find(args.model)
    if args.switch("json"):
        print_json(inspect_json(path))
    else:
        write_out(printable(inspect_text(path)).rstrip("\n") + "\n")
        problem = read_details(path).problem
        if problem is not None:
            to_stderr(printable(f"note: {problem}"))
    return 0
