"""Badge and panel of fairness, runs again, manifests and seeds, over a scripted engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from qwqdesk.errors import UserError
from qwqdesk.ui.conversation.fairness_panel import FairnessPanel
from qwqdesk.ui.mode_picker import FairnessBadge
from qwqdesk.ui.seed_field import SeedField
from tests.ui.fakes import Driver, StagedStream, opened


def badge(d: Driver) -> FairnessBadge:
    found = d.window.page.toolbar.badge
    assert isinstance(found, FairnessBadge)
    return found


def panel(d: Driver) -> FairnessPanel:
    return d.window.page.fairness.panel


async def compared(d: Driver, tokens: int = 5) -> None:
    """A finished run of two lanes in exact mode."""
    d.click("addLaneButton")
    run = await d.send("Which one?")
    for lane in (0, 1):
        run.write(lane, "answer", tokens=tokens)
    run.finish()
    await d.idle()


async def next_run(d: Driver, runs: int) -> StagedStream:
    await d.until(lambda: len(d.engine.staged) > runs)
    return d.engine.staged[-1]


async def again(d: Driver, button: str, *tokens: int) -> None:
    """Click a button of the panel; the lanes of its run write so many tokens."""
    runs = len(d.engine.staged)
    await d.click_when_shown(button)
    run = await next_run(d, runs)
    for lane, count in enumerate(tokens):
        run.write(lane, "again", tokens=count)
    run.finish()
    await d.until(lambda: not d.window.page.fairness.busy)


async def test_a_comparison_is_checked_from_its_badge(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        await d.until(lambda: badge(d).text() == "Exact, not yet checked")
        assert not panel(d).isVisible()
        d.click("fairnessBadge")
        await again(d, "fairness_check", 5, 5)
        await d.until(lambda: badge(d).text() == "Fair: A = A")
        said = "Lane A gave the same 5 tokens twice."
        await d.until(lambda: panel(d).content.sentence == said)
        assert any("llama-cpp-python 0.3.36" in line for line in panel(d).content.lines)
        d.click("fairnessClose")
        assert not panel(d).isVisible()
    async with opened(tmp_path) as d:  # the next start knows it
        await compared(d)
        await d.until(lambda: badge(d).text() == "Fair: A = A")


async def test_a_lane_that_is_not_itself_is_red(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        d.click("fairnessBadge")
        await again(d, "fairness_check", 5, 3)
        await d.until(lambda: badge(d).text() == "A ≠ A from token 3")
        assert badge(d).fairness.tone == "bad"


async def test_fast_runs_are_said_to_be_not_reproducible(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        d.window.page._choose_mode("fast")
        run = await d.send("Which one?")
        run.write(0, "a")
        run.write(1, "b")
        run.finish()
        await d.idle()
        await d.until(lambda: badge(d).fairness.kind == "fast")
        d.click("fairnessBadge")
        assert "share their batches" in panel(d).content.sentence
        assert d.find("fairness_again")


async def test_a_run_is_repeated_and_judged_lane_by_lane(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        before = len(d.history.load(d.window.page.view.conversation_id or 0).messages[0].replies)
        d.window.commands.run("rerun")
        run = await next_run(d, 1)
        assert d.find("fairness_stop")
        assert not d.find("sendButton").isEnabled()
        run.write(0, "again", tokens=5)
        run.write(1, "other", tokens=2)
        run.finish()
        await d.until(lambda: not d.window.page.fairness.busy)
        await d.until(lambda: panel(d).content.sentence == "Not reproduced.")
        verdicts = {v.lane: (v.badge, v.words) for v in panel(d).content.verdicts}
        assert verdicts["A"] == ("Equal, 5 tokens", "")
        assert verdicts["B"][0] == "Differs from token 2"
        after = d.history.load(d.window.page.view.conversation_id or 0).messages[0].replies
        assert len(after) == before
        # A setting that changes now makes the result old news: the badge and its panel agree.
        d.window.page.view.lanes[1].model.set_values({"temperature": 1.7})
        await d.until(lambda: "is not what ran" in panel(d).content.sentence)


async def test_changed_settings_are_told_and_taken_back(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        lane = d.window.page.view.lanes[1]
        then = lane.model.chain.number("temperature")
        lane.model.set_values({"temperature": 1.7})
        await d.until(lambda: badge(d).fairness.kind == "changed")
        d.click("fairnessBadge")
        assert f"Lane B, temperature: {then} then, 1.7 now" in panel(d).content.lines[0]
        await d.click_when_shown("fairness_restore")
        await d.until(lambda: badge(d).fairness.kind == "unchecked")
        assert lane.model.chain.number("temperature") == then
        number = d.window.page.view.conversation_id or 0
        d.window.chats.open(number)  # the same replies in other widgets
        d.window.page.view.show_conversation(d.history.load(number))
        d.window.page.view.lanes[1].model.set_values({"temperature": 1.7})
        await d.until(lambda: badge(d).fairness.kind == "changed")


async def test_stopping_a_check_leaves_no_result(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        d.click("fairnessBadge")
        await d.click_when_shown("fairness_check")
        await next_run(d, 1)
        await d.click_when_shown("fairness_stop")
        await d.until(lambda: not d.window.page.fairness.busy)
        await d.until(lambda: badge(d).text() == "Exact, not yet checked")


async def test_nothing_to_repeat_is_said_in_the_panel(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.commands.run("rerun")
        await d.until(lambda: panel(d).content.sentence == "There is nothing to run again.")
        assert panel(d).isVisible()


async def test_a_chat_keeps_its_badge_to_itself(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("hi")
        run.write(0, "hello")
        run.finish()
        await d.idle()
        assert not badge(d).isVisible()
        d.window.page._choose_mode("exact")
        d.window.commands.run("check")
        run = await next_run(d, 1)
        run.finish()
        await d.until(lambda: not d.window.page.fairness.busy)


async def test_a_small_toolbar_shortens_the_badge(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        await d.until(lambda: badge(d).isVisible())
        badge(d).set_short(True)
        assert badge(d).shown_text() == "Not checked"
        badge(d).set_shrunk(True)
        assert badge(d).shown_text() == ""
        assert badge(d).accessibleName() == "Exact, not yet checked"


# ---------------------------------------------------------------- files


async def test_a_saved_manifest_comes_back_as_a_conversation(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        files = d.window.page.run_files
        file = tmp_path / "manifest.json"
        await files.save_to(file)
        chain = d.window.page.view.lanes[1].model.chain
        seed = d.history.reply(d.window.page.view.lanes[1].reply_id).sampling["seed"]
        d.window.page.open_new()
        await files.open_from(file)
        view = d.window.page.view
        assert (len(view.lanes), view.prompt.text) == (2, "Which one?")
        assert view.lanes[1].model.chain == chain.with_seed(seed)
        assert view.mode == "exact"
        assert panel(d).isVisible()
        await again(d, "fairness_again", 5, 5)
        await d.until(lambda: panel(d).content.sentence.startswith("Reproduced"))


async def test_files_that_hold_no_run_are_refused(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        file = tmp_path / "x.json"
        file.write_text("[]")
        with pytest.raises(UserError, match="holds no run"):
            await d.window.page.run_files.open_from(file)
        with pytest.raises(UserError, match="no run to save"):
            await d.window.page.run_files.save_to(file)


# ---------------------------------------------------------------- seeds


def seed_field(d: Driver) -> SeedField:
    found = d.window.page.toolbar.seed
    assert isinstance(found, SeedField)
    return found


def choose(d: Driver, name: str) -> None:
    """An entry of the seed field's menu."""
    menu = seed_field(d)._choice.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.objectName() == name).trigger()


