"""What needs the engine while it is used: it waits and can be called back, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from qwqdesk.conversation import Loop
from qwqdesk.engine.events import LoopFound
from qwqdesk.settings import Settings
from qwqdesk.ui.base import MessageBand
from tests.ui.fakes import Driver, StagedStream, opened

_STOPS = Settings(chat_template="chatml", reduce_motion=True, loop_guard="stop")
_LOOP = Loop(3, 2, 5.0, "ab")


async def _one_looped(d: Driver) -> StagedStream:
    """Two lanes; the guard has stopped A, B still writes."""
    d.click("addLaneButton")
    run = await d.send("hello")
    run.write(0, "abababab")
    run.write(1, "a story")
    run.put(LoopFound(0, _LOOP))
    run.finish(0, reason="loop")
    await d.until(lambda: _names(d.lane(0), "continueButton"))
    return run


def _names(inside: QWidget, name: str) -> list[QWidget]:
    """The visible parts of this name."""
    return [part for part in inside.findChildren(QWidget, name) if part.isVisible()]


def _bad(d: Driver) -> list[str]:
    """Every error message on the page."""
    bands = [band for band in d.page.findChildren(MessageBand) if band.isVisible()]
    return [band.accessibleName() for band in bands if band.property("ground") == "bad"]


async def test_continue_waits_for_the_other_lanes_and_then_goes_on(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, _STOPS) as d:
        run = await _one_looped(d)
        lane = d.lane(0)
        d.click("continueButton", lane)
        band = d.find("waitingBand", lane)
        assert band.accessibleName() == "Waits until the other lanes have ended."
        await d.shown("loopBand")  # what happened stays
        assert not _names(lane, "continueButton")
        assert d.window.focusWidget() is d.find("cancelWaiting", lane)
        assert len(d.engine.staged) == 1
        run.finish()
        await d.until(lambda: len(d.engine.staged) == 2)
        (asked,) = d.engine.runs[-1].lanes
        assert (asked.label, asked.loop_guard) == ("A", "mark")
        assert asked.chain.values["seed"] == d.engine.runs[0].lanes[0].chain.values["seed"]
        d.engine.staged[1].write(0, "and so on")
        d.engine.staged[1].finish()
        await d.idle()
        assert d.answer(0) == "and so on"
        assert not _names(d.window, "waitingBand")
        assert _bad(d) == []


async def test_what_waits_can_be_called_back_and_is_offered_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, _STOPS) as d:
        run = await _one_looped(d)
        lane = d.lane(0)
        d.click("continueButton", lane)
        d.click("cancelWaiting", lane)
        await d.shown("continueButton")
        run.finish()
        await d.idle()
        assert len(d.engine.staged) == 1
        d.click("continueButton", lane)
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].finish()
        await d.idle()


async def test_stopping_everything_also_calls_back_what_waits(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, _STOPS) as d:
        await _one_looped(d)
        d.click("continueButton", d.lane(0))
        d.window.page.stop()
        await d.idle()
        assert len(d.engine.staged) == 1
        await d.shown("continueButton")


async def test_a_finished_lane_regenerates_when_the_others_have_ended(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("hello")
        run.write(0, "done")
        run.finish(0)
        await d.until(lambda: _names(d.lane(0), "regenerateButton"))
        d.click("regenerateButton", d.lane(0))
        d.click("regenerateButton", d.lane(0))  # twice is once
        assert d.find("waitingBand", d.lane(0))
        run.finish()
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].write(0, "new")
        d.engine.staged[1].finish()
        await d.idle()
        assert (d.answer(0), len(d.engine.staged)) == ("new", 2)


async def test_a_lane_that_writes_is_not_regenerated(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("hello")
        run.write(0, "so far")
        d.press("Ctrl+R")
        assert not _names(d.window, "waitingBand")
        run.finish()
        await d.idle()
        assert (d.answer(0), len(d.engine.staged), _bad(d)) == ("so far", 1, [])


async def test_in_another_chat_it_waits_too_also_behind_other_chats(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        (await d.send("first")).finish()
        await d.idle()
        first = d.window.page.view.conversation_id or 0
        d.window.page.open_new()
        run = await d.send("second")
        second = d.window.page.view.conversation_id or 0
        d.window.page.views.open(first)
        d.press("Ctrl+R")
        band = d.find("waitingBand")
        assert band.accessibleName() == "Waits until the other chat is answered."
        d.window.page.views.open(second)
        run.finish()
        await d.until(lambda: len(d.engine.staged) == 3)
        d.engine.staged[2].write(0, "again")
        d.engine.staged[2].finish()
        await d.idle()
        d.window.page.views.open(first)
        assert d.answer(0) == "again"


async def test_a_message_in_another_chat_is_not_sent_and_says_why_until_it_can_be(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("first")
        d.window.page.open_new()
        d.window.page.composer.set_text("second")
        assert not d.find("sendButton").isEnabled()
        assert "A chat is being answered." in d.find("sendButton").toolTip()
        run.finish()
        await d.until(lambda: d.find("sendButton").isEnabled())
        d.click("sendButton")
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].finish()
        await d.idle()


async def test_what_waits_in_a_deleted_chat_or_a_removed_lane_never_runs(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        (await d.send("first")).finish()
        await d.idle()
        first = d.window.page.view.conversation_id or 0
        d.window.page.open_new()
        run = await d.send("second")
        d.window.page.views.open(first)
        d.press("Ctrl+R")
        await d.window.page.forget(first)
        run.finish()
        await d.idle()
        assert len(d.engine.staged) == 2


@pytest.mark.parametrize("use", ["check", "trials", "load"])
async def test_whatever_uses_the_engine_is_waited_for(
    qapp: QApplication, tmp_path: Path, use: str
) -> None:
    async with opened(tmp_path) as d:
        (await d.send("first")).finish()
        await d.idle()
        desk = d.window.desk
        desk.use_engine(use)  # type: ignore[arg-type]
        d.window.page.composer.set_text("second")
        assert not d.find("sendButton").isEnabled()
        d.press("Ctrl+R")
        assert d.find("waitingBand")
        assert len(d.engine.staged) == 1
        desk.use_engine("")
        await d.until(lambda: len(d.engine.staged) == 2)
        d.engine.staged[1].finish()
        await d.idle()
        assert d.window.page.composer.text() == "second", "what was written meanwhile stays"
        assert d.find("sendButton").isEnabled()


async def test_a_check_says_that_a_chat_is_answered_and_forgets_it_afterwards(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("first")
        d.window.page.fairness.check()
        panel = d.window.page.fairness.panel
        await d.until(lambda: "A chat is being answered." in panel.accessibleDescription()
                      or "A chat is being answered." in _words(panel))  # fmt: skip
        run.finish()
        await d.idle()
        await d.until(lambda: "A chat is being answered." not in _words(panel))


def _words(inside: QWidget) -> str:
    from PySide6.QtWidgets import QLabel

    return " ".join(label.text() for label in inside.findChildren(QLabel) if label.isVisible())


async def test_the_lab_waits_for_a_chat(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("first")
        d.window.show_page("lab")
        buttons = ("runExperimentButton", "repeatExperimentButton")
        assert not any(d.find(name).isEnabled() for name in buttons)
        run.finish()
        await d.until(lambda: all(d.find(name).isEnabled() for name in buttons))
