"""The built-in chat templates against llama.cpp's own formats of the same names."""

from __future__ import annotations

import ctypes

import pytest

from qwqdesk.conversation import Message
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.template import render, template_source
from qwqdesk.engine.template_builtin import BUILT_IN

TALKS = (
    (Message("user", "Hi there"),),
    (
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Yo"),
        Message("user", "다시, 안녕"),
    ),
    (Message("user", " a "), Message("assistant", " b "), Message("user", "c")),
)


@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize(
    "name", [made.name for made in BUILT_IN if not made.name.startswith("qwq")]
)
def test_a_built_in_template_writes_what_llama_cpp_writes(
    name: str, talk: tuple[Message, ...]
) -> None:
    api = LlamaLibrary().api
    plain = [api.llama_chat_message(role=m.role.encode(), content=m.content.encode()) for m in talk]
    buffer = ctypes.create_string_buffer(4000)
    messages = (api.llama_chat_message * len(talk))(*plain)
    size = api.llama_chat_apply_template(name.encode(), messages, len(talk), True, buffer, 4000)
    assert size > 0
    ours = render(template_source(name, None), talk, bos_token="", eos_token="")
    assert ours == buffer.raw[:size].decode()
