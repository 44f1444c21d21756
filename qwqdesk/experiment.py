"""An experiment: a comparison with checks, as one value and as the file that people share.

Prompt, lanes and checks; the file states every value of every lane, so that it means the same
where the recipes have other values or other names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.analysis.checks import MAX_CHECKS, Check
from qwqdesk.conversation import LANE_LABELS, Mode
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import Recipe, one_line, recipe_id
from qwqdesk.sampling.samplers import RANDOM_SEED, RANDOM_SEEDS

FORMAT: Final = "qwqdesk.experiment"
VERSION: Final = 1
MAX_PROMPT: Final = 1 << 20
MAX_LABEL: Final = 40


@dataclass(frozen=True)
class Experiment:
    """What is asked, of whom, and what of every reply.

    `id` is its file's name and what the command line takes. `seed` is that of the first run;
    repeats count on from it. `about` says in a sentence or two what can be learned.
    """

    id: str
    title: str
    prompt: str
    lanes: tuple[LaneSetup, ...]
    checks: tuple[Check, ...] = ()
    about: str = ""
    system_prompt: str = ""
    mode: Mode = "exact"
    seed: int = 1
    builtin: bool = False

    @classmethod
    def of(
        cls, title: str, prompt: str, lanes: Sequence[LaneSetup], checks: Sequence[Check] = ()
    ) -> Experiment:
        """An experiment of the user; its id is made from the title.

        A seed that all lanes share is that of the first run, which repeats count on from.
        """
        title = one_line(title) or "Experiment"
        own, seed = _without_shared_seed(lanes, cls.seed)
        return cls(recipe_id(title), title, prompt, own, tuple(checks), seed=seed)

    def setups(self, seed: int | None = None) -> tuple[LaneSetup, ...]:
        """The lanes with the run's seed, where a lane has none of its own."""
        run_seed = self.seed if seed is None else seed
        return tuple(
            lane if _has_own_seed(lane) else replace(lane, user={**lane.user, "seed": run_seed})
            for lane in self.lanes
        )

    def to_json(self) -> dict[str, Any]:
        """The experiment as its file holds it: strict JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.id,
            "title": self.title,
            "about": self.about,
            "system_prompt": self.system_prompt,
            "prompt": self.prompt,
            "mode": self.mode,
            "seed": self.seed,
            "lanes": [_lane_json(lane) for lane in self.lanes],
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(
        cls, data: object, recipes: Mapping[str, Recipe], *, name: str = "", builtin: bool = False
    ) -> Experiment:
        """The experiment of a file.

        Args:
            data: the parsed file.
            recipes: by their ids; a lane whose recipe is another one here keeps its own values.
            name: replaces the id that the file states.

        Raises:
            UserError: code "experiment", or that of the value that is wrong.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise _wrong("This is not an experiment of QwQ Desk.", f'Its format is "{FORMAT}".')
        if data.get("version") != VERSION:
            raise _wrong(
                f"The experiment has version {shown(data.get('version'))}; {VERSION} can be read.",
                "Update QwQ Desk to read it.",
            )
        title = one_line(_text(data, "title", 200))
        mode: Mode = "fast" if data.get("mode") == "fast" else "exact"
        lanes, seed = _without_shared_seed(
            _lanes(data.get("lanes"), recipes), _seed(data.get("seed", cls.seed))
        )
        return cls(
            id=recipe_id(name or _text(data, "name", 200) or title),
            title=title or "Experiment",
            prompt=_prompt(data),
            lanes=lanes,
            checks=_checks(data.get("checks", [])),
            about=one_line(_text(data, "about", 2000)),
            system_prompt=_text(data, "system_prompt", MAX_PROMPT),
            mode=mode,
            seed=seed,
            builtin=builtin,
        )


def _has_own_seed(lane: LaneSetup) -> bool:
    """Whether the lane was given a seed; a recipe's counts no more than a random one."""
    return lane.user.get("seed", RANDOM_SEED) not in RANDOM_SEEDS


def _without_shared_seed(
    lanes: Sequence[LaneSetup], seed: int
) -> tuple[tuple[LaneSetup, ...], int]:
    """The lanes without a seed that all of them were given, and that as the first run's.

    Kept in the lanes, it would make every repeat the same run.
    """
    given = {lane.user.get("seed", RANDOM_SEED) for lane in lanes}
    if len(given) != 1:
        return tuple(lanes), seed
    shared = int(given.pop())
    plain = (
        replace(lane, user={n: v for n, v in lane.user.items() if n != "seed"}) for lane in lanes
    )
    return tuple(plain), seed if shared in RANDOM_SEEDS else shared


def _lane_json(lane: LaneSetup) -> dict[str, Any]:
    """The set-up, and every value that it comes to."""
    return {**lane.to_json(), "sampling": lane.resolved().chain.to_json()}


def _lanes(data: object, recipes: Mapping[str, Recipe]) -> tuple[LaneSetup, ...]:
    most = len(LANE_LABELS)
    if not isinstance(data, list) or not 0 < len(data) <= most:
        raise _wrong("The experiment has no lanes, or too many.", f"Give it 1 to {most} lanes.")
    lanes = [_lane(entry, LANE_LABELS[n], recipes) for n, entry in enumerate(data)]
    if len({lane.label for lane in lanes}) != len(lanes):
        raise _wrong("Two lanes have the same label.", "Give each lane its own.")
    return tuple(lanes)


def _lane(data: object, letter: str, recipes: Mapping[str, Recipe]) -> LaneSetup:
    if not isinstance(data, Mapping):
        raise _wrong("A lane is not written as one.", 'Write it as {"recipe": "qwen"}.')
    label = data.get("label", letter)
    if not isinstance(label, str) or not 0 < len(label) <= MAX_LABEL or not label.isprintable():
        raise _wrong("A lane has no usable label.", f"Use 1 to {MAX_LABEL} characters.")
    plain = {name: value for name, value in data.items() if name != "sampling"}
    setup = LaneSetup.from_json({**plain, "label": label}, recipes)
    name = data.get("recipe")
    if "sampling" not in data:
        if name is not None and setup.recipe is None:
            raise _wrong(f"There is no recipe {shown(name)!r}.", "State the lane's sampling.")
        return setup
    chain = SamplerChain.from_json(data["sampling"])
    if setup.resolved().chain.to_json() == chain.to_json():
        return setup
    # The recipe has other values here, or is not here; its seed was never the lane's own.
    return setup.with_chain(chain).with_seed(setup.user.get("seed", RANDOM_SEED))


def _checks(data: object) -> tuple[Check, ...]:
    if not isinstance(data, list) or len(data) > MAX_CHECKS:
        raise _wrong("The checks are no list, or too many.", f"At most {MAX_CHECKS} can be read.")
    return tuple(Check.from_json(entry) for entry in data)


def _prompt(data: Mapping[str, Any]) -> str:
    prompt = _text(data, "prompt", MAX_PROMPT)
    if not prompt.strip():
        raise _wrong("The experiment asks nothing.", "Give it a prompt.")
    return prompt


def _text(data: Mapping[str, Any], name: str, most: int) -> str:
    text = data.get(name, "")
    if not isinstance(text, str) or len(text) > most:
        raise _wrong(f"{name!r} is not a text of at most {most:,} characters.", "Fix the file.")
    return text.encode("utf-8", "replace").decode("utf-8")


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32 - 1:
        raise _wrong("The seed is not a whole number from 0 to 4294967294.", "Fix the file.")
    return value


def _wrong(what: str, todo: str) -> UserError:
    return UserError(what, todo, code="experiment")
