"""A comparison as one HTML page: no script, nothing loaded from anywhere, everything escaped.

Lanes stand side by side where the window is wide enough. Light and dark follow the system.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks, plain_lines
from qwqdesk.exports.view import LaneView, RunView

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE: Final = """\
:root { color-scheme: light dark; --page: #ffffff; --text: #1f2328; --soft: #59636e;
  --line: #d1d9e0; --card: #f6f8fa; --good: #1a7f37; --warn: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181c; --text: #e6e8eb; --soft: #9aa4af; --line: #353a41;
    --card: #1f2227; --good: #57c274; --warn: #d9a441; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem; max-width: 120rem; background: var(--page);
  color: var(--text); font: 15px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p, ul { margin: .25rem 0; padding-left: 0; }
li { margin-left: 1.2rem; }
.soft { color: var(--soft); }
.warn { color: var(--warn); }
.lanes { display: grid; gap: 1rem; margin-top: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
article { min-width: 0; border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; }
details { margin: .75rem 0; border: 1px solid var(--line); border-radius: .4rem; }
summary { cursor: pointer; padding: .4rem .7rem; color: var(--soft); }
pre { margin: .5rem 0; padding: .7rem; overflow-x: auto; background: var(--card);
  border-radius: .4rem; font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }
pre.code { white-space: pre; overflow-wrap: normal; }
details > pre { margin: 0; border-radius: 0; }
.prose { white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-top: 1.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.better { color: var(--good); font-weight: 600; }
"""


def to_html(run: RunView) -> str:
    """The whole page."""
    title = _safe(run.title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n" + "\n".join(_body(run)) + "\n</body>\n</html>\n"
    )


def _safe(text: str) -> str:
    """Text for HTML: escaped, and without characters that HTML forbids."""
    return escape("".join(_allowed(character) for character in text), quote=True)


def _allowed(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return character if character in "\n\t" else chr(0x2400 + code)
    if 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    return character


def _body(run: RunView) -> Iterator[str]:
    facts = [f"{run.model} {run.quantization}".strip(), run.engine, run.mode and f"{run.mode} mode"]
    yield f'<p class="soft">{_safe(" · ".join(fact for fact in facts if fact))}</p>'
    if run.divergences:
        yield from _list(run.divergences)
    yield f"<details><summary>Prompt</summary><pre>{_safe(run.prompt)}</pre></details>"
    yield '<main class="lanes">'
    for lane in run.lanes:
        yield from _lane(lane, run)
    yield "</main>"
    if run.rows:
        yield from _table(run)


def _list(items: tuple[str, ...], style: str = "") -> Iterator[str]:
    attribute = f' class="{style}"' if style else ""
    yield f"<ul{attribute}>"
    yield from (f"<li>{_safe(item)}</li>" for item in items)
    yield "</ul>"


def _lane(lane: LaneView, run: RunView) -> Iterator[str]:
    yield f"<article>\n<h2>{_safe(lane.label)}</h2>"
    if (lane.model, lane.quantization) != (run.model, run.quantization):
        yield f'<p class="soft">{_safe(f"{lane.model} {lane.quantization}")}</p>'
    if lane.differences:
        yield from _list(lane.differences)
    if lane.warnings:
        yield from _list(lane.warnings, "warn")
    ends = tuple(text for text in (lane.finish, lane.loop, *lane.checks) if text)
    if ends:
        yield from _list(ends, "soft")
    if lane.arguments:
        yield f"<details><summary>Settings</summary><pre>{_safe(lane.arguments)}</pre></details>"
    if lane.reasoning:
        yield "<details><summary>Reasoning</summary>"
        yield f"<pre>{_safe(lane.reasoning)}</pre></details>"
    yield from _answer(lane.answer)
    yield "</article>"


def _answer(answer: str) -> Iterator[str]:
    """Prose as it was written, code blocks in their own boxes."""
    lines = plain_lines(answer).split("\n")
    at = 0
    for block in code_blocks(answer):
        yield from _prose(lines[at : block.first_line - 2])
        yield _code(block)
        at = block.end_line
    yield from _prose(lines[at:])


def _prose(lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield f'<div class="prose">{_safe(text)}</div>'


def _code(block: CodeBlock) -> str:
    return f'<pre class="code"><code>{_safe(block.text)}</code></pre>'


def _table(run: RunView) -> Iterator[str]:
    labels = "".join(f'<th scope="col">{_safe(lane.label)}</th>' for lane in run.lanes)
    yield f'<div class="scroll"><table>\n<thead><tr><th></th>{labels}</tr></thead>\n<tbody>'
    for row in run.rows:
        cells = "".join(
            f'<td class="better">{text}</td>' if number == row.better else f"<td>{text}</td>"
            for number, text in enumerate(map(_safe, row.texts))
        )
        unit = f" ({row.metric.unit})" if row.metric.unit else ""
        meaning = _safe(row.metric.meaning)
        head = f'<th scope="row" title="{meaning}">{_safe(row.metric.title + unit)}</th>'
        yield f"<tr>{head}{cells}</tr>"
    yield "</tbody></table></div>"
