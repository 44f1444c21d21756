"""The numbers under the lanes, in the window over a scripted engine."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTableView

from qwqdesk.conversation import Loop
from qwqdesk.engine.events import LoopFound
from qwqdesk.settings import Settings
from qwqdesk.ui.conversation.check_badge import CheckBadge
from qwqdesk.ui.conversation.numbers_model import BETTER_ROLE, NumbersModel
from tests.ui.fakes import Driver, opened

CLEAN = "```python\nx = 1\n```\n"
WRONG = "```python\nprint(missing)\n```\n"


def table(d: Driver) -> QTableView:
    found = d.find("numbersTable")
    assert isinstance(found, QTableView)
    return found


def sentence(d: Driver) -> str:
    found = d.find("numbersSentence")
    assert isinstance(found, QLabel)
    return found.text()


def cells(d: Driver, title: str) -> list[str]:
    """What a row says; none while it is not there."""
    model = table(d).model()
    assert isinstance(model, NumbersModel)
    return next((list(row.texts) for row in model.rows if row.title == title), [])


def place(d: Driver, title: str, lane: int) -> QModelIndex:
    model = table(d).model()
    assert isinstance(model, NumbersModel)
    row = next(n for n, row in enumerate(model.rows) if row.title == title)
    return model.index(row, lane + 1)


async def two_lanes(d: Driver) -> None:
    """A comparison of clean code with code that has an error."""
    d.window.page.acts.add()
    run = await d.send("Write code.")
    run.write(0, thought="hm", tokens=3)
    run.write(0, CLEAN, tokens=9)
    run.write(1, WRONG, tokens=9)
    run.finish()
    await d.idle()
    await d.shown("numbersBar")


async def test_the_bar_sums_up_and_opens_to_a_table(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await two_lanes(d)
        await d.until(lambda: sentence(d).startswith("Code without errors: A."))
        assert not any(view.isVisible() for view in d.window.findChildren(QTableView))
        d.press("Ctrl+M")
        await d.shown("numbersTable")
        assert cells(d, "Code") == ["no errors found", "1 error"]
        assert place(d, "Code", 0).data(BETTER_ROLE) is True
        assert place(d, "Code", 1).data(BETTER_ROLE) is False
        assert sentence(d) == "The dot marks the better value."
        assert d.window.desk.settings.numbers_open
        d.press("Ctrl+M")
        await d.until(lambda: not d.window.page.numbers.panel.table.isVisible())
        assert d.find("numbersBar")


async def test_the_table_grows_while_the_lanes_write(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, Settings(chat_template="chatml", numbers_open=True)) as d:
        d.window.page.acts.add()
        run = await d.send("Write.")
        run.write(0, "one", tokens=4)
        run.write(1, "```python\nx = 1\n", tokens=3)
        await d.shown("numbersTable")
        await d.until(lambda: cells(d, "Tokens, reasoning + answer") == ["0 + 4", "0 + 3"])
        assert cells(d, "Code") == ["none so far", "writing"]
        assert cells(d, "Ended") == ["writing", "writing"]
        assert sentence(d).startswith("Updated while the lanes write.")
        run.write(0, " two", tokens=5)
        await d.until(lambda: cells(d, "Tokens, reasoning + answer")[0] == "0 + 9")
        run.finish()
        await d.idle()
        await d.until(lambda: cells(d, "Ended") == ["finished", "finished"])


async def test_the_numbers_of_a_chat_come_with_a_click_on_its_stats(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Hello.")
        run.write(0, "Hi", tokens=2)
        run.finish()
        await d.idle()
        assert not d.window.page.numbers.panel.isVisible()
        d.click("laneStats")
        await d.until(lambda: cells(d, "Ended") == ["finished"])
        assert table(d).model().columnCount() == 2
        d.click("numbersButton")
        await d.until(lambda: not d.window.page.numbers.panel.isVisible())


async def test_the_table_is_read_by_keyboard_and_screen_reader(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, Settings(chat_template="chatml", numbers_open=True)) as d:
        await two_lanes(d)
        await d.until(lambda: cells(d, "Code") == ["no errors found", "1 error"])
        view = table(d)
        face = QAccessible.queryAccessibleInterface(view)
        assert face.role() is QAccessible.Role.Table
        assert face.text(QAccessible.Text.Name) == "Numbers of the lanes"
        first = place(d, "Code", 0)
        said = first.data(Qt.ItemDataRole.AccessibleTextRole)
        assert said == "Code, lane A: no errors found, the better value"
        assert "Python in the answer" in first.data(Qt.ItemDataRole.ToolTipRole)
        view.setFocus()
        view.setCurrentIndex(first)
        QTest.keyClick(view, Qt.Key.Key_Right)
        assert view.currentIndex() == place(d, "Code", 1)


async def test_all_numbers_and_another_height_are_a_key_away(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, Settings(chat_template="chatml", numbers_open=True)) as d:
        await two_lanes(d)
        await d.shown("numbersTable")
        await d.until(lambda: cells(d, "Code") != [])
        rows = table(d).model().rowCount()
        d.click("allNumbers")
        assert table(d).model().rowCount() > rows
        before = d.window.page.numbers.panel.height()
        QTest.keyClick(d.find("numbersGrip"), Qt.Key.Key_Up)
        await d.until(lambda: d.window.page.numbers.panel.height() == before + 16)
        assert d.window.desk.settings.numbers_height > 0


async def test_f8_leads_to_the_error_in_a_chats_code(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Write code.")
        lines = "".join(f"x{n} = {n}\n" for n in range(80))
        run.write(0, f"```python\nprint(missing)\n{lines}```\n", tokens=9)
        run.finish()
        await d.idle()
        bar = d.window.page.view.lanes[0].output.transcript.verticalScrollBar()
        await d.until(lambda: d.window.findChildren(CheckBadge)[0].has_verdict)
        end = bar.value()
        d.press("F8")
        await d.until(lambda: bar.value() < end)


async def test_a_looped_lane_says_what_stopped_it(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        run = await d.send("Think.")
        run.write(1, thought="again and again ", tokens=60)
        run.put(LoopFound(1, Loop(12, 15, 7.0, "again ")))
        run.finish(1, reason="loop")
        band = await d.shown("loopBand")
        assert band.accessibleName() == (
            "Looped from token 12: 15 tokens, 7 times. The loop guard stopped this lane."
        )
        note = await d.shown("unansweredNote")
        assert isinstance(note, QLabel)
        words = "Stopped here. No answer was written: the reasoning did not close."
        await d.until(lambda: note.text() == words)
        run.finish()
        await d.idle()
