"""Long code is parsed in pieces, and the tree is the same."""

from __future__ import annotations

import ast
import itertools

import pytest

from qwqdesk.analysis import code_tree
from qwqdesk.analysis.code_check import check_source

PARTS = [
    "import os\n\n@cache\n@other(\n    1)\ndef f(a, b=(1,\n  2)):\n    return a\n",
    'TEXT = """\ndef not_code(:\n"""\nclass A:\n    def m(self):\n        return "# no"\n',
    "if x:\n    pass\nelse:\n    y = 'def z'\nasync def g():\n    await h()\n",
    "# a comment\ndef k(): return [\n1,\n]\n",
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(PARTS))))[::3])
def test_the_tree_of_the_pieces_is_that_of_the_whole(
    order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "".join(PARTS[number] for number in order) * 2
    monkeypatch.setattr(code_tree, "PIECE", 30)
    assert len(list(code_tree._pieces(source))) > 2
    whole = ast.dump(ast.parse(source), include_attributes=True)
    assert ast.dump(code_tree.parse(source), include_attributes=True) == whole


def test_an_error_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    source = PARTS[0] * 3 + "def broken(:\n    pass\n" + PARTS[3]
    with pytest.raises(SyntaxError) as whole:
        ast.parse(source)
    monkeypatch.setattr(code_tree, "PIECE", 30)
    with pytest.raises(SyntaxError) as found:
        code_tree.parse(source)
    assert (found.value.lineno, found.value.msg) == (whole.value.lineno, whole.value.msg)


def test_names_are_found_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def f():\n    return later() + gone()\n\ndef later():\n    return 1\n"
    monkeypatch.setattr(code_tree, "PIECE", 10)
    parses, problems = check_source(source)
    assert parses
    assert [(problem.line, problem.text.split()[0]) for problem in problems] == [(2, "gone")]
