"""Exports show what a model wrote; a viewer of them fetches nothing and runs nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qwqdesk.exports.files import comparison_files, file_stem, text_names
from qwqdesk.exports.foreign_text import readable
from qwqdesk.exports.markdown import to_markdown
from qwqdesk.exports.page import to_html
from qwqdesk.exports.view import view_of

SAFE = ("http://", "https://", "mailto:")


def markdown_of(answer: str) -> str:
    """The exported answer alone: behind its heading."""
    whole = to_markdown(view_of({"lanes": [{"label": "A", "answer": answer}]}))
    return whole.partition("### Answer\n\n")[2]


def tokens_of(markdown: str) -> list[Token]:
    """As a viewer reads it, with HTML and links as it likes them."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    found = []
    for token in reader.parse(markdown):
        found += [token, *(token.children or ())]
    return found


def acting(markdown: str) -> list[str]:
    """What a viewer would fetch, run or follow to an address that is no ordinary one."""
    found = []
    for token in tokens_of(markdown):
        if token.type in ("image", "html_block", "html_inline"):
            found.append(f"{token.type} {token.content}")
        address = str(token.attrGet("href") or "")
        if token.type == "link_open" and not address.lower().startswith(SAFE):
            found.append(f"link {address}")
    return found


HOSTILE = (
    "![x](http://a/b.png)",
    "![x](<http://a/b c.png>)",
    '![x](http://a/b.png "title")',
    "![x](data:image/svg+xml;base64,AAAA)",
    "![a![b](http://c)](http://d)",
    "![[x]](http://a)",
    "![x][ref]\n\n[ref]: http://a/b.png",
    "![ref][]\n\n[ref]:\n  http://a/b.png",
    "![ref]\n\n> [ref]: http://a/b.png",
    "\\![x](http://a)",
    "\\\\![x](http://a)",
    "!\\\n[x](http://a)",
    "[![x](http://a)](http://b)",
    '<img src="http://a/b.png">',
    '\\<img src="http://a/b.png">',
    '\\\\<img src="http://a/b.png">',
    "<IMG\nSRC=http://a>",
    "<svg onload=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- swallowed",
    "<?php swallowed",
    "<![CDATA[ swallowed",
    "</details><iframe src=http://a>",
    "[x](javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\njavascript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](//host/share)",
    "[x](<data:text/html,x>)",
    "[x]\n\n[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "`a\n`<img src=http://a>`",
    "\\`<img src=http://a>`",
    "``a`<img src=http://a>`",
    "a ` b\nc `![x](http://a)` d",
    "    ```\n<img src=http://a>\n    ```",
    "```\na\n        ```\n\n```\n<img src=http://a>\n```",
    "> ```\n> a\n\n<img src=http://a>",
    "- a\n\n      ```\n      b\n<img src=http://a>\n      ```",
    "~~~\na\n~~~~ x\n<img src=http://a>\n~~~\n<img src=http://b>",
    "| a |\n| - |\n| ![x](http://a) |",
    "# ![x](http://a)",
    "text\n![x](http://a)\n===",
)


@pytest.mark.parametrize("answer", HOSTILE)
def test_a_viewer_of_exported_markdown_fetches_nothing(answer: str) -> None:
    assert acting(markdown_of(answer)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Use `a < b` and `<div>`, 1 < 2, **bold**, `` `![x](y)` ``.",
        "See [the page](https://example.org/a_b) and [mail](mailto:a@b.c).",
        "1. a\n2. b\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n> quoted",
        "```html\n<img src=http://a>\n![x](http://a)\n[ref]: javascript:x\n```",
        "~~~\n\u202e code is left alone \x1b[31m\n~~~",
        "Really![1] no: [1] and a!",
        "한글과 עברית and emoji 🙂",
    ],
)
def test_what_is_harmless_stays_as_it_is(answer: str) -> None:
    shown = markdown_of(answer).rstrip("\n")
    assert shown == answer.replace("![1]", "!\\[1]")


def test_text_stays_readable() -> None:
    """A viewer shows the very signs that were written."""
    for answer in ("![x](http://a/b.png)", "<img src=x>", "[x](javascript:alert(1))", "[a]: b"):
        texts = [t.content for t in tokens_of(markdown_of(answer)) if t.type.startswith("text")]
        assert "".join(texts) == answer


def test_an_indented_block_keeps_its_code() -> None:
    shown = markdown_of("1. do\n\n       ```python\n       x = '<b>'\n       ```\n\ndone")
    codes = [(t.info, t.content) for t in tokens_of(shown) if t.type == "fence"]
    assert codes == [("python", "x = '<b>'\n")]


@given(
    st.lists(
        st.sampled_from(
            ["`", "``", "```", "~~~", "\\", "<img src=a>", "![x](http://a)", "![x]", "[x](y:z)",
             "[x]", "]: javascript:a", "\n", "\n\n", "    ", "  ", "> ", "- ", "1. ", "# ", "a",
             "!", "(", ")", "<", ">", "<!--", "-->", "|", "---", "&lt;", "*", "\t", "\r", "\u2028"]
        ),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_no_answer_makes_a_viewer_act(answer: str) -> None:
    assert acting(markdown_of(answer)) == []


CONTROL = "a\u202eb\u2066c\u2069d\x1b[31me\x00f\x85g\ud800h"


def test_characters_that_hide_or_turn_the_text_are_seen_everywhere() -> None:
    lane = {
        "label": CONTROL, "answer": CONTROL, "reasoning": CONTROL, "finish_detail": CONTROL,
        "finish_reason": "stop", "model": {"name": CONTROL}, "text": CONTROL,
        "warnings": [{"text": CONTROL}], "manifest": {"recipe": CONTROL},
    }  # fmt: skip
    data = {"model": {"name": CONTROL}, "prompt": {"text": CONTROL}, "lanes": [lane]}
    view = view_of(data)
    for shown in (to_markdown(view), to_html(view)):
        assert not set("\u202e\u2066\u2069\x1b\x00\x85\ud800") & set(shown)
        assert "⟨U+202E⟩" in shown
        assert "␛" in shown
    assert comparison_files(data)[text_names([("", CONTROL)])[0]] == CONTROL, "the text itself"


def test_words_of_other_scripts_are_no_control_characters() -> None:
    text = "한글 עברית \u200f العربية हिन्दी 👩\u200d💻\n\tend"
    assert readable(text) == text


@pytest.mark.parametrize("name", [CONTROL, "../../x", "a\nb", "con", "<img>", "![x](y)", "\u202eg"])
def test_file_names_hold_none_of_it(name: str) -> None:
    for made in (file_stem(name), *text_names([(name, name)])):
        assert made.isprintable()
        assert not set(made) & set('/\\<>:"|?*![]()\n\u202e')


@pytest.mark.parametrize("sign", ["\\", "`", "<", "![", "](", "]:", "\\<", "`a``b", "a`"])
def test_a_long_line_of_one_pattern_takes_no_visible_time(sign: str) -> None:
    begun = time.thread_time()
    markdown_of((sign * 100_000)[:100_000])
    assert time.thread_time() - begun < 3
