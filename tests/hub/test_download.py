"""Downloads against the loopback hub: whatever goes wrong, the file is right or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.download_part import FileOrder, PartFile
from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.download_status import Status
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_files import Quantization, RepoFile
from qwqdesk.models.hub_http import Site, Waits
from qwqdesk.models.library import Library, Places
from qwqdesk.models.library_acts import copies
from qwqdesk.models.records import read_record
from qwqdesk.models.verify import RunningDigest
from tests.hub.conftest import FILE
from tests.hub.hub_fixture import QUICK, REPO, SIZE, Bench, Running, noise
from tests.hub.loopback_hub import TOKEN, TOKEN_WITHOUT_ACCESS, LoopbackHub

SHA = hashlib.sha256(FILE).hexdigest()


def _is_right(bench: Bench, name: str = "T-Q4_K_M.gguf", data: bytes = FILE) -> bool:
    target = bench.models / REPO / name
    left = [path for path in target.parent.iterdir() if ".part" in path.name]
    return target.read_bytes() == data and not left


def test_a_file_arrives_verified_with_one_request_for_its_bytes(bench: Bench) -> None:
    result = bench.fetch()
    assert (result.sha256, result.verified, result.resumed_from) == (SHA, True, 0)
    assert _is_right(bench)
    assert len(bench.hub.asked("cdn")) == 1
    record = read_record(bench.models, result.path)
    assert record is not None
    assert (record.verified, record.repo, record.path) == (True, REPO, "T-Q4_K_M.gguf")


def test_what_is_here_is_not_fetched_again(bench: Bench) -> None:
    bench.fetch()
    again = bench.fetch()
    assert (again.verified, again.resumed_from) == (True, SIZE)
    (bench.models / ".records").rename(bench.models / "elsewhere")
    assert bench.fetch().verified
    assert len(bench.hub.asked("cdn")) == 1


def test_a_file_that_was_altered_is_fetched_again(bench: Bench) -> None:
    path = bench.fetch().path
    path.write_bytes(b"x" * SIZE)
    assert read_record(bench.models, path) is None
    assert bench.fetch().verified
    assert _is_right(bench)


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_cut_connection_goes_on_where_it_ended(bench: Bench, how: str) -> None:
    seen: list[Status] = []
    bench.hub.fault("cut", after=400_000, how=how)
    job = bench.job(listener=seen.append)
    job.run()
    assert _is_right(bench)
    ranges = [each.range for each in bench.hub.asked("cdn")]
    assert ranges[0] == ""
    begin = int(ranges[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < begin <= 400_000
    done = [status.done for status in seen]
    assert done == sorted(done)
    assert "retrying" in [status.state for status in seen]


def test_cuts_without_end_do_not_stop_a_file_that_grows(bench: Bench) -> None:
    bench.hub.fault("cut", after=200_000, times=-1)
    assert bench.fetch().verified
    assert len(bench.hub.asked("cdn")) == 8
    assert _is_right(bench)


def test_a_damaged_file_is_fetched_once_more(bench: Bench) -> None:
    bench.hub.fault("corrupt", at=1000)
    assert bench.fetch().verified
    assert _is_right(bench)


def test_a_file_that_is_always_damaged_never_appears(bench: Bench) -> None:
    bench.hub.fault("corrupt", at=1000, times=-1)
    assert bench.code() == "corrupt"
    assert list((bench.models / REPO).iterdir()) == []
    assert len(bench.hub.asked("cdn")) == 2


def test_an_ignored_range_starts_over(bench: Bench) -> None:
    bench.hub.fault("cut", after=300_000)
    bench.hub.fault("norange")
    assert bench.fetch().verified
    assert _is_right(bench)


@pytest.mark.parametrize("by", [-7, 5])
def test_bytes_from_another_place_are_not_taken(bench: Bench, by: int) -> None:
    bench.hub.fault("cut", after=300_000)
    bench.hub.fault("wrongrange", by=by)
    assert bench.fetch().verified
    assert _is_right(bench)


def test_wrong_ranges_for_ever_end_in_a_whole_download(bench: Bench) -> None:
    bench.hub.fault("cut", after=300_000)
    bench.hub.fault("wrongrange", times=2)
    bench.fetch()
    assert [each.range for each in bench.hub.asked("cdn")][-1] == ""


def test_silence_is_ended_and_resumed(bench: Bench) -> None:
    bench.hub.fault("stall", after=500_000, seconds=30)
    begun = time.monotonic()
    assert bench.fetch().verified
    assert time.monotonic() - begun < 3
    assert bench.hub.asked("cdn")[1].range == "bytes=500000-"


def test_a_late_answer_is_not_waited_for(bench: Bench) -> None:
    bench.hub.fault("delay", seconds=30, on="hub")
    assert bench.fetch().verified


def test_a_signed_address_that_expired_is_asked_for_again(bench: Bench) -> None:
    bench.hub.fault("status", code=403)
    bench.hub.fault("status", code=404)
    assert bench.fetch().verified
    assert len(bench.hub.asked("hub")) == 3


def test_retry_after_is_obeyed(bench: Bench) -> None:
    bench.hub.fault("status", code=429, headers={"Retry_After": "1"})
    seen: list[Status] = []
    begun = time.monotonic()
    bench.job(listener=seen.append).run()
    assert time.monotonic() - begun >= 1
    [waiting] = [status for status in seen if status.state == "retrying"]
    assert waiting.code == "rate"
    assert "asks to wait" in waiting.words


def test_an_overloaded_server_is_tried_again(bench: Bench) -> None:
    bench.hub.fault("status", code=503, times=3)
    assert bench.fetch().verified


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "code": 429}, "rate"),
        ({"kind": "status", "code": 503}, "network"),
        ({"kind": "reset"}, "network"),
        ({"kind": "delay", "seconds": 30}, "timeout"),
        ({"kind": "html"}, "portal"),
        ({"kind": "cut", "after": 0}, "network"),
        ({"kind": "status", "code": 407}, "proxy"),
        ({"kind": "status", "code": 511}, "portal"),
        ({"kind": "html", "on": "hub"}, "portal"),
        ({"kind": "status", "code": 404}, "no_file"),
        ({"kind": "status", "code": 403}, "network"),
        ({"kind": "status", "code": 404, "on": "hub"}, "no_file"),
        ({"kind": "status", "code": 429, "on": "hub"}, "rate"),
        ({"kind": "status", "code": 429, "headers": {"Retry_After": "9999"}}, "rate"),
    ],
)
def test_what_never_mends_gets_its_code(bench: Bench, fault: dict[str, object], code: str) -> None:
    bench.hub.fault(**fault, times=-1)  # type: ignore[arg-type]
    assert bench.code() == code
    assert not (bench.models / REPO / "T-Q4_K_M.gguf").exists()


def test_a_login_page_without_its_type_is_no_model(bench: Bench) -> None:
    bench.hub.fault("status", code=200, headers={"Content_Type": "application/octet-stream"})
    assert bench.fetch().verified


def test_gated_repositories_say_what_is_missing(bench: Bench) -> None:
    bench.hub.repos[REPO].gated = "manual"
    assert bench.code() == "gated_login"
    assert bench.code(token=TOKEN_WITHOUT_ACCESS) == "gated_ask"
    assert bench.code(token="hf_wrongwrong") == "token"
    assert bench.fetch(token=TOKEN).verified


def test_the_token_goes_to_the_hub_alone_and_is_written_nowhere(bench: Bench) -> None:
    bench.hub.repos[REPO].gated = "auto"
    bench.hub.fault("cut", after=300_000)
    bench.fetch(token=TOKEN)
    assert not any(each.token for each in bench.hub.asked("cdn"))
    assert all(each.token for each in bench.hub.asked("hub"))
    files = [path for path in bench.models.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("repo", "code"), [("private/Hidden-GGUF", "not_found"), ("nope/none", "not_found")]
)
def test_private_and_missing_repositories_are_the_same(bench: Bench, repo: str, code: str) -> None:
    bench.hub.add("private/Hidden-GGUF").private = True
    assert bench.code(repo=repo) == code
    assert bench.code(repo=repo, token=TOKEN) == code


def test_a_disabled_repository_says_so(bench: Bench) -> None:
    bench.hub.repos[REPO].disabled = True
    assert bench.code() == "disabled"


def _interrupt(bench: Bench, at: int = 600_000) -> None:
    """A part of about that many bytes, as a killed program leaves it."""
    bench.hub.fault("stall", after=at, seconds=30)
    run = Running(bench.job())
    while not bench.part().exists() or bench.part().stat().st_size < at:
        time.sleep(0.005)
    run.job.stop()
    assert run.join()
    assert isinstance(run.failure, Stopped)
    bench.hub.repair()


def test_stopping_keeps_the_bytes_and_the_next_run_goes_on(bench: Bench) -> None:
    _interrupt(bench)
    result = bench.fetch()
    assert result.resumed_from == 600_000
    assert bench.hub.asked("cdn")[-1].range == "bytes=600000-"
    assert _is_right(bench)


def test_a_new_version_is_never_mixed_with_the_old_one(bench: Bench) -> None:
    _interrupt(bench)
    bench.hub.put(REPO, "T-Q4_K_M.gguf", noise(SIZE, seed=2))
    bench.hub.repos[REPO].version = 2
    assert bench.code() == "changed"
    assert bench.part().stat().st_size == 600_000
    assert bench.fetch(restart=True).verified
    assert _is_right(bench, data=noise(SIZE, seed=2))


def test_another_commit_with_the_same_file_goes_on(bench: Bench) -> None:
    job = bench.job()
    bench.hub.repos[REPO].version = 2
    [result] = job.run()
    assert result.verified


@pytest.mark.parametrize(("path", "code"), [("T-Q4_K_M.gguf", "changed"), (None, "no_file")])
def test_a_file_that_changes_or_vanishes_meanwhile(
    bench: Bench, path: str | None, code: str
) -> None:
    job = bench.job()
    bench.hub.repos[REPO].version = 2
    bench.hub.repos[REPO].files.clear()
    bench.hub.put(REPO, "other-Q4_0.gguf", b"GGUF")
    if path is not None:
        bench.hub.put(REPO, path, noise(SIZE, seed=2))
    with pytest.raises(UserError) as caught:
        job.run()
    assert caught.value.code == code


def test_a_part_without_a_note_is_used_and_checked(bench: Bench) -> None:
    bench.part().parent.mkdir(parents=True)
    bench.part().write_bytes(FILE[:1000])
    assert bench.fetch().resumed_from == 1000
    (bench.models / REPO / "T-Q4_K_M.gguf").unlink()
    bench.part().write_bytes(b"GGUF another file")
    assert bench.fetch().verified
    assert _is_right(bench)


def test_a_part_that_is_too_long_starts_over(bench: Bench) -> None:
    bench.part().parent.mkdir(parents=True)
    bench.part().write_bytes(FILE + b"more")
    assert bench.fetch().verified
    assert _is_right(bench)


def test_after_a_power_failure_only_safe_bytes_are_kept(bench: Bench) -> None:
    _interrupt(bench)
    note = bench.part().with_name("T-Q4_K_M.gguf.part.json")
    said = json.loads(note.read_text())
    assert said["durable"] == 600_000
    note.write_text(json.dumps({**said, "boot": "another", "durable": 100_000}))
    assert bench.fetch().resumed_from == 100_000


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "stall", "after": 300_000, "seconds": 30},
        {"kind": "delay", "seconds": 30},
        {"kind": "delay", "seconds": 30, "on": "hub"},
        {"kind": "status", "code": 429, "headers": {"Retry_After": "30"}},
        {"kind": "none", "rate": 1e5},
    ],
)
def test_stopping_takes_effect_at_once(bench: Bench, fault: dict[str, object]) -> None:
    bench.hub.rate = 1e5
    bench.hub.fault(**fault, times=-1)  # type: ignore[arg-type]
    patient = replace(QUICK, waits=Waits(30, 30, 30))
    run = Running(bench.job(patience=patient))
    time.sleep(0.3)
    begun = time.monotonic()
    run.job.stop()
    assert run.job.status().state == "paused"
    assert run.join()
    assert time.monotonic() - begun < 0.2


def test_stopping_takes_effect_while_the_checksum_is_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow processor: the bytes are all there, their checksum is not."""
    update = RunningDigest.update

    def slow(self: RunningDigest, data: bytes | memoryview) -> None:
        time.sleep(0.08)
        update(self, data)

    monkeypatch.setattr(RunningDigest, "update", slow)
    monkeypatch.setattr("qwqdesk.models.verify.FOLLOWED", 50_000)
    run = Running(bench.job())
    while run.job.status().state != "verifying":
        time.sleep(0.005)
    begun = time.monotonic()
    run.job.stop()
    assert run.job.status().state == "paused"
    assert run.join()
    assert time.monotonic() - begun < 0.2
    monkeypatch.undo()
    assert bench.fetch().resumed_from == SIZE
    assert len(bench.hub.asked("cdn")) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_that_refuses_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    job = bench.job()
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.raises(UserError) as caught:
        job.run()
    assert caught.value.code == "proxy"


