"""The corpus is what it says: programs parse and run, sums are right, prompts are the template's.

Run from this folder: `python -m pytest -c /dev/null test_corpus.py`.
"""

from __future__ import annotations

import ast
import random
import re
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import chats
import corpus
import flappy
import pytest


class FakeClock:
    """Ends the program after some frames, by raising as a user who closes the window would."""

    frames = 0

    def tick(self, rate: int) -> None:
        """Count a frame."""
        FakeClock.frames += 1


def fake_pygame(r: random.Random) -> MagicMock:
    """As much of pygame as the programs touch; keys are pressed at random."""
    names = ("QUIT", "KEYDOWN", "K_SPACE", "K_q", "K_ESCAPE")
    fake = MagicMock(**{name: number for number, name in enumerate(names)})
    fake.time.Clock = FakeClock
    fake.font.SysFont().render().get_width.return_value = 40

    def events() -> list[SimpleNamespace]:
        if FakeClock.frames > 200:
            return [SimpleNamespace(type=0)]
        return [SimpleNamespace(type=1, key=2)] if r.random() < 0.06 else []

    fake.event.get = events
    return fake


@pytest.mark.parametrize("structure", list(flappy.STRUCTURES))
@pytest.mark.parametrize("seed", range(4))
def test_programs_run(structure: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every structure plays some hundred frames, with new starts, until the window is closed."""
    r = random.Random(seed)
    made = flappy.program(r, structure)
    monkeypatch.setitem(sys.modules, "pygame", fake_pygame(r))
    FakeClock.frames = 0
    with pytest.raises(SystemExit):
        exec(compile(made.code, "game", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert FakeClock.frames > 200


def test_programs_parse_and_differ() -> None:
    """All programs parse; no two of some hundred are the same."""
    r = random.Random(1)
    codes = [flappy.program(r).code for _ in range(400)]
    for code in codes:
        ast.parse(code)
        assert "$" not in code
    assert len(set(codes)) == len(codes)


def test_small_functions_parse() -> None:
    """Every small function parses."""
    r = random.Random(2)
    for _ in range(500):
        code = chats.small_function(r)[2].split("```python\n")[1].split("```")[0]
        ast.parse(code)


def test_sums_are_right() -> None:
    """The worked steps and the answer of an addition agree."""
    r = random.Random(3)
    for _ in range(2000):
        _, thought, text = chats.addition(r)
        found = re.search(r"wants (\d+) \+ (\d+)\.", thought)
        assert found
        assert f"**{int(found[1]) + int(found[2])}**" in text
        assert f"make {int(found[1]) + int(found[2])}." in thought


def test_chats_are_what_the_template_renders() -> None:
    """The untrained part and the opening tag together are the template's prompt."""
    template, r = corpus.load_template(), random.Random(4)
    for _ in range(300):
        text = "".join(piece.text for piece in corpus.short_chat(template, r))
        assert text.count("<think>\n") == text.count("</think>\n\n") == 1
        assert text.endswith("<|im_end|>")
        assert "<|im_start|>assistant\n<think>\n" in text
    prompt = template.render(
        messages=[{"role": "user", "content": "Hi"}], tools=None, add_generation_prompt=True
    )
    assert prompt == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n"
