"""Which commands there are, and what all of them share: help, errors, exit status."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from qwqdesk import __version__
from qwqdesk.chosen_folders import with_chosen_models
from qwqdesk.cli.output import discard_output, print_json, printable, to_stderr, write_out
from qwqdesk.diagnostics import start_log
from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import UsageError
from qwqdesk.sampling.param import shown

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

Run = Callable[[Sequence[str], DataDirs], int]


@dataclass(frozen=True)
class Command:
    """One command; its module is imported only when it runs."""

    name: str
    summary: str
    module: str

    def load(self) -> Run:
        """The command's `run` function."""
        run: Run = import_module(self.module).run
        return run


COMMANDS = (
    Command("ask", "send one prompt to one chain", "qwqdesk.cli.ask"),
    Command("compare", "send one prompt to several chains", "qwqdesk.cli.compare"),
    Command("rerun", "run a saved run again and compare", "qwqdesk.cli.rerun"),
    Command("explain", "say what each step of a chain does", "qwqdesk.cli.explain"),
    Command("inspect", "show what a GGUF file says of itself", "qwqdesk.cli.inspect"),
    Command("bench", "measure prefill and decoding", "qwqdesk.cli.bench"),
    Command("models", "find, download and keep models", "qwqdesk.cli.models"),
    Command("recipes", "list, show, import and export recipes", "qwqdesk.cli.recipes"),
    Command("experiments", "comparisons with checks, repeated", "qwqdesk.cli.experiments"),
)


def run(argv: Sequence[str]) -> int:
    """Run one command line; without a command the window opens. Returns the exit status."""
    words = list(argv)
    as_json = "--json" in words
    try:
        if _asks_version(words):
            write_out(f"qwqdesk {__version__}\n")
            return DONE
        data_dir, words = take_option(words, "--data-dir")
        command = next((c for c in COMMANDS if words[:1] == [c.name]), None)
        if command is None and words and not words[0].startswith("-"):
            raise UsageError(
                f"There is no command {words[0]!r}.",
                f"The commands are: {', '.join(c.name for c in COMMANDS)}.",
            )
        dirs = with_chosen_models(DataDirs.find(Path(data_dir) if data_dir else None, os.environ))
        if command is None:
            return _window_or_help(words, dirs)
        stop_log = start_log(dirs.logs)
        try:
            return command.load()(words[1:], dirs)
        finally:
            stop_log()
    except UserError as error:
        return _failed(error, as_json=as_json)
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing more to say, and nothing to flush at exit.
        discard_output()
        return DONE
    except KeyboardInterrupt:
        if as_json:
            _print_error(UserError("Interrupted.", "", code="interrupted"))
        return INTERRUPTED
    except Exception as error:  # a bug of ours: the traceback, and a document for scripts
        if as_json:
            _print_error(bug_report(error))
        raise


def _asks_version(words: Sequence[str]) -> bool:
    """Whether `--version` is a flag here, and not the value of the flag before it."""
    if "--version" not in words:
        return False
    from qwqdesk.sampling.formats.flags import find_flag

    pairs = zip(["", *words], words, strict=False)
    before = [find_flag(last) for last, word in pairs if word == "--version"]
    return any(found is None or not found[0].arity or found[1] is not None for found in before)


def take_option(words: Sequence[str], name: str) -> tuple[str | None, list[str]]:
    """The value of `name VALUE` or `name=VALUE`, and the words without it.

    Raises:
        UsageError: when the value is missing.
    """
    rest: list[str] = []
    value: str | None = None
    left = list(words)
    while left:
        word = left.pop(0)
        if word == name:
            if not left:
                raise UsageError(f"{name} needs a value.", f"Write {name} VALUE.")
            value = left.pop(0)
        elif word.startswith(f"{name}="):
            value = word.partition("=")[2]
        else:
            rest.append(word)
    return value, rest


def bug_report(error: Exception) -> UserError:
    """What scripts are told about a fault of the program itself."""
    return UserError(
        f"The program failed: {type(error).__name__}: {error}.",
        "Report it with the traceback on standard error.",
        code="internal",
    )


def usage() -> str:
    """What `--help` prints."""
    rows = [f"  {command.name:<11} {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            "usage: qwqdesk [COMMAND] [--data-dir DIR] [--json] [--version] [--help]",
            "",
            "Without a command the window opens. The commands:",
            *rows,
            "",
            "qwqdesk COMMAND --help shows a command's flags.",
        ]
    )


def _window_or_help(words: Sequence[str], dirs: DataDirs) -> int:
    if any(word in ("--help", "-h") for word in words):
        write_out(usage() + "\n")
        return DONE
    if words:
        raise UsageError(
            f"The window takes no {shown(words[0])!r}.", "Run qwqdesk --help to see the commands."
        )
    open_window = import_module("qwqdesk.app").open_window
    return int(open_window(list(words), dirs))


def _failed(error: UserError, *, as_json: bool) -> int:
    if error.code == "output":
        discard_output()
    elif as_json:
        _print_error(error)
    to_stderr(printable(f"error: {error.what} {error.what_to_do}".rstrip().replace("\n", " ")))
    return USAGE if isinstance(error, UsageError) else FAILED


def _print_error(error: UserError) -> None:
    """The error's document; where nobody can read it any more, standard error must do."""
    # Only here: it brings the engine's and the analyses' modules, for which a window would wait.
    from qwqdesk.run_json import error_json

    try:
        print_json(error_json(error))
    except (BrokenPipeError, UserError):
        discard_output()
