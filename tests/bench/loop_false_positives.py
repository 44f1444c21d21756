"""How often the loop guard is wrong on ordinary text, code and data, and how soon it is right.

Run it by hand: ``python tests/bench/loop_false_positives.py [FOLDER ...]``. It reads the Python
standard library's sources, the texts of installed packages (licences, READMEs, metadata) and of
the folders given, splits each three ways (words, pieces of words, bytes), and prints the share of
texts in whose first 16k tokens a loop is reported (``-v`` names them). Generated samples of honest
repetition (tables, lists, matrices) and of true loops follow.
"""

from __future__ import annotations

import random
import re
import site
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qwqdesk.analysis.loops import LoopDetector
from qwqdesk.conversation import Loop

WINDOW = 16_384
LIMIT = 400_000
PIECE = re.compile(r" ?[A-Za-z]+|\d| ?[^\sA-Za-z\d]+|\s+")

Splitter = Callable[[str], list[str]]


def words(text: str) -> list[str]:
    """Like a large vocabulary: a word with its space, single digits, runs of signs or blanks."""
    return PIECE.findall(text)


def pieces(text: str) -> list[str]:
    """Like a small vocabulary: the same, cut into at most three characters."""
    return [word[i : i + 3] for word in words(text) for i in range(0, len(word), 3)]


def single_bytes(text: str) -> list[str]:
    """The worst case: one token for each character."""
    return list(text)


SPLITTERS: tuple[Splitter, ...] = (words, pieces, single_bytes)


def first_loop(text: str, split: Splitter) -> tuple[int, Loop | None]:
    """The number of tokens read until a loop was reported, and the loop."""
    ids: dict[str, int] = {}
    detector = LoopDetector()
    count = 0
    for count, piece in enumerate(split(text)[:WINDOW], 1):
        loop = detector.push(ids.setdefault(piece, len(ids)))
        if loop is not None:
            return count, loop
    return count, None


def texts_of(folders: list[Path], endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in endings and path.is_file() and path.stat().st_size < LIMIT:
                text = path.read_text("utf-8", errors="replace")
                if "\0" not in text:
                    yield str(path), text


def measure(title: str, texts: list[tuple[str, str]], *, verbose: bool) -> None:
    for split in SPLITTERS:
        wrong: list[str] = []
        tokens = 0
        begun = time.perf_counter()
        for name, text in texts:
            count, loop = first_loop(text, split)
            tokens += count
            if loop is not None:
                wrong.append(f"{name} at {count}: period {loop.period} x {loop.repeats}")
        micro = (time.perf_counter() - begun) / max(1, tokens) * 1e6
        share = len(wrong) / max(1, len(texts))
        print(
            f"{title:<22} {split.__name__:<13} {len(wrong):>4} of {len(texts):>5} "
            f"({share:7.3%}), {tokens:>9} tokens, {micro:.1f} us a token"
        )
        if verbose:
            print(*(f"    {line}" for line in wrong), sep="\n")


def honest_samples() -> list[tuple[str, str]]:
    """Repetition that people ask for."""
    draw = random.Random(7)
    bits = [[draw.randrange(2) for _ in range(28)] for _ in range(28)]
    rows = [f"| {i} | {draw.choice('abcdef') * 3} | {draw.random():.3f} |" for i in range(120)]
    people = [f'{{"id": {i}, "name": "user{i}", "age": {20 + i * 7 % 50}}},' for i in range(100)]
    verse = "Row after row the poplars stand, {}\nand this is the song of the river land.\n\n"
    return [
        ("table", "| n | name | value |\n|---|---|---|\n" + "\n".join(rows)),
        ("json array", "[\n" + "\n".join(people) + "\n]"),
        ("similar lines", "\n".join(f"Line {i}: the value is {i * i}." for i in range(1, 101))),
        ("similar tests", "\n".join(f"assert f({i}) == {i * 3}, 'f({i})'" for i in range(100))),
        ("numbers", ", ".join(str(i) for i in range(1, 2000))),
        ("bit matrix", "\n".join(str(row) for row in bits)),
        ("identity matrix", "\n".join(str([int(i == j) for j in range(12)]) for i in range(12))),
        ("rules", "Title\n" + "=" * 80 + "\ntext\n" + "-" * 80 + "\n" + "#" * 72),
        ("box", "+" + "-" * 40 + "+\n" + ("|" + " " * 40 + "|\n") * 12 + "+" + "-" * 40 + "+"),
        ("refrain", "".join(verse.format(draw.random()) for _ in range(8))),
        ("dna", "".join(draw.choice("ACGT") for _ in range(3000))),
        ("unrolled", "\n".join(f"total += weights[{i}] * inputs[{i}]" for i in range(64))),
        ("alternating", "\n".join(["left", "right", "left", "left", "right"] * 8)),
        ("draft twice", 2 * "\n".join(f"def f{i}(x):\n    return x + {i * i}" for i in range(40))),
    ]


def true_loops() -> list[tuple[str, str]]:
    """What a broken sampler setting does; each is endless by construction."""
    sentence = "Wait, let me check that again, because the result should be a whole number. "
    paragraph = " ".join(f"Alternatively, {w} might be the way to see it." for w in "abcdefghijk")
    return [
        ("one word", "the " * 6000),
        ("signs", "!" * 20000),
        ("sentence", sentence * 600),
        ("paragraph", (paragraph + "\n\n") * 60),
        ("counter", "".join(f"Attempt {i}: {sentence}" for i in range(500))),
        ("long counter", "".join(f"{paragraph} So case {i} fails.\n" for i in range(80))),
    ]


def main() -> None:
    verbose = "-v" in sys.argv
    folders = [Path(arg) for arg in sys.argv[1:] if not arg.startswith("-")]
    packages = [Path(folder) for folder in site.getsitepackages()]
    library = Path(sysconfig.get_paths()["stdlib"])
    stdlib = [(n, t) for n, t in texts_of([library], (".py",)) if "site-packages" not in n]
    measure("standard library", stdlib, verbose=verbose)
    prose = list(texts_of([*packages, *folders], (".md", ".rst", ".txt", ".html", "")))
    measure("prose and licences", prose, verbose=verbose)
    if folders:
        data = (".json", ".csv", ".cpp", ".h", ".jinja", ".js", ".py")
        measure("given folders", list(texts_of(folders, data)), verbose=verbose)
    measure("honest repetition", honest_samples(), verbose=True)
    for name, text in true_loops():
        for split in SPLITTERS:
            count, loop = first_loop(text, split)
            found = f"after {count}, period {loop.period}" if loop else "NOT FOUND"
            print(f"true loop: {name:<14} {split.__name__:<13} {found}")


if __name__ == "__main__":
    main()
