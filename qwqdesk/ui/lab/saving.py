"""Keeping the shown comparison as an experiment of the user's."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import load_experiments, save_experiment
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.lab.save_box import SaveExperimentBox


def save_comparison(desk: Desk, page: ConversationPage, parent: QWidget) -> None:
    """Ask for a name and checks, and write the file."""
    view = page.view
    prompt = view.prompt.text or page.composer.text()
    if not prompt.strip():
        page.bands.tell(
            "An experiment needs a prompt.",
            "Write a message first.",
            chat=view,
            holds=lambda: not (view.prompt.text or page.composer.text()).strip(),
        )
        return

    def save(made: Experiment) -> None:
        try:
            save_experiment(desk.dirs.experiments, made)
        except UserError as error:
            page.tell(error)
            return
        desk.recipes_changed.emit()  # the lab reads its files again
        Toast(parent, f"Saved in the lab as {made.title}")

    known = load_experiments(desk.dirs.experiments, desk.recipes).experiments
    taken = [one.id for one in known]
    lanes = view.columns.setups()
    box = SaveExperimentBox(prompt, lanes, view.system_prompt, parent, taken=taken)
    box.made.connect(save)
    box.finished.connect(lambda *_: box.deleteLater())
    box.open()
