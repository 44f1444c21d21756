"""Owns the step from one block's Markdown to runs of text with one look each; no Qt.

The text is a model's and therefore hostile: HTML stays text, images are never fetched (their
description and address become a link), and only web and mail addresses become links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from qwqdesk.ui.conversation.markdown_blocks import PIECE_LIMIT

Formula = Literal["", "inline", "display"]

_SAFE_ADDRESS = re.compile(r"^(?:https?://|mailto:)\S+$", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"'`|]*[^\s<>\"'`|.,;:!?)\]}]", re.IGNORECASE)
_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_DOLLARS = re.compile(r"\$(?!\s)((?:[^$\\\n]|\\.){1,400}?)(?<!\s)\$(?!\d)")
_DOUBLE_DOLLARS = re.compile(r"\$\$((?:[^$\\]|\\.){1,1500}?)\$\$")
_BRACKETS = {"\\(": ("\\)", "inline"), "\\[": ("\\]", "display")}


@dataclass(frozen=True)
class Run:
    """Text of one look. `formula` runs hold TeX; `href` is an address that is safe to open."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str = ""
    formula: Formula = ""


def inline_runs(text: str) -> list[Run]:
    """The runs of one paragraph, cell or item; text over the block limit stays plain."""
    if len(text) > 2 * PIECE_LIMIT or _too_deep(text):
        return [Run(text)]
    tokens = _parser().parseInline(text)
    return _merge(_walk(tokens[0].children or [])) if tokens else []


def _too_deep(text: str) -> bool:
    """Hundreds of open brackets or emphasis marks cost quadratic time and mean nothing."""
    return text.count("[") > 200 or text.count("*") + text.count("_") + text.count("~") > 1000


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    parser.enable("strikethrough")
    parser.disable("html_inline")
    parser.inline.ruler.before("escape", "formula", _formula_rule)
    return parser


def _formula_rule(state: StateInline, silent: bool) -> bool:
    found = _formula_at(state.src, state.pos)
    if found is None:
        return False
    tex, kind, end = found
    if not silent:
        token = state.push("formula", "", 0)
        token.content = tex
        token.info = kind
    state.pos = end
    return True


def _formula_at(source: str, at: int) -> tuple[str, Formula, int] | None:
    """The formula that starts here: its TeX, kind and end."""
    if source[at] == "$":
        for pattern, kind in ((_DOUBLE_DOLLARS, "display"), (_DOLLARS, "inline")):
            match = pattern.match(source, at)
            if match is not None:
                return match[1], "display" if kind == "display" else "inline", match.end()
    elif source.startswith(("\\(", "\\["), at):
        closing, kind = _BRACKETS[source[at : at + 2]]
        end = source.find(closing, at + 2, at + 1500)
        if end > 0:
            return source[at + 2 : end], "display" if kind == "display" else "inline", end + 2
    elif source.startswith("\\boxed{", at):
        end = _closing_brace(source, at + 6)
        if end > 0:
            return source[at:end], "inline", end
    return None


def _closing_brace(source: str, at: int) -> int:
    """One past the brace that closes the one at `at`, or -1."""
    depth = 0
    for place in range(at, min(len(source), at + 1500)):
        if source[place] in "{}" and source[place - 1] != "\\":
            depth += 1 if source[place] == "{" else -1
            if depth == 0:
                return place + 1
    return -1


def _walk(tokens: list[Token]) -> list[Run]:
    runs: list[Run] = []
    look = Run("")
    for token in tokens:
        kind = token.type
        if kind.endswith(("_open", "_close")):
            look = _changed(look, token)
        elif kind == "text":
            runs += _plain(look, token.content)
        elif kind in ("softbreak", "hardbreak"):
            runs.append(replace(look, text=" " if kind == "softbreak" else "\u2028"))
        elif kind == "code_inline":
            runs.append(replace(look, text=token.content, code=True))
        elif kind == "formula":
            formula: Formula = "display" if token.info == "display" else "inline"
            runs.append(replace(look, text=token.content.strip(), formula=formula))
        elif kind == "image":
            runs.append(_image(look, token))
        else:
            runs.append(replace(look, text=token.content))
    return runs


def _changed(look: Run, token: Token) -> Run:
    on = token.nesting > 0
    if token.type.startswith("strong"):
        return replace(look, bold=on)
    if token.type.startswith("em"):
        return replace(look, italic=on)
    if token.type.startswith("s_"):
        return replace(look, strike=on)
    return replace(look, href=safe_address(str(token.attrGet("href") or "")) if on else "")


def _plain(look: Run, text: str) -> list[Run]:
    """Text with its line-break tags and bare addresses."""
    text = _BREAK_TAG.sub("\u2028", text)
    if look.href or "://" not in text:
        return [replace(look, text=text)]
    runs: list[Run] = []
    done = 0
    for match in _BARE_ADDRESS.finditer(text):
        runs.append(replace(look, text=text[done : match.start()]))
        runs.append(replace(look, text=match[0], href=safe_address(match[0])))
        done = match.end()
    return [*runs, replace(look, text=text[done:])]


def _image(look: Run, token: Token) -> Run:
    address = str(token.attrGet("src") or "")
    return replace(look, text=f"[image: {token.content or address}]", href=safe_address(address))


def safe_address(address: str) -> str:
    """The address if it may become a link (http, https, mailto), else nothing."""
    return address if len(address) <= 2000 and _SAFE_ADDRESS.match(address) else ""


def _merge(runs: list[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in runs:
        if merged and not run.formula and replace(merged[-1], text="") == replace(run, text=""):
            merged[-1] = replace(run, text=merged[-1].text + run.text)
        elif run.text:
            merged.append(run)
    return merged
