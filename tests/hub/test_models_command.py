"""`qwqdesk models` against the loopback hub: INTERFACE's documents, error codes, exit statuses."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.hub_fixture import REPO, noise
from tests.hub.loopback_hub import TOKEN, LoopbackHub
from tests.native.cli.conftest import Cli
from tests.processes import sigint
from tests.unit.models.gguf_writer import small_model

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with a real small model in two quantizations, and shards."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with LoopbackHub() as hub:
        hub.put(REPO, "T-q4_k_m.gguf", small_model().build())
        hub.put(REPO, "T-fp16.gguf", small_model(file_type=1).build())
        hub.put(REPO, "README.md", b"# T", lfs=False)
        hub.put(REPO, "mmproj-T-F16.gguf", b"GGUF")
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setattr("qwqdesk.models.hub.FIRST_WAIT", 0.01)
        yield hub
        from huggingface_hub import close_session

        close_session()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Where the program keeps models."""
    return tmp_path / "data" / "models"


def test_search_lists_repositories_over_all_pages(cli: Cli, hub: LoopbackHub) -> None:
    for number in range(7):
        hub.add(f"bulk/M{number}-GGUF").downloads = number
    hub.page = 3
    rows = cli("models", "search", "bulk", "--json").json
    assert [row["repo"] for row in rows] == [f"bulk/M{n}-GGUF" for n in reversed(range(7))]
    assert sorted(rows[0]) == ["downloads", "gated", "likes", "repo", "updated"]
    assert len(cli("models", "search", "bulk", "--limit", "2", "--json").json) == 2
    assert "bulk/M6-GGUF" in cli("models", "search", "bulk").out
    [row] = cli("models", "search", "https://hf.co/bulk/M3-GGUF", "--json").json
    assert row["repo"] == "bulk/M3-GGUF"


def test_files_are_quantizations_with_their_fit(cli: Cli, hub: LoopbackHub) -> None:
    for number in (1, 3):
        hub.put(REPO, f"BF16/T-BF16-0000{number}-of-00003.gguf", noise(9000, number))
    result = cli("models", "files", f"hf.co/{REPO}", "--json")
    found = result.json
    assert (found["repo"], found["commit"], found["gated"]) == (REPO, hub.repos[REPO].commit, False)
    rows = {row["label"]: row for row in found["quantizations"]}
    assert sorted(rows) == ["BF16", "F16", "Q4_K_M"]
    assert sorted(rows["F16"]) == [
        "complete",
        "downloaded",
        "files",
        "fit",
        "label",
        "missing",
        "size_bytes",
    ]
    assert (rows["Q4_K_M"]["complete"], rows["Q4_K_M"]["fit"]) == (True, "cpu")
    assert rows["BF16"]["missing"] == ["BF16/T-BF16-00002-of-00003.gguf"]
    assert [file["path"] for file in rows["BF16"]["files"]] == [
        "BF16/T-BF16-00001-of-00003.gguf",
        "BF16/T-BF16-00003-of-00003.gguf",
    ]
    text = cli("models", "files", REPO).out
    assert "incomplete" in text
    assert "CPU only" in text


@pytest.mark.parametrize(
    "fault", [{"kind": "reset"}, {"kind": "status", "code": 403}, {"kind": "html"}]
)
def test_a_header_that_cannot_be_read_leaves_the_fit_open(
    cli: Cli, hub: LoopbackHub, fault: dict[str, object]
) -> None:
    hub.fault(**fault, times=-1)  # type: ignore[arg-type]
    rows = cli("models", "files", REPO, "--json").json["quantizations"]
    assert [row["fit"] for row in rows] == [None, None]


