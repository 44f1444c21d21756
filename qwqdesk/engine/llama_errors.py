"""What llama.cpp refuses, in the user's words.

llama.cpp says why in lines of its log that it marks as errors: the first one is the cause, those
after it only that the whole has failed. `_CAUSES` has what its source (0c1e57098) says when a file
cannot be loaded or a context not be made; what is missing there is told in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError

_UPDATE = "Update QwQ Desk, or choose another model."
_AGAIN = "Download or copy it again."
_NEWER = (
    "It was converted by another version of llama.cpp or for another program: download a current "
    "file of this model, or update QwQ Desk."
)
_LESS_GPU = "Put fewer layers on the GPU (-ngl), or choose a smaller quantization."
_LESS = (
    "Close other programs, or choose a smaller context (-c), a smaller cache type (-ctk q8_0), or "
    "a smaller quantization."
)
# Lines that only say that something failed.
_NO_CAUSE = (
    "failed to load model",
    "failed to read header",
    "failed to read key-value pairs",
    "failed to read tensor info",
    "failed to read tensor data",
    "failed to load GGUF split",
    "failed to reserve graph buffers",
)
_IN_FRONT = re.compile(
    r"^(?:error loading model(?: hyperparameters| vocabulary)?"
    r"|failed to initialize the context|[a-z][a-z0-9_:~]*): ",
)
_LONGEST = 200


@dataclass(frozen=True)
class _Cause:
    """A message of llama.cpp, and what it means: `what` follows the file's name."""

    pattern: re.Pattern[str]
    what: str
    what_to_do: str

    @staticmethod
    def of(pattern: str, what: str, what_to_do: str) -> _Cause:
        return _Cause(re.compile(pattern), what, what_to_do)


_CAUSES = (
    # The tensors.
    _Cause.of(
        r"(?:wrong number of tensors|too many tensors created); expected (\d+), got (\d+)",
        "has the wrong number of tensors: {0} are in the file, and this llama.cpp uses {1} for its "
        "architecture",
        _NEWER,
    ),
    _Cause.of(
        r"corrupted model: (\d+) tensors expected but (\d+) found",
        "has the wrong number of tensors: its parts should hold {0} and hold {1}",
        "Download all parts of one quantization into a folder of their own.",
    ),
    _Cause.of(
        r"tensor '(.*)' has wrong shape; expected (.*), got (.*)",
        "has a tensor with the wrong shape: {0} is {2}, and llama.cpp expects {1} for its "
        "architecture",
        _NEWER,
    ),
    _Cause.of(
        r"missing tensor(?: info mapping for)? '?([^']+)'?|tensor '(.*)' not found",
        "lacks a tensor that its architecture needs: missing tensor {0}",
        _NEWER,
    ),
    _Cause.of(r"tensor '(.*)' is duplicated", "has the tensor {0} twice", _AGAIN),
    _Cause.of(
        r"tensor '.*' (?:of type \d+ \(TYPE_(\S+) REMOVED|of type (\d+) \(DEPRECATED"
        r"|has invalid ggml type (\d+))",
        "stores weights as type {0}: this llama.cpp cannot load them",
        "Choose another quantization of this model, for example Q4_K_M.",
    ),
    _Cause.of(
        r"tensor '.*' (?:has .* elements per row|of type .* elements per row|data is not within the"
        r" file bounds|has offset|has invalid data|size overflow|size \d+ overflows)"
        r"|unexpectedly reached end of file|exceeds remaining file size|failed to read magic",
        "is truncated or damaged",
        _AGAIN,
    ),
    # Architecture and header.
    _Cause.of(
        r"(?:unknown|unsupported) model architecture: '(.*)'",
        "has the architecture {0}, and this build does not know it yet",
        _UPDATE,
    ),
    _Cause.of(
        r"CLIP cannot be used as main model",
        "cannot be opened as a model: this is a projector (mmproj), which reads images or sound "
        "for a model",
        "Open the model itself, which is another file of the same repository.",
    ),
    _Cause.of(
        r"requires ctx_other",
        "cannot be opened as a model: this is a draft head, which guesses tokens for a larger "
        "model",
        "Open the larger model itself.",
    ),
    _Cause.of(
        r"(?:array )?key not found in model: (\S+)|missing key (\S+) in GGUF split",
        "lacks the key {0} in its header",
        _NEWER,
    ),
    _Cause.of(
        r"key (\S+) has wrong (?:array length|type)|(?:array length \d+|n > N_MAX.*) for key (\S+)"
        r"|expected scalar, found array for key: (\S+)|(\S+) is not a string/float32"
        r"|(\S+) has wrong array element type|(\S+) must be a bool array"
        r"|invalid gguf type for (\S+)",
        "has an impossible value for {0} in its header",
        _NEWER,
    ),
    _Cause.of(
        r"invalid n_rot|no expert layers are used|has expert layers",
        "has a header that does not fit its architecture",
        _NEWER,
    ),
    # The tokenizer.
    _Cause.of(
        r"unknown pre-tokenizer type: '(.*)'",
        "needs the pre-tokenizer {0}, and this build does not know it yet",
        _UPDATE,
    ),
    _Cause.of(
        r"unknown tokenizer: '(.*)'",
        "needs the tokenizer {0}, and this build does not know it yet",
        _UPDATE,
    ),
    _Cause.of(
        r"cannot find tokenizer (vocab|merges)|Index out of array bounds|precompiled.charsmap"
        r"|Byte token for .* is not set",
        "has an incomplete tokenizer",
        _NEWER,
    ),
    # The file.
    _Cause.of(
        r"failed to open(?: GGUF file)? '?[^']*'? ?[(:] ?([^)]+)",
        "cannot be read: {0}",
        "Check the file's permissions and the disk.",
    ),
    _Cause.of(r"read error: (.*)", "cannot be read: {0}", "Check the disk."),
    _Cause.of(
        r"GGUFv1 is no longer supported|bad GGUF version|file is version (\d+)|extremely large",
        "has a version of GGUF that llama.cpp does not read",
        "Download a current file of this model.",
    ),
    _Cause.of(r"invalid magic characters", "is not a GGUF file", "Choose a model in GGUF format."),
    _Cause.of(
        r"illegal split file idx|invalid split (?:file|count)",
        "is a part of a model, and the parts do not fit each other by name and number",
        "Download all parts of one quantization into a folder of their own, and open the first.",
    ),
    # Memory and devices.
    _Cause.of(
        r"(?:unable|failed) to allocate (?!CPU|CPU_)(\S*(?:CUDA|ROCm|Vulkan|Metal|SYCL|OpenCL|MUSA)"
        r"\S*) buffer|(cuda)Malloc failed|(Vulkan).*OutOfDeviceMemory|ErrorOutOfDeviceMemory",
        "does not fit into the GPU's memory",
        _LESS_GPU,
    ),
    _Cause.of(
        r"(?:unable|failed) to allocate|bad_alloc|Cannot allocate memory|not enough memory"
        r"|posix_memalign failed|out of memory",
        "does not fit into memory",
        _LESS,
    ),
    _Cause.of(
        r"SPLIT_MODE_TENSOR not implemented for architecture '(.*)'",
        "cannot be split over GPUs by tensors: its architecture {0} does not allow it",
        "Choose another split mode (-sm layer).",
    ),
    _Cause.of(
        r"invalid value for main_gpu: (\S+) \(available devices: (\d+)\)",
        "cannot be loaded on GPU {0}: llama.cpp sees {1}",
        "Choose another GPU (-mg).",
    ),
)


