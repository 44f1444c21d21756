"""Measure the demo model in llama.cpp itself and print the tables of the README.

python measure.py ../../resources/models/qwqdesk-demo-F16.gguf criteria
python measure.py ../../resources/models/qwqdesk-demo-F16.gguf experiment
python measure.py ../../resources/models/qwqdesk-demo-F16.gguf show --only 1.5 --exact
"""

from __future__ import annotations

import argparse
import ast
import builtins
import random
import re
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from chains import UNSLOTH_ORDER, UNSLOTH_WITH_PENALTIES, Settings
from chats import FUNCTIONS, WORDS
from corpus import load_template
from flappy import PROMPT_FILE
from runner import Reply, Runner

GUIDE = Settings()
EXPERIMENT: dict[str, Settings] = {
    "no penalty, llama.cpp's order": GUIDE,
    "llama.cpp's order, repeat-penalty 1.1": GUIDE.but(repeat_penalty=1.1),
    "llama.cpp's order, repeat-penalty 1.3": GUIDE.but(repeat_penalty=1.3),
    "llama.cpp's order, repeat-penalty 1.5": GUIDE.but(repeat_penalty=1.5),
    "Unsloth's order literally (1.1 set, DRY 0.5)": GUIDE.but(
        order=UNSLOTH_ORDER, repeat_penalty=1.1, dry_multiplier=0.5
    ),
    "Unsloth's order with penalties added (1.1, DRY 0.5)": GUIDE.but(
        order=UNSLOTH_WITH_PENALTIES, repeat_penalty=1.1, dry_multiplier=0.5
    ),
    "Unsloth's order with penalties added (1.5, DRY 0.5)": GUIDE.but(
        order=UNSLOTH_WITH_PENALTIES, repeat_penalty=1.5, dry_multiplier=0.5
    ),
    "llama.cpp's order, DRY 0.5": GUIDE.but(dry_multiplier=0.5),
    "llama.cpp's order, DRY 0.8": GUIDE.but(dry_multiplier=0.8),
    "Unsloth's order, DRY 0.5": GUIDE.but(order=UNSLOTH_ORDER, dry_multiplier=0.5),
    "Unsloth's order, DRY 0.8": GUIDE.but(order=UNSLOTH_ORDER, dry_multiplier=0.8),
    "llama.cpp's order, 1.1 and DRY 0.5": GUIDE.but(repeat_penalty=1.1, dry_multiplier=0.5),
    "llama.cpp's order, 1.5 and DRY 0.5": GUIDE.but(repeat_penalty=1.5, dry_multiplier=0.5),
}
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def closed(text: str) -> bool:
    """Whether the reasoning ends."""
    return text.count("</think>") == 1


def answer(text: str) -> str:
    """What follows the reasoning."""
    return text.rpartition("</think>")[2]


def parses(text: str) -> bool:
    """Whether the answer holds one Python section that parses."""
    sections = CODE.findall(answer(text))
    try:
        return len(sections) == 1 and bool(ast.parse(sections[0]).body)
    except (SyntaxError, ValueError):
        return False


def names_defined(text: str) -> bool:
    """Whether a program that parses uses only names that it defines somewhere."""
    if not parses(text):
        return False
    known: set[str] = {*dir(builtins), "__name__"}
    used: set[str] = set()
    for node in ast.walk(ast.parse(CODE.findall(answer(text))[0])):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.alias):
            known.add(node.asname or node.name)
    return used <= known


