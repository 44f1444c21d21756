"""The head of a repository: for what its fit is computed."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.ui.models.find_head import FitSettings


def test_the_chosen_context_comes_back_after_a_model_with_less(qapp: QApplication) -> None:
    fit = FitSettings(EngineSettings(n_ctx=32_768))
    asked: list[int] = []
    fit.changed.connect(lambda settings: asked.append(settings.n_ctx))
    fit.limit(2048)
    fit.limit(0)
    fit.limit(131_072)
    assert asked == [2048, 32_768]
    fit.deleteLater()
