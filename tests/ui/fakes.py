"""The window over a scripted engine: opened, driven, and closed in the program's own order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QWidget

from qwqdesk.conversation import Loop, Timing, Usage
from qwqdesk.engine.engine import LoadRequest, RunStream
from qwqdesk.engine.events import (
    Event,
    LaneFinished,
    Loaded,
    LoadProgress,
    Output,
    ReasoningClosed,
    RunRequest,
    RunStarted,
    Span,
)
from qwqdesk.paths import DataDirs
from qwqdesk.pipe import Stream
from qwqdesk.settings import Settings
from qwqdesk.store.history import History
from qwqdesk.ui.conversation.reply_view import ReplyView
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.sidebar_list import ROW_ROLE
from qwqdesk.ui.window import FIRST_SIZE, Window
from qwqdesk.ui.workspace import Workspace
from tests.fake_engine import ENGINE, MODEL, FakeEngine, fake_session

T = TypeVar("T", bound=QWidget)


def child(parent: QWidget, kind: type[T], name: str) -> T:
    """The part of this kind and name."""
    found = parent.findChild(kind, name)
    assert found is not None, name
    return found


class StagedStream(RunStream):
    """A run that the test writes; stopping it works as in the engine."""

    def __init__(self, lanes: int) -> None:
        super().__init__()
        self._open = set(range(lanes))
        self.put(RunStarted(ENGINE))

    def write(self, lane: int, answer: str = "", thought: str = "", tokens: int = 1) -> None:
        """A lane writes; its tokens are counted as reasoning where there is a thought."""
        spans = [Span("reasoning", thought)] if thought else []
        spans += [Span("answer", answer)] if answer else []
        self.put(Output(lane, tuple(spans), tuple(range(tokens)), tokens if thought else 0))

    def close_reasoning(self, lane: int) -> None:
        """As the engine: the reasoning ends with its closing sentence."""
        super().close_reasoning(lane)
        self.put(ReasoningClosed(lane, 1, "asked"))

    def finish(
        self,
        *lanes: int,
        reason: str = "stop",
        detail: str | None = None,
        frozen: int = 0,
        thought: int = 0,
        loop: Loop | None = None,
    ) -> None:
        """Lanes end (all without numbers); the run ends with the last one.

        `thought` counts the tokens of the reasoning, of which the first `frozen` were given.
        """
        for lane in lanes or tuple(self._open):
            if lane in self._open:
                self._open.discard(lane)
                timing = Timing(first_token_s=0.2, decode_s=1.0, tokens_per_second=5.0)
                timing = replace(timing, reasoning_s=1.5 if thought else 0.0)
                usage = Usage(7, thought or frozen, 5)
                self.put(LaneFinished(lane, reason, detail, usage, timing, loop, frozen))  # type: ignore[arg-type]
        if not self._open:
            self.close()

    def cancel(self) -> None:
        if not self.cancelled.is_set():
            super().cancel()
            self.finish(reason="cancelled")

    def stop_lane(self, lane: int) -> None:
        super().stop_lane(lane)
        self.finish(lane, reason="cancelled")


class StagedEngine(FakeEngine):
    """Every run is a `StagedStream`."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        super().__init__()
        self.staged: list[StagedStream] = []

    def load(self, request: LoadRequest) -> Stream[LoadProgress | Loaded]:
        """Every file loads, under its own name."""
        self.loads.append(request)
        model = replace(MODEL, path=str(request.path), name=request.path.stem)
        stream: Stream[LoadProgress | Loaded] = Stream()
        stream.put(LoadProgress(0.5))
        stream.put(Loaded(model, ENGINE, request.settings, 0.1, request.notes))
        stream.close()
        return stream

    def run(self, request: RunRequest) -> RunStream:
        self.runs.append(request)
        self.staged.append(StagedStream(len(request.lanes)))
        return self.staged[-1]