def loops(tokens: Sequence[int]) -> bool:
    """Whether the end repeats: a unit of at most 80 tokens, 4 times or more, 24 tokens or more."""
    for unit in range(1, 81):
        times = max(4, -(-24 // unit))
        if len(tokens) < unit * times:
            continue
        tail = tokens[-unit * times :]
        if all(tail[i] == tail[i % unit] for i in range(len(tail))):
            return True
    return False


def holds(wanted: list[str], number: int, text: str) -> bool:
    """Whether the answer holds the wanted text of its question."""
    return wanted[number] in answer(text)


def render(question: str) -> str:
    """The prompt as QwQ's template renders it."""
    return load_template().render(
        messages=[{"role": "user", "content": question}], tools=None, add_generation_prompt=True
    )


def _words(r: random.Random, kind: str) -> tuple[str, str]:
    if kind == "count letters":
        word = r.choice(WORDS)
        letter = r.choice(word)
        times = word.count(letter)
        wanted = "**once**" if times == 1 else f"**{times} times**"
        return f"How many {letter}'s are in the word {word}?", wanted
    if kind == "sort 5 numbers":
        numbers = [r.randint(1, 99) for _ in range(5)]
        wanted = "Sorted: " + ", ".join(map(str, sorted(numbers)))
        return "Sort these numbers: " + ", ".join(map(str, numbers)), wanted
    a, b = sorted((r.randint(1, 99), r.randint(1, 99)), reverse=True)
    if kind == "subtract":
        return f"What is {a} - {b}?", f"**{a - b}**"
    if kind == "add in Korean":
        return f"{a} 더하기 {b}는?", f"**{a + b}**"
    return f"What is {b} + {a}?", f"**{a + b}**"


def criteria(runner: Runner, path: Path) -> None:
    """The table of what the model has to reach."""
    print("| task (20 seeds each) | right | reasoning closed | needed |")
    print("| --- | --- | --- | --- |")
    seeds = range(1, 21)
    settings = Settings(min_p=0.05)

    def row(name: str, questions: list[str], right: Callable[[int, str], bool], need: str) -> None:
        replies = runner.run([render(q) for q in questions], settings, seeds)
        good = sum(right(i, reply.text) for i, reply in enumerate(replies))
        ended = sum(closed(reply.text) for reply in replies)
        print(f"| {name} | {good}/20 | {ended}/20 | {need} |", flush=True)

    prompt = PROMPT_FILE.read_text(encoding="utf-8").strip()
    row("Flappy Bird program parses", [prompt] * 20, lambda _, t: parses(t), "18, closed 20")
    r = random.Random(7)
    names = [f"Write a Python function that {r.choice(FUNCTIONS)[0]}." for _ in range(20)]
    row("small function parses", names, lambda _, t: parses(t), "20")
    for kind in ("add up to 99", "subtract", "count letters", "sort 5 numbers", "add in Korean"):
        pairs = [_words(r, kind) for _ in range(20)]
        need = "18" if kind == "add up to 99" else "-"
        row(kind, [q for q, _ in pairs], partial(holds, [w for _, w in pairs]), need)
    started = time.perf_counter()
    second = Runner(path, together=1)
    second.run([render("What is 47 + 38?")], settings, [1], limit=1)
    took = time.perf_counter() - started
    print(f"\nLoad to first token: {took:.2f} s")
    second.close()


def experiment(runner: Runner, names: Sequence[str]) -> None:
    """The guide's experiment on this model."""
    print(
        "| settings (Flappy Bird, 20 seeds) | parses | names defined | loops | closes | no end "
        "| median tokens |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    prompt = render(PROMPT_FILE.read_text(encoding="utf-8").strip())
    for name in names:
        replies = runner.run([prompt] * 20, EXPERIMENT[name], range(1, 21))
        print(f"| {name} | {experiment_row(replies)} |", flush=True)


def experiment_row(replies: list[Reply]) -> str:
    """The counted columns."""
    counts = (
        sum(parses(reply.text) for reply in replies),
        sum(names_defined(reply.text) for reply in replies),
        sum(loops(reply.tokens) for reply in replies),
        sum(closed(reply.text) for reply in replies),
        sum(not reply.finished for reply in replies),
    )
    length = statistics.median(len(reply.tokens) for reply in replies)
    return " | ".join([*(f"{count}/{len(replies)}" for count in counts), f"{length:.0f}"])


def show(runner: Runner, seed: int, name: str) -> None:
    """One reply, to be read."""
    prompt = render(PROMPT_FILE.read_text(encoding="utf-8").strip())
    reply = runner.run([prompt], EXPERIMENT[name], [seed])[0]
    print(f"=== {name}, seed {seed}, parses: {parses(reply.text)}\n{reply.text}\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("what", choices=("criteria", "experiment", "show"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--exact", action="store_true", help="one lane at a time, no shared batch")
    args = parser.parse_args()
    runner = Runner(args.model, together=1 if args.exact else 20)
    names = [name for name in EXPERIMENT if args.only in name]
    if args.what == "criteria":
        criteria(runner, args.model)
    elif args.what == "experiment":
        experiment(runner, names)
    else:
        for name in names:
            show(runner, args.seed, name)
    runner.close()


if __name__ == "__main__":
    main()