def test_the_time_for_headers_is_limited(
    cli: Cli, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qwqdesk.hub_fit.HEADERS_TIME", 0.2)
    hub.fault("delay", seconds=30, times=-1)
    begun = time.monotonic()
    rows = cli("models", "files", REPO, "--json").json["quantizations"]
    assert [row["fit"] for row in rows] == [None, None]
    assert time.monotonic() - begun < 4


def test_a_model_that_is_too_large_does_not_fit(cli: Cli, hub: LoopbackHub) -> None:
    repo = hub.repos[REPO]
    lfs = {"size": 10**14, "sha256": "a" * 64, "pointerSize": 134}
    repo.listed["T-Q8_0.gguf"] = {"size": 10**13, "lfs": {**lfs, "size": 10**13}}
    rows = cli("models", "files", REPO, "--json").json["quantizations"]
    assert [row["fit"] for row in rows if row["label"] == "Q8_0"] == ["no"]


def test_download_ends_in_the_library(cli: Cli, hub: LoopbackHub, models: Path) -> None:
    done = cli("models", "download", REPO, "Q4_k_m", "--json").json
    [file] = done["files"]
    target = models / REPO / "T-q4_k_m.gguf"
    assert file == {
        "path": str(target),
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "verified": True,
        "resumed_from": 0,
    }
    assert (done["repo"], done["label"]) == (REPO, "Q4_K_M")
    assert done["seconds"] >= 0
    listed = [row for row in cli("models", "list", "--json").json if row["source"] == "library"]
    assert [(row["repo"], row["label"], row["verified"]) for row in listed] == [
        (REPO, "Q4_K_M", True)
    ]
    rows = cli("models", "files", REPO, "--json").json["quantizations"]
    assert {row["label"]: row["downloaded"] for row in rows} == {"Q4_K_M": True, "F16": False}


@pytest.mark.parametrize(
    "words",
    [
        [REPO, "*Q4_K_M*"],
        [f"hf.co/{REPO}:q4_k_m"],
        [f"https://huggingface.co/{REPO}/blob/main/T-q4_k_m.gguf"],
        [f"https://huggingface.co/{REPO}?not-for-all-audiences=true", "Q4_K_M"],
        [REPO, "T-q4_k_m.gguf"],
    ],
)
def test_a_quantization_has_many_names(cli: Cli, hub: LoopbackHub, words: list[str]) -> None:
    assert cli("models", "download", *words, "--json").json["label"] == "Q4_K_M"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([REPO, "Q6_K"], "no_file"),
        ([REPO, "*"], "ambiguous"),
        ([REPO], "ambiguous"),
        (["nope/none", "Q4_0"], "not_found"),
        (["not a name", "Q4_0"], "not_found"),
        (["../..", "Q4_0"], "not_found"),
        (["https://example.com/a/b", "Q4_0"], "not_found"),
    ],
)
def test_what_cannot_be_meant_has_a_code(
    cli: Cli, hub: LoopbackHub, words: list[str], code: str
) -> None:
    result = cli("models", "download", *words, "--json")
    assert (result.status, result.error["code"]) == (1, code)
    assert result.err.startswith("error: ")


def test_missing_shards_are_named_and_not_fetched(cli: Cli, hub: LoopbackHub) -> None:
    hub.put(REPO, "T-BF16-00002-of-00002.gguf", noise(9000))
    result = cli("models", "download", REPO, "BF16", "--json")
    assert result.error["code"] == "incomplete"
    assert "T-BF16-00001-of-00002.gguf" in result.err
    assert hub.asked("cdn") == []


def test_names_in_a_listing_stay_in_the_folder(cli: Cli, hub: LoopbackHub, models: Path) -> None:
    evil = [
        "../../evil-Q8_0.gguf",
        "/etc/evil-Q8_0.gguf",
        "a/../../../evil-Q8_0.gguf",
        "C:\\evil-Q8_0.gguf",
        "..\\evil-Q8_0.gguf",
        "C:evil-Q8_0.gguf",
        "nul\0-Q8_0.gguf",
        "CON.gguf",
        "a//b-Q8_0.gguf",
        "x" * 300 + "-Q8_0.gguf",
        "\u202egnp-Q8_0.gguf",
        "dir./evil-Q8_0.gguf",
        "．．/evil-Q8_0.gguf",
    ]
    row = {"size": 4, "lfs": {"size": 4, "sha256": "a" * 64, "pointerSize": 134}}
    hub.repos[REPO].listed = dict.fromkeys(evil, row)
    rows = cli("models", "files", REPO, "--json").json["quantizations"]
    assert sorted(row["label"] for row in rows) == ["F16", "Q4_K_M"]
    assert cli("models", "download", REPO, "Q8_0", "--json").error["code"] == "no_file"


