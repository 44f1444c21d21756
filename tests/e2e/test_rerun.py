"""A run of the demo model, saved and run again: from the command line and in the window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.resources import resource
from tests.e2e import program

pytestmark = pytest.mark.skipif(
    not resource("models", "qwqdesk-demo-F16.gguf").is_file(), reason="there is no demo model yet"
)


def qwqdesk(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QWQDESK_HOME": str(home), "HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "qwqdesk", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_saved_run_reproduces_and_says_what_changed(tmp_path: Path) -> None:
    lanes = ["--lane", "A=qwen", "--lane", "B=llama.cpp+1.5"]
    common = ["-p", "What is 27 + 45?", "--seed", "1", "-t", "1", "-n", "60", "--json"]
    made = qwqdesk(tmp_path, "compare", *lanes, *common)
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    manifest = document["lanes"][0]["manifest"]
    assert [len(file["sha256"]) for file in manifest["files"]] == [64]
    file = tmp_path / "run.json"
    file.write_text(made.stdout, encoding="utf-8")

    again = qwqdesk(tmp_path, "rerun", str(file))
    assert again.returncode == 0, again.stderr
    counts = [len(lane["tokens"]) for lane in document["lanes"]]
    assert again.stdout.splitlines() == [
        f"A: equal, {counts[0]} tokens",
        f"B: equal, {counts[1]} tokens",
        "Reproduced: every token is the same.",
    ]

    other = qwqdesk(tmp_path, "rerun", str(file), "-t", "2", "-ub", "8", "--json")
    found: dict[str, Any] = json.loads(other.stdout)
    assert found["changed"] == ["Threads: 1 then, 2 now.", "Micro-batch: 512 then, 8 now."]
    assert not found["expected"]
    assert other.returncode == (0 if found["reproduced"] else 1)

    small = str(resource("models", "qwqdesk-demo-Q8_0.gguf"))
    quantized = qwqdesk(tmp_path, "rerun", str(file), small, "--json")
    found = json.loads(quantized.stdout)
    model = "Model: QwQ Desk demo F16 then, QwQ Desk demo Q8_0 now."
    # A processor on which quantized models do not survive the extra buffers loads them without.
    assert found["changed"] in ([model], [model, "Extra buffers: on then, off now."])
    assert quantized.returncode == (0 if found["reproduced"] else 1)


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"format": "other"}')
    result = qwqdesk(tmp_path, "rerun", str(file), "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["error"]["code"] == "manifest"
    assert qwqdesk(tmp_path, "rerun").returncode == 2
    assert qwqdesk(tmp_path, "rerun", str(file), "--temp", "1").returncode == 2


def test_the_window_saves_opens_checks_and_runs_again(tmp_path: Path) -> None:
    out = program.run(
        tmp_path,
        """
        from dataclasses import replace
        from pathlib import Path
        page, desk = window.page, window.desk
        await ready(window)
        page.acts.add()
        page.view.lanes[1].model.set_values({"repeat_penalty": 1.5})
        page.view.columns.set_seed(1)
        page.send("What is 27 + 45?")
        await until(lambda: page.runs.view is not None)
        await until(lambda: page.runs.view is None)
        file = desk.dirs.data / "saved.json"
        await page.run_files.save_to(file)
        page.open_new()
        await page.run_files.open_from(file)
        say("lanes", len(page.view.lanes), page.view.mode)
        page.fairness.check()
        await until(lambda: not page.fairness.busy)
        await until(lambda: page.toolbar.badge.fairness.kind == "fair")
        say(page.toolbar.badge.text())
        page.fairness.run_again()
        await until(lambda: not page.fairness.busy)
        await until(lambda: page.fairness.panel.content.verdicts)
        say(page.fairness.panel.content.sentence)
        window.loader.load(Path(desk.session.loaded.model.path),
                           replace(desk.settings.engine, n_threads=1, n_ubatch=8))
        await ready(window)
        page.fairness.run_again()
        await until(lambda: not page.fairness.busy)
        await until(lambda: "Changed" in " ".join(page.fairness.panel.content.lines))
        say(" ".join(page.fairness.panel.content.lines))
        """,
    )
    assert "lanes 2 exact" in out
    assert "Fair: A = A" in out
    assert "Reproduced: every token is the same." in out
    assert "Micro-batch: 512 then, 8 now" in out
