"""Colours of code: the words that matter, over line ends, in bounded time."""

from __future__ import annotations

import time

import pytest

from qwqdesk.ui.conversation.highlight import grammar, language_name, tint_line


def _tints(language: str, *lines: str) -> list[tuple[str, str]]:
    state, found = 0, []
    for line in lines:
        tints, state = tint_line(grammar(language), line, state)
        found += [(line[t.start : t.start + t.length], t.token) for t in tints]
    return found


def test_python() -> None:
    assert _tints("python", 'def f(x): return 0x1f + "a" # c') == [
        ("def", "syn_kw"), ("f", "syn_fn"), ("return", "syn_kw"), ("0x1f", "syn_num"),
        ('"a"', "syn_str"), ("# c", "syn_com"),
    ]  # fmt: skip


def test_a_docstring_goes_over_lines() -> None:
    assert _tints("py", '"""a', "if b", 'c""" if d') == [
        ('"""', "syn_str"), ("a", "syn_str"), ("if b", "syn_str"), ('c"""', "syn_str"),
        ("if", "syn_kw"),
    ]  # fmt: skip


def test_a_hash_within_a_string_is_no_comment() -> None:
    assert _tints("python", 'color = "#fff"') == [('"#fff"', "syn_str")]


def test_unknown_languages_get_the_general_rules() -> None:
    assert ("return", "syn_kw") in _tints("nobody-knows", "return 1 // c")
    assert _tints("text", "if for 12") == []


def test_languages_have_names() -> None:
    assert [language_name(word) for word in ("py", "js", "", "zig")] == [
        "Python", "JavaScript", "Code", "Zig",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ['"', "\\", "/*", "1_", "a ", "#", "'''", '"\\', "<!--", "`"])
def test_no_line_takes_long(unit: str) -> None:
    start = time.perf_counter()
    for language in ("python", "js", "sh", "html", "json", "sql", "zig"):
        tint_line(grammar(language), (unit * 2000)[:2000], 0)
    assert time.perf_counter() - start < 1
