"""Journeys through the conversation page, over a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QWidget

from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs
from qwqdesk.run_plan import SessionEvent
from qwqdesk.store.history import History
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_row import RowDensity
from qwqdesk.ui.theme import theme
from tests.ui.fakes import opened


async def test_a_message_is_saved_sent_and_answered(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("What is 2 + 2?")
        assert d.find("stopButton").isEnabled()
        run.write(0, thought="2 and 2")
        run.write(0, "It is 4.")
        run.finish()
        await d.idle()
        assert (d.reasoning(0), d.answer(0)) == ("2 and 2", "It is 4.")
        assert d.find("sendButton")
        saved = d.history.load(d.window.page.view.conversation_id or 0)
        assert saved.messages[0].text == "What is 2 + 2?"
        assert saved.messages[0].replies[0].answer == "It is 4."
        assert d.titles() == ["What is 2 + 2?"]


async def test_after_the_first_comparison_one_can_write_on(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        button = next(b for b in d.page.findChildren(QPushButton) if b.text() == "Compare now")
        button.setFocus()
        button.click()
        first, second = d.window.page.view.lanes
        assert first.model.chain.values == second.model.chain.values
        assert first.model.chain.samplers != second.model.chain.samplers
        assert d.window.focusWidget() is d.find("composerInput")
        await d.until(lambda: d.engine.staged)
        for lane in range(2):
            d.engine.staged[-1].finish(lane)
        await d.idle()


async def test_words_of_the_page_are_explained_before_the_first_chat(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        said = d.find("emptyStateMore")
        assert isinstance(said, QLabel)
        assert all(word in said.text() for word in ("Exact", "Fast", "badge", "Keep"))
        run = await d.send("Hi")
        run.finish()
        await d.idle()
        d.window.page.open_new()
        assert not d.window.page.view.findChildren(QLabel, "emptyStateMore")


async def test_a_message_that_is_too_long_can_be_shortened(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        text = "word " * 400
        d.window.page.composer.set_text(text)
        d.click("sendButton")
        await d.idle()
        assert d.window.page.view.lanes[0].status is not None
        assert d.window.page.view.lanes[0].status.text == "Failed"
        assert d.window.page.composer.text() == text
        assert len(d.titles()) == 1


async def test_another_windows_chat_is_never_taken_for_a_refused_message(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as d:
        other = History(DataDirs.find(tmp_path, {}).database)

        async def refuse(
            text: str, *_: object, **__: object
        ) -> AsyncGenerator[list[SessionEvent], None]:
            other.add_user_message(other.create_conversation(), None, "theirs")
            if text:
                raise UserError("A run is under way.", "Wait.", code="busy")
            yield []

        monkeypatch.setattr(d.window.page._desk.session, "send", refuse)
        d.window.page.composer.set_text("mine")
        d.click("sendButton")
        await d.shown("composerNote")
        other.close()
        assert d.window.page.view.conversation_id is None
        assert d.window.page.composer.text() == "mine"


async def test_the_first_comparison_waits_in_the_composer_without_a_model(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.page._desk.session.loaded = None
        d.window.page.compare_first()
        await d.shown("composerNote")
        await d.idle()
        assert "47 + 36" in d.window.page.composer.text()


async def test_large_text_in_a_small_window_leaves_the_toolbar_its_room(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(960, 700)
        await d.until(lambda: d.window.width() == 960)
        assert not d.window.sidebar.rail
        theme().set_percent(150)
        d.frame.resize(970, 700)
        await d.until(lambda: d.window.width() == 970)
        assert d.window.sidebar.rail


async def test_every_widget_that_takes_the_focus_has_a_name(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        d.window.page.acts.toggle_editors()
        (await d.send("Go")).finish()
        await d.idle()
        for page in ("conversation", "models", "settings"):
            d.window.show_page(page)
            takers = [
                widget
                for widget in d.window.findChildren(QWidget)
                if widget.isVisible() and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
            ]
            nameless = [w.objectName() for w in takers if not _name_for_readers(w)]
            assert not nameless, page


def _name_for_readers(widget: QWidget) -> str:
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


async def test_four_lanes_write_side_by_side(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        for _ in range(3):
            d.click("addLaneButton")
        assert not d.find("addLaneButton").isEnabled()
        run = await d.send("Count letters")
        assert len(d.engine.runs[0].lanes) == 4
        for turn in range(5):
            for lane in range(4):
                run.write(lane, f"{turn}{'abcd'[lane]} ")
        run.finish()
        await d.idle()
        for lane in range(4):
            letter = "abcd"[lane]
            assert d.answer(lane) == f"0{letter} 1{letter} 2{letter} 3{letter} 4{letter} "
            assert d.find("keepButton", d.lane(lane))


async def test_one_lane_is_stopped_and_the_other_goes_on(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Go")
        run.write(0, "A0 ")
        run.write(1, "B0 ")
        await d.until(lambda: d.answer(1))
        d.click("laneStopButton", d.lane(0))
        await d.until(lambda: not d.window.page.view.lanes[0].writing)
        run.write(1, "B1")
        run.finish(1)
        await d.idle()
        assert (d.answer(0), d.answer(1)) == ("A0 ", "B0 B1")
        saved = d.history.load(d.window.page.view.conversation_id or 0).messages[0].replies
        assert [reply.finish_reason for reply in saved] == ["cancelled", "stop"]


async def test_a_lane_without_an_answer_offers_nothing_to_do_with_it(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        d.frame.resize(1280, 700)
        await d.until(lambda: d.lane(1).width() > 300)
        for name in ("keepButton", "copyButton", "regenerateButton"):
            found = d.lane(0).findChildren(QWidget, name)
            assert not [each for each in found if each.isVisible()]
        (await d.send("Go")).finish()
        await d.idle()
        assert d.find("keepButton", d.lane(0))


async def test_stopping_leaves_the_focus_in_the_composer(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Go")
        run.write(0, "A0 ")
        await d.until(lambda: d.answer(0))
        composer = d.find("composerInput")
        d.find("laneStopButton", d.lane(0)).setFocus()
        d.click("laneStopButton", d.lane(0))
        await d.until(lambda: not d.window.page.view.lanes[0].writing)
        await d.until(composer.hasFocus)
        d.find("stopButton").setFocus()
        d.click("stopButton")
        await d.idle()
        await d.until(composer.hasFocus)


async def test_escape_stops_all_and_keeps_the_text(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Go")
        run.write(0, "half of")
        await d.until(lambda: d.answer(0))
        d.press("Esc")
        await d.idle()
        assert d.answer(0) == "half of"
        saved = d.history.load(d.window.page.view.conversation_id or 0).messages[0].replies
        assert [reply.finish_reason for reply in saved] == ["cancelled", "cancelled"]


async def test_regenerating_makes_a_sibling_that_can_be_left_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Say a word")
        run.write(0, "first")
        run.finish()
        await d.idle()
        d.click("regenerateButton")
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].write(0, "second")
        d.engine.staged[1].finish()
        await d.idle()
        assert d.answer(0) == "second"
        await d.click_when_shown("earlierReplyButton")
        assert d.answer(0) == "first"
        await d.click_when_shown("laterReplyButton")
        assert d.answer(0) == "second"


async def test_why_no_other_reply_is_shown_while_a_lane_writes_is_said(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        for number, words in enumerate(("first", "second")):
            if number:
                d.click("regenerateButton", d.lane(0))
                await d.until(lambda: len(d.engine.staged) == 2)
                run = d.engine.staged[1]
            else:
                run = await d.send("Say a word")
            run.write(0, words)
            run.finish()
            await d.idle()
        d.click("regenerateButton", d.lane(1))
        await d.until(lambda: len(d.engine.staged) == 3)
        d.click("earlierReplyButton", d.lane(0))
        assert d.answer(0) == "second"
        await d.shown("toast")
        d.engine.staged[2].finish()
        await d.idle()
        d.click("earlierReplyButton", d.lane(0))
        assert d.answer(0) == "first"


async def test_keeping_a_lane_goes_on_with_its_reply(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Choose")
        run.write(0, "from A")
        run.write(1, "from B")
        run.finish()
        await d.idle()
        d.click("keepButton", d.lane(1))
        await d.until(lambda: len(d.window.page.view.lanes) == 1)
        assert d.answer(0) == "from B"
        second = await d.send("And now?")
        prompt = bytes(d.engine.runs[1].lanes[0].prompt_tokens).decode()
        assert "from B" in prompt
        assert "from A" not in prompt
        second.finish()
        await d.idle()


async def test_keeping_a_lane_can_be_undone(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        d.window.page.view.lanes[1].model.set_recipe(d.window.desk.recipe("greedy"))
        run = await d.send("Choose")
        run.write(0, "from A")
        run.write(1, "from B")
        run.finish()
        await d.idle()
        before = [lane.setup.to_json() for lane in d.window.page.view.lanes]
        d.click("keepButton", d.lane(1))
        await d.until(lambda: len(d.window.page.view.lanes) == 1)
        undo = next(b for b in d.find("toast").findChildren(QAbstractButton))
        undo.click()
        assert [lane.setup.to_json() for lane in d.window.page.view.lanes] == before
        assert [d.answer(0), d.answer(1)] == ["from A", "from B"]


async def test_each_lane_continues_from_its_own_reply(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("First")
        run.write(0, "alpha")
        run.write(1, "beta")
        run.finish()
        await d.idle()
        second = await d.send("Second")
        prompts = [bytes(lane.prompt_tokens).decode() for lane in d.engine.runs[1].lanes]
        assert ["alpha" in prompt for prompt in prompts] == [True, False]
        assert ["beta" in prompt for prompt in prompts] == [False, True]
        second.finish()
        await d.idle()


async def test_switching_away_while_lanes_write_loses_and_mixes_nothing(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Long story")
        first = d.window.page.view.conversation_id
        run.write(0, "Once ")
        d.click("newConversationButton")
        assert d.find("emptyState")
        assert d.window.page.view.conversation_id is None
        run.write(0, "upon a time")
        d.window.chats.open(first or 0)
        await d.until(lambda: d.answer(0) == "Once upon a time")
        d.window.chats.new()
        run.write(0, ".")
        run.finish()
        await d.idle()
        d.window.chats.open(first or 0)
        assert d.answer(0) == "Once upon a time."


async def test_a_second_chat_is_told_that_one_is_being_answered(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("One")
        d.window.chats.new()
        d.window.page.send("Two")
        assert d.find("composerNote")
        assert len(d.engine.staged) == 1
        run.finish()
        await d.idle()


async def test_an_error_in_the_middle_stands_in_the_lanes(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, "some")
        run.close(UserError("The GPU is gone.", "Load the model again."))
        await d.idle()
        assert "The GPU is gone." in d.find("errorBand").accessibleName()
        assert d.answer(0) == "some"


async def test_hostile_text_is_shown_as_it_is(qapp: QApplication, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=1> \x00\u202e ``` <script> $\\frac{$ ﷽" + "\n" * 5 + "|" * 300
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        for piece in (hostile, "</think>", "💥" * 50, "`" * 999):
            run.write(0, piece, thought=piece)
        run.finish()
        await d.idle()
        assert d.answer(0).startswith(hostile)


async def test_the_message_is_counted_while_one_writes(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.find("composerInput").setFocus()
        d.window.page.composer.set_text("twelve bytes")
        label = d.find("contextWords")
        await d.until(lambda: "12 of 256" in str(label.property("text")))


async def test_lanes_come_and_go_with_keys(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+T")
        d.press("Ctrl+T")
        labels = [lane.label for lane in d.window.page.view.lanes]
        assert labels == ["A", "B", "C"]
        d.window.page.acts.remove(d.window.page.view.lanes[1])
        assert [lane.label for lane in d.window.page.view.lanes] == ["A", "C"]
        d.press("Ctrl+E")
        assert d.find("chainEditor", d.lane(0))
        assert d.find("chainEditor", d.lane(1))


async def test_a_changed_chain_is_kept_with_the_conversation(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.finish()
        await d.idle()
        number = d.window.page.view.conversation_id or 0
        d.window.page.view.lanes[0].model.set_values({"temperature": 1.25})
        d.window.chats.new()
        d.window.chats.open(number)
        assert d.window.page.view.lanes[0].model.chain["temperature"] == 1.25


async def test_a_lane_added_while_others_write_shows_the_last_ones_reply_afterwards(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, "half ")
        await d.until(lambda: d.answer(0))
        d.click("addLaneButton")
        assert not d.window.findChildren(QWidget, "errorBand")[0].isVisible()
        run.write(0, "whole")
        run.finish()
        await d.idle()
        assert (d.answer(0), d.answer(1)) == ("half whole", "half whole")


async def test_regenerating_one_lane_keeps_the_other_as_it_is(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Go")
        run.write(0, "A1")
        run.write(1, "B1")
        run.finish()
        await d.idle()
        d.click("regenerateButton", d.lane(1))
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].write(0, "B2")
        d.engine.staged[1].finish()
        await d.idle()
        assert (d.answer(0), d.answer(1)) == ("A1", "B2")
        number = d.window.page.view.conversation_id or 0
        d.window.chats.new()
        d.window.chats.open(number)
        assert (d.answer(0), d.answer(1)) == ("A1", "B2")


async def test_reasoning_that_did_not_close_is_open_and_says_so(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, thought="I never come to an end")
        run.finish()
        await d.idle()
        assert await d.shown("unansweredNote")
        assert await d.shown("reasoningNotClosed")


async def test_an_added_lane_builds_its_open_editor_for_its_width(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []
    fill = ChainEditor._fill

    def counted(self: ChainEditor, density: RowDensity, *, more: bool) -> None:
        built.append(self)
        fill(self, density, more=more)

    monkeypatch.setattr(ChainEditor, "_fill", counted)
    async with opened(tmp_path) as d:
        d.frame.resize(1600, 900)
        d.press("Ctrl+T")
        d.press("Ctrl+E")
        await d.until(lambda: len(built) >= 2)
        built.clear()
        d.press("Ctrl+T")
        await d.until(lambda: len(d.window.page.view.lanes) == 3)
        await asyncio.sleep(0.2)
        for editor in set(built):
            assert built.count(editor) <= 2, "building costs some 50 ms"
        assert len(built) <= 4


async def test_the_meter_counts_the_prompt_while_it_is_answered(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Hello")
        await d.until(lambda: d.window.page.view.lanes[0].writing)
        prompt = d.window.page.view.used_tokens
        assert prompt > len("Hello")
        meters = [w.accessibleName() for w in d.window.page.composer.findChildren(QWidget)]
        assert any(name.startswith(f"Context: {prompt:,} of ") for name in meters)
        run.finish()
        await d.idle()


async def test_copying_an_earlier_reply_copies_that_one(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        for words in ("first answer", "second answer"):
            run = await d.send("hello")
            run.write(0, words)
            run.finish()
            await d.idle()
        copies = [
            button
            for button in d.lane(0).findChildren(QAbstractButton, "copyButton")
            if button.isVisible()
        ]
        assert len(copies) == 2
        told = []
        for button in copies:
            button.click()
            told.append(QGuiApplication.clipboard().text())
        assert sorted(told) == ["first answer", "second answer"]


async def test_a_lane_added_in_mid_conversation_shows_its_own_way_when_opened_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("What is 47 + 36?")
        run.write(0, "The answer is 83.")
        run.write(1, "47 + 36 = 83")
        run.finish()
        await d.idle()
        d.click("addLaneButton")
        run = await d.send("And 5 + 6?")
        for lane in range(3):
            run.write(lane, f"eleven {lane}")
        run.finish()
        await d.idle()
        view = await d.reopen()
        replies = [lane.output.transcript.replies for lane in view.lanes]
        assert [[each.answer_source for each in lane] for lane in replies] == [
            ["The answer is 83.", "eleven 0"],
            ["47 + 36 = 83", "eleven 1"],
            ["47 + 36 = 83", "eleven 2"],
        ]
        view.lanes[2].keep_wanted.emit(view.lanes[2])
        await d.until(lambda: len(view.lanes) == 1)
        (await d.send("Thanks")).finish()
        await d.idle()
        prompt = bytes(d.engine.runs[-1].lanes[0].prompt_tokens).decode()
        assert "47 + 36 = 83" in prompt
        assert "eleven 2" in prompt
        assert "The answer is 83." not in prompt
