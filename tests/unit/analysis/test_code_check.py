"""Static checks of code from a model: what they find, and that nothing harms them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.code_blocks import code_blocks
from qwqdesk.analysis.code_check import check_answer, check_source

GUIDE = """\
Here is the game:

```python
import pygame

def reset():
    global pipes, best
    pipes.clear()
    best += 1

def main():
    reset()
    return undefined_thing
```
"""


def _codes(source: str) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in check_source(source)[1]]


def test_the_guides_example_is_found_with_lines_in_block_and_answer() -> None:
    (check,) = check_answer(GUIDE)
    row = check.to_json()
    assert (row["block"], row["language"], row["lines"], row["parses"]) == (0, "python", 10, True)
    places = [(e["code"], e["line"], e["answer_line"], e["column"]) for e in row["errors"]]
    assert places == [
        ("undefined-global", 5, 8, 5),
        ("undefined-global", 6, 9, 5),
        ("undefined-name", 10, 13, 12),
    ]
    assert GUIDE.splitlines()[7].strip() == "pipes.clear()"
    assert "pipes" in row["errors"][0]["text"]
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize(
    "binding",
    [
        "pipes = []",
        "pipes: list = []",
        "import pipes",
        "from a import b as pipes",
        "def pipes(): pass",
        "class pipes: pass",
        "for pipes in []: pass",
        "with open('x') as pipes: pass",
        "def make():\n    global pipes\n    pipes = []",
        "[(pipes := 1) for _ in '']",
        "try: pass\nexcept Exception as pipes: pass",
        "from everything import *",
        "globals()['pipes'] = []",
    ],
)
def test_a_bound_global_is_no_error(binding: str) -> None:
    source = f"{binding}\ndef use():\n    global pipes\n    pipes.clear()\n"
    assert [code for code, _ in _codes(source) if code == "undefined-global"] == []


@pytest.mark.parametrize(
    "binding",
    [
        "",
        "def other():\n    pipes = []",
        "class Other:\n    pipes = []",
        "def other(pipes): return pipes",
        "pipes += [1]",
    ],
)
def test_a_binding_elsewhere_does_not_count(binding: str) -> None:
    source = f"{binding}\ndef use():\n    global pipes\n    pipes.clear()\n"
    last = source.count("\n")
    assert ("undefined-global", last) in _codes(source)


def test_unused_things_are_no_errors() -> None:
    assert check_source("import os\ndef f():\n    x = 1\n") == (True, ())


def test_other_blocks_are_counted_but_not_checked() -> None:
    answer = (
        "```bash\nls\n```\n\n1. Text\n\n   ~~~Python title=x\n   if True:\n     x = (\n   ~~~\n"
    )
    (check,) = check_answer(answer)
    assert (check.block.number, check.block.language, check.parses) == (1, "python", False)
    assert check.block.text.startswith("if True:\n  x")


def test_a_block_without_a_language_is_python_when_it_looks_like_it() -> None:
    assert check_answer("```\nimport os\n```")[0].parses is True
    assert check_answer("```\njust some output\n```") == ()


def test_fences_and_line_ends() -> None:
    blocks = code_blocks("a\r\n````md\r\n```python\r\nx\r\n```\r\n````\r\n```py\rx = 1\r")
    assert [(b.language, b.first_line, b.closed) for b in blocks] == [
        ("md", 3, True),
        ("py", 8, False),
    ]
    assert code_blocks("```not `a` fence\nx") == ()


HOSTILE = {
    "nested": "(" * 5000 + ")" * 5000,
    "minus": "-" * 100_000 + "1",
    "attributes": "a" + ".b" * 70_000,
    "sum": "1+" * 50_000 + "1",
    "lambda": "lambda:" * 499 + "1",
    "elif": "if a:\n pass\n" + "elif b:\n pass\n" * 2000,
    "null": "a = 1\0",
    "surrogate": "a = '\ud800'",
    "huge number": "x = " + "9" * 100_000,
    "huge line": "x" * 140_000,
    "too large": "x = 1\n" * 40_000,
    "annotation": 'def f(a: "' + "(" * 3000 + '"): pass',
    "format": '"' + "{a[" * 5000 + '".format(1)',
    "quotes": "'" * 3 + "\\" * 99_999,
    "tabs": "\n".join("\t" * depth + "if a:" for depth in range(99)),
    "imports": "try:\n" + " import a\n" * 4000 + "except E: pass",
    "globals": "def f():\n global " + ",".join(f"a{n}" for n in range(20_000)),
    "form feeds": "\f" * 1000,
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_gives_a_row_and_never_an_error_of_ours(name: str) -> None:
    start = time.process_time()
    (check,) = check_answer(f"```python\n{HOSTILE[name]}\n```")
    assert time.process_time() - start < 5.0
    row = check.to_json()
    json.dumps(row, allow_nan=False).encode("utf-8")
    assert row["parses"] in (True, False, None)
    for error in row["errors"]:
        assert 1 <= error["line"] <= max(1, row["lines"])
        assert error["column"] >= 1


@given(st.text(alphabet="abx=:()[]{}'\"#\\\n \t.,@*-+0é\0\r", max_size=200))
def test_any_text_is_checked(source: str) -> None:
    for check in check_answer(f"```python\n{source}"):
        json.dumps(check.to_json(), allow_nan=False)


def test_code_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = f"open({str(mark)!r}, 'w').close()\nraise SystemExit(1)\n"
    assert check_source(source) == (True, ())
    assert not mark.exists()


def test_a_block_may_use_what_an_earlier_one_defines() -> None:
    answer = """First:
```python
import math
def area(r):
    global last
    last = r
    return math.pi * r * r
```
Then use it:
```python
print(area(2), last, math.e, missing)
```
"""
    first, second = check_answer(answer)
    assert first.clean
    assert [problem.text.split()[0] for problem in second.problems] == ["missing"]


def test_a_block_that_does_not_parse_defines_nothing() -> None:
    answer = "```python\nx = (\n```\n```python\nprint(x)\n```\n"
    assert [len(check.problems) for check in check_answer(answer)] == [1, 1]
