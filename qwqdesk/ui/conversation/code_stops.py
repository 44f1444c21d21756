"""The errors in two lanes' code as places on the way through their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qwqdesk.analysis.token_places import TokenLink
from qwqdesk.ui.conversation.code_block import CodeBlock
from qwqdesk.ui.conversation.code_problems import sentence
from qwqdesk.ui.conversation.reply_places import ReplyPlaces


@dataclass(frozen=True)
class CodeStop:
    """An error: its block and line (from 1), and the other lane's token that stands beside it."""

    other: float
    block: CodeBlock
    line: int
    words: str


def code_stops(
    first: str, label: str, places: Mapping[str, ReplyPlaces], link: TokenLink | None
) -> Iterator[CodeStop]:
    """The errors of the first lane and of another one."""
    for lane in (first, label):
        for block in places[lane].reply.answer.blocks:
            if not isinstance(block, CodeBlock):
                continue
            for problem in block.problems:
                line = block.code_view.document().findBlockByNumber(problem.line - 1)
                token = places[lane].token_of(block.code_view, line.position())
                if lane == first and link is not None:
                    token = link.across(token)
                words = f"Lane {lane}, {sentence(problem)}"
                yield CodeStop(token, block, problem.line, words)
