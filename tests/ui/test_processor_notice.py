"""Other programs on the processor: said in words, with a button where threads are the user's."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QApplication

from qwqdesk.engine.events import PrefillProgress, ProcessorShared, ThreadsUsed
from qwqdesk.processor_words import PREPARING_GPU
from qwqdesk.settings import Settings
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.lane_status import reading
from qwqdesk.ui.processor_notice import BAND
from tests.tiny_model import write_tiny_model
from tests.ui.fakes import Driver, opened

PLAIN = Settings(reduce_motion=True)


def band(d: Driver) -> MessageBand | None:
    names = (BAND, "chosenThreadsBand")
    shown = [
        each
        for each in d.window.findChildren(MessageBand)
        if each.objectName() in names and each.isVisible()
    ]
    return shown[0] if shown else None


def words(d: Driver) -> str:
    shown = band(d)
    return "" if shown is None else shown.accessibleName()


def press(d: Driver, text: str) -> None:
    shown = band(d)
    assert shown is not None
    [found] = [each for each in shown.findChildren(QAbstractButton) if each.text() == text]
    found.click()


async def test_an_exact_run_says_what_fewer_threads_would_give_and_a_button_takes_them(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        d.window.models.load(write_tiny_model(tmp_path / "tiny.gguf", "F16"))
        await d.until(lambda: d.engine.loads and not d.window.loader.busy)
        run = await d.send("Hi")
        run.put(ProcessorShared(2))
        await d.until(lambda: "slows this run down" in words(d))
        run.put(ProcessorShared(2, 1, 2.97))
        await d.until(lambda: "next run" in words(d))
        assert words(d).startswith(
            "Other programs use the processor: with 1 thread the next run would be about 3 times "
            "faster."
        )
        run.finish()
        await d.idle()
        loads = len(d.engine.loads)
        press(d, "Use 1 thread")
        await d.until(lambda: len(d.engine.loads) > loads)
        assert d.engine.loads[-1].settings.n_threads == 1
        assert d.window.desk.settings.engine.n_threads == 0, "the user's own settings stay"
        await d.until(lambda: "is loaded with 1 thread" in words(d))
        run = await d.send("With one")
        run.finish()
        await d.idle()
        press(d, "Use 2 threads")
        await d.until(lambda: d.engine.loads[-1].settings.n_threads == 0)
        await d.until(lambda: band(d) is None)


async def test_a_gain_that_is_none_has_no_button(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN) as d:
        run = await d.send("Hi")
        run.put(ProcessorShared(2, 1, 1.04))
        await d.until(lambda: "fewer threads would not be faster" in words(d))
        shown = band(d)
        assert shown is not None
        assert [each.text() for each in shown.findChildren(QAbstractButton)] == ["Close"]
        press(d, "Close")
        run.put(ProcessorShared(2, 2, 1.0))
        run.finish()
        await d.idle()
        assert band(d) is None, "what was closed does not come again"


async def test_fast_mode_says_when_it_uses_fewer_threads_and_when_all_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        run = await d.send("Hi")
        run.put(ThreadsUsed(1, 2, {2: 9, 1: 30}))
        await d.until(lambda: "uses 1 thread instead of 2" in words(d))
        run.put(ThreadsUsed(2, 2, {2: 80, 1: 30}))
        await d.until(lambda: band(d) is None)
        run.finish()
        await d.idle()
        assert "30 of 110 steps were decoded with 1 thread instead of 2" in words(d)
        run = await d.send("And now?")
        await d.until(lambda: band(d) is None)
        run.finish()
        await d.idle()
        assert band(d) is None
        message = d.history.load(1).messages[0]
        assert message.replies[0].manifest["threads_used"] == {"1": 30, "2": 80}


async def test_a_gpu_that_reads_its_first_prompt_is_being_prepared(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        run = await d.send("Hi")
        run.put(PrefillProgress(0, 400, prepares_gpu=True))
        lane = d.window.page.view.lanes[0]
        await d.until(lambda: lane.status is not None and lane.status.text == PREPARING_GPU)
        run.put(PrefillProgress(400, 400))
        await d.until(lambda: lane.status == reading(400, 400))
        run.finish()
        await d.idle()
