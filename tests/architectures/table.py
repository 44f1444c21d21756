"""Runs every check on every tiny model and writes the table of docs/architectures.md.

    python -m tests.architectures.table [--server LLAMA_SERVER] [--out FILE] [NAME...]

It ends with status 1 where a result is not the promised one.
"""

from __future__ import annotations

import argparse
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.architectures.checks import CHECKS, Model, as_expected, model_of
from tests.architectures.make import ARCHITECTURES

HEAD = """# Architectures

Tiny models with random weights of {count} architectures, made by `tests/architectures/make.py`, are
asked what every model must do. This table is written by `python -m tests.architectures.table`;
`pytest -m architectures` asserts the same.

- *memory*: what llama.cpp allocates beside the weights / what was estimated before loading, in MiB
  at a context of 32,768: one lane, four lanes in exact mode, four in fast mode.
- *llama-server*: 20 random chains with prompts of 35 to 650 tokens give the tokens of
  `llama-server --ctx-checkpoints 0`.
- *alone = four*: in exact mode tokens and probabilities are the same bit for bit alone, among four,
  in another order, one lane after another, and beside other prompts.
- *stop*: a stopped run leaves nothing behind for the next one.
- *fast turns*: a second and a third turn read only what is new; what was rewritten is read again.
- *banned strings*: they never come, and the lanes beside write what they write alone. A word in
  this place is the code of the refusal.
- *budget*, *two chains*: reasoning is closed behind a number of tokens; another chain answers.
- *kept, run again*: regenerated, answered again, opened again and run again with the same tokens.

"""


def results(model: Model) -> dict[str, str]:
    """What each check found, as words for the table."""
    found = {}
    for name, check in CHECKS.items():
        try:
            found[name] = check(model)
        except AssertionError:
            traceback.print_exc()
            found[name] = "no"
        good = as_expected(name, model.architecture, found[name])
        print(
            f"{model.architecture.name}: {name}: {found[name]}{'' if good else '  <<<'}", flush=True
        )
    return found


def table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main() -> None:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--server", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [["architecture", "memory is", *CHECKS]]
    good = True
    names = sorted(options.names or ARCHITECTURES)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            architecture = ARCHITECTURES[name]()
            with model_of(architecture, Path(folder), options.server) as model:
                found = results(model)
            rows.append([name, architecture.memory, *found.values()])
            good &= all(as_expected(check, architecture, word) for check, word in found.items())
    text = HEAD.format(count=len(names)) + table(rows)
    if options.out is not None:
        options.out.write_text(text)
    else:
        print(text)
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
