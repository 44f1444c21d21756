"""Questions, reports and tasks: awaitable, cancelled cleanly, nothing nests the loop."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

import qwqdesk.ui
from qwqdesk.ui.dialogs import ask, open_file, report_error, save_file
from qwqdesk.ui.tasks import Tasks


async def _dialog(parent: QWidget, name: str) -> QDialog:
    for _ in range(200):
        found = parent.findChild(QDialog, name)
        if found is not None and found.isVisible():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{name} did not open")


@pytest.mark.parametrize(("press", "answer"), [("verbButton", True), ("cancelButton", False)])
async def test_a_question_is_answered_by_its_buttons(
    qapp: QApplication, press: str, answer: bool
) -> None:
    window = QWidget()
    window.show()
    question = asyncio.ensure_future(ask(window, "Delete the chat?", "It is gone then.", "Delete"))
    dialog = await _dialog(window, "questionDialog")
    button = dialog.findChild(QPushButton, press)
    assert button is not None
    button.click()
    assert await question is answer
    window.close()


@pytest.mark.parametrize(("tabs", "answer"), [(0, False), (1, True)])
async def test_enter_presses_the_button_with_the_focus(
    qapp: QApplication, tabs: int, answer: bool
) -> None:
    window = QWidget()
    window.show()
    question = asyncio.ensure_future(ask(window, "Delete?", "Gone.", "Delete", danger=True))
    dialog = await _dialog(window, "questionDialog")
    dialog.activateWindow()
    while not dialog.isActiveWindow():
        await asyncio.sleep(0.01)
    for _ in range(tabs):
        QTest.keyClick(dialog, Qt.Key.Key_Tab)
    focused = dialog.focusWidget()
    assert isinstance(focused, QPushButton)
    QTest.keyClick(focused, Qt.Key.Key_Return)
    assert await question is answer
    window.close()


async def test_cancelling_the_task_closes_the_question(qapp: QApplication) -> None:
    window = QWidget()
    window.show()
    question = asyncio.ensure_future(ask(window, "Delete?", "Gone.", "Delete", danger=True))
    await _dialog(window, "questionDialog")
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    assert not any(dialog.isVisible() for dialog in window.findChildren(QDialog))
    window.close()


async def test_no_file_chosen_is_none(qapp: QApplication, tmp_path: Path) -> None:
    window = QWidget()
    window.show()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, True)
    choice = asyncio.ensure_future(open_file(window, "Open", "Models (*.gguf)", str(tmp_path)))
    dialog = await _dialog(window, "openFileDialog")
    assert isinstance(dialog, QFileDialog)
    dialog.reject()
    assert await choice is None
    window.close()


async def test_a_name_without_an_ending_gets_the_offered_one(
    qapp: QApplication, tmp_path: Path
) -> None:
    window = QWidget()
    window.show()
    chosen = asyncio.ensure_future(save_file(window, "Save", str(tmp_path / "run.json"), "*"))
    await asyncio.sleep(0)
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    dialog.selectFile(str(tmp_path / "mine"))
    dialog.done(QFileDialog.DialogCode.Accepted)
    assert await chosen == tmp_path / "mine.json"
    window.close()


async def test_a_report_can_be_copied_and_has_no_secret(qapp: QApplication) -> None:
    window = QWidget()
    window.show()
    dialog = report_error(window, ValueError("seven is not eight, hf_abcdefgh12345"))
    details = dialog.findChild(QPlainTextEdit, "errorDetails")
    copy = dialog.findChild(QPushButton, "copyReport")
    assert details is not None
    assert copy is not None
    assert "seven is not eight" in details.toPlainText()
    copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "seven is not eight" in copied
    assert "llama-cpp-python" in copied
    assert "abcdefgh" not in copied + details.toPlainText()
    dialog.accept()
    window.close()


async def test_a_failing_task_is_reported_once(qapp: QApplication) -> None:
    reported: list[BaseException] = []
    owner = QObject()
    tasks = Tasks(owner, reported.append)

    async def fail() -> None:
        raise ValueError("broken")

    task = tasks.start(fail())
    with pytest.raises(ValueError, match="broken"):
        await task
    await asyncio.sleep(0)
    assert [str(error) for error in reported] == ["broken"]
    assert not tasks.busy


async def test_tasks_end_with_their_owner(qapp: QApplication) -> None:
    owner = QWidget()
    tasks = Tasks(owner, lambda error: pytest.fail(str(error)))
    task = tasks.start(asyncio.sleep(60))
    await asyncio.sleep(0)
    owner.deleteLater()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_waits_for_the_tasks(qapp: QApplication) -> None:
    owner = QObject()
    tasks = Tasks(owner, lambda error: pytest.fail(str(error)))
    tasks.start(asyncio.sleep(60))
    await tasks.closed()
    assert not tasks.busy


def test_nothing_in_the_window_nests_the_event_loop() -> None:
    """`exec()` and the static conveniences would leave other tasks stuck."""
    static = {"getOpenFileName", "getSaveFileName", "getExistingDirectory", "question", "warning",
              "critical", "information", "getText", "getItem", "exec", "exec_"}  # fmt: skip
    for file in Path(qwqdesk.ui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in static, f"{file.name}:{node.lineno}"
