"""The trial's child process: all of a load that can be done quickly; a crash here is the answer.

`python -m qwqdesk.engine.trial_child SETTINGS MODEL...`, the settings as JSON, the model's files in
order. A file that is refused in words passes: the real load will say the same words.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.engine.llama_ggml import Ggml, loaded_libraries
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.trial import OUT_OF_MEMORY
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain

# Every kind of byte, line ends, other scripts, something that looks like a special token.
_TEXT = "Hi \n\t 12 é 한 🙂 <|im_start|> \x01" + "".join(map(chr, range(256)))
_PIECES = 4000
# What llama.cpp and the system say in their logs; a load that hears it here would risk more there.
_MEMORY_WORDS = ("bad_alloc", "failed to allocate", "Cannot allocate memory")
_SMALL = 256 << 20
"""Bytes of a model that is loaded whole: some tenths of a second, and the load reads them again."""


def main(arguments: list[str]) -> int:
    """Do what a load does, of a small model everything, and compute a token."""
    be_first_to_go()
    settings = EngineSettings.from_json(json.loads(arguments[0]))
    files = [Path(argument) for argument in arguments[1:]]
    try:
        _try(settings, files)
    except MemoryError:
        return OUT_OF_MEMORY
    except UserError:
        said = "\n".join(LlamaLibrary.messages)
        return OUT_OF_MEMORY if any(words in said for words in _MEMORY_WORDS) else 0
    return 0


def _try(settings: EngineSettings, files: Sequence[Path]) -> None:
    whole = sum(file.stat().st_size for file in files) <= _SMALL
    model = LlamaModel(
        LlamaLibrary(),
        files[0],
        settings,
        use_extra_bufts=False,
        progress=lambda _fraction: True,
        without_weights=not whole,
    )
    _use_vocabulary(model)
    context = LlamaContext(model, streams=1, lanes=1, unified=False)
    if whole:
        context.decode([(0, model.n_vocab // 2, 0)], outputs=False)
    context.close()
    model.close()
    if settings.use_mmap and not whole:
        ggml = Ggml(loaded_libraries())
        for file in files:
            ggml.use_mapped(file)


def be_first_to_go() -> None:
    """Where memory is short, Linux shall end this process and not the program."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


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
