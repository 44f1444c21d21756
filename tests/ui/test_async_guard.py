"""Async tests of the window cannot run its event loop within itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication


async def test_the_loop_cannot_be_nested(qapp: QApplication) -> None:
    for call in (QCoreApplication.processEvents, QApplication.processEvents, qapp.processEvents):
        with pytest.raises(AssertionError, match="await"):
            call()
    with pytest.raises(AssertionError, match="await"):
        QTest.qWait(1)


def test_other_tests_may(qapp: QApplication) -> None:
    QApplication.processEvents()
