"""`qwqdesk models`: find, download, check and keep models."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from qwqdesk.cli import common
from qwqdesk.cli.output import print_json, printable, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.downloads import find_site
from qwqdesk.errors import UserError
from qwqdesk.models.file_words import size_words
from qwqdesk.models.hub_http import Site
from qwqdesk.models.library import Library, LibraryModel, missing_words
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError
from qwqdesk.settings import MAX_FOLDERS, load_settings, save_settings

HELP = "\n".join(
    [
        "usage: qwqdesk models COMMAND [--json]",
        "",
        "  search QUERY [--sort downloads|likes|updated|trending] [--limit N]",
        "  files REPO [-c CTX] [-ctk TYPE] [-ctv TYPE]   its quantizations, and whether they fit",
        "  download REPO LABEL [--restart] [--speed MB/s]   LABEL may be a pattern: '*Q4_K_M*'",
        "  list                                             the models on this disk",
        "  verify PATH                                      compare its checksum",
        "  remove PATH                                      delete it from the models folder",
        "  import PATH                                      take a file into the models folder,",
        "                                                   or list a folder's models from now on",
        "",
        "REPO is OWNER/NAME, hf.co/OWNER/NAME:LABEL or the address of a model's page.",
        "--no-token asks without the saved access token.",
    ]
)
_SWITCHES = ("--no-token", "--restart")
_VALUES = ("--sort", "--limit", "--speed")

T = TypeVar("T")


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    from qwqdesk.cli.commands import take_option

    own: dict[str, str | None] = {}
    words = list(argv)
    for name in _VALUES:
        own[name], words = take_option(words, name)
    for name in _SWITCHES:
        own[name] = "1" if name in words else None
    rest = [word for word in words if word not in _SWITCHES]
    args = common.parse(rest, words=len(rest))
    if args.switch("help"):
        write_out(HELP + "\n")
        return 0
    _act(args, own, dirs)
    return 0


def _act(args: ParsedArgs, own: dict[str, str | None], dirs: DataDirs) -> None:
    as_json = args.switch("json")
    match args.positional:
        case ["search", *query]:
            from qwqdesk.cli import models_hub

            text = " ".join(query)
            models_hub.search(
                text, own["--sort"], own["--limit"], _site(own, dirs), as_json=as_json
            )
        case ["files", repo]:
            from qwqdesk.cli import models_hub

            models_hub.files(repo, args.engine_settings, _site(own, dirs), dirs, as_json=as_json)
        case ["download", repo, *label] if len(label) <= 1:
            from qwqdesk.cli.models_download import download

            download(repo, *label, options=own, dirs=dirs, as_json=as_json)
        case ["list"]:
            _list(common.library(dirs), as_json=as_json)
        case ["verify", path]:
            _verify(path, own, dirs, as_json=as_json)
        case ["remove", path]:
            _remove(path, dirs, as_json=as_json)
        case ["import", path]:
            _import(Path(path), dirs, as_json=as_json)
        case ["files" | "download"]:
            raise UsageError("There is no repository.", "Write OWNER/NAME behind the command.")
        case ["verify" | "remove" | "import"]:
            raise UsageError("There is no file.", "Write its path behind the command.")
        case words:
            said = " ".join(words) or "nothing"
            raise UsageError(f"models cannot do {said!r}.", "See: qwqdesk models --help")


def _site(own: dict[str, str | None], dirs: DataDirs) -> Site:
    settings = load_settings(dirs.settings).settings
    return find_site(os.environ, settings, use_token=own["--no-token"] is None)


def _list(found: Library, *, as_json: bool) -> None:
    if as_json:
        print_json(found.list_json())
        return
    for model in found.scan():
        size = size_words(model.size_bytes)
        line = f"{model.label:<12} {size:>10}  {model.architecture or '?':<10} "
        line += f"{model.source:<9} {_mark(model):<8} {model.path}"
        write_out(printable(line) + "\n")


def _mark(model: LibraryModel) -> str:
    if not model.complete:
        return missing_words(model)
    return {"verified": "verified", "changed": "changed", "damaged": "damaged"}.get(model.check, "")


def _verify(text: str, own: dict[str, str | None], dirs: DataDirs, *, as_json: bool) -> None:
    path = common.library(dirs).find(text)
    from qwqdesk.models.hub_publisher import hub_publisher
    from qwqdesk.models.library_acts import verify

    publisher = hub_publisher(_site(own, dirs))
    results = _with_progress(lambda progress: verify(path, dirs.models, publisher, progress))
    if as_json:
        rows = [{**asdict(row), "path": str(row.path)} for row in results]
        print_json({"files": rows, "verified": all(row.verified for row in results)})
        return
    words = {True: "verified", False: "damaged", None: "nobody says what its checksum should be"}
    for row in results:
        write_out(printable(f"{row.path}: {words[row.verified]} (sha256 {row.sha256})") + "\n")


def _remove(text: str, dirs: DataDirs, *, as_json: bool) -> None:
    path = Path(text) if text.endswith(".part") else common.library(dirs).find(text)
    from qwqdesk.models.library_acts import remove

    gone = remove(path, dirs.models)
    if as_json:
        paths = [str(path) for path in gone.paths]
        print_json({"removed": paths, "freed_bytes": gone.freed_bytes})
        return
    for path in gone.paths:
        write_out(printable(f"{path} is deleted") + "\n")
    write_out(f"{size_words(gone.freed_bytes)} are free now\n")


def _import(path: Path, dirs: DataDirs, *, as_json: bool) -> None:
    """A file is taken into the library; a folder is remembered and read from now on."""
    from qwqdesk.models.library_acts import take_in

    if path.is_dir():
        _remember(path.absolute(), dirs)
        added: tuple[Path, ...] = (path.absolute(),)
    else:
        added = _with_progress(lambda progress: take_in(path, dirs.models, progress))
    if as_json:
        print_json({"imported": [str(each) for each in added]})
        return
    for each in added:
        write_out(printable(f"{each} is in the library") + "\n")


def _remember(folder: Path, dirs: DataDirs) -> None:
    loaded = load_settings(dirs.settings).settings
    if str(folder) in loaded.model_folders:
        return
    if len(loaded.model_folders) >= MAX_FOLDERS:
        raise UserError(
            f"The library has {MAX_FOLDERS} folders already, which is the most.",
            "Remove one in the settings.",
            code="value",
        )
    folders = (*loaded.model_folders, str(folder))
    save_settings(dirs.settings, replace(loaded, model_folders=folders), loaded)


def _with_progress(work: Callable[[Callable[[int], None]], T]) -> T:
    line = Progress()
    try:
        return work(lambda done: line.show(f"{size_words(done)} read"))
    finally:
        line.clear()
