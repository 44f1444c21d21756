"""Code blocks are cut in one way by everything that looks at them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from qwqdesk.analysis.code_blocks import code_blocks
from qwqdesk.analysis.code_check import check_answer
from qwqdesk.exports.markdown import fenced
from qwqdesk.reasoning import split_reply
from qwqdesk.reasoning_tags import THINK
from qwqdesk.ui.conversation.markdown_blocks import Closed, MarkdownBlocks, split

DOCSTRING = (Path(__file__).parents[2] / "cases" / "docstring-fence.md").read_text("utf-8")


def test_a_fence_in_a_docstring_is_code() -> None:
    (block,) = code_blocks(DOCSTRING)
    assert block.text.startswith("def area(r):")
    assert block.text.endswith("print(area(2))")
    (check,) = check_answer(DOCSTRING)
    assert check.clean
    assert block.closed


EXAMPLES = [
    DOCSTRING,
    # In a list, with code that has a fence of its own.
    '1. Do:\n\n   ```python\n   def f():\n       """\n       ```\n       """\n   ```\n2. Done',
    # A longer fence around a shorter one, and tildes around backticks.
    "````md\n```py\nx\n```\n````\nend",
    "~~~ `info` here\n```\nx\n~~~~\nend",
    # Behind the marker of an item.
    "- ```python\n  x = 1\n  ```\n- next",
    "3) ```\n   a\n   ```\nend",
    # In a quotation: it ends with it.
    "> ```python\n> x = 1\n> ```\n> said",
    "> ```\n> a\nb\n```\nc\n```",
    # Up to three blanks before a closing fence, four are code, and so is a tab.
    "```\na\n   ```\nb",
    "```\na\n    ```\nb\n```\nc",
    "```\na\n\t```\nb\n```\nc",
    # Signs with a word behind them close nothing.
    "```\na\n``` b\n```\nc",
    '```python title="a.py"\nx\n```',
    "```{python}\nx\n```",
    "text\n```py\nx = 1",
    "```js\n`a`\n```\n```\nb\n```",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_screen_and_checks_see_the_same_blocks(text: str) -> None:
    blocks = code_blocks(text)
    shown = [block for block in split(text) if block.shape.kind == "code"]
    assert [(b.language, b.text, b.closed) for b in blocks] == [
        (s.shape.language.lower(), s.text, s.whole) for s in shown
    ]
    assert blocks


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.parametrize("size", [1, 3])
def test_a_text_that_streams_is_cut_as_a_whole_one(text: str, size: int) -> None:
    blocks = MarkdownBlocks()
    events = [e for at in range(0, len(text), size) for e in blocks.feed(text[at : at + size])]
    events += blocks.finish()
    assert [event for event in events if isinstance(event, Closed)] == split(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (EXAMPLES[1], ['def f():\n    """\n    ```\n    """']),
        (EXAMPLES[2], ["```py\nx\n```"]),
        (EXAMPLES[3], ["```\nx"]),
        (EXAMPLES[4], ["x = 1"]),
        (EXAMPLES[6], ["x = 1"]),
        (EXAMPLES[7], ["a", "c"]),
        (EXAMPLES[8], ["a"]),
        (EXAMPLES[9], ["a\n    ```\nb"]),
        (EXAMPLES[10], ["a\n\t```\nb"]),
        (EXAMPLES[11], ["a\n``` b"]),
    ],
)
def test_what_is_code(text: str, code: list[str]) -> None:
    assert [block.text for block in code_blocks(text)] == code


@pytest.mark.parametrize(
    ("info", "language"),
    [("python", "python"), ("Python3 x", "python3"), ("{python}", "python"), ("{.py #a}", "py"),
     ("python:main.py", "python"), ("py,linenos", "py"), ("c++", "c++"), ("", "")],
)  # fmt: skip
def test_the_language_is_the_first_word(info: str, language: str) -> None:
    assert code_blocks(f"```{info}\nx\n```")[0].language == language


def test_an_export_of_the_program_is_one_block_again() -> None:
    (block,) = code_blocks(DOCSTRING)
    (again,) = code_blocks(fenced(block.text, block.language))
    ast.parse(again.text)


def test_a_tag_behind_a_docstrings_fence_is_still_in_the_code() -> None:
    thought = '```python\n"""\n    ```\n</think>\n    ```\n"""\n```\nok'
    reply = f"<think>{thought}</think>Done."
    assert split_reply(reply, (THINK,), opened=False) == (thought, "Done.")
