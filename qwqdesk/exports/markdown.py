"""A comparison as one Markdown file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks, plain_lines
from qwqdesk.exports.foreign_text import harmless_markdown, readable
from qwqdesk.exports.view import LaneView, RunView

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#&~])")


def to_markdown(run: RunView) -> str:
    """The whole comparison.

    The prompt and the reasoning are fenced, because their signs mean nothing in Markdown. An
    answer is Markdown itself, in which nothing is fetched (`foreign_text`); a fence that it leaves
    open is closed after it.
    """
    return "\n".join(_lines(run)) + "\n"


def escaped(text: str) -> str:
    """Foreign text on one line, with nothing in it that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", readable(" ".join(text.split())))


def fenced(text: str, language: str = "") -> str:
    """Text between fences longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _lines(run: RunView) -> Iterator[str]:
    yield f"# {escaped(run.title)}"
    yield ""
    facts = {
        "Model": f"{run.model} {run.quantization}".strip(),
        "Engine": run.engine,
        "Mode": run.mode,
    }
    yield from (f"- {name}: {escaped(text)}" for name, text in facts.items() if text)
    yield from (f"- {escaped(sentence)}" for sentence in run.divergences)
    yield from ("", "## Prompt", "", fenced(readable(run.prompt), "text"), "")
    if run.rows:
        yield from ("## Numbers", "")
        yield from _table(run)
    for lane in run.lanes:
        yield from _lane(lane, run)


def _table(run: RunView) -> Iterator[str]:
    yield "| Measure | " + " | ".join(escaped(lane.label) for lane in run.lanes) + " |"
    yield "| --- |" + " --- |" * len(run.lanes)
    for row in run.rows:
        cells = [
            f"**{text}**" if number == row.better else text for number, text in enumerate(row.texts)
        ]
        yield f"| {escaped(row.title)} | " + " | ".join(cells) + " |"
    yield ""


def _lane(lane: LaneView, run: RunView) -> Iterator[str]:
    yield f"## {escaped(lane.heading)}"
    yield ""
    if (lane.model, lane.quantization) != (run.model, run.quantization):
        yield f"- Model: {escaped(f'{lane.model} {lane.quantization}')}"
    yield from (f"- Differs: {escaped(text)}" for text in lane.differences)
    yield from (f"- Warning: {escaped(text)}" for text in lane.warnings)
    if lane.finish:
        yield f"- End: {escaped(lane.finish)}"
    if lane.loop:
        yield f"- {escaped(lane.loop)}"
    yield from (f"- {escaped(text)}" for text in lane.checks)
    if lane.arguments:
        yield from ("", fenced(lane.arguments, "sh"))
    if lane.reasoning:
        yield from ("", "<details><summary>Reasoning</summary>", "")
        yield from (fenced(readable(lane.reasoning), "text"), "", "</details>")
    yield from ("", "### Answer", "", *_answer(lane.answer), "")


def _answer(answer: str) -> Iterator[str]:
    """The answer's lines: outside of code nothing acts, and no code block can swallow the rest."""
    lines = plain_lines(answer).split("\n")
    at = 0
    for block in code_blocks(answer):
        yield from harmless_markdown(lines[at : block.first_line - 2])
        at = block.end_line
        yield from _code(block, lines[block.first_line - 2 : at])
    yield from harmless_markdown(lines[at:])


def _code(block: CodeBlock, lines: list[str]) -> Iterator[str]:
    """A block as it stands; indented fences, which not every viewer takes for some, anew."""
    if lines[0].startswith(block.fence) and lines[-1] == lines[-1].lstrip():
        yield from lines
        if not block.closed:
            yield block.fence
    else:
        yield fenced(block.text, block.language)