def test_offline_asks_nobody(cli: Cli, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for words in (["search", "x"], ["files", REPO], ["download", REPO, "F16"]):
        assert cli("models", *words, "--json").error["code"] == "offline"
    assert cli("models", "list", "--json").status == 0
    assert hub.log == []


def test_nobody_answers(cli: Cli, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for words in (["search", "x"], ["files", REPO], ["download", REPO, "F16"]):
        assert cli("models", *words, "--json").error["code"] == "network"
    monkeypatch.setenv("HF_ENDPOINT", "not an address")
    assert cli("models", "search", "x", "--json").error["code"] == "network"


@pytest.mark.parametrize("what", ["search", "files"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "html"}, "portal"),
        ({"kind": "status", "code": 429, "headers": {"Retry_After": "55"}}, "rate"),
        ({"kind": "status", "code": 200}, "network"),
        ({"kind": "status", "code": 500}, "network"),
        ({"kind": "reset"}, "network"),
    ],
)
def test_listing_fails_in_words(
    cli: Cli, hub: LoopbackHub, what: str, fault: dict[str, object], code: str
) -> None:
    hub.fault(**fault, on="api", times=-1)  # type: ignore[arg-type]
    assert cli("models", what, REPO, "--json").error["code"] == code


_REPO_TEXT = '{"id": "a/b", "siblings": %s}'


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "3",
        '"text"',
        "[" * 100_000,
        "{}",
        '{"id": 3}',
        '{"id": "a/b", "lastModified": "yesterday"}',
        '{"id": "a/b", "cardData": {"language": {}}, "model-index": 3}',
        _REPO_TEXT % "3",
        _REPO_TEXT % "[null, 3]",
        _REPO_TEXT % '[{"rfilename": 3}]',
        _REPO_TEXT % '[{"rfilename": "m-Q8_0.gguf", "size": "4"}]',
        _REPO_TEXT % '[{"rfilename": "m-Q8_0.gguf", "size": 4, "lfs": {"size": 1e400}}]',
        _REPO_TEXT % '[{"rfilename": "m-Q8_0.gguf", "size": 4, "lfs": 3}]',
        '[{"id": "../.."}, {"id": "a/b", "downloads": -1, "likes": "x", "gated": {}}, 3]',
    ],
)
def test_strange_listings_are_no_traceback(cli: Cli, hub: LoopbackHub, body: str) -> None:
    hub.fault("body", on="api", times=-1, body=body.encode())
    for words in (["files", REPO], ["search", "x"], ["download", REPO, "Q8_0"]):
        result = cli("models", *words, "--json")
        assert result.status == 0 or result.error["code"] in ("network", "no_file")


