"""What the models page says of free memory."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from qwqdesk.models.memory import FreeMemory
from qwqdesk.ui.models.machine import GB, Room, RoomLabel


def shown(qtbot: QtBot, room: Room, *, short: bool = False) -> tuple[str, str]:
    """The label's words about memory and its tooltip."""
    label = RoomLabel()
    qtbot.addWidget(label)
    label.set_short(short)
    label.show_room(room)
    return label.accessibleName().rsplit("; ", 1)[0], label.toolTip()


def test_a_card_has_a_memory_of_its_own(qtbot: QtBot) -> None:
    room = Room(FreeMemory(16 * GB, 20 * GB), 32 * GB, 24 * GB, 100 * GB)
    words, _ = shown(qtbot, room)
    assert words == "24 GB GPU, 20.0 free; 32 GB memory, 16.0 free"


def test_without_a_gpu_it_is_said(qtbot: QtBot) -> None:
    words, tip = shown(qtbot, Room(FreeMemory(16 * GB), 32 * GB, 0, 100 * GB))
    assert words == "32 GB memory, 16.0 free"
    assert "No GPU" in tip


def test_shared_memory_is_named_once(qtbot: QtBot) -> None:
    room = Room(FreeMemory(16 * GB, 14 * GB, shared=True), 32 * GB, 16 * GB, 100 * GB)
    words, tip = shown(qtbot, room)
    assert "32 GB memory, 16.0 free" in words
    assert "same memory" in words
    assert "16 GB GPU" not in words + tip