def test_a_certificate_that_nobody_knows_is_named(bench: Bench, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hub"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with LoopbackHub(context) as hub:
        assert hub.endpoint.startswith("https:")
        client = Hub(Site(hub.endpoint), Waits(2.0, 2.0, 5.0))
        for ask in (lambda: client.search("x"), lambda: client.repository("a/b")):
            with pytest.raises(UserError) as caught:
                ask()
            assert caught.value.code == "tls"


def test_two_writers_are_refused(bench: Bench) -> None:
    bench.hub.fault("stall", after=300_000, seconds=30)
    run = Running(bench.job())
    while not bench.part().exists() or not bench.part().stat().st_size:
        time.sleep(0.005)
    assert bench.code() == "busy"
    run.job.stop()
    assert run.join()
    assert bench.fetch().verified


def test_shards_come_one_after_another_and_are_not_fetched_twice(bench: Bench) -> None:
    shards = {f"B/T-BF16-0000{no}-of-00003.gguf": noise(300_000, no) for no in (1, 2, 3)}
    for path, data in shards.items():
        bench.hub.put(REPO, path, data)
    job = bench.job("bf16")
    bench.hub.fault("none")
    bench.hub.fault("html")
    with pytest.raises(UserError):
        job.run()
    results = bench.job("bf16").run()
    assert [result.verified for result in results] == [True] * 3
    assert [result.path.read_bytes() for result in results] == list(shards.values())
    assert len(bench.hub.asked("cdn")) == 4
    assert bench.hub.peak == 1


def test_the_library_knows_what_was_verified(bench: Bench, tmp_path: Path) -> None:
    bench.fetch()
    library = Library(Places(tmp_path / "none", bench.models))
    [model] = library.scan()
    assert (model.verified, model.repo, model.label) == (True, REPO, "Q4_K_M")
    model.path.write_bytes(b"GGUF")
    assert not library.scan()[0].verified


def test_the_same_content_twice_is_found_by_its_checksum(bench: Bench, tmp_path: Path) -> None:
    bench.hub.put("other/T-GGUF", "again-Q4_K_M.gguf", FILE)
    first, second = bench.fetch().path, bench.fetch(repo="other/T-GGUF").path
    (bench.models / "linked.gguf").hardlink_to(first)
    found = Library(Places(tmp_path / "no", bench.models)).scan()
    assert len(found) == 3
    original, again = (
        next(m.path for m in found if m.path.name == n.name) for n in (first, second)
    )
    assert copies(found)[again] == (original,)
    assert len(copies(found)) == 2


def test_a_small_git_file_is_checked_by_its_blob(bench: Bench) -> None:
    bench.hub.put(REPO, "small-Q8_0.gguf", noise(5000), lfs=False)
    assert bench.fetch("Q8_0").verified
    bench.hub.fault("corrupt", at=10, times=-1)
    (bench.models / REPO / "small-Q8_0.gguf").unlink()
    assert bench.code("Q8_0") == "corrupt"


def test_a_folder_that_cannot_be_written_is_named(bench: Bench) -> None:
    bench.models.write_text("in the way")
    assert bench.code() == "disk"


def test_a_link_in_the_place_of_the_part_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    bench.part().parent.mkdir(parents=True)
    bench.part().symlink_to(precious)
    assert bench.code() == "disk"
    assert precious.read_text() == "mine"


needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root"
)


