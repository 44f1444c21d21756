"""`qwqdesk models search` and `files`: what the hub has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from qwqdesk.cli import models_fit
from qwqdesk.cli.output import print_json, printable, to_stderr, write_out
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models import quants
from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.file_words import size_words
from qwqdesk.models.fit import Fit
from qwqdesk.models.hub import SORTS, FoundRepo, Hub, Sort
from qwqdesk.models.hub_files import Quantization, Repository
from qwqdesk.models.hub_http import Site
from qwqdesk.models.hub_names import is_address, parse_name
from qwqdesk.models.renamed import note_name
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.formats.llama_args import UsageError

FOUND_AT_MOST = 50


def search(query: str, sort: str | None, limit: str | None, site: Site, *, as_json: bool) -> None:
    """List repositories with GGUF files."""
    order = sort or "downloads"
    if order not in SORTS:
        raise UsageError(f"--sort is {order!r}.", f"It is one of: {', '.join(SORTS)}.")
    wanted = _number(limit or str(FOUND_AT_MOST), "--limit", 1, 1000)
    if is_address(query, site.endpoint):
        query = parse_name(query, site.endpoint).repo
    rows: list[FoundRepo] = []
    hub, following = Hub(site), None
    while len(rows) < wanted:
        page = hub.search(query, sort=cast("Sort", order), following=following)
        known = {row.repo for row in rows}
        new = [row for row in page.repos if row.repo not in known]
        rows += new
        following = page.following
        if following is None or not new:  # pages that lead in a circle bring nothing new
            break
    if as_json:
        print_json([asdict(row) for row in rows[:wanted]])
        return
    if not rows:
        to_stderr(printable(f"note: {site.host} has no GGUF repository for {query!r}"))
    for row in rows[:wanted]:
        gated = "gated" if row.gated else ""
        line = f"{row.downloads:>11,} downloads  {row.likes:>7,} likes  {gated:<5}  {row.repo}"
        write_out(printable(line) + "\n")


def files(
    repo: str, settings: EngineSettings, site: Site, dirs: DataDirs, *, as_json: bool
) -> None:
    """List a repository's quantizations and whether each fits this machine."""
    name = parse_name(repo, site.endpoint)
    free = models_fit.FreeMemoryQuestion(dirs)
    hub = Hub(site)
    found = hub.repository(name.repo, name.revision)
    note_name(dirs.models, name.repo, found.repo)
    fits = models_fit.fits(hub, found, settings, free)
    rows = list(_rows(found, fits, dirs.models))
    if as_json:
        gated = found.gated
        print_json(
            {"repo": found.repo, "commit": found.commit, "gated": gated, "quantizations": rows}
        )
        return
    if not rows:
        to_stderr(f"note: {_nothing(found)}")
    for row, quantization in zip(rows, found.quantizations, strict=True):
        write_out(printable(_line(row, quantization, fits.get(quantization.label))) + "\n")


def _nothing(found: Repository) -> str:
    if not found.unsafe:
        return f"{found.repo} has no GGUF files"
    count = "1 GGUF file" if found.unsafe == 1 else f"{found.unsafe} GGUF files"
    return f"{found.repo} has {count}, but no name that would be safe on this disk"


def _rows(found: Repository, fits: Mapping[str, Fit], models: Path) -> Iterator[dict[str, Any]]:
    for row in found.quantizations:
        fit, foreign = fits.get(row.label), quants.is_foreign(row.kind)
        yield {
            "label": row.label,
            "size_bytes": row.size_bytes,
            "files": [
                {"path": file.path, "size_bytes": file.size_bytes, "sha256": file.sha256}
                for file in row.files
            ],
            "complete": row.complete,
            "missing": list(row.missing),
            "downloaded": SetOrder.of(found, row, models).downloaded,
            "fit": "no" if foreign else fit.kind if fit is not None else None,
        }


def _line(row: Mapping[str, Any], quantization: Quantization, fit: Fit | None) -> str:
    state = "here" if row["downloaded"] else "" if row["complete"] else "incomplete"
    words = fit.words if fit is not None else ""
    if quants.is_foreign(quantization.kind):
        words = "cannot be loaded"
    count = len(quantization.files)
    parts = f"{count} files" if count > 1 else ""
    meaning = quants.meaning(quantization.kind)
    size = size_words(quantization.size_bytes)
    return f"{row['label']:<14} {size:>10} {parts:<9} {state:<10} {words:<22} {meaning}".rstrip()


def _number(text: str, flag: str, low: int, high: int) -> int:
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    raise UsageError(f"{flag} is {text!r}.", f"It is a whole number from {low} to {high}.")
