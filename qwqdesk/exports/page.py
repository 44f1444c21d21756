"""A comparison as one HTML page: no script, nothing loaded from anywhere, everything escaped.

Lanes stand side by side where the window is wide enough. Light and dark follow the system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from qwqdesk.analysis.code_blocks import CodeBlock, code_blocks, plain_lines
from qwqdesk.analysis.numbers import NumberRow
from qwqdesk.exports.foreign_text import readable
from qwqdesk.exports.view import LaneView, RunView

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

# The colours are those of the window, in both themes.
_STYLE: Final = """\
:root { color-scheme: light dark; --page: #f3f1ec; --ground: #fefdfb; --text: #1e1c18;
  --text2: #544f46; --text3: #696358; --line: #e2ded5; --sunken: #f6f4ef; --hover: #efece6;
  --accent: #0d6670; --warn: #7d4c00; --bad: #a8261c; --bad-tint: #fbe6e3; }
@media (prefers-color-scheme: dark) {
  :root { --page: #17191b; --ground: #1d2022; --text: #e9e6e0; --text2: #b6b2aa;
    --text3: #9b978f; --line: #2d3134; --sunken: #16181a; --hover: #2a2e31; --accent: #63c3c8;
    --warn: #e6b25c; --bad: #f18c82; --bad-tint: #3a1c19; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem; max-width: 120rem; background: var(--page);
  color: var(--text); font: 15px/1.6 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p, ul { margin: .25rem 0; padding-left: 0; }
li { margin-left: 1.2rem; }
.soft { color: var(--text2); font-size: 13px; }
.warn { color: var(--warn); }
.lanes { display: grid; gap: 1rem; margin-top: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
article { min-width: 0; border: 1px solid var(--line); border-radius: 8px; padding: 1rem;
  background: var(--ground); }
details { margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px;
  background: var(--ground); }
summary { cursor: pointer; padding: .35rem .75rem; color: var(--text2); font-size: 13px; }
pre { margin: .5rem 0; padding: .75rem; overflow-x: auto; background: var(--sunken);
  border: 1px solid var(--line); border-radius: 6px; font: 12.5px/1.6 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
pre.code { white-space: pre; overflow-wrap: normal; }
pre.code mark { display: block; margin: 0 -.75rem; padding: 0 .75rem; color: inherit;
  background: var(--bad-tint); }
pre.code mark span { display: block; color: var(--bad); font: 500 12px/2 system-ui, sans-serif; }
details > pre { margin: 0; border-width: 1px 0 0; border-radius: 0 0 6px 6px; }
.prose { white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-top: 1rem; padding-left: .25rem; }
details > .scroll { margin: 0; padding: 0 .75rem .5rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem 1.5rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left;
  color: var(--text2); font-weight: 400; white-space: nowrap; }
thead th { color: var(--text); font-weight: 600; }
td.better { color: var(--text); font-weight: 600; }
td.better::before { content: "\\25cf"; color: var(--accent); margin: 0 .4em 0 -1.1em; }
@media print { body { background: none; } }
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
    """Text for HTML: escaped, and without characters that HTML forbids or that turn it round."""
    return escape(readable(text), quote=True)


def _body(run: RunView) -> Iterator[str]:
    facts = [f"{run.model} {run.quantization}".strip(), run.engine, run.mode and f"{run.mode} mode"]
    yield f'<p class="soft">{_safe(" · ".join(fact for fact in facts if fact))}</p>'
    if run.divergences:
        yield from _list(run.divergences)
    yield f"<details><summary>Prompt</summary><pre>{_safe(run.prompt)}</pre></details>"
    if run.rows:
        yield from _numbers(run)
    yield '<main class="lanes">'
    for lane in run.lanes:
        yield from _lane(lane, run)
    yield "</main>"


def _list(items: tuple[str, ...], style: str = "") -> Iterator[str]:
    attribute = f' class="{style}"' if style else ""
    yield f"<ul{attribute}>"
    yield from (f"<li>{_safe(item)}</li>" for item in items)
    yield "</ul>"


def _lane(lane: LaneView, run: RunView) -> Iterator[str]:
    yield f"<article>\n<h2>{_safe(lane.heading)}</h2>"
    if (lane.model, lane.quantization) != (run.model, run.quantization):
        yield f'<p class="soft">{_safe(f"{lane.model} {lane.quantization}")}</p>'
    if lane.differences:
        yield from _list(lane.differences)
    if lane.warnings:
        yield from _list(lane.warnings, "warn")
    finish = f"Ended: {lane.finish}" if lane.finish else ""
    ends = tuple(text for text in (finish, lane.loop, *lane.checks) if text)
    if ends:
        yield from _list(ends, "soft")
    if lane.arguments:
        yield f"<details><summary>Settings</summary><pre>{_safe(lane.arguments)}</pre></details>"
    if lane.reasoning:
        yield "<details><summary>Reasoning</summary>"
        yield f"<pre>{_safe(lane.reasoning)}</pre></details>"
    yield from _answer(lane.answer, lane.errors)
    yield "</article>"


def _answer(answer: str, errors: Mapping[int, str]) -> Iterator[str]:
    """Prose as it was written, code blocks in their own boxes."""
    lines = plain_lines(answer).split("\n")
    at = 0
    for block in code_blocks(answer):
        yield from _prose(lines[at : block.first_line - 2])
        yield _code(block, errors)
        at = block.end_line
    yield from _prose(lines[at:])


def _prose(lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield f'<div class="prose">{_safe(text)}</div>'


def _code(block: CodeBlock, errors: Mapping[int, str]) -> str:
    """Code; what the check found stands under its line."""
    parts: list[str] = []
    for number, line in enumerate(block.text.split("\n"), block.first_line):
        if number in errors:
            parts.append(f"<mark>{_safe(line)}<span>{_safe(errors[number])}</span></mark>")
        else:
            parts.append(f"{_safe(line)}\n")
    return f'<pre class="code"><code>{"".join(parts)}</code></pre>'


def _numbers(run: RunView) -> Iterator[str]:
    """The rows that matter first; the others behind a fold."""
    rows = run.rows
    yield from _table(run, [row for row in rows if row.main])
    rest = [row for row in rows if not row.main]
    if rest:
        yield "<details><summary>All numbers</summary>"
        yield from _table(run, rest)
        yield "</details>"


def _table(run: RunView, rows: Sequence[NumberRow]) -> Iterator[str]:
    labels = "".join(f'<th scope="col">{_safe(lane.label)}</th>' for lane in run.lanes)
    head = f'<tr><th scope="col">Measure</th>{labels}</tr>'
    yield f'<div class="scroll"><table>\n<thead>{head}</thead>\n<tbody>'
    for row in rows:
        cells = "".join(
            f'<td class="better">{text}</td>' if number == row.better else f"<td>{text}</td>"
            for number, text in enumerate(map(_safe, row.texts))
        )
        title = f'<th scope="row" title="{_safe(row.meaning)}">{_safe(row.title)}</th>'
        yield f"<tr>{title}{cells}</tr>"
    yield "</tbody></table></div>"
