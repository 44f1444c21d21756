"""`python -m qwqdesk` and the `qwqdesk` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit status."""
    try:
        from qwqdesk.cli.commands import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported
        if "--json" in sys.argv and sys.stdout is not None:
            sys.stdout.write(
                '{"error": {"code": "interrupted", "what": "Interrupted.", "what_to_do": ""}}\n'
            )
        return 130


if __name__ == "__main__":
    sys.exit(main())
