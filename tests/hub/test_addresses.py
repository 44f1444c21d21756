"""Mirrors, next pages, and repositories that have another name now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_http import Site
from qwqdesk.models.library import Library, Places
from qwqdesk.models.records import FOLDER
from qwqdesk.models.renamed import FILE, names_of, note_name
from tests.hub.hub_fixture import REPO, Bench
from tests.hub.loopback_hub import TOKEN, LoopbackHub
from tests.hub.test_models_command import hub, models
from tests.native.cli.conftest import Cli
from tests.unit.models.gguf_writer import small_model

__all__ = ["hub", "models"]

OLD, NEW = "old-owner/T-GGUF", REPO


def rows_of(cli: Cli, repo: str) -> dict[str, dict[str, object]]:
    """What `models files` says of each label."""
    document = cli("models", "files", repo, "--json").json
    return {row["label"]: row for row in document["quantizations"]}


def names(rows: object) -> list[str]:
    return [row["repo"] for row in rows] if isinstance(rows, list) else []


@pytest.mark.parametrize(
    "next_page",
    [
        "https://huggingface.co/api/models?{query}",
        "https://hf.co/api/models?{query}",
        "http://huggingface.co/api/models?{query}",
        "https://somewhere.example:8443/api/models?{query}",
        "/api/models?{query}",
        "?{query}",
        "//huggingface.co/api/models?{query}",
    ],
)
def test_all_pages_come_from_the_mirror_whatever_server_they_name(
    cli: Cli, hub: LoopbackHub, next_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for number in range(7):
        hub.add(f"bulk/M{number}-GGUF").downloads = number
    hub.page, hub.next_page = 3, next_page
    rows = cli("models", "search", "bulk", "--json").json
    assert names(rows) == [f"bulk/M{n}-GGUF" for n in reversed(range(7))]
    assert len(hub.asked("api")) == 3
    assert all(each.token for each in hub.asked("api"))


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/collect?{query}",
        "file:///etc/passwd?{query}",
        "javascript:alert(1)",
        "/api/whoami-v2?{query}",
        "http://[",
    ],
)
def test_what_is_no_listing_is_not_followed(cli: Cli, hub: LoopbackHub, next_page: str) -> None:
    for number in range(4):
        hub.add(f"bulk/M{number}-GGUF").downloads = number
    hub.page, hub.next_page = 3, next_page
    assert len(cli("models", "search", "bulk", "--json").json) == 3
    assert len(hub.asked("api")) == 1


@pytest.mark.parametrize("page", ["?search=bulk&cursor=0", "?search=bulk&cursor=3&limit={query}"])
def test_pages_that_lead_in_a_circle_end(cli: Cli, hub: LoopbackHub, page: str) -> None:
    for number in range(9):
        hub.add(f"bulk/M{number}-GGUF").downloads = number
    hub.page, hub.next_page = 3, page
    rows = names(cli("models", "search", "bulk", "--limit", "1000", "--json").json)
    assert len(rows) == len(set(rows)) <= 6
    assert len(hub.asked("api")) <= 4


def test_a_mirror_below_a_path_has_its_own_addresses() -> None:
    site = Site("https://mirror.example/hf")
    assert site.own("https://huggingface.co/api/models/a/b?x=1") == (
        "https://mirror.example/hf/api/models/a/b?x=1"
    )
    assert site.own("http://mirror.example/hf/a/b/resolve/main/x.gguf") == (
        "https://mirror.example/hf/a/b/resolve/main/x.gguf"
    )
    for foreign in (
        "https://cdn-lfs.huggingface.co/x?sig=1",
        "https://cas-bridge.xethub.hf.co/x",
        "https://mirror.example:9000/x",
        "https://mirror.example.evil/hf/x",
    ):
        assert site.own(foreign) == foreign


# ---------------------------------------------------------------- other names


@pytest.fixture(params=[301, 302, 307, 308])
def renamed(request: pytest.FixtureRequest, hub: LoopbackHub) -> LoopbackHub:
    """The repository has another name now; the hub sends on, or a mirror to the hub."""
    hub.renamed[OLD] = NEW
    hub.redirect = (request.param, "https://huggingface.co" if request.param in (302, 308) else "")
    return hub


def test_a_redirect_to_an_impossible_address_is_told(cli: Cli, hub: LoopbackHub) -> None:
    hub.renamed[OLD] = NEW
    hub.redirect = (307, "http://[")
    assert cli("models", "download", OLD, "Q4_K_M", "--json").json["error"]["code"] == "network"


def test_a_renamed_repository_is_downloaded_and_found_by_both_names(
    cli: Cli, renamed: LoopbackHub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    document = cli("models", "download", OLD, "Q4_K_M", "--json").json
    assert document["repo"] == NEW
    [file] = document["files"]
    path = models / NEW / "T-q4_k_m.gguf"
    assert file["path"] == str(path)
    assert all(each.token for each in renamed.asked("hub") + renamed.asked("api"))
    assert not any(each.token for each in renamed.asked("cdn"))
    library = Library(Places(models / "none", models))
    for text in (
        f"hf.co/{OLD}:Q4_K_M",
        f"hf.co/{NEW}:Q4_K_M",
        f"https://huggingface.co/{OLD}",
        f"https://huggingface.co/{OLD.upper()}/blob/main/T-q4_k_m.gguf",
        f"{OLD}:Q4_K_M",
        f"{OLD}/T-q4_k_m.gguf",
        OLD,
        NEW,
    ):
        assert library.find(text) == path, text
    rows = {
        row["label"]: row for row in cli("models", "files", OLD, "--json").json["quantizations"]
    }
    assert (rows["Q4_K_M"]["downloaded"], rows["F16"]["downloaded"]) == (True, False)
    before = len(renamed.asked("cdn"))
    cli("models", "download", OLD, "Q4_K_M")
    assert len(renamed.asked("cdn")) == before, "it is here already"


def test_what_was_downloaded_by_the_old_name_is_here_by_the_new_one(
    cli: Cli, hub: LoopbackHub, models: Path
) -> None:
    hub.put(OLD, "T-q4_k_m.gguf", small_model().build())
    cli("models", "download", OLD, "Q4_K_M")
    path = models / OLD / "T-q4_k_m.gguf"
    assert path.is_file()
    del hub.repos[OLD]
    hub.renamed[OLD] = NEW
    cli("models", "files", OLD)  # whoever asks by the old name learns the new one
    rows = {
        row["label"]: row for row in cli("models", "files", NEW, "--json").json["quantizations"]
    }
    assert rows["Q4_K_M"]["downloaded"]
    [file] = cli("models", "download", NEW, "Q4_K_M", "--json").json["files"]
    assert file["path"] == str(path), "no second copy under the new name"
    assert Library(Places(models / "none", models)).find(f"hf.co/{NEW}:Q4_K_M") == path


def test_an_interrupted_download_goes_on_under_the_name_it_began_by(bench: Bench) -> None:
    bench.hub.put(OLD, "T-Q4_K_M.gguf", bench.hub.repos[REPO].files["T-Q4_K_M.gguf"].data)
    bench.hub.fault("cut", at=700_000, times=1)
    job = bench.job(repo=OLD)
    del bench.hub.repos[OLD]
    bench.hub.renamed[OLD] = NEW
    [result] = job.run()
    assert result.path == bench.models / OLD / "T-Q4_K_M.gguf"
    assert result.verified


def test_window_and_listing_see_the_same_repository(renamed: LoopbackHub) -> None:
    client = Hub(Site(renamed.endpoint))
    assert client.repository(OLD).repo == client.listing(OLD).repo == NEW


# ---------------------------------------------------------------- what is remembered


def test_names_are_remembered_in_chains_and_forgotten_when_they_are_used_anew(
    tmp_path: Path,
) -> None:
    note_name(tmp_path, "a/One", "b/Two")
    note_name(tmp_path, "b/Two", "c/Three")
    assert set(names_of(tmp_path, "C/three")) == {"C/three", "b/Two", "a/One"}
    assert names_of(tmp_path, "a/one")[0] == "a/one"
    assert names_of(tmp_path, "x/other") == ("x/other",)
    note_name(tmp_path, "A/one", "a/One")  # somebody else took the old name
    assert names_of(tmp_path, "a/One") == ("a/One",)
    note_name(tmp_path, "b/Two", "b/Four")
    assert set(names_of(tmp_path, "b/Two")) == {"b/Two", "b/Four"}
    note_name(tmp_path, "same/Name", "Same/name")
    assert names_of(tmp_path, "same/name") == ("same/name",)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"names": {"../x": "a/b", "a/b": 5}}', "{"])
def test_a_broken_memory_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / FOLDER / FILE
    file.parent.mkdir()
    file.write_text(text)
    assert names_of(tmp_path, "a/b") == ("a/b",)
    note_name(tmp_path, "a/b", "c/d")
    if text != "{":
        assert set(names_of(tmp_path, "c/d")) == {"c/d", "a/b"}
        assert json.loads(file.read_text())["names"]["a/b"] == "c/d"


def test_a_label_of_another_program_is_named_before_its_download(
    cli: Cli, hub: LoopbackHub
) -> None:
    hub.put(REPO, "T-IQ4_XS_R4.gguf", small_model().build())
    result = cli("models", "download", REPO, "IQ4_XS_R4")
    assert "ik_llama.cpp: it cannot be loaded here" in result.err
    line = next(row for row in cli("models", "files", REPO).out.splitlines() if "R4" in row)
    assert "cannot be loaded" in line
    rows = {
        row["label"]: row for row in cli("models", "files", REPO, "--json").json["quantizations"]
    }
    assert (rows["IQ4_XS_R4"]["fit"], rows["Q4_K_M"]["fit"]) == ("no", "cpu")
