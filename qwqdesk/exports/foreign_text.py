"""One rule for foreign text in everything that is exported: it is shown, and nothing acts on it.

A prompt, an answer, a name of a stranger's file may hold images, HTML and addresses of any kind,
and characters that turn the text round. A viewer of Markdown would fetch the images; the sender
of a text would learn who reads it. So images become text, HTML becomes text, links remain only
where a click leads to an ordinary address, and invisible characters are seen. Code is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_BACKTICKS: Final = re.compile(r"(`+)")
# What begins a tag, a comment or an address in angle brackets, with the backslashes before it.
_TAG: Final = re.compile(r"(?<!\\)(\\*)<(?=[!/?A-Za-z])")
_IMAGE: Final = re.compile(r"!(?=\[)")
_LINK: Final = re.compile(r"\](?=\((?!<?(?:https?://|mailto:)))", re.IGNORECASE)
_DEFINITION: Final = re.compile(r"\](?=:)")


def readable(text: str) -> str:
    """The text with control characters, and those that turn it round, as signs that are seen."""
    return _UNSEEN.sub(_sign, text)


def harmless_markdown(lines: Iterable[str]) -> Iterator[str]:
    """Lines of Markdown without code blocks, in which nothing is fetched and no HTML begins.

    Inline code stays as it is where it is certain that a viewer sees code there: its backticks
    stand in one line, and no backtick before them in the paragraph could be paired with them.
    """
    certain = True
    for line in lines:
        if not line.strip():
            certain = True
            yield line
            continue
        shown, certain = _harmless_line(readable(line), certain)
        yield shown


def _harmless_line(line: str, certain: bool) -> tuple[str, bool]:
    parts = _BACKTICKS.split(line) if certain else [line]  # text and runs of backticks in turn
    last = {len(run): at for at, run in enumerate(parts) if at % 2}
    done: list[str] = []
    at = 0
    while at < len(parts):
        if at % 2 == 0:
            done.append(_harmless(parts[at]))
            at += 1
            continue
        size = len(parts[at])
        if _is_escaped(parts[at - 1]) or last[size] == at:
            done.append(_harmless("".join(parts[at:])))
            return "".join(done), False
        end = next(n for n in range(at + 2, len(parts), 2) if len(parts[n]) == size)
        done += parts[at : end + 1]
        at = end + 1
    return "".join(done), certain


def _harmless(text: str) -> str:
    text = _TAG.sub(_escaped_tag, text)
    for sign in (_IMAGE, _LINK, _DEFINITION):
        text = sign.sub(lambda found: f"{found[0]}\\", text)
    return text


def _escaped_tag(found: re.Match[str]) -> str:
    """With a backslash, unless it has one that means it."""
    slashes = found[1]
    return f"{slashes}<" if len(slashes) % 2 else f"{slashes}\\<"


def _is_escaped(before: str) -> bool:
    """Whether the sign behind this text has a backslash that means it."""
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if 0x202A <= code <= 0x2069:
        return f"⟨U+{code:04X}⟩"
    return "\N{REPLACEMENT CHARACTER}"
