"""Each lane's prompt: the whole text, or the conversation so far as the lane has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.conversation import Conversation, Message
from qwqdesk.conversation_path import messages_to
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Loaded, ModelInfo
from qwqdesk.engine.token_ids import unknown_token
from qwqdesk.errors import UserError
from qwqdesk.manifest import stored_prompt
from qwqdesk.prompt import Prompt, chat_prompt, raw_prompt
from qwqdesk.run_plan import RunOptions, messages_for, prompt_of_message
from qwqdesk.thought import with_thought, with_thought_of


async def prompts_for(
    engine: Engine,
    model: ModelInfo,
    text: str,
    parents: Sequence[int | None],
    options: RunOptions,
    conversation: Conversation | None,
) -> list[Prompt]:
    """The prompt of a new message for each lane; equal ones are rendered once.

    `parents` says for each lane which reply of the conversation it continues from.

    Raises:
        UserError: code "template", when the template fails.
    """
    if options.raw:
        prompt = await raw_prompt(engine, model, text, own_tags=options.own_tags)
        return [_begun(prompt, options)] * len(parents)
    made: dict[tuple[Message, ...], Prompt] = {}
    prompts: list[Prompt] = []
    for parent in parents:
        messages = messages_for(text, parent, options, conversation)
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
    parent_id: int | None,
    label: str,
    options: RunOptions,
) -> Prompt:
    """The prompt of a saved message for a lane that continues from this reply.

    The stored tokens are used when the model is the same: a template may write today's date, so
    rendering again could ask something else.

    Raises:
        UserError: code "not_found", when the message is gone; "template", when the template fails.
    """
    question = next((m for m in conversation.messages if m.id == message_id), None)
    if question is None:
        raise UserError("This message is not there any more.", "Send it again.", code="not_found")
    stored = prompt_of_message(question, parent_id, label, loaded)
    if stored is not None:
        return stored
    if options.raw:
        return await raw_prompt(engine, loaded.model, question.text, own_tags=options.own_tags)
    messages = messages_to(
        conversation,
        parent_id,
        system_prompt=conversation.system_prompt,
        keep_reasoning=options.keep_reasoning,
    )
    messages += messages_for(question.text, None, replace(options, system_prompt=""), None)
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
    prompt = await prompt_again(
        engine, loaded, conversation, reply.message_id, reply.parent_id, reply.lane, options
    )
    return with_thought_of(prompt, reply, reasoning, same_tokens=False)


def _begun(prompt: Prompt, options: RunOptions) -> Prompt:
    return prompt if options.thought is None else with_thought(prompt, options.thought)


async def _rendered(
    engine: Engine, model: ModelInfo, messages: Sequence[Message], options: RunOptions
) -> Prompt:
    return await chat_prompt(
        engine, model, messages, template=options.template, own_tags=options.own_tags
    )
