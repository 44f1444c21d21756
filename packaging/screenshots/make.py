"""Runs the real program with the demo model and takes its pictures.

    python packaging/screenshots/make.py [OUT_DIR] [--readme] [--quick]

Needs no display. One, two and four lanes in both themes at 1280x800 and 1920x1080 go to OUT_DIR
(default: build/screenshots). With --readme the pictures of README.md are written to
docs/screenshots too. --quick stops every run after a few seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "1")
os.environ["QT_API"] = "pyside6"

import qasync
from PySide6.QtWidgets import QApplication

from qwqdesk.paths import DataDirs
from qwqdesk.ui.program import Program
from qwqdesk.ui.theme import theme

ROOT = Path(__file__).resolve().parents[2]
SIZES = ((1280, 800), (1920, 1080))
README = {
    "2-light-1280x800.png": "two-lanes-light.png",
    "4-dark-1920x1080.png": "four-lanes-dark.png",
    "1-dark-1280x800.png": "one-lane-dark.png",
    "chain-light-1280x800.png": "chain-light.png",
}
# The recipes of four lanes, from the one that behaves to the one that does not.
FOUR = ("qwen", "unsloth", "llama.cpp+1.5", "greedy")


class Studio:
    """The open program, and what is done with it for a picture."""

    def __init__(self, program: Program, out: Path, seconds: float) -> None:
        self.program = program
        self.window = program.window
        self.workspace = program.workspace
        self.page = program.workspace.page
        self.out = out
        self.seconds = seconds

    async def wait(self, true: Callable[[], object], seconds: float) -> bool:
        """Wait until something is so; False when the time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not true() and loop.time() < end:
            await asyncio.sleep(0.05)
        return bool(true())

    async def finish_run(self) -> None:
        """Let the lanes write to their end, or for so long as there is time."""
        await self.wait(lambda: self.page.runs.view is not None, 5)
        if not await self.wait(lambda: self.page.runs.view is None, self.seconds):
            self.page.stop()
            await self.wait(lambda: self.page.runs.view is None, 10)
        await asyncio.sleep(1.0)

    async def chat(self) -> int:
        """One lane, two questions."""
        self.workspace.chats.new()
        for text in ("What is 27 + 45?", "Write a Python function that sorts a list of numbers."):
            self.page.view.columns.set_seed(3)
            self.page.send(text)
            await self.finish_run()
        return self.page.view.conversation_id or 0

    async def compare(self) -> int:
        """The comparison of the first start."""
        self.workspace.chats.new()
        self.page.compare_first()
        await self.finish_run()
        return self.page.view.conversation_id or 0

    async def four(self) -> int:
        """Four recipes on the Flappy Bird prompt."""
        self.workspace.chats.new()
        for name in FOUR:
            if name != FOUR[0]:
                self.page.acts.add()
            self.page.view.lanes[-1].model.set_recipe(self.workspace.desk.recipe(name))
        self.page.view.columns.set_seed(1)
        self.page.send((ROOT / "resources/prompts/flappy_bird.txt").read_text("utf-8").strip())
        await self.finish_run()
        return self.page.view.conversation_id or 0

    async def take(self, name: str, conversation: int, size: tuple[int, int]) -> None:
        """Show a conversation at a size and save the picture."""
        self.window.resize(*size)
        self.workspace.chats.open(conversation)
        await asyncio.sleep(0.3)
        for lane in self.page.view.lanes:
            lane.output.transcript.verticalScrollBar().setValue(0)
        await asyncio.sleep(0.2)
        file = self.out / f"{name}-{'dark' if theme().dark else 'light'}-{size[0]}x{size[1]}.png"
        self.window.grab().save(str(file))
        print(file)


async def take_all(studio: Studio) -> None:
    """All pictures."""
    assert await studio.wait(lambda: studio.workspace.desk.session.loaded, 60), "no model"
    studio.workspace.desk.change(loop_guard="stop")
    made = {"1": await studio.chat(), "2": await studio.compare(), "4": await studio.four()}
    for choice in ("light", "dark"):
        studio.workspace.desk.change(theme=choice)
        for size in SIZES:
            for name, conversation in made.items():
                await studio.take(name, conversation, size)
        studio.workspace.chats.open(made["2"])
        studio.page.acts.toggle_editors()
        await studio.take("chain", made["2"], SIZES[0])
        studio.page.acts.toggle_editors()


async def main(app: QApplication, options: argparse.Namespace) -> int:
    """Run the program in a folder of its own and take the pictures."""
    options.out.mkdir(parents=True, exist_ok=True)
    closing = asyncio.Event()
    with tempfile.TemporaryDirectory() as home:
        async with AsyncExitStack() as stack:
            program = Program(app, DataDirs.find(Path(home), {}))
            await program.open(stack, closing)
            await take_all(Studio(program, options.out, 6 if options.quick else 240))
            program.window.close()
    if options.readme:
        folder = ROOT / "docs" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in README.items():
            shutil.copyfile(options.out / source, folder / target)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "build" / "screenshots")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(application)) as runner:
        sys.exit(runner.run(main(application, given)))
