"""`qwqdesk models download`: one quantization and its progress; imports little, to begin soon."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict

from qwqdesk.cli.output import print_json, printable, to_stderr, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.downloads import find_site, hf_cache
from qwqdesk.models.download_set import FileResult, QuantizationDownload, SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.file_words import size_words
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import choose
from qwqdesk.models.hub_names import parse_name
from qwqdesk.models.quants import foreign_words
from qwqdesk.models.rate_limit import RateLimit
from qwqdesk.models.renamed import note_name
from qwqdesk.paths import DataDirs
from qwqdesk.pipe import Stream
from qwqdesk.sampling.formats.llama_args import UsageError
from qwqdesk.settings import load_settings


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
    found = hub.listing(name.repo, name.revision)
    note_name(dirs.models, name.repo, found.repo)
    row = choose(found.quantizations, label or name.wanted, found.repo)
    foreign = foreign_words(row.kind)
    if foreign:
        to_stderr(printable(f"note: {row.label}: {foreign}"))
    order = SetOrder.of(found, row, dirs.models)
    stream: Stream[Status] = Stream()
    job = QuantizationDownload(
        hub,
        order,
        limit=limit,
        restart=options["--restart"] is not None,
        hf_cache=hf_cache(dirs, os.environ),
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