@pytest.fixture
def small_disk(bench: Bench, tmp_path: Path) -> Path:
    """Eight megabytes in the place of the models folder."""
    bench.models.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(bench.models)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs here")
    return bench.models


@needs_root
def test_a_full_disk_is_seen_before_and_during(bench: Bench, small_disk: Path) -> None:
    try:
        bench.hub.put(REPO, "T-Q8_0.gguf", noise(9 << 20))
        assert bench.code("Q8_0") == "disk_full"
        assert bench.hub.asked("cdn") == []
        bench.hub.put(REPO, "T-Q6_K.gguf", noise(6 << 20))
        bench.hub.fault("stall", after=2 << 20, seconds=0.2)
        run = Running(bench.job("Q6_K"))
        while not bench.part("T-Q6_K.gguf").exists():
            time.sleep(0.005)
        filler = small_disk / "filler"
        filler.write_bytes(bytes(4 << 20))
        assert run.join()
        assert isinstance(run.failure, UserError)
        assert run.failure.code == "disk_full"
        kept = bench.part("T-Q6_K.gguf").stat().st_size
        assert kept > 0
        filler.unlink()
        assert bench.fetch("Q6_K").resumed_from == kept
    finally:
        subprocess.run(["umount", "-l", str(small_disk)], check=False)


