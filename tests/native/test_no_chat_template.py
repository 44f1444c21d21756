"""A model without a chat template that can be used: what is sent, said, and where replies end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from qwqdesk.conversation import Message
from qwqdesk.engine.events import LaneRequest
from qwqdesk.engine.lane import LaneWriter
from qwqdesk.engine.template_builtin import guessable_tags
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import stored_prompt
from qwqdesk.prompt import Prompt, chat_prompt
from qwqdesk.run_json import FinishedRun, run_json
from qwqdesk.run_plan import MessageSaved, RunBegan, RunOptions, SessionEvent
from qwqdesk.run_record import RunRecord
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.store.history import History
from qwqdesk.stored_document import document_of
from qwqdesk.stored_run import run_of_document
from qwqdesk.template_note import TemplateNote, template_warnings
from tests.fake_engine import MODEL, FakeEngine, fake_session

HELLO = [Message("user", "안녕?")]
GEMMA = replace(MODEL, architecture="gemma3", name="Gemma 3 270m", chat_template=None)
ASKED = "<start_of_turn>user\n안녕?<end_of_turn>\n<start_of_turn>model\n"
IM_TAGS = frozenset({"<|im_end|>", "<|im_start|>"})


def prompt(engine: FakeEngine, template: str = "model", **model: Any) -> Prompt:  # noqa: ANN401
    made = chat_prompt(engine, replace(GEMMA, **model), HELLO, template=template)  # type: ignore[arg-type]
    return asyncio.run(made)


@pytest.mark.parametrize(
    ("source", "is_text", "cause", "words"),
    [
        (None, True, "missing", "This file has no chat template."),
        ("", True, "empty", "The chat template of this file is empty."),
        (" \n\t", True, "empty", "The chat template of this file is empty."),
        (None, False, "not-text", "The chat template of this file is not text."),
        ("{{ messages", True, "broken", "The chat template failed in line 1:"),
        ("{% for m in %}", True, "broken", "The chat template failed in line 1:"),
        ("{{ nothing.there }}", True, "broken", "The chat template failed in line 1:"),
        ("5", True, "broken", "The chat template of this file leaves the messages out."),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", True, "broken", "leaves the messages"),
    ],
)
def test_a_template_that_cannot_be_used_is_replaced_and_said(
    source: str | None, is_text: bool, cause: str, words: str
) -> None:
    made = prompt(FakeEngine(), chat_template=source, template_is_text=is_text)
    assert made.text == ASKED
    note = made.template
    assert note is not None
    assert (note.used, note.cause, note.ends) == ("gemma", cause, ())
    (warning,) = template_warnings(note)
    assert warning.code == ("broken-chat-template" if cause == "broken" else "no-chat-template")
    assert words in warning.text
    assert "Gemma's format is used, chosen by the architecture gemma3." in warning.text
    assert "Its tags are tokens of this vocabulary." in warning.text


def test_a_template_that_refuses_only_these_messages_keeps_its_word() -> None:
    source = (
        "{% if messages[0].content != 'Hello' %}{{ raise_exception('Not this one.') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    with pytest.raises(UserError, match="Not this one") as caught:
        prompt(FakeEngine(), chat_template=source)
    assert caught.value.code == "template"


def test_without_anything_known_it_is_chatml_and_its_end_is_found_as_text() -> None:
    engine = FakeEngine()
    engine.not_tokens = frozenset(guessable_tags())
    note = prompt(engine, architecture="mamba9").template
    assert note is not None
    assert (note.used, note.known) == ("chatml", False)
    assert note.strange == note.ends == ("<|im_end|>", "<|im_start|>")
    (warning,) = template_warnings(note)
    assert "ChatML's format is used, as in llama.cpp: none is known for the archi" in warning.text
    assert "<|im_end|> and <|im_start|> are not tokens of this vocabulary." in warning.text


def test_a_files_own_template_whose_end_is_no_token_says_so() -> None:
    engine = FakeEngine()
    engine.not_tokens = IM_TAGS
    source = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    made = prompt(engine, chat_template=source)
    assert made.text == "<|im_start|>안녕?<|im_end|>"
    assert made.template is not None
    assert made.template.ends == ("<|im_end|>", "<|im_start|>")
    (warning,) = template_warnings(made.template)
    assert warning.code == "turn-end-not-a-token"


def test_a_template_that_fits_says_nothing() -> None:
    source = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    assert prompt(FakeEngine(), chat_template=source).template is None
    assert prompt(FakeEngine(), template="gemma").template is None


# ---------------------------------------------------------------- the run


class Bytes:
    """A vocabulary of bytes, where tags are only text."""

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def is_end(self, token: int) -> bool:
        return False

    def is_special(self, token: int) -> bool:
        return False

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        return tuple(text.encode())


def test_a_lane_ends_at_the_end_of_a_turn_that_is_only_text() -> None:
    request = LaneRequest("A", SamplerChain.of(), (1,), ends=("<|im_end|>",))
    writer = LaneWriter(0, request, Bytes(), 1000)
    for token in "서울.<|im_end|>".encode():
        assert writer.finish is None
        writer.push(token)
    assert writer.finish == ("stop", "stop string '<|im_end|>'")
    writer.flush()
    output = writer.take()
    assert output is not None
    assert "".join(span.text for span in output.spans) == "서울."


async def _events(batches: AsyncGenerator[list[SessionEvent], None]) -> list[SessionEvent]:
    return [event async for batch in batches for event in batch]


def test_document_and_history_say_it_and_the_stored_prompt_keeps_its_ends() -> None:
    engine, history = FakeEngine(), History(None)
    engine.not_tokens = frozenset(guessable_tags())
    session = fake_session(engine, history)
    assert session.loaded is not None
    session.loaded = replace(session.loaded, model=replace(MODEL, chat_template=None))
    events = asyncio.run(_events(session.send("Hi", [LaneSetup("A")], RunOptions())))
    assert engine.runs[0].lanes[0].ends == ("<|im_end|>", "<|im_start|>")
    began = next(event for event in events if isinstance(event, RunBegan))
    record = RunRecord([1])
    for event in events:
        if not isinstance(event, RunBegan | MessageSaved):
            record.add(event)
    document = run_json([FinishedRun(session.loaded, began, record)], [(0, 0)])
    codes = [warning["code"] for warning in document["lanes"][0]["warnings"]]
    assert codes == ["no-chat-template"]
    reply = history.load(began.conversation_id).messages[0].replies[0]
    stored = document_of([reply])
    assert stored["lanes"][0]["warnings"] == document["lanes"][0]["warnings"]
    again = stored_prompt(reply.manifest, session.loaded)
    assert again is not None
    assert again.template == began.prompts[0].template
    assert run_of_document(document).lanes[0].prompt.template == began.prompts[0].template
    history.close()


@pytest.mark.parametrize(
    "value",
    [None, 5, "x", [], {}, {"cause": "new"}, {"ends": "<|im_end|>"}, {"ends": [5, "", "x" * 999]}],
)
def test_a_strangers_note_is_read_with_distrust(value: object) -> None:
    assert TemplateNote.from_json(value) is None


def test_a_note_survives_its_json() -> None:
    note = TemplateNote("gemma", "broken", "It failed.", "gemma3", True, True, ("<a>",), ("<b>",))
    assert TemplateNote.from_json(note.to_json()) == note


# ---------------------------------------------------------------- a choice for one file


def test_a_choice_for_a_file_comes_before_the_usual_one() -> None:
    options = RunOptions(template="chatml", templates=((MODEL.path, "gemma"), ("/other", "raw")))
    assert options.for_model(MODEL.path).template == "gemma"
    assert options.for_model("/else").template == "chatml"
    assert options.for_model("/other").raw
    assert not options.for_model(MODEL.path).raw


def test_a_base_model_can_just_go_on_writing() -> None:
    engine, history = FakeEngine(), History(None)
    session = fake_session(engine, history)
    options = RunOptions(templates=((MODEL.path, "raw"),))
    asyncio.run(_events(session.send("Once upon", [LaneSetup("A")], options)))
    assert bytes(engine.runs[0].lanes[0].prompt_tokens) == b"Once upon"
    history.close()
