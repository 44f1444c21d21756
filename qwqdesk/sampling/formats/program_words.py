"""What stands before the flags of a command: the program, and what starts it.

That is assignments, sudo and its kin, docker with its image, llama's own commands. Everything here
works on words; `shell_words` makes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Final

from qwqdesk.sampling.formats.arg_env import ASSIGNMENT

ANSWERS: Final = frozenset(
    {
        "llama-cli",
        "llama-completion",
        "llama-server",
        "llama-mtmd-cli",
        "llama-llava-cli",
        "llama-qwen2vl-cli",
        "llama-minicpmv-cli",
        "llama-gemma3-cli",
        "llama-speculative",
        "llama-speculative-simple",
        "llama-lookup",
        "llama-lookahead",
        "llamafile",
    }
)
"""Programs whose flags say how a model answers."""
OURS: Final = "qwqdesk"
_OLD_PROGRAMS: Final = frozenset({"main", "server"})  # only with a path: they are common words

OTHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "llama-bench": "measures speed",
        "llama-batched-bench": "measures speed",
        "llama-perplexity": "measures a model's perplexity",
        "llama-quantize": "quantizes a file",
        "llama-imatrix": "computes an importance matrix",
        "llama-embedding": "computes embeddings",
        "llama-retrieval": "searches texts",
        "llama-tokenize": "shows tokens",
        "llama-gguf-split": "splits files",
        "llama-gguf-hash": "computes checksums",
        "llama-gguf": "reads files",
        "llama-tts": "speaks",
        "llama-finetune": "trains a model",
        "llama-export-lora": "merges adapters",
        "llama-cvector-generator": "computes control vectors",
        "llama-fit-params": "estimates memory",
        "llama-diffusion-cli": "runs diffusion models",
        "llama-run": "has flags of its own",
        "llama-simple": "has flags of its own",
        "llama-simple-chat": "has flags of its own",
    }
)
"""llama.cpp's other programs, and what each does."""

# Commands of the program `llama`, and the program that each stands for (app/llama.cpp).
_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "serve": "llama-server",
        "server": "llama-server",
        "cli": "llama-cli",
        "client": "llama-cli",
        "completion": "llama-completion",
        "complete": "llama-completion",
        "bench": "llama-bench",
        "batched-bench": "llama-batched-bench",
        "perplexity": "llama-perplexity",
        "quantize": "llama-quantize",
        "fit-params": "llama-fit-params",
    }
)

_CONTAINERS: Final = frozenset({"docker", "podman", "nerdctl"})
# Options of `docker run` that take the next word (its reference; the others are switches).
_CONTAINER_VALUES: Final = frozenset(
    [
        "-a",
        "--attach",
        "--add-host",
        "--annotation",
        "--blkio-weight",
        "--cap-add",
        "--cap-drop",
        "--cgroup-parent",
        "--cgroupns",
        "--cidfile",
        "--cpu-period",
        "--cpu-quota",
        "--cpu-shares",
        "-c",
        "--cpus",
        "--cpuset-cpus",
        "--cpuset-mems",
        "--detach-keys",
        "--device",
        "--dns",
        "--entrypoint",
        "-e",
        "--env",
        "--env-file",
        "--expose",
        "--gpus",
        "--group-add",
        "--health-cmd",
        "--health-interval",
        "--health-retries",
        "--health-timeout",
        "-h",
        "--hostname",
        "--ip",
        "--ipc",
        "-l",
        "--label",
        "--label-file",
        "--link",
        "--log-driver",
        "--log-opt",
        "--mac-address",
        "-m",
        "--memory",
        "--memory-swap",
        "--mount",
        "--name",
        "--net",
        "--network",
        "--network-alias",
        "--oom-score-adj",
        "--pid",
        "--pids-limit",
        "--platform",
        "-p",
        "--publish",
        "--pull",
        "--restart",
        "--runtime",
        "--security-opt",
        "--shm-size",
        "--stop-signal",
        "--stop-timeout",
        "--storage-opt",
        "--sysctl",
        "--tmpfs",
        "--ulimit",
        "-u",
        "--user",
        "--userns",
        "--uts",
        "-v",
        "--volume",
        "--volumes-from",
        "-w",
        "--workdir",
    ]
)
# The first word after a "full" image is a command of its own (.devops/tools.sh).
_IMAGE_COMMANDS: Final = frozenset({"--run", "-r", "--server", "-s", "--run-legacy"})


