"""Each lane's prompt: the whole text, or the conversation so far as the lane has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.conversation import Conversation, Message
from qwqdesk.conversation_path import lane_messages, path_to
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Loaded, ModelInfo
from qwqdesk.engine.token_ids import unknown_token
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import stored_prompt
from qwqdesk.prompt import Prompt, chat_prompt, raw_prompt
from qwqdesk.run_plan import RunOptions, messages_for, prompt_of_message, tips_at
from qwqdesk.thought import with_thought, with_thought_of


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
        return [_begun(prompt, options)] * len(lanes)
    made: dict[tuple[Message, ...], Prompt] = {}
    prompts: list[Prompt] = []
    for lane in lanes:
        messages = messages_for(text, lane.label, options, conversation)
        key = tuple(messages)
        if key not in made:
            made[key] = _begun(await _rendered(engine, model, messages, options), options)
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


async def thinking_prompt(
    engine: Engine,
    loaded: Loaded,
    conversation: Conversation,
    reply_id: int,
    reasoning: str | None,
    options: RunOptions,
) -> Prompt:
    """The prompt of an earlier reply, behind which its reasoning, or this text, stands already.

    For another model both are made again from their texts.

    Raises:
        UserError: code "not_found", when the reply is gone; "no_reasoning", when it has none.
    """
    replies = (reply for message in conversation.messages for reply in message.replies)
    reply = next((reply for reply in replies if reply.id == reply_id), None)
    if reply is None:
        raise UserError("This reply is not there any more.", "Choose another.", code="not_found")
    stored = stored_prompt(reply.manifest, loaded)
    if stored is not None:
        known = unknown_token(reply.tokens, loaded.model.n_vocab) is None
        return with_thought_of(stored, reply, reasoning, same_tokens=known)
    lane = LaneSetup(reply.lane)
    prompt = await prompt_again(engine, loaded, conversation, reply.message_id, lane, options)
    return with_thought_of(prompt, reply, reasoning, same_tokens=False)


def _begun(prompt: Prompt, options: RunOptions) -> Prompt:
    return prompt if options.thought is None else with_thought(prompt, options.thought)


async def _rendered(
    engine: Engine, model: ModelInfo, messages: Sequence[Message], options: RunOptions
) -> Prompt:
    return await chat_prompt(
        engine, model, messages, template=options.template, own_tags=options.own_tags
    )