def test_names_out_of_a_listing_cannot_leave_the_folder(tmp_path: Path) -> None:
    file = RepoFile("../../evil.gguf", 4, None)
    order = SetOrder("a/b", "main", Quantization("Q8_0", (file,)), tmp_path)
    with pytest.raises(ValueError, match="may not become a file"):
        order.target(file)


def test_a_part_renamed_by_another_program_is_opened_anew(tmp_path: Path) -> None:
    order = FileOrder("a/b", "c", RepoFile("m.gguf", 4, None), tmp_path / "m.gguf")
    with PartFile(order) as first:
        first.append(b"GGUF")
        first.finish()
    with PartFile(order) as second:
        assert second.size == 0
        second.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["m.gguf"]


def test_killed_in_the_middle_it_goes_on(bench: Bench) -> None:
    bench.hub.rate = 4e5
    code = (
        "import sys; from pathlib import Path; from tests.hub.hub_fixture import *\n"
        "class H: endpoint = sys.argv[1]\n"
        "Bench(H(), Path(sys.argv[2])).fetch()"
    )
    command = [sys.executable, "-c", code, bench.hub.endpoint, str(bench.models)]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[3])
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if bench.part().exists() and bench.part().stat().st_size > 200_000:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = bench.part().stat().st_size
    bench.hub.rate = 0
    assert bench.fetch().resumed_from == kept > 0
    assert _is_right(bench)