def test_a_bad_token_is_named_and_can_be_left_out(
    cli: Cli, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrongwrong")
    result = cli("models", "files", REPO, "--json")
    assert result.error["code"] == "token"
    assert "wrongwrong" not in result.out + result.err
    assert cli("models", "files", REPO, "--no-token", "--json").status == 0


def test_the_saved_token_is_used(
    cli: Cli, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos[REPO].gated = "auto"
    assert cli("models", "download", REPO, "F16", "--json").error["code"] == "gated_login"
    assert cli("models", "files", REPO, "--json").json["gated"] == "auto"
    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    assert cli("models", "download", REPO, "F16", "--json").json["files"][0]["verified"]
    assert not any(each.token for each in hub.asked("cdn"))


def test_what_the_hugging_face_cache_has_is_not_fetched_again(
    cli: Cli, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    file = hub.repos[REPO].files["T-fp16.gguf"]
    blob = tmp_path / "cache" / "models--tiny--T-GGUF" / "blobs" / file.sha256
    blob.parent.mkdir(parents=True)
    blob.write_bytes(file.data)
    done = cli("models", "download", REPO, "F16", "--json").json["files"][0]
    assert (done["verified"], done["resumed_from"]) == (True, len(file.data))
    assert hub.asked("cdn") == []
    cli("models", "remove", done["path"])
    blob.write_bytes(file.data[:-1] + b"!")
    assert cli("models", "download", REPO, "F16", "--json").json["files"][0]["verified"]
    assert len(hub.asked("cdn")) == 1
    assert blob.read_bytes() != file.data


def test_nothing_else_is_asked(cli: Cli, hub: LoopbackHub) -> None:
    cli("models", "download", REPO, "F16")
    assert [each.origin for each in hub.log] == ["api", "hub", "cdn"]


def test_verify_says_whether_a_file_is_whole(cli: Cli, hub: LoopbackHub, models: Path) -> None:
    cli("models", "download", REPO, "F16")
    path = models / REPO / "T-fp16.gguf"
    assert cli("models", "verify", str(path), "--json").json["verified"] is True
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert cli("models", "verify", str(path), "--json").error["code"] == "corrupt"
    assert cli("models", "verify", str(path), "--json").error["code"] == "corrupt"
    rows = cli("models", "list", "--json").json
    assert [row["verified"] for row in rows if row["source"] == "library"] == [False]


def test_a_file_that_changed_or_misses_a_part_is_listed_as_such(
    cli: Cli, hub: LoopbackHub, models: Path
) -> None:
    cli("models", "download", REPO, "F16")
    path = models / REPO / "T-fp16.gguf"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    (models / REPO / "B-00002-of-00003.gguf").write_bytes(path.read_bytes())
    lines = cli("models", "list").out.splitlines()
    assert [line for line in lines if "T-fp16" in line and " changed " in line]
    assert [line for line in lines if "2 of 3 parts are missing" in line]
    assert "B-0000" not in cli("models", "list", "--json").out


def test_a_file_put_there_by_hand_is_compared_with_the_hub(
    cli: Cli, hub: LoopbackHub, models: Path
) -> None:
    path = models / REPO / "T-fp16.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(hub.repos[REPO].files["T-fp16.gguf"].data)
    assert cli("models", "verify", str(path), "--json").json["verified"] is True
    own = small_model().write(models / "own.gguf")
    assert cli("models", "verify", str(own), "--json").json["verified"] is False


def test_remove_frees_only_what_is_ours(
    cli: Cli, hub: LoopbackHub, models: Path, tmp_path: Path
) -> None:
    cli("models", "download", REPO, "F16")
    path = models / REPO / "T-fp16.gguf"
    size = path.stat().st_size
    gone = cli("models", "remove", str(path), "--json").json
    assert gone == {"removed": [str(path)], "freed_bytes": size}
    assert not path.parent.exists()
    other = small_model().write(tmp_path / "other.gguf")
    assert cli("models", "remove", str(other), "--json").error["code"] == "read_only"
    (models / "link").symlink_to(tmp_path)
    assert cli("models", "remove", str(models / "link" / "other.gguf"), "--json").status == 1
    assert other.exists()
    demo = cli("models", "list", "--json").json[0]["path"]
    assert cli("models", "remove", demo, "--json").error["code"] == "read_only"
    assert cli("models", "download", REPO, "F16", "--json").json["files"][0]["verified"]


def test_import_links_a_file_and_remembers_a_folder(cli: Cli, models: Path, tmp_path: Path) -> None:
    own = small_model().write(tmp_path / "mine" / "own-Q8_0.gguf")
    added = cli("models", "import", str(own), "--json").json
    assert added == {"imported": [str(models / "imported" / "own-Q8_0.gguf")]}
    assert cli("models", "import", str(own), "--json").status == 0
    other = small_model().write(tmp_path / "more" / "own-Q8_0.gguf")
    assert cli("models", "import", str(other), "--json").error["code"] == "exists"
    cli("models", "import", str(other.parent))
    rows = cli("models", "list", "--json").json
    found = [(row["source"], Path(row["path"]).parent.name) for row in rows[2:]]
    assert found == [("library", "imported"), ("folder", "more")]
    freed = cli("models", "remove", added["imported"][0], "--json").json["freed_bytes"]
    assert (freed, own.exists()) == (0, True)


def test_import_takes_whole_models_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<!doctype html>")
    assert (
        cli("models", "import", str(tmp_path / "page.gguf"), "--json").error["code"] == "not_gguf"
    )
    assert cli("models", "import", str(tmp_path / "no"), "--json").error["code"] == "not_found"
    shard = small_model().write(tmp_path / "m-00001-of-00002.gguf")
    assert cli("models", "import", str(shard), "--json").error["code"] == "incomplete"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["files"],
        ["download"],
        ["download", "a/b", "c", "d"],
        ["search", "x", "--sort", "size"],
        ["search", "x", "--limit", "0"],
        ["download", "a/b", "c", "--speed", "fast"],
        ["dance"],
    ],
)
def test_wrong_usage(cli: Cli, words: list[str]) -> None:
    assert cli("models", *words).status == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_program_it_goes_on_where_it_was(
    hub: LoopbackHub, models: Path, how: signal.Signals
) -> None:
    data = noise(1_000_000)
    hub.put(REPO, "T-Q8_0.gguf", data)
    hub.rate = 4e5
    command = [sys.executable, "-m", "qwqdesk", "models", "download", REPO, "Q8_0", "--json"]
    with sigint():
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    part = models / REPO / "T-Q8_0.gguf.part"
    end = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size > 100_000) and time.monotonic() < end:
        time.sleep(0.01)
    begun = time.monotonic()
    process.send_signal(how)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - begun < 3
    if how == signal.SIGINT:
        assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
        assert "kept" in err
    hub.rate = 0
    kept = part.stat().st_size
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    [file] = json.loads(again.stdout)["files"]
    assert (file["resumed_from"], file["verified"]) == (kept, True)
    assert hub.asked("cdn")[-1].range == f"bytes={kept}-"


