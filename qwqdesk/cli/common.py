"""What several commands need: the prompt, the model, the recipes, the options of a run."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from qwqdesk.cli.output import note_pipe, to_stderr, write_out
from qwqdesk.conversation import Mode
from qwqdesk.errors import UserError
from qwqdesk.models.library import Library, places
from qwqdesk.models.library_facts import FactsMemory
from qwqdesk.paths import DataDirs
from qwqdesk.resources import resource
from qwqdesk.sampling.formats.flags import FLAGS, Flag
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError, parse_args
from qwqdesk.sampling.formats.llama_flags import LLAMA_FLAGS
from qwqdesk.sampling.param import shown
from qwqdesk.settings import load_settings

if TYPE_CHECKING:  # what runs a model is imported where a model runs
    from qwqdesk.analysis.loops import LoopGuard
    from qwqdesk.run_plan import RunOptions
    from qwqdesk.sampling.recipe_files import RecipeList

MAX_FILE_BYTES = 64 << 20


def parse(argv: Sequence[str], *, words: int = 1) -> ParsedArgs:
    """Parse a command's words and print the notes.

    Args:
        words: how many words may stand there that are no flags; the model is one of them.

    Raises:
        UsageError: for what is not allowed.
    """
    args = parse_args(argv)
    given = args.positional
    if len(given) > words:
        raise UsageError(
            f"{shown(given[words])!r} is one word too many.",
            "Put quotation marks around a text with blanks, and see --help for the flags.",
        )
    if given and words and args.option("model") is not None:
        raise UsageError(
            f"There are two models: {shown(given[0])!r} and {shown(args.option('model'))!r}.",
            "Name one of them.",
        )
    for note in args.notes:
        to_stderr(f"note: {note}")
    return args


def show_help(title: str, *, groups: Sequence[str] = ("option", "sampling", "engine")) -> int:
    """Print a command's usage and its flags; returns the exit status."""
    lines = [title, ""]
    for group in groups:
        flags = dict.fromkeys(flag for flag in FLAGS.values() if flag.group == group)
        lines += [_GROUP_TITLES[group], *(_flag_line(flag) for flag in flags if flag.meaning), ""]
    lines += [*textwrap.wrap(_elsewhere(), 78), ""]
    write_out("\n".join(lines))
    return 0


_GROUP_TITLES = {"option": "The run:", "sampling": "Sampling:", "engine": "The engine:"}


def _elsewhere() -> str:
    """What becomes of llama.cpp's other flags."""
    refused = (flag.names[0] for flag in LLAMA_FLAGS if flag.fate == "refused")
    names = [name for name in refused if name.startswith("--")][:8]
    return (
        "Other flags of llama.cpp: those without influence on the result are left out with a note "
        "that says why; those that change it and are not built here are wrong usage, for example "
        f"{', '.join(names)}."
    )


def _flag_line(flag: Flag) -> str:
    names = ", ".join(flag.names[:3])
    return f"  {names:<42} {flag.meaning}"


def read_prompt(args: ParsedArgs) -> str:
    """The prompt from `-p` or `-f`.

    Raises:
        UsageError: without either; UserError: when the file cannot be read.
    """
    if args.prompt is not None:
        return args.prompt
    if args.file is None:
        raise UsageError("There is no prompt.", 'Write -p "TEXT" or -f FILE.')
    text = _read_file(args.file)
    return text.removesuffix("\n")


def _read_file(name: str) -> str:
    try:
        if name == "-":
            if sys.stdin is None:
                raise OSError("it is closed")
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            note_pipe(name)
            with Path(name).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        shown_name = "Standard input" if name == "-" else name
        raise UserError(
            f"{shown_name} cannot be read: {error.strerror or error}.",
            "Check the file's name and its permissions.",
            code="file",
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"{name} is larger than 64 MiB.", "Shorten the prompt.", code="file")
    return data.decode("utf-8", "replace")


def library(dirs: DataDirs) -> Library:
    """The models of this installation, with the folders that the user has added."""
    folders = load_settings(dirs.settings).settings.model_folders
    added = tuple(Path(folder) for folder in folders)
    memory = FactsMemory(dirs.cache / "headers.json")
    return Library(places(resource("models"), dirs.models, added, os.environ), memory)


def recipes(dirs: DataDirs) -> RecipeList:
    """Built-in and own recipes; broken files are named on standard error."""
    from qwqdesk.sampling.recipe_files import load_recipes

    found = load_recipes(dirs.recipes)
    for problem in found.problems:
        to_stderr(f"note: {problem}")
    return found


def run_options(args: ParsedArgs, *, mode: Mode) -> RunOptions:
    """The options of a run from its flags."""
    from qwqdesk.cli.lane_words import read_thought
    from qwqdesk.run_plan import RunOptions

    return RunOptions(
        mode=cast("Mode", args.mode or mode),
        template=_template(args),
        system_prompt=_system_prompt(args),
        loop_guard=cast("LoopGuard", args.option("loop_guard") or "mark"),
        raw=args.raw,
        thought=read_thought(args),
    )


def _template(args: ParsedArgs) -> str | Path:
    file = args.option("chat_template_file")
    if file is None:
        return args.option("chat_template") or "model"
    if not Path(file).is_fifo():
        return Path(file)
    from qwqdesk.engine.template import is_template

    # A pipe can be read once, and a template is needed with every prompt.
    source = _read_file(file)
    if not is_template(source):
        raise UserError(
            f"The pipe {shown(file)} holds no chat template.",
            "Give a template in Jinja's language.",
            code="template",
        )
    return source


def _system_prompt(args: ParsedArgs) -> str:
    file = args.option("system_file")
    return _read_file(file) if file is not None else args.option("system") or ""
