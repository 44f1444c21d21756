"""Whether what the hub offers fits this machine: headers read by Range, and what to suggest.

One header is enough for all quantizations of a model: layers, heads and lengths are the same, and
the weights grow or shrink with the size of the files.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.expectations import expectation
from qwqdesk.models.fit import Fit, FitKind, FreeMemory, fit, scaled
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import StopSwitch, Waits
from qwqdesk.models.quants import bits_per_weight, is_foreign
from qwqdesk.models.shape import ModelShape, model_shape

HEADERS_AT_MOST = 6
HEADER_WAITS = Waits(connect=5.0, read=5.0)
HEADERS_TIME = 15.0
GB = 10**9
_PLACES: tuple[FitKind, ...] = ("gpu", "partial", "cpu")
# Below it models lose too much; above it files grow without a visible gain. Off the GPU the speed
# goes with the size, so that less is better there.
_GOOD_FROM, _GOOD_TO = 3.4, {"gpu": 6.7, "partial": 5.1, "cpu": 5.1}


@dataclass(frozen=True)
class Headers:
    """What headers said: the shape of each quantization by its label, as if it were loaded whole.

    `parameters` counts the weights of a model whose whole header was read. `problem` is why some
    could not be read.
    """

    shapes: Mapping[str, ModelShape] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    problem: UserError | None = None


@dataclass(frozen=True)
class Suggestion:
    """A label and the sentence that says why."""

    label: str
    why: str


def read_headers(hub: Hub, found: Repository, stop: StopSwitch | None = None) -> Headers:
    """Read one header of each model in a repository; takes `HEADERS_TIME` seconds at most.

    Blocks: use it on a worker thread.

    Raises:
        Stopped: `stop` was thrown by somebody else than the time limit.
    """
    switch, ended = stop or StopSwitch(), threading.Event()

    def end() -> None:
        ended.set()
        switch.throw()

    timer = threading.Timer(HEADERS_TIME, end)
    timer.daemon = True
    timer.start()
    try:
        whole, problem = _read(Hub(hub.site, HEADER_WAITS), found, switch)
    finally:
        timer.cancel()
    if switch.on and not ended.is_set():
        raise Stopped
    shapes: dict[str, ModelShape] = {}
    parameters: dict[str, int] = {}
    for row in found.quantizations:
        shape = whole.get(_model_of(row))
        if shape is not None:
            shapes[row.label] = scaled(shape, row.size_bytes)
            parameters[row.label] = shape.parameter_count if all(shape.layer_bytes) else 0
    return Headers(shapes, parameters, problem)


def fits(
    shapes: Mapping[str, ModelShape], free: FreeMemory, settings: EngineSettings | None = None
) -> dict[str, Fit]:
    """How each quantization with a known shape fits, by label."""
    return {label: fit(shape, free, settings) for label, shape in shapes.items()}


def bits_of(row: Quantization, parameters: int) -> float | None:
    """Bits per weight of the files; of the type alone where the number of weights is not known."""
    if parameters > 0 and row.complete:
        return row.size_bytes * 8 / parameters
    return bits_per_weight(row.kind)


def suggestion(
    rows: Sequence[Quantization], parameters: Mapping[str, int], found: Mapping[str, Fit]
) -> Suggestion | None:
    """The quantization to recommend and why; None when none fits.

    The best place wins (GPU before partly GPU before memory) unless only very small types fit
    there; in it the most bits that are worth their size.
    """
    known = [
        (bits, row.label, found[row.label])
        for row in rows
        if row.complete
        and not is_foreign(row.kind)
        and row.label in found
        and (bits := bits_of(row, parameters.get(row.label, 0))) is not None
    ]
    for lowest in (_GOOD_FROM, 0.0):
        for place in _PLACES:
            there = [each for each in known if each[2].kind == place]
            good = [each for each in there if lowest <= each[0] <= _GOOD_TO[place]]
            if not good and not lowest:
                good = sorted(there)[:1]
            if good:
                chosen = max(good, key=lambda each: (each[0], each[1]))
                return Suggestion(chosen[1], _why(chosen[1], chosen[2], chosen == max(there)))
    return None


def _why(label: str, chosen: Fit, largest: bool) -> str:
    where = "on the GPU" if chosen.kind == "gpu" else "in memory"
    if chosen.kind == "partial":
        place = f"with {chosen.gpu_layers} of {chosen.layers} layers on the GPU"
        return f"{label} is a good balance {place}: {_sum(chosen)}"
    if largest:
        return f"{label} is the largest that fits {where}: {_sum(chosen)}"
    words = expectation(label)
    quality = f" ({words[0].lower()}{words[1:]})" if words else ""
    return f"{label} fits {where}{quality}: {_sum(chosen)}"


def _sum(chosen: Fit) -> str:
    weights = chosen.needed - chosen.cache - chosen.buffers
    unit, name = (GB, "GB") if chosen.needed >= GB else (10**6, "MB")
    digits = 1 if unit == GB else 0
    parts = [f"{part / unit:.{digits}f}" for part in (weights, chosen.cache, chosen.buffers)]
    total = f"{chosen.needed / unit:.{digits}f} {name}"
    return f"{parts[0]} + {parts[1]} cache + {parts[2]} buffers = {total}"


def _read(
    hub: Hub, found: Repository, stop: StopSwitch
) -> tuple[Mapping[str, ModelShape], UserError | None]:
    """The shape of each model in a repository, from its smallest whole file."""
    shapes: dict[str, ModelShape] = {}
    asked: set[str] = set()
    problem: UserError | None = None
    for row in sorted(found.quantizations, key=lambda row: len(row.files)):
        kind = _model_of(row)
        if kind in asked or len(asked) >= HEADERS_AT_MOST:
            continue
        asked.add(kind)
        try:
            shape = model_shape(hub.header(found.repo, found.commit, row.files[0], stop))
        except Stopped:
            problem = problem or UserError("Reading the header takes too long.", "Try it again.")
            break
        except UserError as error:
            problem = problem or error
            if error.code in ("network", "timeout", "gated_login", "gated_ask", "token"):
                break  # the next one would wait as long, or be refused as well
            continue
        if shape.block_count:
            shapes[kind] = shape
    return shapes, problem


def _model_of(row: Quantization) -> str:
    """Rows that differ only in their label are the same model."""
    name = row.stem.rpartition("/")[2].lower()
    label = row.kind.lower()
    return name.replace(label, "").replace(label.replace("ud-", ""), "").strip("-_.")
