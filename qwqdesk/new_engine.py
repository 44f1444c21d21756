"""The engine of an installation, with what keeps native code from ending the program."""

from __future__ import annotations

from qwqdesk.engine.dry_load import DryLoad
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.probe import ExtraBuffersProbe
from qwqdesk.engine.trial import LoadTrial
from qwqdesk.paths import DataDirs
from qwqdesk.resources import resource

PROBE_MODEL = "qwqdesk-demo-Q8_0.gguf"


def new_engine(dirs: DataDirs) -> Engine:
    """An engine with this installation's probe and trial; the same for window and command line."""
    probe = ExtraBuffersProbe(dirs.probe, resource("models", PROBE_MODEL))
    trial = LoadTrial(dirs.trials, resource("models"))
    dry_load = DryLoad(dirs.dry_loads)
    return Engine(extra_buffers_safe=probe, trial=trial, dry_load=dry_load)
