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
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import stored_prompt, variables_of
from qwqdesk.prompt import Prompt, chat_prompt, raw_prompt, without_reader
from qwqdesk.run_plan import RunOptions, messages_for, prompt_of_message
from qwqdesk.template_variables import NO_VARIABLES, TemplateVariables
from qwqdesk.thought import with_thought, with_thought_of


async def prompts_for(
    engine: Engine,
    model: ModelInfo,
    text: str,
    lanes: Sequence[LaneSetup],
    parents: Sequence[int | None],
    options: RunOptions,
    conversation: Conversation | None,
) -> list[Prompt]:
    """The prompt of a new message for each lane; equal ones are rendered once.

    `parents` says for each lane which reply of the conversation it continues from. Lanes may have
    variables of their own for the template.

    Raises:
        UserError: code "template", when the template fails.
    """
    if options.raw:
        prompt = await raw_prompt(engine, model, text, own_tags=options.own_tags)
        begun = _begun(prompt, options)
        return [without_reader(begun, options.variables_of(lane)) for lane in lanes]
    made: dict[tuple[tuple[Message, ...], TemplateVariables], Prompt] = {}
    prompts: list[Prompt] = []
    for lane, parent in zip(lanes, parents, strict=True):
        messages = messages_for(text, parent, options, conversation)
        variables = options.variables_of(lane)
        key = tuple(messages), variables
        if key not in made:
            prompt = await _rendered(engine, model, messages, options, variables)
            made[key] = _begun(prompt, options)
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
    variables: TemplateVariables = NO_VARIABLES,
) -> Prompt:
    """The prompt of a saved message for a lane that continues from this reply.

    The stored tokens are used when model and variables are the same: a template may write today's
    date, so rendering again could ask something else.

    Raises:
        UserError: code "not_found", when the message is gone; "template", when the template fails.
    """
    question = next((m for m in conversation.messages if m.id == message_id), None)
    if question is None:
        raise UserError("This message is not there any more.", "Send it again.", code="not_found")
    stored = prompt_of_message(question, parent_id, label, loaded)
    if stored is not None and (options.raw or stored.variables == variables):
        return stored
    if options.raw:
        raw = await raw_prompt(engine, loaded.model, question.text, own_tags=options.own_tags)
        return without_reader(raw, variables)
    messages = messages_to(
        conversation,
        parent_id,
        system_prompt=conversation.system_prompt,
        keep_reasoning=options.keep_reasoning,
    )
    messages += messages_for(question.text, None, replace(options, system_prompt=""), None)
    return await _rendered(engine, loaded.model, messages, options, variables)


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
    message, parent, label = reply.message_id, reply.parent_id, reply.lane
    variables = TemplateVariables.from_json(variables_of(reply.manifest))
    prompt = await prompt_again(
        engine, loaded, conversation, message, parent, label, options, variables
    )
    return with_thought_of(prompt, reply, reasoning, same_tokens=False)


def _begun(prompt: Prompt, options: RunOptions) -> Prompt:
    return prompt if options.thought is None else with_thought(prompt, options.thought)


async def _rendered(
    engine: Engine,
    model: ModelInfo,
    messages: Sequence[Message],
    options: RunOptions,
    variables: TemplateVariables,
) -> Prompt:
    return await chat_prompt(
        engine,
        model,
        messages,
        template=options.template,
        own_tags=options.own_tags,
        variables=variables,
    )
