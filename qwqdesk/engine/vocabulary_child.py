"""The child process of `vocabulary.py`: a vocabulary in native code, questions and answers in JSON.

`python -m qwqdesk.engine.vocabulary_child MODEL`; one line in, one line out. The first line out has
the facts, or the error in words.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_vocabulary import LlamaVocabulary
from qwqdesk.errors import UserError


def main(arguments: list[str]) -> int:
    """Answer until standard input ends."""
    answers = _own_standard_output()
    try:
        vocabulary = LlamaVocabulary(LlamaLibrary(), Path(arguments[0]))
    except UserError as error:
        _say(answers, {"error": [error.what, error.what_to_do, error.code]})
        return 0
    _say(answers, {"facts": vocabulary.facts()})
    for line in sys.stdin:
        asked = json.loads(line)
        tokens = vocabulary.cut(
            asked["text"], add_special=asked["add"], parse_special=asked["parse"]
        )
        rows = [[token.id, token.piece.hex(), token.special] for token in tokens]
        _say(answers, {"tokens": rows})
    return 0


def _own_standard_output() -> TextIO:
    """Answers go where nothing native can print between them."""
    kept = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return kept


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
