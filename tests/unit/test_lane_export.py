"""A lane's settings as text for other programs: nothing is lost without being told."""

from __future__ import annotations

import pytest

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.lane_export import COPY_FORMATS, copy_lane
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.formats.llama_args import parse_args
from qwqdesk.sampling.formats.shell_words import split_words
from qwqdesk.sampling.resolve import resolve

DRY = {"samplers": ["dry", "top_k", "temperature"], "dry_multiplier": 0.5, "xtc_probability": 0.1}


def test_the_flags_give_the_same_chain_back() -> None:
    setup = LaneSetup("A", user=DRY)
    copied = copy_lane(setup, "llama-args")
    assert resolve(parse_args(split_words(copied.text)).sampling).chain == setup.resolved().chain
    assert copied.sentence == ""


def test_a_modelfile_says_what_ollama_cannot_do() -> None:
    copied = copy_lane(LaneSetup("A", user=DRY), "modelfile")
    assert "PARAMETER top_k" in copied.text
    assert "the order of the chain" in copied.lost
    assert "dry_multiplier 0.5" in copied.lost
    assert copied.sentence.startswith("Not in the text: ")
    assert copied.sentence.endswith(" and the order of the chain.")


def test_what_belongs_to_the_lane_alone_is_named_too() -> None:
    setup = LaneSetup("A", answer=AnswerSetup(None, {}), reasoning_budget=1200)
    lost = copy_lane(setup, "llama-args").lost
    assert "the chain of the answer" in lost
    assert "the reasoning budget of 1,200 tokens" in lost


@pytest.mark.parametrize("form", [name for name, _ in COPY_FORMATS])
def test_every_format_of_the_menu_gives_a_text(form: str) -> None:
    assert copy_lane(LaneSetup("A", user=DRY), form).text.strip()
