"""A chain as a Python program on llama-cpp-python's low-level functions.

Its high-level class has a fixed order, so the chain is built step by step, as llama.cpp's programs
and this one do: the same prompt and seed draw the same tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from qwqdesk.sampling.chain import CONTEXT_SIZE, SamplerChain

_HEAD: Final = '''\
"""python3 THIS_FILE MODEL.gguf "PROMPT"   (needs: pip install llama-cpp-python)"""
import ctypes
import random
import sys

import llama_cpp as lc

N_CTX = 4096  # tokens; a longer context needs more memory
SEED = {seed}

lc.llama_backend_init()
model = lc.llama_model_load_from_file(sys.argv[1].encode(), lc.llama_model_default_params())
vocab = lc.llama_model_get_vocab(model)
n_vocab = lc.llama_vocab_n_tokens(vocab)
params = lc.llama_context_default_params()
params.n_ctx, params.n_batch = N_CTX, 512
params.swa_full = False  # as in llama.cpp's programs
context = lc.llama_init_from_model(model, params)

# The steps in their order; the last one draws the token.
chain = lc.llama_sampler_chain_init(lc.llama_sampler_chain_default_params())
'''
_TAIL: Final = """
text = sys.argv[2].encode()
tokens = (lc.llama_token * (len(text) + 8))()
count = lc.llama_tokenize(vocab, text, len(text), tokens, len(tokens), True, True)
prompt = list(tokens[:count])
for token in prompt:
    lc.llama_sampler_accept(chain, token)
for start in range(0, len(prompt), 512):
    part = prompt[start : start + 512]
    array = (lc.llama_token * len(part))(*part)
    assert lc.llama_decode(context, lc.llama_batch_get_one(array, len(part))) == 0

stops = {stops}
written = b""
room = N_CTX - len(prompt)
for _ in range({most}):
    token = lc.llama_sampler_sample(chain, context, -1)
    if lc.llama_vocab_is_eog(vocab, token):
        break
    piece = ctypes.create_string_buffer(256)
    size = lc.llama_token_to_piece(vocab, token, piece, len(piece), 0, True)
    written += piece.raw[: max(size, 0)]
    if any(stop in written for stop in stops):
        break
    array = (lc.llama_token * 1)(token)
    assert lc.llama_decode(context, lc.llama_batch_get_one(array, 1)) == 0
ends = [written.find(stop) for stop in stops if stop in written]
sys.stdout.buffer.write(written[: min(ends, default=len(written))] + b"\\n")
"""
_BIAS: Final = """\
biases = {biases}
{ends}biases = [(token, bias) for token, bias in biases if token < n_vocab]
pairs = (lc.llama_logit_bias * len(biases))(*(lc.llama_logit_bias(*pair) for pair in biases))
add(lc.llama_sampler_init_logit_bias(n_vocab, len(biases), pairs))
"""
_ENDS: Final = """\
every = range(n_vocab)
biases += [(token, float("-inf")) for token in every if lc.llama_vocab_is_eog(vocab, token)]
"""


def to_python(chain: SamplerChain) -> tuple[str, tuple[str, ...]]:
    """The program, and the names of what it cannot do."""
    seed = "random.randrange(2**32 - 1)" if chain.has_random_seed else str(chain.integer("seed"))
    n_predict = chain.integer("n_predict")
    most = "room" if n_predict < 0 else f"min({n_predict}, room)"
    stops = [text.encode() for text in chain.strings("stop")]
    lines = ["add = lambda step: lc.llama_sampler_chain_add(chain, step)\n", *_steps(chain)]
    head = _HEAD.format(seed=seed)
    if not chain.has_random_seed:
        head = head.replace("import random\n", "")
    return head + "".join(lines) + _TAIL.format(stops=stops, most=most), ()


def _steps(chain: SamplerChain) -> Iterator[str]:
    if chain.logit_bias or chain["ignore_eos"]:
        pairs = ", ".join(f"({token}, {_number(bias)})" for token, bias in chain.logit_bias)
        yield _BIAS.format(biases=f"[{pairs}]", ends=_ENDS if chain["ignore_eos"] else "")
    if chain.integer("mirostat"):
        yield _add("temp", chain.number("temperature"))
        tau, eta = chain.number("mirostat_tau"), chain.number("mirostat_eta")
        if chain.integer("mirostat") == 1:
            yield _add("mirostat", "n_vocab", "SEED", tau, eta, 100)
        else:
            yield _add("mirostat_v2", "SEED", tau, eta)
        return
    for name in chain.samplers:
        if name != "adaptive_p":
            yield _WRITERS[name](chain)
    if "adaptive_p" in chain.samplers:
        target, decay = chain.number("adaptive_target"), chain.number("adaptive_decay")
        yield _add("adaptive_p", target, decay, "SEED")
    else:
        yield _add("dist", "SEED")


def _add(name: str, *values: object) -> str:
    words = ", ".join(value if isinstance(value, str) else _number(value) for value in values)
    return f"add(lc.llama_sampler_init_{name}({words}))\n"


def _number(value: object) -> str:
    return 'float("-inf")' if value == -math.inf else repr(value)


def _last_n(chain: SamplerChain, name: str) -> object:
    value = chain.integer(name)
    return "N_CTX" if value == CONTEXT_SIZE else value


def _penalties(chain: SamplerChain) -> str:
    names = ("repeat_penalty", "frequency_penalty", "presence_penalty")
    numbers = (chain.number(name) for name in names)
    return _add("penalties", "n_vocab", _last_n(chain, "repeat_last_n"), *numbers)


def _dry(chain: SamplerChain) -> str:
    texts = [text.encode() for text in chain.strings("dry_sequence_breakers")]
    values = [chain.number("dry_multiplier"), chain.number("dry_base")]
    more = [chain.integer("dry_allowed_length"), _last_n(chain, "dry_penalty_last_n")]
    made = f"breakers = (ctypes.c_char_p * {len(texts)})(*{texts})\n"
    return made + _add("dry", "vocab", *values, *more, "breakers", len(texts))


def _kept(native: str, name: str) -> Callable[[SamplerChain], str]:
    return lambda chain: _add(native, chain.number(name), chain.integer("min_keep"))


def _xtc(chain: SamplerChain) -> str:
    values = chain.number("xtc_probability"), chain.number("xtc_threshold")
    return _add("xtc", *values, chain.integer("min_keep"), "SEED")


def _temperature(chain: SamplerChain) -> str:
    names = ("temperature", "dynatemp_range", "dynatemp_exponent")
    return _add("temp_ext", *(chain.number(name) for name in names))


_WRITERS: Final[Mapping[str, Callable[[SamplerChain], str]]] = {
    "penalties": _penalties,
    "dry": _dry,
    "top_n_sigma": lambda chain: _add("top_n_sigma", chain.number("top_n_sigma")),
    "top_k": lambda chain: _add("top_k", chain.integer("top_k")),
    "typ_p": _kept("typical", "typical_p"),
    "top_p": _kept("top_p", "top_p"),
    "min_p": _kept("min_p", "min_p"),
    "xtc": _xtc,
    "temperature": _temperature,
}
