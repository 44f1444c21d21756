"""`qwqdesk models search`, `files` and `download`: what needs the hub."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from qwqdesk.cli import common, models_fit
from qwqdesk.cli.display import Progress
from qwqdesk.cli.output import print_json, printable, to_stderr, write_out
from qwqdesk.downloads import find_site
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.models import quants
from qwqdesk.models.download_set import FileResult, QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.file_words import size_words
from qwqdesk.models.fit import Fit
from qwqdesk.models.hub import SORTS, FoundRepo, Hub, Sort
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, Repository, choose
from qwqdesk.models.hub_http import Site
from qwqdesk.models.hub_names import parse_name
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.paths import DataDirs
from qwqdesk.pipe import Stream
from qwqdesk.sampling.formats.llama_args import UsageError
from qwqdesk.settings import load_settings

FOUND_AT_MOST = 50


def search(query: str, sort: str | None, limit: str | None, site: Site, *, as_json: bool) -> None:
    """List repositories with GGUF files."""
    order = sort or "downloads"
    if order not in SORTS:
        raise UsageError(f"--sort is {order!r}.", f"It is one of: {', '.join(SORTS)}.")
    wanted = _number(limit or str(FOUND_AT_MOST), "--limit", 1, 1000)
    if "/" in query and any(mark in query for mark in ("://", "hf.co/", "huggingface.co/")):
        query = parse_name(query, site.endpoint).repo
    rows: list[FoundRepo] = []
    hub, following = Hub(site), None
    while len(rows) < wanted:
        page = hub.search(query, sort=cast("Sort", order), following=following)
        rows += page.repos
        following = page.following
        if following is None or not page.repos:
            break
    if as_json:
        print_json([asdict(row) for row in rows[:wanted]])
        return
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
    fits = models_fit.fits(hub, found, settings, free)
    rows = list(_rows(found, fits, dirs.models))
    if as_json:
        gated = found.gated
        print_json(
            {"repo": found.repo, "commit": found.commit, "gated": gated, "quantizations": rows}
        )
        return
    if not rows:
        to_stderr(f"note: {found.repo} has no GGUF files")
    for row, quantization in zip(rows, found.quantizations, strict=True):
        write_out(printable(_line(row, quantization, fits.get(quantization.label))) + "\n")


def _rows(found: Repository, fits: Mapping[str, Fit], models: Path) -> Iterator[dict[str, Any]]:
    for row in found.quantizations:
        fit = fits.get(row.label)
        yield {
            "label": row.label,
            "size_bytes": row.size_bytes,
            "files": [
                {"path": file.path, "size_bytes": file.size_bytes, "sha256": file.sha256}
                for file in row.files
            ],
            "complete": row.complete,
            "missing": list(row.missing),
            "downloaded": SetOrder(found.repo, found.commit, row, models).downloaded,
            "fit": fit.kind if fit is not None else None,
        }


def _line(row: Mapping[str, Any], quantization: Quantization, fit: Fit | None) -> str:
    state = "here" if row["downloaded"] else "" if row["complete"] else "incomplete"
    words = fit.words if fit is not None else ""
    count = len(quantization.files)
    parts = f"{count} files" if count > 1 else ""
    meaning = quants.meaning(quantization.label)
    size = size_words(quantization.size_bytes)
    return f"{row['label']:<14} {size:>10} {parts:<9} {state:<10} {words:<22} {meaning}".rstrip()


def download(
    repo: str,
    label: str | None = None,
    *,
    options: Mapping[str, str | None],
    dirs: DataDirs,
    as_json: bool,
) -> None:
    """Download one quantization and wait; Ctrl-C keeps what has arrived."""
    begun = time.monotonic()
    settings = load_settings(dirs.settings).settings
    speed = _real(options["--speed"], "--speed") * 1e6 or settings.speed_limit
    limit = RateLimit(int(speed))
    site = find_site(os.environ, settings, use_token=options["--no-token"] is None)
    name = parse_name(repo, site.endpoint)
    hub = Hub(site)
    found = hub.repository(name.repo, name.revision)
    row = choose(found.quantizations, label or name.wanted, found.repo)
    order = SetOrder(found.repo, found.commit, row, dirs.models)
    stream: Stream[Status] = Stream()
    job = QuantizationDownload(
        hub,
        order,
        limit=limit,
        restart=options["--restart"] is not None,
        hf_cache=common.library(dirs).places.hf_cache,
        listener=stream.put,
    )
    results = _wait(job, stream)
    document = {
        "repo": found.repo,
        "commit": found.commit,
        "label": row.label,
        "files": [{**asdict(result), "path": str(result.path)} for result in results],
        "seconds": round(time.monotonic() - begun, 3),
    }
    if as_json:
        print_json(document)
        return
    for result in results:
        mark = "verified" if result.verified else "not verified: the hub gives no checksum"
        write_out(printable(f"{result.path} ({mark})") + "\n")


def _wait(job: QuantizationDownload, stream: Stream[Status]) -> tuple[FileResult, ...]:
    """Run the job on a thread, show its progress, stop it on Ctrl-C."""
    results: list[FileResult] = []

    def work() -> None:
        try:
            results.extend(job.run())
        except BaseException as error:
            stream.close(error)
        else:
            stream.close()

    thread = threading.Thread(target=work, name="download", daemon=True)
    line = Progress()
    thread.start()
    try:
        while stream.wait_batch(0.2) is not None:
            line.show(_shown(job))
    except (KeyboardInterrupt, Stopped):
        job.stop()
        thread.join(3)
        kept = size_words(job.order.kept)
        line.clear()
        to_stderr(f"stopped; {kept} are kept: the same command goes on from there")
        raise KeyboardInterrupt from None
    finally:
        line.clear()
        job.stop()
        thread.join(3)
    return tuple(results)


def _shown(job: QuantizationDownload) -> str:
    """A bar and the status in words."""
    status = job.status()
    share = min(status.done / status.total, 1.0) if status.total else 1.0
    bar = "#" * int(share * 20)
    return printable(f"{job.order.quantization.label} [{bar:<20}] {share:4.0%}  {status.words}")


def _number(text: str, flag: str, low: int, high: int) -> int:
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    raise UsageError(f"{flag} is {text!r}.", f"It is a whole number from {low} to {high}.")


def _real(text: str | None, flag: str) -> float:
    if text is None:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise UsageError(f"{flag} is {text!r}.", "It is a number of MB a second above 0.")
    return value
