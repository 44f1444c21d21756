"""Each lane's prompt: the whole text, or the conversation so far as the lane has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.conversation import Conversation, Message
from qwqdesk.conversation_path import lane_messages, path_to
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Loaded, ModelInfo
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.prompt import Prompt, chat_prompt, raw_prompt
from qwqdesk.run_plan import RunOptions, messages_for, prompt_of_message, tips_at


async def prompts_for(
    engine: Engine,
    model: ModelInfo,
    text: str,
    lanes: Sequence[LaneSetup],
    options: RunOptions,
    conversation: Conversation | None,
) -> list[Prompt]:
    """The prompt of a new message for each lane; equal ones are rendered once.

    Raises:
        UserError: code "template", when the template fails.
    """
    if options.raw:
        prompt = await raw_prompt(engine, model, text, own_tags=options.own_tags)
        return [prompt] * len(lanes)
    made: dict[tuple[Message, ...], Prompt] = {}
    prompts: list[Prompt] = []
    for lane in lanes:
        messages = messages_for(text, lane.label, options, conversation)
        key = tuple(messages)
        if key not in made:
            made[key] = await _rendered(engine, model, messages, options)
        prompts.append(made[key])
    return prompts


async def prompt_again(
    engine: Engine,
    loaded: Loaded,
    conversation: Conversation,
    message_id: int,
    lane: LaneSetup,
    options: RunOptions,
) -> Prompt:
    """The prompt of a message that was answered before.

    The stored tokens are used when the model is the same: a template may write today's date, so
    rendering again could ask something else.

    Raises:
        UserError: code "not_found", when the message is gone; "template", when the template fails.
    """
    stored = prompt_of_message(conversation, message_id, lane.label, loaded)
    if stored is not None:
        return stored
    question = next(m for m in conversation.messages if m.id == message_id)
    if options.raw:
        return await raw_prompt(engine, loaded.model, question.text, own_tags=options.own_tags)
    path = path_to(conversation, tips_at(conversation, message_id))
    messages = lane_messages(
        path[:-1],
        lane.label,
        conversation.tips,
        system_prompt=conversation.system_prompt,
        keep_reasoning=options.keep_reasoning,
    )
    messages += messages_for(question.text, lane.label, replace(options, system_prompt=""), None)
    return await _rendered(engine, loaded.model, messages, options)


async def _rendered(
    engine: Engine, model: ModelInfo, messages: Sequence[Message], options: RunOptions
) -> Prompt:
    return await chat_prompt(
        engine, model, messages, template=options.template, own_tags=options.own_tags
    )
