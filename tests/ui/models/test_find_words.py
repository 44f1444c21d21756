"""Numbers in a few letters, and the words of a table's row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt

from qwqdesk.models.download_status import Status
from qwqdesk.models.file_words import short_size
from qwqdesk.models.hub_files import Quantization, RepoFile
from qwqdesk.ui.models.find_table_model import (
    ACT,
    FIT,
    QuantizationModel,
    missing_words,
    table_row,
)
from qwqdesk.ui.models.find_words import age_words, count_words, weights_words

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROW = table_row(Quantization("Q4_K_M", (RepoFile("m-Q4_K_M.gguf", 100, None),)))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (311, "311"), (999, "999"), (1234, "1.2 k"), (3020, "3 k"), (82_400, "82 k"),
     (999_700, "1 M"), (2_500_000, "2.5 M")],
)  # fmt: skip
def test_counts(count: int, words: str) -> None:
    assert count_words(count) == words


@pytest.mark.parametrize(
    ("date", "words"),
    [("2026-02-28T12:00:00.000Z", "today"), ("2026-02-26", "3 days"), ("2026-01-01", "1 month"),
     ("2025-02-27", "1 year"), ("2027-01-01", "today"), ("soon", ""), (None, ""), ("", "")],
)  # fmt: skip
def test_ages(date: str | None, words: str) -> None:
    assert age_words(date, NOW) == words


def test_sizes() -> None:
    assert [short_size(n) for n in (5, 1_500, 8_730_000, 640 * 10**6, 19_851_000_000)] == [
        "5 B", "2 kB", "8.7 MB", "640 MB", "19.9 GB",
    ]  # fmt: skip
    assert [weights_words(n) for n in (32_763_876_352, 751_632_384, 671 * 10**9, 12)] == [
        "32.8 B", "752 M", "671 B", "12",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "state", "act"),
    [
        (None, "Download", "Download"),
        (Status("queued", 0, 100), "Waiting", ""),
        (Status("downloading", 62, 100), "Downloading, 62 %", ""),
        (Status("stalled", 62, 100), "Downloading, 62 %", ""),
        (Status("verifying", 99, 100), "Checking, 99 %", ""),
        (Status("paused", 15, 100), "Paused, 15 %", "Resume"),
        (Status("failed", 52, 100), "Interrupted, 52 %", "Resume"),
        (Status("done", 100, 100), "In library", ""),
    ],
)
def test_a_row_says_how_its_download_is(status: Status | None, state: str, act: str) -> None:
    row = replace(ROW, status=status)
    assert (row.state, row.act) == (state, act)
    assert state in row.spoken


def test_missing_parts_are_named() -> None:
    files = (RepoFile("m-00001-of-00004.gguf", 1, None),)
    paths = tuple(f"m-{n:05d}-of-00004.gguf" for n in (2, 3, 4))
    assert missing_words(Quantization("Q8_0", files, paths[1:2])) == "Part 3 of 2 is missing"
    assert missing_words(Quantization("Q8_0", files, paths)) == "Parts 2, 3, 4 of 4 are missing"
    assert table_row(Quantization("Q8_0", files, paths)).act == ""


def test_what_strangers_write_is_no_markup() -> None:
    model = QuantizationModel()
    failed = Status("failed", 1, 2, note="<b>status</b>")
    model.set_rows([replace(ROW, status=failed, fit=("neutral", "", "x"), fit_tip="<i>no</i>")])
    for column in (FIT, ACT):
        tip = str(model.index(0, column).data(Qt.ItemDataRole.ToolTipRole))
        assert "&lt;" in tip
        assert "<b>" not in tip
        assert "<i>" not in tip
