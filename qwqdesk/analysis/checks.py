"""What an experiment asks of every reply: "the program parses", "the answer is 3".

One table, `CHECKS`, knows each kind: its words, its values, and how it is decided. A check looks
at text and counts only; nothing of a model's is ever run, and there are no patterns of users that
could take for ever to match.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from qwqdesk.analysis.code_blocks import code_blocks
from qwqdesk.analysis.code_check import CodeCheck
from qwqdesk.analysis.statistics import seq_rep_n
from qwqdesk.conversation import FinishReason, Loop
from qwqdesk.errors import UserError

ValueKind = Literal["text", "texts", "number", "count"]

MAX_CHECKS: Final = 30
_MAX_TEXT: Final = 2_000
_MAX_TEXTS: Final = 50
_MAX_JSON: Final = 1 << 20
_SHOWN: Final = 60
_NUMBER: Final = re.compile(r"[-\u2212+]?(?:\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.\d{1,30})?")
_BOXED: Final = re.compile(r"\\boxed\{([^{}]{0,200})\}")
_BOLD: Final = re.compile(r"\*\*([^*\n]{1,80})\*\*")


@dataclass(frozen=True)
class Checked:
    """What checks look at: one finished reply. `closed` is whether its reasoning ended; None
    where it had none.

    `tokens` are generated ids; `code` the checks of its Python blocks.
    """

    answer: str
    tokens: Sequence[int]
    finish_reason: FinishReason | None
    closed: bool | None = None
    loop: Loop | None = None
    code: Sequence[CodeCheck] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a reply passed one check, and why in a few words.

    `passed` is None where the check has nothing to look at: such a reply counts neither as one
    that passed nor as one that failed.
    """

    passed: bool | None
    words: str

    @property
    def applies(self) -> bool:
        """Whether there was something to look at."""
        return self.passed is not None


def passed_all(verdicts: Iterable[Verdict]) -> bool | None:
    """Whether every check that applies was passed; None where none of several applies."""
    every = tuple(verdicts)
    known = [verdict.passed for verdict in every if verdict.applies]
    return all(known) if known or not every else None


