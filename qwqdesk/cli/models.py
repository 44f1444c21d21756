"""`qwqdesk models`: the models on this disk."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.cli import common
from qwqdesk.cli.output import print_json, printable, write_out
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import UsageError

HELP = "usage: qwqdesk models list [--json]"


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = common.parse(argv, words=len(argv))
    if args.switch("help"):
        return common.show_help(HELP, groups=())
    if args.positional != ("list",):
        words = " ".join(args.positional) or "nothing"
        raise UsageError(f"models cannot do {words!r}.", HELP.removeprefix("usage: "))
    rows = common.library(dirs).list_json()
    if args.switch("json"):
        print_json(rows)
        return 0
    for row in rows:
        size = f"{row['size_bytes'] / 1e9:.2f} GB"
        architecture = row["architecture"] or "?"
        line = f"{row['label']:<12} {size:>10}  {architecture:<10} {row['source']:<9} {row['path']}"
        write_out(printable(line) + "\n")
    return 0
