"""A model's vocabulary alone, loaded by llama.cpp without weights: text in, tokens out."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from qwqdesk.engine.llama_errors import load_error
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.vocabulary import Token
from qwqdesk.errors import UserError

_KINDS = {1: "SPM", 2: "BPE", 3: "WordPiece", 4: "Unigram", 5: "RWKV", 6: "PLaMo-2"}
# What a vocabulary can name, by llama.cpp's functions.
_NAMED = {
    "bos": "llama_vocab_bos",
    "eos": "llama_vocab_eos",
    "eot": "llama_vocab_eot",
    "pad": "llama_vocab_pad",
    "sep": "llama_vocab_sep",
    "mask": "llama_vocab_mask",
    "newline": "llama_vocab_nl",
    "fim prefix": "llama_vocab_fim_pre",
    "fim suffix": "llama_vocab_fim_suf",
    "fim middle": "llama_vocab_fim_mid",
}


class LlamaVocabulary:
    """The vocabulary of one file.

    Raises:
        UserError: code "load", when llama.cpp refuses the file or it has no vocabulary.
    """

    def __init__(self, library: LlamaLibrary, path: Path) -> None:
        self._api: Any = library.api
        params = self._api.llama_model_default_params()
        params.vocab_only = True
        params.n_gpu_layers = 0
        library.begin_log()
        self._model: Any = self._api.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise load_error(path, library.errors())
        self._vocab: Any = self._api.llama_model_get_vocab(self._model)
        self.kind = _KINDS.get(self._api.llama_vocab_type(self._vocab), "")
        if not self.kind:
            raise UserError(
                "This file has no tokenizer that llama.cpp knows.",
                "A file with weights alone has none.",
                code="load",
            )

    def facts(self) -> dict[str, Any]:
        """Kind, size, whether BOS and EOS are added, and the ids that have a name."""
        api, vocab = self._api, self._vocab
        count = int(api.llama_vocab_n_tokens(vocab))
        ids = {name: int(getattr(api, function)(vocab)) for name, function in _NAMED.items()}
        return {
            "kind": self.kind,
            "count": count,
            "adds_bos": bool(api.llama_vocab_get_add_bos(vocab)),
            "adds_eos": bool(api.llama_vocab_get_add_eos(vocab)),
            "named": {
                name: [token, self._piece(token).hex()]
                for name, token in ids.items()
                if 0 <= token < count
            },
            "ends": [token for token in range(count) if api.llama_vocab_is_eog(vocab, token)][:64],
        }

    def cut(self, text: str, *, add_special: bool, parse_special: bool) -> list[Token]:
        """A text's tokens, as llama.cpp's `common_tokenize` gives them."""
        data = text.encode("utf-8", "replace")
        size = len(data) + 8
        buffer = (self._api.llama_token * size)()
        count = self._api.llama_tokenize(
            self._vocab, data, len(data), buffer, size, add_special, parse_special
        )
        if count < 0:
            size = -count
            buffer = (self._api.llama_token * size)()
            count = self._api.llama_tokenize(
                self._vocab, data, len(data), buffer, size, add_special, parse_special
            )
        return [self._token(buffer[number]) for number in range(max(count, 0))]

    def _token(self, token: int) -> Token:
        attributes = self._api.llama_vocab_get_attr(self._vocab, token)
        special = self._api.LLAMA_TOKEN_ATTR_CONTROL | self._api.LLAMA_TOKEN_ATTR_USER_DEFINED
        return Token(token, self._piece(token), bool(attributes & special))

    def _piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self._api.llama_token_to_piece(self._vocab, token, buffer, size, 0, True)
            if count >= 0:
                return buffer.raw[:count]
            size = -count
