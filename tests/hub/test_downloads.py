"""The downloads of one run of the program: settings, token, offline, space, and the queue's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keyring
import pytest

from qwqdesk.downloads import Downloads, find_site, present_token
from qwqdesk.errors import UserError
from qwqdesk.models import disk_space
from qwqdesk.models.hub_files import RepoFacts
from qwqdesk.models.token_store import TokenStore
from qwqdesk.paths import DataDirs
from qwqdesk.settings import Settings
from tests.hub.hub_fixture import REPO, SIZE, Bench, noise
from tests.hub.loopback_hub import TOKEN, TOKEN_WITHOUT_ACCESS
from tests.unit.models.test_token_store import MemoryRing


@pytest.fixture
def ring() -> Iterator[MemoryRing]:
    before = keyring.get_keyring()
    made = MemoryRing()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def _environ(bench: Bench, **more: str) -> dict[str, str]:
    return {"HF_ENDPOINT": bench.hub.endpoint, "HOME": str(bench.models.parent), **more}


@contextmanager
def _downloads(
    bench: Bench, settings: Settings | None = None, **environ: str
) -> Iterator[Downloads]:
    dirs = DataDirs.find(bench.models.parent, {}).create()
    made = Downloads(dirs, settings or Settings(), _environ(bench, **environ))
    made.start()
    try:
        yield made
    finally:
        made.close()


def _add(downloads: Downloads, label: str = "Q4_K_M") -> str:
    found = downloads.hub.listing(REPO)
    [row] = [row for row in found.quantizations if row.label == label]
    return downloads.add(found, row)


def _until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 8
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def _state(downloads: Downloads) -> str:
    return downloads.rows[0].status.state


def test_nothing_is_made_and_asked_before_somebody_wants_it(bench: Bench) -> None:
    with _downloads(bench) as downloads:
        stream = downloads.listen()
        assert downloads.rows == ()
        assert not downloads.file.exists()
    assert stream.wait_batch(1) is None
    assert bench.hub.log == []


def test_a_download_is_told_to_all_who_listen_and_ends_in_the_folder(bench: Bench) -> None:
    with _downloads(bench) as downloads:
        early = downloads.listen()
        _add(downloads)
        late = downloads.listen()
        _until(lambda: _state(downloads) == "done")
        assert any(row.status.state == "done" for row in early.wait_batch(1) or [])
        assert any(row.status.state == "done" for row in late.wait_batch(1) or [])
    assert (bench.models / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)


def test_the_token_of_the_settings_opens_a_gated_model(bench: Bench, ring: MemoryRing) -> None:
    bench.hub.repos[REPO].gated = "manual"
    with _downloads(bench) as downloads:
        item = _add(downloads)
        _until(lambda: downloads.rows[0].status.code == "gated_login")
        assert downloads.tokens.save(TOKEN)
        downloads.change(Settings(token_saved=True))
        downloads.queue.resume(item)
        _until(lambda: _state(downloads) == "done")
    assert [each for each in bench.hub.asked("cdn") if each.token] == []
    for file in bench.models.parent.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_a_bad_token_can_be_left_out_for_once(bench: Bench) -> None:
    with _downloads(bench, HF_TOKEN=TOKEN_WITHOUT_ACCESS) as downloads:
        bench.hub.rate = 2e5
        item = _add(downloads)
        _until(lambda: downloads.rows[0].status.done > 50_000)
        downloads.queue.pause(item)
        bench.hub.rate = 0
        before = len(bench.hub.log)
        downloads.queue.resume(item, anonymous=True)
        _until(lambda: _state(downloads) == "done")
    assert not any(each.token for each in bench.hub.log[before:])


def test_the_keyring_is_asked_only_where_a_token_was_saved(bench: Bench, ring: MemoryRing) -> None:
    ring.broken = True  # asking would find nothing and be told in the log
    ring.kept["qwqdesk", "huggingface"] = TOKEN
    store = TokenStore()
    assert present_token(_environ(bench), store, saved=False) is None
    ring.broken = False
    found = present_token(_environ(bench), store, saved=True)
    assert found is not None
    assert found.source == "settings"
    named = present_token(_environ(bench, HF_TOKEN="hf_variable"), store, saved=True)
    assert named is not None
    assert named.source == "HF_TOKEN"


def test_offline_asks_nobody_and_goes_on_when_online_again(bench: Bench) -> None:
    bench.hub.rate = 3e5
    with _downloads(bench) as downloads:
        _add(downloads)
        _until(lambda: downloads.rows[0].status.done > 50_000)
    before = len(bench.hub.log)
    with _downloads(bench, HF_HUB_OFFLINE="1") as downloads:
        assert downloads.offline
        assert _state(downloads) == "queued"
        with pytest.raises(UserError, match="offline"):
            downloads.hub.listing(REPO)
    assert len(bench.hub.log) == before
    bench.hub.rate = 0
    with _downloads(bench) as downloads:
        _until(lambda: _state(downloads) == "done")


def test_the_endpoint_of_the_settings_counts_unless_a_variable_names_one(bench: Bench) -> None:
    chosen = Settings(hub_endpoint="https://mirror.example")
    assert find_site({}, chosen, use_token=False).endpoint == "https://mirror.example"
    assert find_site(_environ(bench), chosen, use_token=False).endpoint == bench.hub.endpoint
    with pytest.raises(UserError, match="settings"):
        find_site({}, Settings(hub_endpoint="mirror"), use_token=False)
    with _downloads(bench, HF_ENDPOINT="nonsense") as downloads, pytest.raises(UserError):
        _ = downloads.hub


def test_the_speed_limit_of_the_settings_holds_at_once(bench: Bench) -> None:
    with _downloads(bench, Settings(speed_limit=100_000)) as downloads:
        _add(downloads)
        time.sleep(0.8)
        assert 0 < downloads.rows[0].status.done < 300_000
        downloads.change(Settings(speed_limit=0))
        _until(lambda: _state(downloads) == "done")


def test_all_that_is_queued_must_fit_together(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.hub.put(REPO, "T-Q8_0.gguf", noise(SIZE, 2))
    bench.hub.rate = 1e5
    room = 2 * SIZE
    monkeypatch.setattr(disk_space, "free_and_whole", lambda folder: (room, 100 * SIZE))
    with _downloads(bench) as downloads:
        first = _add(downloads)
        with pytest.raises(UserError, match=r"needed, .* free, of which other downloads need"):
            _add(downloads, "Q8_0")
        assert len(downloads.rows) == 1
        downloads.queue.cancel(first)
        _add(downloads, "Q8_0")


def test_one_that_was_cancelled_can_be_added_again_at_once(bench: Bench) -> None:
    bench.hub.rate = 5e5
    with _downloads(bench) as downloads:
        for _ in range(3):
            item = _add(downloads)
            _until(lambda: downloads.rows[0].status.done > 20_000)
            downloads.queue.cancel(item)
        bench.hub.rate = 0
        _add(downloads)
        _until(lambda: _state(downloads) == "done")
    assert (bench.models / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)


def test_a_wait_for_the_network_can_be_cut_short(bench: Bench) -> None:
    bench.hub.fault("status", code=503, headers={"Retry_After": "30"})
    with _downloads(bench) as downloads:
        item = _add(downloads)
        _until(lambda: _state(downloads) == "retrying")
        downloads.queue.try_now(item)
        _until(lambda: _state(downloads) == "done")


def test_a_finished_model_that_was_deleted_is_fetched_again(bench: Bench) -> None:
    with _downloads(bench) as downloads:
        for _ in range(2):
            _add(downloads)
            _until(lambda: _state(downloads) == "done")
            (bench.models / REPO / "T-Q4_K_M.gguf").unlink()
    assert len(bench.hub.asked("cdn")) == 2


def test_changed_settings_that_do_not_concern_it_keep_the_hub(bench: Bench) -> None:
    with _downloads(bench) as downloads:
        hub = downloads.hub
        downloads.change(replace(Settings(), theme="dark"))
        assert downloads.hub is hub
        downloads.change(replace(Settings(), hub_endpoint="https://mirror.example"))
        assert downloads.hub is not hub
    assert Path(downloads.file).name == "downloads.json"


def test_our_own_listing_and_that_of_huggingface_hub_say_the_same(bench: Bench) -> None:
    for number in (1, 2):
        bench.hub.put(REPO, f"BF16/T-BF16-0000{number}-of-00002.gguf", noise(1000, number))
    bench.hub.put(REPO, "T-F16.gguf", b"GGUF" + bytes(50), lfs=False)
    bench.hub.repos[REPO].listed = {"../evil.gguf": {"size": 5}, "README.md": {"size": 5}}
    bench.hub.repos[REPO].gated = "manual"
    client = bench.client()
    theirs = client.repository(REPO)
    assert client.listing(REPO) == replace(theirs, facts=RepoFacts())
    assert len(theirs.quantizations) == 3
