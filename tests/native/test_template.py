"""Chat templates: the prompt they make, and what becomes of bad and hostile ones."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.conversation import Message
from qwqdesk.engine.template import (
    SHIPPED,
    TEMPLATE_CHOICES,
    render,
    render_with_notes,
    template_source,
)
from qwqdesk.engine.template_builtin import BY_NAME
from qwqdesk.engine.template_chat import RenderJob, render_chat
from qwqdesk.engine.template_process import render_in_child
from qwqdesk.engine.template_sandbox import ChatTemplateError
from qwqdesk.errors import UserError

HELLO = [Message("user", "Hello")]
TALK = [
    Message("system", "Be brief."),
    Message("user", "Hi"),
    Message("assistant", "Yo"),
    Message("user", "Again"),
]
NOW = datetime(2025, 3, 7, 12, 30)


def job(source: str, messages: Sequence[Message] = HELLO, **changes: object) -> RenderJob:
    plain = [
        {"role": m.role, "content": m.content, "reasoning": m.reasoning}
        if m.reasoning is not None
        else {"role": m.role, "content": m.content}
        for m in messages
    ]
    base = RenderJob(source, plain, "<s>", "</s>", True, True, {}, NOW.isoformat())
    return replace(base, **changes)  # type: ignore[arg-type]


def here(source: str, messages: Sequence[Message] = HELLO, **changes: object) -> str:
    return render_chat(job(source, messages, **changes)).text


def shipped(name: str, messages: Sequence[Message]) -> str:
    return render(template_source(name, None), messages, bos_token="", eos_token="")


def test_qwqs_template_ends_inside_the_reasoning() -> None:
    assert shipped("qwq", TALK) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>user\nAgain<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n"
    )


@pytest.mark.parametrize("name", ["qwq-no-think", "chatml"])
def test_the_others_leave_the_opening_tag_to_the_model(name: str) -> None:
    assert shipped(name, TALK) == shipped("qwq", TALK).removesuffix("<think>\n")


def test_older_reasoning_in_a_text_is_cut_by_qwqs_templates() -> None:
    talk = [Message("user", "a"), Message("assistant", "<think>\nx\n</think>\n\nb"), *HELLO]
    for name in ("qwq", "qwq-no-think"):
        assert "<|im_start|>assistant\nb<|im_end|>" in shipped(name, talk)


@pytest.mark.parametrize("name", SHIPPED)
def test_kept_reasoning_returns_to_the_prompt(name: str) -> None:
    talk = [Message("user", "a"), Message("assistant", "b", "why </think> not"), *HELLO]
    end = BY_NAME[name].tags[0]
    assert f"<think>\nwhy </think> not</think>\n\nb{end}" in shipped(name, talk)


def test_kept_reasoning_goes_where_the_template_knows_it() -> None:
    source = "{% for m in messages %}[{{ m.reasoning_content }}|{{ m.content }}]{% endfor %}"
    assert here(source, [Message("assistant", "b", "why")]) == "[why|b]"
    older = source.replace("reasoning_content", "thinking")
    assert here(older, [Message("assistant", "b", "why")]) == "[why|b]"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}", "<s>Hello</s>"),
        ("{% if add_generation_prompt %}a{% endif %}", "a"),
        ("{% if tools %}t{% endif %}{{ documents is defined }}", "False"),
        ("{{ enable_thinking }}", "True"),
        ("{{ {'b': 'é<&', 'a': [1, none]} | tojson }}", '{"b": "é<&", "a": [1, null]}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ strftime_now('%d %b %Y') }}", "07 Mar 2025"),
        ("{{ date_string }}", "07 Mar 2025"),
        ("{% generation %}{% set x = 1 %}g{% endgeneration %}{{ x }}", "g1"),
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        (
            "{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        (
            "{% set n = namespace(x=1) %}{% for i in [2] %}{% set n.x = i %}{% endfor %}{{ n.x }}",
            "2",
        ),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ messages[0].get('nope', 'd') }}{{ messages[0].nope }}", "d"),
        ("{{ ' a<b '.strip().split('<')[-1].upper() }}", "B"),
        ("{{ 'abc'[::-1] }}{{ 'abc'.startswith('ab') }}", "cbaTrue"),
        ("{{ '<' | safe + '<' }}", "<<"),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('<') + '&' }}", "<<>&"),
        ("{{ 'ab' * 3 }}{{ 2 ** 10 }}{{ 3 * 4 }}{{ 1.5 * 2 }}", "ababab1024123.0"),
        ("{{ undefined_name }}{{ messages | length }}", "1"),
    ],
)
def test_what_templates_use(source: str, text: str) -> None:
    assert here(source) == text


def test_further_variables_reach_the_template() -> None:
    assert here("{{ effort }}", extra={"effort": "high"}) == "high"


REFUSES_SYSTEM = (
    "{% if messages and messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
)


def test_a_system_message_that_is_refused_stands_before_the_users() -> None:
    chat = render_chat(job(REFUSES_SYSTEM, TALK[:2]))
    assert chat.text == "<user>Be brief.\nHi"
    assert len(chat.notes) == 1


def test_a_system_message_alone_that_is_refused_is_left_out_with_a_note() -> None:
    chat = render_chat(job(REFUSES_SYSTEM + "{{ messages | length }}", TALK[:1]))
    assert chat.text == "0"
    assert "system" in chat.notes[0]


def test_a_template_that_takes_only_parts_gets_parts() -> None:
    source = "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
    assert here(source) == "Hello"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n{% if %}", "in line 2"),
        ("a\n\n{{ raise_exception('not today') }}", "in line 3: not today."),
        ("a\n{{ nothing.at.all }}", "in line 2: 'nothing' is undefined."),
        ("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}", "in line 2: ZeroDivisionError"),
        ("{{ 1 | nofilter }}", "No filter named 'nofilter'"),
        ("{% include 'x' %}", "in line 1"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ raise_exception('a ' * 1000) }}", "…"),
    ],
)
def test_an_error_names_its_line(source: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        render(source, HELLO, bos_token="", eos_token="")
    assert words in caught.value.what
    assert caught.value.code == "template"
    assert len(caught.value.what) < 400


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ [0] * 10**9 }}",
        "{{ 10**10 * 'a' }}",
        "{{ 9 ** 999999999 }}",
        "{% set n = namespace(x=3) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    ],
)
def test_enormous_products_are_refused_at_once(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="too l"):
        here(source)


def test_output_is_limited() -> None:
    source = "{% set a = 'x' * 1000000 %}{% for i in range(30) %}{{ a }}{% endfor %}"
    with pytest.raises(ChatTemplateError, match="writes more than"):
        here(source)


HANGS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(90) %}{% set n.x = [n.x, n.x] %}"
    "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}",
    "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{{ 'a' | center(10000000000) }}",
    "{{ '%9999999999d' | format(1) }}",
]


@pytest.mark.parametrize("source", HANGS)
def test_a_template_that_takes_too_much_is_ended(source: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ChatTemplateError, match=r"too much memory|not finish"):
        render_in_child(job(source), seconds=0.5)
    assert time.monotonic() - begun < 10


def test_text_that_no_encoding_knows_survives_the_child() -> None:
    odd = [Message("user", "\ud800 \x00 \u2028 ü " + "x" * 200_000)]
    text = render("{{ messages[0].content }}", odd, bos_token="", eos_token="")
    assert text == odd[0].content


def test_a_prompt_of_ten_megabytes_is_rendered() -> None:
    long = [Message("user", "word " * 2_000_000)]
    assert len(shipped("qwq", long)) > 10_000_000
    source = "{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    assert len(render(source, long, bos_token="", eos_token="")) > 10_000_000


def test_the_choice_of_a_template(tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    own.write_bytes("\ufeff{{ 1 }}\r\n".encode())
    assert template_source("model", "{{ 2 }}") == "{{ 2 }}"
    assert template_source("model", None) == template_source("chatml", None)
    assert template_source(own, None) == "{{ 1 }}\n"
    assert template_source(str(own), None) == "{{ 1 }}\n"
    assert template_source("{{ 3 }}", None) == "{{ 3 }}"
    assert set(SHIPPED) < set(TEMPLATE_CHOICES)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_unreadable_template_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.jinja"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"own\.jinja") as caught:
        template_source(path, None)
    assert caught.value.code == "template"


def test_a_template_of_a_megabyte_and_more_is_refused() -> None:
    with pytest.raises(UserError, match="characters"):
        render("x" * 1_000_001, HELLO, bos_token="", eos_token="")


PARTS = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", " for m in messages ", " endfor ", " if ", " endif ",
     "m.content", "'x'", "|trim", "|tojson", " set x = ", "(", ")", "[", "]", "~", "\n", "x",
     " macro f(a) ", " endmacro ", "f(x)", "messages[0]", ".split('e')", "-", "1", "namespace()"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join))
def test_any_text_renders_or_fails_with_a_message(source: str) -> None:
    with contextlib.suppress(ChatTemplateError):
        here(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_neither_a_pipe_nor_an_endless_file_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UserError, match="cannot be read") as caught:
            template_source(path, None)
        assert caught.value.code == "template"


TEMPLATES = os.environ.get("QWQDESK_TEMPLATES_DIR", "")


@pytest.mark.skipif(not TEMPLATES, reason="QWQDESK_TEMPLATES_DIR names no folder of templates")
def test_every_template_of_a_folder_renders_or_says_why_not() -> None:
    paths = sorted(Path(TEMPLATES).glob("*.jinja"))
    assert paths
    failed: dict[str, str] = {}
    for path in paths:
        for talk in (HELLO, TALK):
            try:
                chat = render_with_notes(
                    path.read_text("utf-8"), talk, bos_token="<s>", eos_token="</s>"
                )
                assert talk[-1].content in chat.text, path.name
            except UserError as error:
                failed[path.name] = error.what
    print(f"{len(paths) - len(failed)} of {len(paths)} render; not:", failed)
    assert len(failed) <= len(paths) // 10


# ---------------------------------------------------------------- histories

STOPPED = json.loads((Path(__file__).parents[1] / "cases" / "stopped-chat.json").read_text("utf-8"))
REFUSES_EMPTY = (
    "{% for m in messages %}{% if m.role == 'assistant' and not m.content %}"
    "{{ raise_exception('nothing said') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}"
)
REFUSES_BLANK = REFUSES_EMPTY.replace("not m.content", "not m.content | trim")
IN_TURN = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('in turn') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}"
)
U1, U2, U3 = Message("user", "Hi there."), Message("user", "More?"), Message("user", "And now?")
EMPTY, BLANK, YES = (Message("assistant", text) for text in ("", " \n", "Yes."))
THOUGHT = Message("assistant", "", "hm, a greeting")
SYSTEM = Message("system", "Be brief.")
HISTORIES: Mapping[str, Sequence[Message]] = {
    "stopped in the thought": (U1, EMPTY, U2),
    "stopped, with a system message": (SYSTEM, U1, EMPTY, U2),
    "only blanks": (U1, BLANK, U2),
    "two stopped in a row": (U1, EMPTY, U2, EMPTY, U3),
    "stopped later": (SYSTEM, U1, YES, U2, EMPTY, U3),
    "two questions in a row": (U1, U2),
    "three questions in a row": (SYSTEM, U1, U2, U3),
    "a stopped thought that is kept": (U1, THOUGHT, U2),
    "a thought that is kept with its answer": (U1, Message("assistant", "Yes.", "hm, so"), U2),
    "an empty thought": (U1, Message("assistant", "Yes.", ""), U2),
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (REFUSES_EMPTY, "<user>Hi there.<assistant> <user>More?"),
        (REFUSES_BLANK, "<user>Hi there.\n\nMore?"),
        ("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}",
         "<user>Hi there.<assistant><user>More?"),
    ],
)  # fmt: skip
def test_a_chat_goes_on_behind_an_empty_reply(source: str, text: str) -> None:
    messages = [Message(role, content) for role, content in STOPPED["messages"]]
    chat = render_chat(job(source, messages))
    assert chat.text == text
    assert bool(chat.notes) == ("raise_exception" in source)


def test_questions_in_a_row_are_joined_where_they_are_refused() -> None:
    assert (
        here(IN_TURN, (U1, U2, YES, U3)) == "<user>Hi there.\n\nMore?<assistant>Yes.<user>And now?"
    )


def test_a_refusal_that_nothing_helps_against_keeps_its_words() -> None:
    never = "{{ raise_exception('not on a Monday') }}"
    with pytest.raises(ChatTemplateError, match="not on a Monday"):
        here(never, (U1, EMPTY, U2))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_template_takes_every_history(name: str) -> None:
    for history in HISTORIES.values():
        _takes(template_source(name, None), history)


@pytest.mark.skipif(not TEMPLATES, reason="QWQDESK_TEMPLATES_DIR names no folder of templates")
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_every_template_of_a_folder_takes_every_history(history: Sequence[Message]) -> None:
    paths = sorted(Path(TEMPLATES).glob("*.jinja"))
    assert paths
    for path in paths:
        source = path.read_text("utf-8")
        with contextlib.suppress(ChatTemplateError):
            here(source, HELLO)  # one that refuses the simplest chat is replaced
            _takes(source, history)


def _takes(source: str, history: Sequence[Message]) -> None:
    try:
        chat = render_chat(job(source, history))
    except ChatTemplateError as error:
        pytest.fail(f"refused: {error.message}")
    for message in history:
        assert message.content.strip() in chat.text
        if message.reasoning and not chat.notes:
            assert message.reasoning in chat.text