def load_error(path: Path, lines: Sequence[str]) -> UserError:
    """llama.cpp refused the file; `lines` are the errors of its log."""
    found = _cause_of(lines)
    if found is not None:
        what, what_to_do = found
        return UserError(f"{path.name} {what}.", what_to_do, code="load", detail=_detail(lines))
    own = own_words(lines)
    return UserError(
        f"{path.name} could not be loaded{f': {own}' if own else ''}.",
        "Check the file with `qwqdesk inspect`, or choose another quantization.",
        code="load",
        detail=_detail(lines),
    )


def lora_error(path: Path | None, lines: Sequence[str]) -> UserError:
    """llama.cpp refused an adapter, or, without `path`, to use those that are loaded."""
    name = "The LoRA adapters" if path is None else f"The LoRA adapter {path.name}"
    own = own_words(lines)
    return UserError(
        f"{name} could not be used{f': {own}' if own else ''}.",
        "Choose a GGUF adapter made for this model, or remove it from the settings (--lora).",
        code="lora",
        detail=_detail(lines),
    )


def no_generator(name: str) -> UserError:
    """The model is none that this program can run."""
    return UserError(
        f"{name} does not write text one token after another.",
        "Choose a language model; this one makes embeddings, needs an encoder, or is a diffusion "
        "model.",
        code="architecture",
    )


def no_state() -> UserError:
    """A sequence's state could be neither copied nor set."""
    return UserError(
        "This model's memory cannot be set back to an earlier token.",
        "Take the banned strings out of the lane, or choose another model.",
        code="state",
    )


def context_error(settings: EngineSettings, streams: int, lines: Sequence[str]) -> UserError:
    """llama.cpp could not make a context for so many sequences."""
    own = own_words(lines)
    count = "1 sequence" if streams == 1 else f"{streams} sequences"
    return UserError(
        f"A context of {settings.n_ctx} tokens for {count} failed{f' ({own})' if own else ''}.",
        "Lower the context size, use fewer lanes, or change the cache types in engine settings.",
        code="context",
        detail=_detail(lines),
    )


def decode_error(status: int, lines: Sequence[str]) -> UserError:
    """llama.cpp could not decode a batch."""
    own = own_words(lines)
    return UserError(
        f"llama.cpp could not decode (status {status}){f': {own}' if own else ''}.",
        "Load the model again with a smaller context or fewer GPU layers.",
        code="decode",
        detail=_detail(lines),
    )


def own_words(lines: Sequence[str]) -> str:
    """The first error that gives a reason, without the names of functions; "" without one."""
    return next(_reasons(lines), "")


def _cause_of(lines: Sequence[str]) -> tuple[str, str] | None:
    """What the first line with a known cause means, and what to do."""
    for reason in _reasons(lines):
        for cause in _CAUSES:
            found = cause.pattern.search(reason)
            if found is not None:
                said = [" ".join(each.split()) for each in found.groups() if each is not None]
                return cause.what.format(*said, *[""] * 3), cause.what_to_do
    return None


def _reasons(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        reason = line.strip()
        while (cut := _IN_FRONT.sub("", reason)) != reason:
            reason = cut
        reason = "".join(each if each.isprintable() else "?" for each in reason).rstrip(". ")
        if reason and not reason.startswith(_NO_CAUSE):
            yield f"{reason[:_LONGEST]}..." if len(reason) > _LONGEST else reason


def _detail(lines: Sequence[str]) -> str:
    """The whole, for whoever wants to search for it."""
    return "\n".join(lines)
