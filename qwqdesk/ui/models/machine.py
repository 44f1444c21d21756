"""What this machine has free now: memory, GPU memory and disk, kept for the models page.

The engine answers for its devices behind whatever it is doing, so it is asked only while nothing
runs, and its last answer is kept.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from qwqdesk.engine.events import DeviceMemory
from qwqdesk.errors import UserError
from qwqdesk.free_memory import free_memory, used_devices, whole_memory
from qwqdesk.models.disk_space import free_and_whole
from qwqdesk.models.fit import FreeMemory
from qwqdesk.pipe import first
from qwqdesk.ui.base import label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.icons import IconLabel
from qwqdesk.ui.loading import ModelLoader
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

EVERY_MS = 10_000
GB = 10**9


@dataclass(frozen=True)
class Room:
    """Bytes: free memory, whole memory, and free disk space where models are kept."""

    free: FreeMemory
    memory: int
    gpu: int
    disk: int


class Machine(QObject):
    """Keeps the last `Room`; `changed` carries a new one. It looks again while `watch` is on."""

    changed = Signal(object)

    def __init__(self, desk: Desk, loader: ModelLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._loader = desk, loader
        self._tasks = Tasks(self, desk.report)
        self._devices: tuple[DeviceMemory, ...] = ()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.look)
        self.room: Room | None = None
        desk.model_changed.connect(self._model_changed)

    def watch(self, on: bool) -> None:
        """Look now and then, or no longer."""
        if on:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def look(self) -> None:
        """Ask again; `changed` comes when something has."""
        if not self._tasks.busy:
            self._tasks.start(self._look(), "machine")

    def _model_changed(self) -> None:
        if self._timer.isActive():
            self.look()

    async def _look(self) -> None:
        if not self._desk.session.running and not self._loader.busy:
            with suppress(UserError):  # no library, no devices: loading a model says why
                self._devices = await first(self._desk.session.engine.devices())
        room = await asyncio.to_thread(_room, self._devices, self._desk.dirs.models)
        if room != self.room:
            self.room = room
            self.changed.emit(room)


class RoomLabel(QWidget):
    """Free memory and free disk space in the page's bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("freeRoom")
        self._room: Room | None = None
        self._short = False
        self._memory, self._disk = label("", "body", "text2"), label("", "body", "text2")
        self._disk_icon = IconLabel("hard-drive")
        self._memory_icon = IconLabel("cpu")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().px(6))
        row.addWidget(self._memory_icon)
        row.addWidget(self._memory)
        row.addSpacing(theme().px(14))
        row.addWidget(self._disk_icon)
        row.addWidget(self._disk)
        self.hide()

    def show_room(self, room: Room) -> None:
        """Say what is free."""
        self._room = room
        memory = f"{_gb(room.memory)} GB memory, {room.free.cpu / GB:.1f} free"
        gpu = f"{_gb(room.gpu)} GB GPU, {room.free.gpu / GB:.1f} free"
        own = (
            bool(room.gpu) and not room.free.shared
        )  # else the memory is one, and so are its words
        free = room.free.gpu if own else room.free.cpu
        whole = gpu if own else memory
        if room.free.shared:
            gpu = f"GPU uses the same memory, {room.free.gpu / GB:.1f} GB free for it"
        self._memory.setText(f"{free / GB:.1f} GB free" if self._short else whole)
        disk = f"{_gb(room.disk)} GB" if room.disk >= GB else f"{room.disk / 10**6:.0f} MB"
        self._disk.setText(disk if self._short else f"{disk} free on disk")
        disk = f"{disk} free on disk"
        self.setToolTip(f"{gpu if room.gpu else 'No GPU that llama.cpp can use'}\n{memory}\n{disk}")
        self.setAccessibleName(f"{gpu + '; ' if room.gpu else ''}{memory}; {disk}")
        self.show()

    def set_short(self, short: bool) -> None:
        """Only the free amounts, where there is no room for more."""
        if short != self._short:
            self._short = short
            if self._room is not None:
                self.show_room(self._room)


def _room(devices: tuple[DeviceMemory, ...], models: Path) -> Room:
    gpu = sum(device.total for device in used_devices(devices))
    disk, _ = free_and_whole(models)
    return Room(free_memory(devices), whole_memory(), int(gpu), disk)


def _gb(count: int) -> str:
    value = count / GB
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"