def test_nothing_found_is_said(cli: Cli, hub: LoopbackHub) -> None:
    result = cli("models", "search", "no such words")
    assert (result.status, result.out) == (0, "")
    assert "has no GGUF repository for 'no such words'" in result.err
    assert cli("models", "search", "no such words", "--json").json == []


def test_files_whose_names_are_unsafe_are_counted(cli: Cli, hub: LoopbackHub) -> None:
    hub.put("o/Bad-GGUF", "../x-Q4_0.gguf", small_model().build())
    hub.put("o/Bad-GGUF", "CON.gguf", small_model().build())
    result = cli("models", "files", "o/Bad-GGUF")
    assert "o/Bad-GGUF has 2 GGUF files, but no name that would be safe" in result.err
    hub.put("o/None-GGUF", "README.md", b"# T", lfs=False)
    assert "o/None-GGUF has no GGUF files" in cli("models", "files", "o/None-GGUF").err


@pytest.mark.parametrize("words", [("search", "x"), ("files", REPO)])
@pytest.mark.parametrize("address", ["ftp://127.0.0.1:1", "http://[bad", "http://127.0.0.1:99999"])
def test_a_proxy_that_is_no_address_is_named(
    cli: Cli,
    hub: LoopbackHub,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    address: str,
) -> None:
    monkeypatch.setenv("http_proxy", address)
    error = cli("models", *words, "--json").error
    assert error["code"] == "proxy"
    assert "http_proxy" in error["what"]


@pytest.mark.parametrize("words", [("search", "x"), ("files", REPO)])
def test_https_to_a_port_without_it_is_said(
    cli: Cli, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint.replace("http:", "https:"))
    error = cli("models", *words, "--json").error
    assert error["code"] == "tls"
    assert "can't be asked by https" in error["what"]
    assert "http://" in error["what_to_do"]