async def test_seeds_are_the_same_one_per_lane_or_random(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        choose(d, "seed_lane")
        assert seed_field(d).text == "per lane"
        d.click("addLaneButton")
        run = await d.send("hi")
        run.finish()
        await d.idle()
        seeds = [lane.chain.integer("seed") for lane in d.engine.runs[-1].lanes]
        assert len(set(seeds)) == 3
        for number, seed in enumerate(seeds):
            stats = d.find("laneStats", d.lane(number))
            assert f"seed {seed}" in stats.accessibleName()
        choose(d, "seed_same")
        assert seed_field(d).text == str(seeds[0])
        choose(d, "seed_random")
        assert seed_field(d).text == "random"
        run = await d.send("again")
        run.finish()
        await d.idle()
        assert len({lane.chain.integer("seed") for lane in d.engine.runs[-1].lanes}) == 1


def test_labels_of_the_panel_are_plain_text(qapp: QApplication) -> None:
    shown = FairnessPanel()
    for found in shown.findChildren(QLabel):
        assert found.textFormat().name == "PlainText"
    shown.deleteLater()


async def test_seeds_of_32_bits_reach_the_lanes(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        seed_field(d)._choose(4_294_967_294)
        assert d.window.page.view.lanes[0].model.chain.integer("seed") == 4_294_967_294


async def test_esc_and_f6_know_the_panel(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        await d.until(lambda: badge(d).isVisible())
        d.find("sidebarButton").setFocus()
        d.click("fairnessBadge")
        d.press("F6")
        assert d.window.focusWidget() is d.find("fairness_check")
        d.window.commands.run("stop")
        assert not panel(d).isVisible()
        assert d.window.focusWidget() is badge(d)


async def test_a_run_of_a_model_that_is_not_here_names_it(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        file = tmp_path / "run.json"
        await d.window.page.run_files.save_to(file)
        document = json.loads(file.read_text())
        document["model"] |= {"path": "/gone/other-Q4_K_M.gguf", "name": "other", "size_bytes": 9}
        for lane in document["lanes"]:
            lane["manifest"]["files"] = [
                {"path": "/gone/other-Q4_K_M.gguf", "size_bytes": 12_345, "sha256": "a" * 64}
            ]
        file.write_text(json.dumps(document))
        await d.window.page.run_files.open_from(file)
        await d.until(lambda: badge(d).fairness.kind == "changed")
        said = " ".join(panel(d).content.lines)
        assert "other-Q4_K_M.gguf (12,345 bytes, sha256 aaaa" in said
        await d.click_when_shown("fairness_restore")
        await d.until(lambda: panel(d).content.tone == "bad")
        assert "is not here" in panel(d).content.sentence
