"""The probe's child process: load a tiny model, decode a few tokens, exit with 0.

`python -m qwqdesk.engine.probe_child MODEL extra|plain`; a crash here is the answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings


def main(arguments: list[str]) -> int:
    """Decode a batch and a single token: both paths use the extra buffers."""
    path, way = Path(arguments[0]), arguments[1]
    model = LlamaModel(
        LlamaLibrary(),
        path,
        EngineSettings(n_ctx=256, n_gpu_layers=0, devices="none"),  # no GPU is asked either
        use_extra_bufts=way == "extra",
        progress=lambda _fraction: True,
    )
    context = LlamaContext(model, streams=1, lanes=1, unified=False)
    tokens = list(range(5, 69))
    context.prefill(0, tokens, 0, last=True)
    context.decode([(0, 7, len(tokens))], outputs=False)
    context.close()
    model.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
