"""The trial's child process: everything of a load but the weights; a crash here is the answer.

`python -m qwqdesk.engine.trial_child MODEL SETTINGS`, the settings as JSON. A file that is refused
in words passes: the real load will say the same words.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain

# Every kind of byte, line ends, other scripts, something that looks like a special token.
_TEXT = "Hi \n\t 12 é 한 🙂 <|im_start|> \x01" + "".join(map(chr, range(256)))
_PIECES = 4000


def main(arguments: list[str]) -> int:
    """Read the header, use the vocabulary, plan a context."""
    settings = EngineSettings.from_json(json.loads(arguments[1]))
    with contextlib.suppress(UserError):
        model = LlamaModel(
            LlamaLibrary(),
            Path(arguments[0]),
            settings,
            use_extra_bufts=False,
            progress=lambda _fraction: True,
            without_weights=True,
        )
        _use_vocabulary(model)
        LlamaContext(model, streams=1, lanes=1, unified=False).close()
        model.close()
    return 0


def _use_vocabulary(model: LlamaModel) -> None:
    """Tokenize, spell tokens out, and build the chain whose steps read the vocabulary."""
    for special in (False, True):
        model.tokenize(_TEXT, add_special=special, parse_special=special)
    step = max(model.n_vocab // _PIECES, 1)
    for token in range(0, model.n_vocab, step):
        model.piece(token)
        model.is_end(token)
    model.chain(SamplerChain.of(dry_multiplier=0.5, seed=1)).close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
