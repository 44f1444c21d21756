"""A comparison as one Markdown file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from qwqdesk.analysis.code_blocks import code_blocks, plain_lines
from qwqdesk.exports.view import LaneView, RunView

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#&~])")
_BACKTICKS: Final = re.compile(r"(`+)")
_TAG: Final = re.compile(r"<(?=[!/?A-Za-z])")


def to_markdown(run: RunView) -> str:
    """The whole comparison.

    The prompt and the reasoning are fenced, because their signs mean nothing in Markdown. An
    answer is Markdown itself; a fence that it leaves open is closed after it.
    """
    return "\n".join(_lines(run)) + "\n"


def escaped(text: str) -> str:
    """Foreign text on one line, with nothing in it that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


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
    yield from ("", "## Prompt", "", fenced(run.prompt, "text"), "")
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
        yield from (fenced(lane.reasoning, "text"), "", "</details>")
    yield from ("", "### Answer", "", *_answer(lane.answer), "")


def _answer(answer: str) -> Iterator[str]:
    """The answer's lines; outside of code no sign opens HTML that could swallow what follows."""
    lines = plain_lines(answer).split("\n")
    at = 0
    last = None
    for last in code_blocks(answer):
        yield from map(_without_html, lines[at : last.first_line - 1])
        at = last.end_line
        yield from lines[last.first_line - 1 : at]
    yield from map(_without_html, lines[at:])
    if last is not None and not last.closed:
        yield last.fence


def _without_html(line: str) -> str:
    """The line with a backslash before what opens a tag, but not inside of inline code."""
    parts = _BACKTICKS.split(line)  # text and runs of backticks in turn
    last = {len(run): at for at, run in enumerate(parts) if at % 2}
    opened = 0
    for at, part in enumerate(parts):
        if at % 2 == 0:
            parts[at] = part if opened else _TAG.sub(r"\\<", part)
        elif opened == len(part):
            opened = 0
        elif not opened and last[len(part)] > at:
            opened = len(part)
    return "".join(parts)
