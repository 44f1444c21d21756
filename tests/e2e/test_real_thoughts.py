"""The real program with the demo model: a budget, a second chain, and answering again."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.resources import resource
from tests.e2e import program

pytestmark = pytest.mark.skipif(
    not resource("models", "qwqdesk-demo-F16.gguf").is_file(), reason="there is no demo model yet"
)


def test_thoughts_are_closed_kept_edited_and_answered_from_again(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        from qwqdesk.answer_setup import AnswerSetup
        page = window.page
        idle = lambda: page.runs.view is None

        async def runs(act):
            act()
            await until(lambda: not idle())
            await until(lambda: idle() and not lane.output.reply.busy)  # and drawn

        await ready(window)
        view = page.view
        lane = view.lanes[0]
        lane.model.change(reasoning_budget=8, answer=AnswerSetup(None, {"temperature": 0.1}))
        await runs(lambda: page.send("What is 27 + 45?"))
        head = lane.output.reply.reasoning.header.head
        say("first", head.accessibleName())
        thought = lane.output.reply.reasoning.source
        await runs(lambda: page.again.here(view, lane, 2))
        say("again", lane.output.reply.reasoning.header.head.accessibleName())
        say("kept", lane.output.reply.reasoning.source == thought)
        await runs(lambda: page.again.here(view, lane, 1, "It is 72, I am sure."))
        say("edited", lane.output.reply.reasoning.source.strip())
        await runs(lambda: page.again.in_new(view, lane, 1))
        say("lanes", len(view.lanes), bool(view.lanes[1].output.reply.answer_source))
        (message,) = window.desk.history.load(1).messages
        say("replies", *(f"{r.lane}:{r.finish_reason}" for r in message.replies))
        say("chain", message.replies[0].answer_sampling["temperature"])
        """,
    )
    assert "closed at the budget of 8 tokens" in out
    assert "again Same thought as before" in out
    assert "kept True" in out
    assert "edited It is 72, I am sure." in out
    assert "lanes 2 True" in out
    assert "replies A:stop A:stop A:stop A:stop B:stop" in out
    assert "chain 0.1" in out


def test_a_thought_is_ended_by_the_user(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        page = window.page
        await ready(window)
        page.view.chosen_mode = "exact"
        lane = page.view.lanes[0]
        head = lambda: lane.output.reply.reasoning.header.head.accessibleName()
        idle = lambda: page.runs.view is None
        for again in range(8):  # the demo model thinks for less than a second: it may be over
            page.send("Write a Flappy Bird game in Python.")
            await until(lambda: not idle())
            await until(lambda: lane.output.can_answer_now or idle())
            if idle():
                continue
            lane.output.ask_answer()
            await until(lambda: lane.output.reply.answer_source or idle())
            page.stop()
            await until(lambda: idle() and not lane.output.reply.busy)
            if "closed by you" in head():
                break
        say(head())
        say(lane.output.reply.reasoning.source)
        """,
    )
    assert "closed by you" in out
    assert "I have thought long enough" in out
