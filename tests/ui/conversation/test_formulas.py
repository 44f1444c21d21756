"""Formulas: what is read is read right, everything else is left as it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.ui.conversation.formulas import formula_line, read_formula


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        ("d^2 = a^2+b^2", "d^2 = a^2 + b^2"),
        (r"\boxed{4\sqrt{13}\approx 14.42}", "4√13 ≈ 14.42"),
        (r"\frac{-b}{2a}", "(− b)/2a"),
        (r"\frac12", "1/2"),
        (r"x_{i}^{2}", "x_i^2"),
        (r"10 \text{ apples}", "10 apples"),
        (r"\left(\alpha\right)", "(α)"),
    ],
)
def test_formulas_are_read(tex: str, line: str) -> None:
    node = read_formula(tex)
    assert node is not None
    assert " ".join(formula_line(node).split()) == line


@pytest.mark.parametrize(
    "tex",
    [r"\unknown", "{", "}", r"\frac{1}", r"\begin{tikz}\end{tikz}", "x^", "{" * 500, "^" * 500],
)
def test_what_cannot_be_read_stays_source(tex: str) -> None:
    assert read_formula(tex) is None


@given(st.text(alphabet="\\{}^_&ab1+-=()[] sqrtfrac", max_size=200))
def test_any_text_ends(tex: str) -> None:
    node = read_formula(tex)
    if node is not None:
        formula_line(node)
