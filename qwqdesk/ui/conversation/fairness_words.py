"""What the fairness panel says in each state: plain values, no widgets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from qwqdesk.fairness import SELF_TEST_TOKENS, Fairness, SelfTest, Tone
from qwqdesk.rerun import LaneOutcome, RerunResult
from qwqdesk.run_conditions import Conditions
from qwqdesk.ui.conversation.fairness_panel import PanelAct, PanelContent, Verdict
from qwqdesk.ui.conversation.wording import count

CHECK = PanelAct("check", "Check", "scale")
AGAIN = PanelAct("again", "Run again", "rotate-ccw")
STOP = PanelAct("stop", "Stop", "square")
RESTORE = PanelAct("restore", "Use this run's settings", "undo-2")
_MOST_CHANGES = 8


def state_content(
    fairness: Fairness,
    test: SelfTest | None,
    conditions: Conditions | None,
    changed: Sequence[str],
    tokens: int | None,
) -> PanelContent:
    """A state at rest.

    Args:
        conditions: of the shown run, else of the loaded model; None without either.
        tokens: of the shown reply of the lane that can be checked; None when nothing can be run
            again.
    """
    sentence, lines = _state_words(fairness, test, changed)
    if conditions is not None:
        lines = (*lines, conditions_words(conditions))
    return PanelContent(
        fairness.tone, fairness.icon, sentence, lines, acts=_acts(fairness, test, tokens)
    )


def _state_words(
    fairness: Fairness, test: SelfTest | None, changed: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    if fairness.kind == "fair" and test is not None:
        return f"Lane {test.label} gave the same {count(test.tokens)} twice.", (_when(test),)
    if fairness.kind == "unfair" and test is not None:
        return (
            f"Lane {test.label}, run again, gave other tokens from token {test.differs_at:,} on.",
            (
                "Model, settings and seed were the same: lanes may differ here without a cause in "
                "their chains. A build with other devices or fewer GPU layers may help.",
                _when(test),
            ),
        )
    if fairness.kind == "changed":
        return "What would run now is not what ran.", (_listed(changed),)
    if fairness.kind == "fast":
        return (
            "In fast mode lanes share their batches, so the same seed can give another text.",
            ("Send again in exact mode for a comparison that can be repeated.",),
        )
    return (
        "Not yet checked whether a lane gives the same tokens twice here.",
        (
            "Lanes are computed so that each writes as if it were alone. Checking runs the first "
            f"lane twice, side by side, for {SELF_TEST_TOKENS} tokens at most.",
        ),
    )


def _acts(fairness: Fairness, test: SelfTest | None, tokens: int | None) -> tuple[PanelAct, ...]:
    if tokens is None:
        return ()
    acts = [AGAIN]
    if fairness.kind in ("unchecked", "unfair", "fair"):
        acts.insert(0, CHECK if test is None else PanelAct("check", "Check again", "scale"))
        if tokens > SELF_TEST_TOKENS and (test is None or test.tokens < tokens):
            acts.append(PanelAct("check_all", f"Check all {tokens:,} tokens", flat=True))
    if fairness.kind == "changed":
        acts.append(RESTORE)
    return tuple(acts)


def running_content(what: str, counts: Mapping[str, int], total: int) -> PanelContent:
    """While it runs."""
    done = sum(counts.values())
    line = f"{done:,} of {count(total)}" if done else "Reading the prompt"
    return PanelContent("neutral", "scale", what, (line,), acts=(STOP,))


def loading_content(model: str, fraction: float) -> PanelContent:
    """A lane's own model is loaded first."""
    return PanelContent("neutral", "scale", f"Loading {model}", (f"{fraction:.0%}",))


def result_content(
    result: RerunResult, letters: Mapping[str, str], conditions: Conditions
) -> PanelContent:
    """A rerun's result; `letters` are the lanes' labels as they are shown."""
    reproduced = result.reproduced
    tone: Tone = "bad"
    if reproduced:
        tone = "good"
    elif result.stopped or not result.expected:
        tone = "neutral"
    lines = [*result.notes]
    if result.changed:
        effect = ", without an effect here" if reproduced else ""
        lines.append(f"Changed since the run{effect}: {_listed(result.changed)}")
    elif result.reason:
        lines.append(result.reason)
    return PanelContent(
        tone,
        "circle-check" if reproduced else "git-fork",
        result.sentence,
        (*lines, conditions_words(conditions)),
        tuple(_verdict(lane, letters) for lane in result.lanes),
        (AGAIN, RESTORE) if result.changed else (AGAIN,),
    )


def _listed(changed: Sequence[str]) -> str:
    """The changes in one line."""
    shown = " · ".join(sentence.rstrip(".") for sentence in changed[:_MOST_CHANGES])
    more = len(changed) - _MOST_CHANGES
    return f"{shown} · {more} more" if more > 0 else shown


def _verdict(lane: LaneOutcome, letters: Mapping[str, str]) -> Verdict:
    letter = letters.get(lane.label, lane.label)
    badge, _, words = lane.words.partition(": ")
    return Verdict(letter, "good" if lane.equal else "bad", badge[:1].upper() + badge[1:], words)


def error_content(what: str, what_to_do: str) -> PanelContent:
    """It could not run."""
    return PanelContent("bad", "circle-alert", what, (what_to_do,) if what_to_do else ())


def conditions_words(conditions: Conditions) -> str:
    """On what: build, device, threads, model."""
    engine = conditions.engine
    threads = engine.get("n_threads")
    parts = [
        conditions.model.title,
        conditions.build,
        ", ".join(conditions.devices),
        count(threads, "thread") if isinstance(threads, int) else "",
        f"sha256 {conditions.model.sha256[0][:12]}…" if conditions.model.sha256 else "",
    ]
    return " · ".join(part for part in parts if part)


def _when(test: SelfTest) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(test.when))
    return f"Checked {when}. It holds for this model file, engine build and settings."