class Driver:
    """One open window, with what a person does to it."""

    def __init__(
        self, frame: Window, window: Workspace, engine: StagedEngine, history: History
    ) -> None:
        self.frame = frame
        self.window = window
        self.engine = engine
        self.history = history

    @property
    def page(self) -> QWidget:
        return self.window.page

    def find(self, name: str, inside: QWidget | None = None) -> QWidget:
        """The visible widget of this name."""
        found = (inside or self.window).findChildren(QWidget, name)
        shown = [widget for widget in found if widget.isVisibleTo(self.window)]
        assert len(shown) == 1, f"{len(shown)} of {len(found)} widgets named {name} are visible"
        return shown[0]

    def lane(self, number: int) -> QWidget:
        return self.find(f"lane{number}")

    def click(self, name: str, inside: QWidget | None = None) -> None:
        button = self.find(name, inside)
        assert isinstance(button, QAbstractButton)
        assert button.isEnabled(), f"{name} is disabled"
        button.click()

    async def shown(self, name: str) -> QWidget:
        """The widget of this name, as soon as it is visible."""
        await self.until(
            lambda: any(w.isVisible() for w in self.window.findChildren(QWidget, name))
        )
        return self.find(name)

    def titles(self) -> list[str]:
        """The conversations in the list."""
        view = self.find("conversationList")
        assert isinstance(view, QAbstractItemView)
        rows = [view.model().index(n, 0).data(ROW_ROLE) for n in range(view.model().rowCount())]
        return [row.text for row in rows if row.id]

    async def click_when_shown(self, name: str) -> None:
        """Click a button that appears with the next layout."""
        await self.shown(name)
        self.click(name)

    def press(self, key: str) -> None:
        """Press a key combination where the focus is."""
        QTest.keySequence(self.window.focusWidget() or self.window, key)

    async def send(self, text: str) -> StagedStream:
        """Write a message, press Enter, and wait until the engine has the run."""
        runs = len(self.engine.staged)
        composer = self.find("composerInput")
        composer.setFocus()
        QTest.keyClicks(composer, text)
        QTest.keyClick(composer, Qt.Key.Key_Return)
        await self.until(lambda: len(self.engine.staged) > runs)
        return self.engine.staged[-1]

    async def until(self, true: Callable[[], object], seconds: float = 12.0) -> None:
        """Let the program work until something is so."""
        end = asyncio.get_running_loop().time() + seconds
        while not true():
            assert asyncio.get_running_loop().time() < end, "it did not happen in time"
            await asyncio.sleep(0.01)

    async def idle(self) -> None:
        """Wait until no run is under way and all that was written is on the screen."""
        await self.until(lambda: self.window.page.runs.view is None)
        await self.until(lambda: not any(reply.busy for reply in self._replies()))

    async def settled(self) -> None:
        """Wait until the shown lanes are compared, and everything has its place."""
        await self.idle()
        view = self.window.page.view
        for lane in view.lanes:
            output = lane.output
            await self.until(lambda lane=lane: not lane.earlier_turns_come)  # type: ignore[misc]
            await self.until(lambda out=output: not any(r.busy for r in out.transcript.replies))  # type: ignore[misc]
        wrote = sum(bool(reply.tokens) for reply in view.comparison.replies())
        await self.until(lambda: wrote < 2 or view.differences.marked)

    async def reopen(self) -> ConversationView:
        """Leave the shown conversation for a new one, and open it again from the history."""
        page = self.window.page
        before, number = page.view, page.view.conversation_id
        assert number is not None
        page.open_new()
        page.views.open(number)
        assert page.view is not before, "it was never closed"
        await self.idle()
        return page.view

    def _replies(self) -> list[ReplyView]:
        found = (lane.output.reply for lane in self.window.page.view.lanes)
        return [reply for reply in found if reply is not None]

    def answer(self, number: int) -> str:
        """What a lane shows as its answer, as the model wrote it."""
        reply = self.window.page.view.lanes[number].output.reply
        return reply.answer_source if reply is not None else ""

    def reasoning(self, number: int) -> str:
        reply = self.window.page.view.lanes[number].output.reply
        return reply.reasoning.source if reply is not None else ""


@asynccontextmanager
async def opened(folder: Path, settings: Settings | None = None) -> AsyncIterator[Driver]:
    """The window with a loaded fake model and its history in `folder`."""
    QApplication.setQuitOnLastWindowClosed(False)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    dirs = DataDirs.find(folder, {}).create()
    history = History(dirs.database)
    engine = StagedEngine()
    faults: list[BaseException] = []
    session = fake_session(engine, history)
    chosen = settings or Settings(chat_template="chatml", reduce_motion=True)
    desk = Desk(dirs, chosen, history, session, faults.append)
    frame = Window()
    frame.resize(FIRST_SIZE)  # whatever fits on the screen of the tests
    window = Workspace(desk)
    frame.may_close = window.closing.may_close
    frame.fill(window)
    frame.show()
    window.show_page("conversation")
    driver = Driver(frame, window, engine, history)
    frame.activateWindow()
    await driver.until(frame.isActiveWindow)
    try:
        yield driver
    finally:
        frame.hide()
        await window.end()
        frame.deleteLater()
        history.close()
        assert not faults, faults
