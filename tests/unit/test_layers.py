"""The layers of ARCHITECTURE.md, checked on the source: who may import whom.

Tables first: they are the documentation. A top-level module that no table names belongs to the
journeys (session); nothing below may import it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "qwqdesk"

# Which layer a file belongs to; the first pattern that matches decides.
LAYERS: tuple[tuple[str, str], ...] = (
    ("ui/*", "window"),
    ("app*.py", "window"),
    ("engine/*", "engine"),
    ("models/*", "models"),
    ("store/*", "store"),
    ("sampling/*", "pure"),
    ("analysis/*", "pure"),
    ("exports/*", "pure"),
    ("__init__.py", "pure"),
    ("child_process.py", "pure"),
    ("conversation*.py", "pure"),
    ("diagnostics.py", "pure"),
    ("engine_settings.py", "pure"),
    ("errors.py", "pure"),
    ("paths.py", "pure"),
    ("pipe.py", "pure"),
    ("reasoning*.py", "pure"),
    ("resources.py", "pure"),
    ("settings.py", "pure"),
    ("shared_file.py", "pure"),
    ("template_variables.py", "pure"),
    ("whole_file.py", "pure"),
    ("cli*", "command line"),
    ("__main__.py", "command line"),
    ("*", "session"),
)

# What each layer may import besides itself.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "pure": frozenset(),
    "engine": frozenset({"pure"}),
    "models": frozenset({"pure"}),
    "store": frozenset({"pure"}),
    "session": frozenset({"pure", "engine", "models", "store"}),
    "command line": frozenset({"pure", "engine", "models", "store", "session"}),
    "window": frozenset({"pure", "engine", "models", "store", "session"}),
}

# The command line opens the window, but only when asked to: inside a function.
LAZY: Mapping[str, frozenset[str]] = {"command line": frozenset({"window"})}

# Where each library outside the standard one, and sqlite3, may be imported.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "PySide6": ("ui/*", "app*.py"),
    "shiboken6": ("ui/*",),
    "qasync": ("app.py",),
    "llama_cpp": ("engine/llama*.py",),
    "numpy": ("engine/*", "analysis/*"),
    "jinja2": ("engine/template*",),
    "httpx2": ("models/hub*.py",),
    "huggingface_hub": ("models/hub*.py",),
    "keyring": ("models/token_store.py",),
    "jeepney": ("ui/models/notify.py",),
    "sqlite3": ("store/*",),
    "platformdirs": ("paths.py",),
    "psutil": (
        "engine/*",
        "store/writers.py",
        "diagnostics.py",
        "free_memory.py",
    ),
    "markdown_it": ("ui/*",),
    "transformers": ("models/reference_tokenizer_child.py",),
    "tokenizers": ("models/reference_tokenizer_child.py",),
    "yaml": ("sampling/formats/bounded_yaml.py",),
    "pyflakes": ("analysis/code_names.py",),
}


@dataclass(frozen=True)
class Import:
    """One imported name; `lazy` when it stands inside a function."""

    name: str
    line: int
    lazy: bool


def _files() -> list[str]:
    return sorted(
        str(path.relative_to(PACKAGE).as_posix())
        for path in PACKAGE.rglob("*.py")
        if "resources" not in path.relative_to(PACKAGE).parts
    )


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


@cache
def _imports(file: str) -> tuple[Import, ...]:
    return tuple(_walk(_tree(file), file, lazy=False))


def _walk(node: ast.AST, file: str, *, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, file)
            yield from (Import(f"{base}.{name.name}", child.lineno, lazy) for name in child.names)
        elif not isinstance(child, ast.expr):  # which holds no import
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _walk(child, file, lazy=lazy or inside)


def _absolute(node: ast.ImportFrom, file: str) -> str:
    if not node.level:
        return node.module or ""
    package = ["qwqdesk", *Path(file).parts[:-1]]
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


@cache
def _file_of(name: str) -> str | None:
    """The file that an imported name comes from; None if it is not ours."""
    parts = name.split(".")
    if parts[0] != "qwqdesk":
        return None
    for end in range(len(parts), 0, -1):
        path = PACKAGE.joinpath(*parts[1:end])
        if end > 1 and path.with_suffix(".py").is_file():
            return path.with_suffix(".py").relative_to(PACKAGE).as_posix()
        if (path / "__init__.py").is_file():
            return (path / "__init__.py").relative_to(PACKAGE).as_posix()
    return None


def _layer(file: str) -> str:
    return next(layer for pattern, layer in LAYERS if fnmatch(file, pattern))


def _expect_none(rule: Callable[[str], Iterator[str]]) -> None:
    broken = [line for file in _files() for line in rule(file)]
    assert not broken, "\n".join(broken)


def test_modules_import_only_what_their_layer_may() -> None:
    _expect_none(_wrong_arrows)


def _wrong_arrows(file: str) -> Iterator[str]:
    layer = _layer(file)
    for found in _imports(file):
        target = _file_of(found.name)
        allowed = {layer} | MAY_IMPORT[layer] | (LAZY.get(layer, set()) if found.lazy else set())
        if target is not None and _layer(target) not in allowed:
            yield f"{file}:{found.line} ({layer}) imports {target} ({_layer(target)})"


def test_libraries_are_imported_only_in_their_place() -> None:
    _expect_none(_wrong_libraries)


def _wrong_libraries(file: str) -> Iterator[str]:
    for found in _imports(file):
        top = found.name.split(".")[0]
        allowed = top == "qwqdesk" or top in sys.stdlib_module_names
        if top in LIBRARIES:
            allowed = any(fnmatch(file, pattern) for pattern in LIBRARIES[top])
        if not allowed:
            yield f"{file}:{found.line} imports {found.name}"


def test_only_one_module_starts_processes() -> None:
    """So that none can forget to take the environment away."""
    _expect_none(lambda file: iter(()) if file == "child_process.py" else _starts(file))


def _starts(file: str) -> Iterator[str]:
    starting = {"Popen", "run", "call", "check_call", "check_output", "getoutput"}
    for node in ast.walk(_tree(file)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        bad = starting if owner == "subprocess" else {"system", "popen", "execv", "fork"}
        if owner in ("subprocess", "os") and node.func.attr in bad:
            yield f"{file}:{node.lineno} starts a process"


def test_there_is_no_import_cycle() -> None:
    arrows = {
        file: {target for found in _imports(file) if (target := _file_of(found.name))} - {file}
        for file in _files()
    }
    done: set[str] = set()

    def visit(file: str, path: tuple[str, ...]) -> None:
        assert file not in path, " -> ".join([*path[path.index(file) :], file])
        if file not in done:
            for target in sorted(arrows.get(file, ())):
                visit(target, (*path, file))
            done.add(file)

    for file in arrows:
        visit(file, ())


def test_the_session_can_be_imported_without_window_engine_and_network() -> None:
    heavy = ["PySide6", "llama_cpp", "httpx", "httpx2", "huggingface_hub"]
    code = (
        f"import sys, qwqdesk.session; print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_every_module_says_what_it_owns() -> None:
    silent = [file for file in _files() if _tree(file).body and not ast.get_docstring(_tree(file))]
    assert silent == []
