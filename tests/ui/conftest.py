"""Set-up of the tests with widgets: no screen, async tests, and no leftovers.

A test fails when it leaves a thread, a running QTimer or a top-level widget behind, because such
leftovers crash a later test that has nothing to do with them.
"""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"

import asyncio
import gc
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qwqdesk.ui.clipboard import hand_over_clipboard
from qwqdesk.ui.theme import Theme

import qasync  # isort: skip - after PySide6, which it looks for

ASYNC_TEST_SECONDS = 20
GARBAGE = 200_000  # new objects between two collections


def pytest_itemcollected(item: pytest.Item) -> None:
    """A warning of Qt fails the test that caused it."""
    item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
    # What the offscreen platform cannot do, and says so.
    ignored = ("propagateSizeHints", r"does not support raise\(\)", "grabbing the keyboard")
    item.add_marker(pytest.mark.qt_log_ignore(*ignored, extend=True))


@contextmanager
def no_nested_loop() -> Iterator[None]:
    """Inside a coroutine, running Qt's loop once more leaves qasync's tasks stuck for ever."""
    app, test = QCoreApplication, QTest
    kept = app.processEvents, test.qWait

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("in an async test: await d.until(...) instead, or the loop hangs")

    app.processEvents = test.qWait = refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        app.processEvents, test.qWait = kept  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests on Qt's own event loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    app = pyfuncitem.funcargs["qapp"]
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def limited() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), ASYNC_TEST_SECONDS)

    with no_nested_loop(), asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        runner.run(limited())
    return True


@pytest.fixture(scope="session", autouse=True)
def clipboard_for_qt(qapp: QApplication) -> Iterator[None]:
    """At the end of all tests, as at the program's end: else Qt frees an object of Python's."""
    yield
    hand_over_clipboard()


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    """The light theme on the test application."""
    return Theme(qapp, "light")


@pytest.fixture(scope="session", autouse=True)
def garbage_on_the_main_thread() -> Iterator[None]:
    """A Qt object that a worker thread's garbage collection destroys takes the process along."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def no_leftovers(qapp: QApplication, theme: Theme) -> Iterator[None]:
    threads = set(threading.enumerate())
    before = set(qapp.topLevelWidgets())
    yield
    _settle()
    if gc.get_count()[0] > GARBAGE:
        gc.collect()
    theme.set_choice("light")
    theme.set_percent(100)
    left = [w for w in qapp.topLevelWidgets() if w not in before and w.parent() is None]
    assert not [f"{type(w).__name__} {w.objectName()}" for w in left if w.isVisible()]
    for widget in left:
        widget.deleteLater()
    _settle()
    for thread in set(threading.enumerate()) - threads:
        thread.join(1)  # one that was told to stop may still be closing its connection
    assert not set(threading.enumerate()) - threads, "the test left a thread"
    timers = [t for t in qapp.findChildren(QTimer) if t.isActive()]
    assert not timers, "the test left a running timer"


def _settle() -> None:
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


@pytest.fixture
def qtbot(qtbot: QtBot) -> QtBot:
    """pytest-qt's, named here so that it is set up after the check for leftovers."""
    return qtbot
