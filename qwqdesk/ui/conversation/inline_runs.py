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
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from qwqdesk.ui.conversation.markdown_blocks import PIECE_LIMIT

Formula = Literal["", "inline", "display"]

_SAFE_ADDRESS = re.compile(r"^(?:https?://|mailto:)\S+$", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![0-9A-Za-z_])https?\Z", re.IGNORECASE)
# What may stand in a bare address; brackets only in pairs, and no signs of emphasis.
_ADDRESS_CHARS = re.compile(r"(?:(?!\*\*|~~)[^\s<>\"'`|\\，。、；：！？「」『』（）《》“”])*")
_ADDRESS_END = ".,;:!?*_~"
_PAIRS = {")": "(", "]": "[", "}": "{"}
# Words that Korean writes right behind a noun, here behind an address without other Hangul.
_PARTICLE = re.compile(
    r"(?<=[0-9A-Za-z/_-])(?:은|는|이|가|을|를|에|에서|에는|로|으로|와|과|의|도|만|부터|까지"
    r"|처럼|라는|라고|이다|입니다)\Z"
)
_HANGUL = re.compile("[가-힣]")
# Scripts that are written without blanks between words, and Hangul, whose particles have none.
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3040-\u33ff\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
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
    parser.inline = _Inline()
    parser.configure("commonmark", {"html": False, "maxNesting": 20})
    parser.enable("strikethrough")
    parser.disable("html_inline")
    parser.inline.ruler.before("escape", "formula", _formula_rule)
    parser.inline.ruler.before("escape", "address", _address_rule)
    return parser


class _Inline(ParserInline):
    """CommonMark's inline rules, but for where emphasis may begin and end."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    """Knows scripts without blanks between words.

    CommonMark takes signs between punctuation and a letter for the wrong side of a word: in
    ``**강조(설명)**입니다`` they would stay asterisks. Beside such a script they count as beside a
    blank, and so does what ends bold text behind a sentence's end or a colon.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - theirs
        found = super().scanDelims(start, canSplitWord)
        if not canSplitWord:
            return found
        before = self.src[start - 1 : start]
        behind = self.src[start + found.length : start + found.length + 1]
        opens = found.can_open or bool(_CJK.match(before) and behind.strip())
        closes = found.can_close or bool(_CJK.match(behind) and before.strip())
        ends = found.length == 2 and before in tuple(":.!?") and behind.isalnum()
        return Scanned(opens, closes or ends, found.length)


def _address_rule(state: StateInline, silent: bool) -> bool:
    """A bare address as a link, as soon as its colon is reached."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.src[max(0, state.pos - 8) : state.pos])
    if scheme is None or not (silent or state.pending.endswith(scheme[0])):
        return False
    rest = _address_end(state.src, state.pos + 3)
    if rest == state.pos + 3:
        return False
    if not silent:
        address = state.src[state.pos - len(scheme[0]) : rest]
        state.pending = state.pending[: -len(scheme[0])]
        state.push("link_open", "a", 1).attrs = {"href": address}
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos = rest
    return True


def _address_end(source: str, start: int) -> int:
    """Where the address ends whose host begins here, less what ends the sentence around it."""
    found = _ADDRESS_CHARS.match(source, start, start + 2000)
    end = found.end() if found is not None else start
    opened: list[str] = []
    for at in range(start, end):
        char = source[at]
        if char in "([{":
            opened.append(char)
        elif char in _PAIRS and (not opened or opened.pop() != _PAIRS[char]):
            end = at
            break
    address = source[start:end].rstrip(_ADDRESS_END)
    noun = _PARTICLE.sub("", address)
    if noun != address and not _HANGUL.search(noun):
        address = noun
    return start + len(address)


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
            runs.append(replace(look, text=_BREAK_TAG.sub("\u2028", token.content)))
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
