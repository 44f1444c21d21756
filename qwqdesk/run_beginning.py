"""Before the first token: whether a run fits, and under which conditions it is made."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.engine.engine import check_room
from qwqdesk.engine.events import Loaded
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.late_hashes import LateHashes
from qwqdesk.load_plan import LoadPlan
from qwqdesk.manifest import RunConditions, vocabulary_name
from qwqdesk.prompt import Prompt
from qwqdesk.run_plan import RunBegan, RunOptions
from qwqdesk.sampling.resolve import Resolved


def plan_run(
    loaded: Loaded,
    plan: LoadPlan,
    lanes: Sequence[LaneSetup],
    resolved: Sequence[Resolved],
    prompts: Sequence[Prompt],
    options: RunOptions,
    checksums: LateHashes,
) -> RunBegan:
    """The run as it will be made, without a place in the history yet.

    Raises:
        UserError: code "prompt_too_long", "empty_prompt" or "memory".
    """
    check_room((prompt.given_tokens for prompt in prompts), loaded.engine.n_ctx)
    sequential = _sequential(plan, len(lanes), options)
    return RunBegan(
        0,
        0,
        (0,) * len(lanes),
        tuple(lanes),
        tuple(resolved),
        tuple(prompts),
        options.mode,
        sequential,
        RunConditions(
            options.mode,
            options.loop_guard,
            sequential,
            checksums.files(loaded.model.path),
            checksums.library,
            options.raw,
            vocabulary_name(loaded.model),
        ),
        tuple(options.rules(lane) for lane in lanes),
    )


def _sequential(plan: LoadPlan, lanes: int, options: RunOptions) -> bool:
    """Whether lanes must run one after another, because their caches do not fit together.

    Raises:
        UserError: code "memory", in fast mode, which has no such way.
    """
    fits = plan.lanes_fit(lanes)
    if options.mode == "fast" and not fits:
        raise UserError(
            f"The caches of {lanes} lanes do not fit into memory together.",
            "Use exact mode, which runs them one after another, or a smaller context.",
            code="memory",
        )
    return not fits
