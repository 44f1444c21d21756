"""What strangers send costs about as much as it is long: one pattern, 30,000 characters.

Each reader of foreign text reads a pattern of 30,000 characters; where that takes a while, it is
compared with 5,000. The time is the thread's own on the processor, so that a busy machine fails
nothing.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest

from qwqdesk.analysis import checks
from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.diff import word_diff
from qwqdesk.analysis.place_map import PlaceMap
from qwqdesk.diagnostics import scrub
from qwqdesk.engine.template_builtin import tags_in
from qwqdesk.errors import UserError
from qwqdesk.exports.files import comparison_files, file_stem, text_names
from qwqdesk.models import hub_files, hub_names, hub_paths, quants
from qwqdesk.models.gguf import read_header
from qwqdesk.models.hub_errors import retry_after
from qwqdesk.models.token_list import spell
from qwqdesk.models.tokens import clean_token
from qwqdesk.reasoning import ReasoningSplitter, detect_tags, prompt_opens_reasoning
from qwqdesk.reasoning_tags import HARMONY
from qwqdesk.sampling.recipe_files import parse_json
from qwqdesk.stored_run import run_of_document
from qwqdesk.ui.conversation import formulas, highlight, inline_runs, markdown_blocks
from qwqdesk.ui.conversation.visible_text import visible
from tests.fuzz.cost import cost
from tests.unit.models.gguf_writer import ARRAY, STRING, GgufFile

SMALL, LARGE = 5_000, 30_000
LITTLE_S: Final = 0.3
"""So much may a reader take without being asked whether it is linear."""
MOST_S: Final = 4.0
RATIO: Final = 15  # between the 6 of what is linear and the 36 of what is quadratic
PATTERNS = (
    "a", "1", " ", "\n", "\r\n", "`", "*", "[", "<", "|", "-", "$", "\\", "{", '"', "a,", "한,",
    "> ", "```\n", "![", "\\frac{", "<think>", "</think>", "|a|b|\n", "if x:\n ", "\u202e",
    "-00001-of-00002", "Q4_K_M-",
)  # fmt: skip


def document(text: str) -> dict[str, Any]:
    """A run whose every text is this one."""
    lane = {
        "label": text, "sampling": {"seed": 1}, "text": text, "reasoning": text, "answer": text,
        "finish_reason": "stop", "finish_detail": text, "tokens": [1], "ends": [1],
        "warnings": [{"text": text}],
        "manifest": {"recipe": text, "reasoning_budget": 1, "reasoning_budget_message": text},
    }  # fmt: skip
    prompt = {"text": text, "tokens": [1]}
    model = {"name": text, "path": text, "quantization": text}
    return {
        "format": "qwqdesk.run", "version": 1, "mode": "exact", "model": model, "prompt": prompt,
        "lanes": [lane],
    }  # fmt: skip


def in_pieces(make: Callable[[], Any], size: int = 7) -> Callable[[str], None]:
    def read(text: str) -> None:
        splitter = make()
        for at in range(0, len(text), size):
            splitter.push(text[at : at + size])
        splitter.finish()

    return read


def blocks_in_pieces(text: str) -> None:
    blocks = markdown_blocks.MarkdownBlocks()
    for at in range(0, len(text), 100):
        blocks.feed(text[at : at + 100])
    blocks.finish()


def tinted(text: str) -> None:
    for name in ("python", "c"):
        state = 0
        for line in text.split("\n"):
            _, state = highlight.tint_line(highlight.grammar(name), line, state)


def header(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    read_header(GgufFile().string("general.name", raw).string(text[:60_000], "x").build())


READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "reasoning": in_pieces(lambda: ReasoningSplitter(detect_tags(None, ""))),
        "reasoning, opened": in_pieces(lambda: ReasoningSplitter(detect_tags(None, ""), True)),
        "channels": in_pieces(lambda: ReasoningSplitter((HARMONY,))),
        "tags of a template": lambda text: detect_tags(text, text),
        "end of a prompt": lambda text: prompt_opens_reasoning(text, detect_tags(None, "")),
        "tags of a built-in template": tags_in,
        "code check": lambda text: check_answer(f"```python\n{text}\n```\n{text}"),
        "checks": lambda text: [*checks._emphasis(text), checks._last_number(text)],
        "word diff": lambda text: word_diff(text[:20_000], text[1:20_000] + "x"),
        "places": lambda text: PlaceMap(text, text[::2]),
        "exports": lambda text: comparison_files({"lanes": [{"answer": text, "reasoning": text}]}),
        "file names": lambda text: (file_stem(text), text_names([(text, text)] * 4)),
        "run file": lambda text: run_of_document(document(text)),
        "JSON": parse_json,
        "log": scrub,
        "repository names": hub_names.parse_name,
        "paths of a listing": lambda text: (hub_paths.is_safe(text), hub_paths.folded(text)),
        "listing": lambda text: hub_files.from_listing(
            "a/b", {"sha": text, "siblings": [{"rfilename": text, "size": 1}] * 3, "gguf": {}}
        ),
        "quantization": lambda text: (quants.label_of_name(text), quants.base_type(text)),
        "header values": lambda text: retry_after({"retry-after": text}),
        "token file": clean_token,
        "spelling": lambda text: (spell(text, "gpt2"), spell(text, "llama")),
        "GGUF header": header,
        "Markdown blocks": blocks_in_pieces,
        "Markdown inline": lambda text: inline_runs.inline_runs(text[: len(text) // 5]),
        "formula": formulas.read_formula,
        "code colours": tinted,
        "control characters": visible,
    }
)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_foreign_text_is_about_linear(name: str) -> None:
    read = READERS[name]
    slow = []
    for pattern in PATTERNS:
        small, large = ((pattern * size)[:size] for size in (SMALL, LARGE))
        took = cost(read, large)
        if took > LITTLE_S:
            ratio = took / max(cost(read, small), 1e-3)
            if took > MOST_S or ratio > RATIO:
                slow.append(f"{pattern!r}: {took:.1f} s, {ratio:.0f} times")
    assert not slow


def nested(count: int) -> bytes:
    """Empty arrays in an array: twelve bytes each, and a call for each."""
    body = struct.pack("<IQ", ARRAY, count) + struct.pack("<IQ", 0, 0) * count
    return GgufFile().raw("a", ARRAY, body).build()


def strings(count: int) -> bytes:
    """Empty strings in an array: eight bytes each."""
    body = struct.pack("<IQ", STRING, count) + bytes(8) * count
    return GgufFile().raw("a", ARRAY, body).build()


@pytest.mark.parametrize("make", [nested, strings])
def test_a_header_of_empty_items_is_refused_by_its_cost(make: Callable[[int], bytes]) -> None:
    data = make(8_000_000)
    begun = time.thread_time()
    with pytest.raises(UserError, match="items") as caught:
        read_header(data)
    assert caught.value.code == "corrupt"
    assert time.thread_time() - begun < 2
    begun = time.thread_time()
    read_header(make(70_000))
    assert time.thread_time() - begun < 2


def test_vocabularies_of_real_models_are_far_inside_the_limit() -> None:
    """The largest has some 262,000 tokens and 514,000 merges."""
    read_header(strings(1_000_000))
