"""The splitter: the same blocks however the text arrives, and never more time than it deserves."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.ui.conversation.markdown_blocks import (
    HOLD_LIMIT,
    PIECE_LIMIT,
    Closed,
    Grew,
    MarkdownBlocks,
    Opened,
    split,
)

REPLY = """# Title
Intro text **bold**
goes on
1. First
   more
   - nested a
   - nested b

   paragraph in the item
   ```python
   def f():
       return 1
   ```
2. Second
| a | b |
|---|---|
| 1 | 2 |

Below
---
> quote
> more
lazy

***
$$x^2$$
\\[
a=b
\\]
$$a$$ is inline
The year
1986. was good

    indented

```js
x = 1
"""

_MARKS = st.sampled_from(
    ["# ", "- ", "1. ", "```", "```py\n", "|a|b|\n|-|-|\n", "> ", "$$", "\\[", "\\]", "---", "\n",
     "\n\n", "    ", "a ", "word", "~~~", "*", "=", "|", " ", "\t", "`"]
)  # fmt: skip


def _kinds(text: str) -> list[str]:
    return [block.shape.kind for block in split(text)]


def test_every_kind_of_block_is_found() -> None:
    assert _kinds(REPLY) == [
        "heading", "paragraph", "item", "item", "item", "paragraph", "code", "item", "table",
        "heading", "quote", "rule", "math", "math", "paragraph", "code", "code",
    ]  # fmt: skip


def test_contents_are_without_their_marks() -> None:
    blocks = {block.text: block for block in split(REPLY)}
    assert blocks["def f():\n    return 1"].shape.language == "python"
    assert blocks["nested a"].shape.indent == 1
    assert blocks["First\nmore"].shape.marker == "1."
    assert blocks["quote\nmore\nlazy"].shape.kind == "quote"
    assert blocks["x^2"].shape.kind == blocks["a=b"].shape.kind == "math"
    assert blocks["Below"].shape.level == 2
    assert not blocks["x = 1"].whole


@given(st.lists(_MARKS, max_size=40).map("".join), st.integers(1, 7))
def test_the_pieces_in_which_text_arrives_do_not_matter(text: str, size: int) -> None:
    blocks = MarkdownBlocks()
    events = [
        event for at in range(0, len(text), size) for event in blocks.feed(text[at : at + size])
    ]
    events += blocks.finish()
    assert [event for event in events if isinstance(event, Closed)] == split(text)


@given(st.lists(_MARKS, max_size=40).map("".join))
def test_a_block_is_what_grew(text: str) -> None:
    """A view that follows the events holds the text of the closed block."""
    blocks = MarkdownBlocks()
    shown = ""
    for event in [*blocks.feed(text), *blocks.finish()]:
        if isinstance(event, Opened) and not event.replaces:
            shown = ""
        elif isinstance(event, Grew):
            shown += event.text
        elif isinstance(event, Closed):
            assert shown == event.text


def test_a_fence_that_looks_like_text_is_text() -> None:
    assert _kinds("```not a fence``` but code in a line") == ["paragraph"]


def test_a_number_in_running_text_starts_no_list() -> None:
    assert _kinds("The year was\n1986. It was good.") == ["paragraph"]


def test_a_table_goes_on_in_a_new_block_with_its_head() -> None:
    rows = "\n".join("| 1 | 2 |" for _ in range(250))
    tables = split(f"| a | b |\n|---|---|\n{rows}")
    assert [block.shape.kind for block in tables] == ["table"] * len(tables)
    assert len(tables) > 1
    assert tables[1].shape.head == "| a | b |\n|---|---|"


def test_a_row_is_known_by_its_bar_wherever_that_comes() -> None:
    text = "|a|b|\n|-|-|\nlong first cell | 2\n"
    blocks = MarkdownBlocks()
    events = [event for letter in text for event in blocks.feed(letter)]
    events += blocks.finish()
    assert [event for event in events if isinstance(event, Closed)] == split(text)
    assert len(split(text)) == 1


def test_a_paragraph_of_a_megabyte_is_cut() -> None:
    pieces = split("word " * 200_000)
    assert max(len(piece.text) for piece in pieces) <= PIECE_LIMIT
    assert "".join(piece.text for piece in pieces) == "word " * 200_000
    assert all(piece.shape.continues for piece in pieces[1:])


def test_text_is_shown_while_its_line_still_grows() -> None:
    blocks = MarkdownBlocks()
    shown = "".join(e.text for e in blocks.feed("Here is the ans") if isinstance(e, Grew))
    assert shown == "Here is the ans"
    held = blocks.feed("wer\n" + "-" * (HOLD_LIMIT + 1))
    assert sum(len(e.text) for e in held if isinstance(e, Grew)) > HOLD_LIMIT


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "`" * 300_000, "$$" + "x" * 300_000, "> " * 100_000, "-" * 300_000,
     " " * 300_000, "\n" * 300_000, "- x\n" * 30_000, "|" * 300_000, "    \n" * 50_000],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    blocks = MarkdownBlocks()
    start = time.perf_counter()
    for at in range(0, len(text), 16):
        blocks.feed(text[at : at + 16])
    blocks.finish()
    assert time.perf_counter() - start < 3
