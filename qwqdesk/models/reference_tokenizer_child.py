"""The child process of `reference_tokenizer.py`: one text in, its ids out, as JSON.

A `tokenizer.json` beside the model is used where there is one. Else transformers builds its
tokenizer from the model file's own vocabulary, which this program reads for it: its own reader
wants PyTorch.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qwqdesk.models.gguf import GgufArray, read_header
from qwqdesk.models.gguf_arrays import read_numbers, read_strings

_PREFIX = "tokenizer."


def main(arguments: list[str]) -> int:
    """Answer on the last line of standard output."""
    path = Path(arguments[0]).absolute()
    asked = json.loads(sys.stdin.read())
    answer = _answer(path, asked["text"], add_special=asked["add"] is True)
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
    return 0


def _answer(path: Path, text: str, *, add_special: bool) -> dict[str, Any]:
    try:
        import transformers

        beside = path.parent / "tokenizer.json"
        backend = _from_file(beside) if beside.is_file() else _from_gguf(path)
        ids = backend.encode(text, add_special_tokens=add_special).ids
        return {"version": transformers.__version__, "ids": list(ids)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def _from_file(path: Path) -> Any:  # noqa: ANN401 - a class of another package
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def _from_gguf(path: Path) -> Any:  # noqa: ANN401 - a class of another package
    from transformers.integrations import gguf

    names = gguf.GGUF_TOKENIZER_MAPPING["tokenizer"]
    header = read_header(path, check_end=False)
    found: dict[str, Any] = {}
    for key, name in names.items():
        value = header.metadata.get(_PREFIX + key)
        if isinstance(value, GgufArray):
            read = read_strings if value.item_type == "string" else read_numbers
            found[name] = read(path, header, _PREFIX + key)
        elif value is not None:
            found[name] = value
    architecture = str(header.metadata.get("general.architecture", ""))
    backend, _ = gguf.convert_gguf_tokenizer(architecture, found)
    return backend


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