@dataclass(frozen=True)
class CheckKind:
    """One kind. `title` is a sentence with the values in braces; `values` says what it takes."""

    name: str
    title: str
    decide: Callable[[Checked, Mapping[str, Any]], Verdict]
    values: Mapping[str, ValueKind] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check of an experiment: a kind with its values.

    Raises:
        UserError: code "check", for an unknown kind or values that do not belong to it.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = CHECKS_BY_NAME.get(self.name)
        if kind is None:
            known = ", ".join(CHECKS_BY_NAME)
            raise _wrong(f"There is no check {_short(self.name)!r}.", f"The checks are: {known}.")
        given = {name: _read(self.name, name, kind, self.values) for name in kind.values}
        extra = set(self.values) - set(kind.values)
        if extra:
            raise _wrong(
                f"The check {self.name} takes no {_short(sorted(map(str, extra))[0])!r}.",
                f"It takes: {', '.join(kind.values) or 'nothing'}.",
            )
        object.__setattr__(self, "values", given)

    def __hash__(self) -> int:
        return hash((self.name, json.dumps(self.to_json(), sort_keys=True)))

    @property
    def title(self) -> str:
        """The check in words."""
        shown = {name: _in_words(name, value) for name, value in self.values.items()}
        return CHECKS_BY_NAME[self.name].title.format(**shown)

    def verdict(self, reply: Checked) -> Verdict:
        """Decide for one reply."""
        return CHECKS_BY_NAME[self.name].decide(reply, self.values)

    def to_json(self) -> dict[str, Any]:
        """`{"check": name, ...values}`."""
        plain = {n: list(v) if isinstance(v, tuple) else v for n, v in self.values.items()}
        return {"check": self.name, **plain}

    @classmethod
    def from_json(cls, data: object) -> Check:
        """What `to_json` wrote.

        Raises:
            UserError: code "check".
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("check"), str):
            raise _wrong("A check is not written as one.", 'Write it as {"check": "finished"}.')
        return cls(data["check"], {str(n): v for n, v in data.items() if n != "check"})


# ---------------------------------------------------------------- deciding


def _does_not_apply(why: str) -> Verdict:
    return Verdict(None, f"does not apply: {why}")


def _finished(reply: Checked, _values: Mapping[str, Any]) -> Verdict:
    words = {"stop": "finished", "length": "length limit", "loop": "looped, stopped",
             "cancelled": "stopped", "error": "failed", None: "not finished"}  # fmt: skip
    return Verdict(reply.finish_reason == "stop", words[reply.finish_reason])


def _reasoning_closed(reply: Checked, _values: Mapping[str, Any]) -> Verdict:
    if reply.closed is None:
        return _does_not_apply("no reasoning")
    return Verdict(reply.closed, "closed" if reply.closed else "not closed")


def _no_loop(reply: Checked, _values: Mapping[str, Any]) -> Verdict:
    if not reply.tokens:
        return _does_not_apply("nothing written")
    if reply.loop is None:
        return Verdict(True, "no loop")
    return Verdict(False, f"loops from token {reply.loop.from_token + 1:,}")


def _python_parses(reply: Checked, _values: Mapping[str, Any]) -> Verdict:
    if not reply.code:
        return Verdict(False, "no Python")
    bad = [check for check in reply.code if check.parses is False]
    if bad:
        line = bad[0].problems[0].line if bad[0].problems else 1
        return Verdict(False, f"does not parse, line {line}")
    if any(check.parses is None for check in reply.code):
        return _does_not_apply("too long or nested too deep to be parsed")
    return Verdict(True, "parses")


def _python_clean(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    parses = _python_parses(reply, values)
    if not parses.passed:
        return parses
    count = sum(len(check.problems) for check in reply.code)
    if not count:
        return Verdict(True, "no errors found")
    return Verdict(False, f"{count} {'error' if count == 1 else 'errors'}")


def _contains(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    answer = reply.answer.casefold()
    found = next((text for text in values["texts"] if text.casefold() in answer), None)
    return Verdict(found is not None, "not found" if found is None else f"has {_short(found)!r}")


def _lacks(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    if not reply.answer.strip():
        return _does_not_apply("no answer")
    found = _contains(reply, values)
    return Verdict(not found.passed, found.words)


def _number(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    """The number in the last box, else the last one in bold, else the last one."""
    found = (_last_number(text) for text in _emphasis(reply.answer))
    text = next((number for number in found if number is not None), None)
    if text is None:
        return Verdict(False, "no number")
    return Verdict(
        math.isclose(float(text), values["number"], rel_tol=1e-9, abs_tol=1e-9), f"says {text}"
    )


def _emphasis(answer: str) -> Iterator[str]:
    """Where models put their final number, the surest place first."""
    for pattern in (_BOXED, _BOLD):
        yield " ".join(pattern.findall(answer))
    yield answer


def _last_number(text: str) -> str | None:
    numbers = _NUMBER.findall(text)
    return numbers[-1].replace(",", "").replace("\u2212", "-") if numbers else None


def _json(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    """The answer, or its only code block, is one JSON object with these keys."""
    blocks = code_blocks(reply.answer)
    text = blocks[0].text if len(blocks) == 1 else reply.answer
    if len(text) > _MAX_JSON:
        return Verdict(False, "too long for JSON")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return Verdict(False, "no JSON")
    if not isinstance(data, dict):
        return Verdict(False, "no JSON object")
    missing = [key for key in values["keys"] if key not in data]
    return Verdict(not missing, f"lacks {_short(missing[0])!r}" if missing else "JSON")


def _words(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    count = len(reply.answer.split())
    return Verdict(values["at_least"] <= count <= values["at_most"], f"{count:,} words")


def _repetition(reply: Checked, values: Mapping[str, Any]) -> Verdict:
    share = seq_rep_n(reply.tokens, 4)
    if share is None:
        return _does_not_apply("too short to repeat")
    return Verdict(share <= values["at_most"], f"seq-rep-4 {share:.2f}")


CHECKS: Final[tuple[CheckKind, ...]] = (
    CheckKind("finished", "The reply ends by itself", _finished),
    CheckKind("reasoning-closed", "The reasoning is closed", _reasoning_closed),
    CheckKind("no-loop", "Nothing loops", _no_loop),
    CheckKind("python-parses", "The Python parses", _python_parses),
    CheckKind("python-clean", "No errors are found in the Python", _python_clean),
    CheckKind("contains", "The answer says {texts}", _contains, {"texts": "texts"}),
    CheckKind("lacks", "The answer does not say {texts}", _lacks, {"texts": "texts"}),
    CheckKind("number", "The answer is {number}", _number, {"number": "number"}),
    CheckKind("json", "The answer is a JSON object with {keys}", _json, {"keys": "texts"}),
    CheckKind(
        "words", "The answer has {at_least} to {at_most} words", _words,
        {"at_least": "count", "at_most": "count"},
    ),
    CheckKind(
        "repetition", "At most {at_most} of its 4-grams repeat", _repetition,
        {"at_most": "number"},
    ),
)  # fmt: skip
CHECKS_BY_NAME: Final[Mapping[str, CheckKind]] = {kind.name: kind for kind in CHECKS}


# ---------------------------------------------------------------- values from files


def _read(check: str, name: str, kind: CheckKind, values: Mapping[str, Any]) -> object:
    if name not in values:
        raise _wrong(f"The check {check} has no {name!r}.", "Give it one.")
    value, wanted = values[name], kind.values[name]
    reader = {"text": _text, "texts": _texts, "number": _finite, "count": _count}[wanted]
    try:
        return reader(value)
    except ValueError as error:
        raise _wrong(f"{name!r} of the check {check} is wrong.", f"It must be {error}.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise ValueError(f"a text of 1 to {_MAX_TEXT:,} characters")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value),)
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _MAX_TEXTS:
        raise ValueError(f"a text or a list of 1 to {_MAX_TEXTS} texts")
    return tuple(_text(item) for item in value)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number")
    if isinstance(value, int) and abs(value) > 2**63:
        raise ValueError("a number of ordinary size")
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError("a whole number from 0")
    return value


def _in_words(name: str, value: object) -> str:
    if isinstance(value, tuple):
        between = ", " if name == "keys" else " or "
        return between.join(repr(_short(text)) for text in value[:4])
    return f"{value:,}" if isinstance(value, int) else str(value)


def _short(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)
    clean = clean.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _wrong(what: str, todo: str) -> UserError:
    return UserError(what, todo, code="check")
