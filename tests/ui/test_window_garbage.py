"""Cycles with Qt objects die on the main thread, whatever other threads allocate."""

from __future__ import annotations

import gc
import threading

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from qwqdesk.ui.garbage import MainThreadGarbage


class Node(QObject):
    """A cycle that notes on which thread it died."""

    died_on: list[int]

    def __init__(self, died_on: list[int]) -> None:
        super().__init__()
        self.me = self
        self.died_on = died_on

    def __del__(self) -> None:
        self.died_on.append(threading.get_ident())


def test_other_threads_collect_nothing(qapp: QApplication) -> None:
    was_enabled = gc.isenabled()
    garbage = MainThreadGarbage(qapp)
    stop = garbage.start()
    died_on: list[int] = []
    Node(died_on)
    worker = threading.Thread(target=lambda: [[i] for i in range(50_000)])
    worker.start()
    worker.join()
    assert not died_on
    kept = [[i] for i in range(2_000)]
    garbage.look()
    assert died_on == [threading.get_ident()]
    assert kept
    stop()
    garbage.deleteLater()
    if not was_enabled:
        gc.disable()