@dataclass(frozen=True)
class Start:
    """How a command begins: `words` are those behind it, the flags.

    `variables` are environment variables in their order. `program` is a program's name without path
    and ending, "" where none is named.
    """

    words: tuple[str, ...]
    program: str = ""
    variables: tuple[tuple[str, str], ...] = field(default=())


def program_name(word: str) -> str | None:
    """Which of llama.cpp's programs a word names, in lower case; None for any other word."""
    name = PureWindowsPath(word).name if "\\" in word else PurePosixPath(word).name
    low = name.lower()
    bare = re.sub(r"\.(exe|llamafile|bat|cmd|ps1)$", "", low)
    if bare in ANSWERS or bare in OTHERS:
        return bare
    if low.endswith(".llamafile") or (bare.startswith("llamafile-") and bare != low):
        return "llamafile"
    if bare in _OLD_PROGRAMS and (name != word or bare != low):
        return bare
    return None


def is_program(word: str) -> bool:
    """Whether a word names one of llama.cpp's programs."""
    return program_name(word) is not None


def read_start(words: Sequence[str]) -> Start | None:
    """The beginning of a command that names a program of llama.cpp or this one; None without."""
    container = next((i for i, word in enumerate(_before_flags(words)) if _is_container(word)), -1)
    if container >= 0 and "run" in words[container + 1 : container + 3]:
        run = words.index("run", container)
        return _in_container(words[run + 1 :], _variables(words[:container]))
    for index, word in enumerate(_before_flags(words)):
        found = _program_at(words, index)
        if found is not None:
            return Start(tuple(words[found[1] :]), found[0], _variables(words[:index]))
        if word.endswith(OURS):
            rest = words[index + 1 :]
            rest = rest[1:] if rest[:1] in (["ask"], ["compare"]) else rest
            return Start(tuple(rest), OURS, _variables(words[:index]))
    return None


def _before_flags(words: Sequence[str]) -> Sequence[str]:
    """The words before the first flag of the program, those of sudo and env passed over."""
    for index, word in enumerate(words):
        if word.startswith("-") and not _is_prefix_flag(words[:index]):
            return words[:index]
    return words


_PREFIXES: Final = frozenset(
    {
        "sudo",
        "doas",
        "env",
        "nohup",
        "time",
        "nice",
        "ionice",
        "taskset",
        "numactl",
        "exec",
        "start",
    }
)


def _is_prefix_flag(before: Sequence[str]) -> bool:
    """Whether a flag here belongs to a program that starts another one, as in ``nice -n 5``."""
    named = [word for word in before if not ASSIGNMENT.fullmatch(word)]
    return bool(named) and named[0] in _PREFIXES and not any(map(is_program, before))


def _program_at(words: Sequence[str], index: int) -> tuple[str, int] | None:
    """The program that is named at this word, and where the words behind it begin."""
    word = words[index]
    name = program_name(word)
    if name is not None:
        return name, index + 1
    bare = re.split(r"[\\/]", word)[-1].lower().removesuffix(".exe")
    if bare == "llama" and index + 1 < len(words) and words[index + 1] in _COMMANDS:
        return _COMMANDS[words[index + 1]], index + 2
    return None


def _is_container(word: str) -> bool:
    return re.split(r"[\\/]", word)[-1].lower().removesuffix(".exe") in _CONTAINERS


def _in_container(words: Sequence[str], before: tuple[tuple[str, str], ...]) -> Start | None:
    """What ``docker run`` starts: the words behind the image, with the container's variables."""
    variables = list(before)
    program = ""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        name, equals, value = words[at].partition("=")
        takes = name in _CONTAINER_VALUES
        if takes and not equals:
            at += 1
            value = words[at] if at < len(words) else ""
        if name in ("-e", "--env"):
            variables += _variables([value])
        elif name == "--entrypoint":
            program = program_name(value) or ""
        at += 1
    rest = list(words[at + 1 :])
    image = words[at] if at < len(words) else ""
    if not program and "llama" not in image.lower():
        return None
    if not program and rest and rest[0] in _IMAGE_COMMANDS and ":full" in image:
        rest = rest[1:]
    elif rest and (named := _program_at(rest, 0)) is not None:
        program, rest = named[0], rest[named[1] :]
    return Start(tuple(rest), program or "llama-server", tuple(variables))


def _variables(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    found = (ASSIGNMENT.fullmatch(word) for word in words)
    return tuple((match[1], match[2]) for match in found if match)
