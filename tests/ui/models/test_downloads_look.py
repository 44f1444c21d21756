"""The words and colours of a download's row."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.hub_files import Quantization, RepoFile
from qwqdesk.models.queue_item import QueueRow
from qwqdesk.ui.icons import icon
from qwqdesk.ui.models.downloads_limit import limit_words
from qwqdesk.ui.models.downloads_look import (
    STEP_WORDS,
    amounts,
    look,
    rate,
    summary,
    time_left,
    title,
)
from qwqdesk.ui.models.notify import notify

GB = 10**9
CODES = ("network", "timeout", "rate", "portal", "gated_login", "gated_ask", "token", "not_found",
         "no_file", "disabled", "changed", "disk_full", "disk", "corrupt", "incomplete", "offline",
         "busy", "proxy", "tls", "internal", "what a newer version writes")  # fmt: skip


def row(status: Status) -> QueueRow:
    return QueueRow("id", "a/b", "Q4_K_M", status)


def said(status: Status, ahead: int = 0, *, offline: bool = False) -> str:
    return look(row(status), ahead, offline=offline).words


def test_rows_say_what_the_picture_says() -> None:
    running = Status("downloading", int(12.3 * GB), int(19.9 * GB), 47e6, 170.0)
    assert said(running) == "12.3 of 19.9 GB · 47 MB/s · 3 min left"
    assert said(Status("verifying", int(1.3 * GB), int(1.9 * GB))) == (
        "Checking sha256 · 1.3 of 1.9 GB"
    )
    assert said(Status("paused", int(4.1 * GB), int(26.9 * GB))) == "Paused at 4.1 of 26.9 GB"
    lost = Status("failed", int(9.2 * GB), int(17.7 * GB), code="network")
    assert said(lost) == "Connection lost at 9.2 GB. What arrived is kept."
    assert look(row(lost), 0).step == "again"
    assert said(Status("queued", 0, GB), 2) == "Waiting, 2 ahead"
    assert said(Status("queued", 0, GB), offline=True).startswith("Offline")
    assert said(Status("stalled", 1, GB, quiet=12.3)) == "No data for 12 s, trying again"
    assert said(Status("retrying", 1, GB, retry_in=8.2)) == "Connection lost, trying again in 8 s"
    assert said(Status("retrying", 1, GB, code="rate", retry_in=55)) == "The hub asks to wait 55 s"
    assert said(Status("done", GB, GB)) == "In library"


@pytest.mark.parametrize("code", CODES)
def test_every_failure_has_a_sentence_and_one_button(code: str) -> None:
    shown = look(row(Status("failed", 5, GB, code=code, note="The whole story.")), 0)
    assert shown.words.endswith(".")
    assert len(shown.words) <= 52, "it must fit beside the bar"
    assert shown.whole == "The whole story."
    assert STEP_WORDS[shown.step]
    assert (shown.icon, shown.tone) == ("circle-alert", "bad")


def test_every_state_has_an_icon_that_is_there(theme: object) -> None:
    for state in ("queued", "checking", "downloading", "stalled", "retrying", "waiting",
                  "verifying", "done", "paused", "failed"):  # fmt: skip
        shown = look(row(Status(state, 5, GB)), 0)
        assert not icon(shown.icon).isNull()
        assert 0 <= shown.share <= 1


def test_the_head_counts() -> None:
    rows = [
        row(Status("downloading", 1, 2)),
        row(Status("verifying", 1, 2)),
        row(Status("paused", 1, 2)),
        row(Status("failed", 1, 2, code="network")),
    ]
    assert summary(rows) == "1 running, 1 checking, 1 paused, 1 interrupted"
    assert summary([]) == ""
    assert summary([row(Status("failed", 0, 2, code="portal"))]) == "1 failed"


def test_numbers_are_short() -> None:
    assert amounts(500, 900) == "500 of 900 bytes"
    assert amounts(0, 5 * 10**6) == "0.0 of 5.0 MB"
    assert [rate(n) for n in (12, 3_400, 2.5e6, 47e6, 1.2e9)] == [
        "12 bytes/s", "3.4 kB/s", "2.5 MB/s", "47 MB/s", "1.2 GB/s",
    ]  # fmt: skip
    assert [time_left(n) for n in (1, 42, 58, 170, 7500, 400_000)] == [
        "5 s left", "40 s left", "1 min left", "3 min left", "2 h 5 min left", "4 days left",
    ]  # fmt: skip
    assert limit_words(0) == "No speed limit"
    assert limit_words(2_500_000) == "At most 2.5 MB/s"


def test_the_title_is_the_file(tmp_path: Path) -> None:
    files = (RepoFile("BF16/QwQ-32B-BF16-00001-of-00002.gguf", 5, None),)
    order = SetOrder("a/b", "c", Quantization("BF16", files), tmp_path)
    assert title(QueueRow("id", "a/b", "BF16", Status("paused", 0, 5), False, order)) == (
        "QwQ-32B-BF16"
    )
    assert title(row(Status("paused", 0, 5))) == "Q4_K_M"


def test_without_a_bus_there_is_no_notification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    assert not notify("Finished", "a <b> & c")
