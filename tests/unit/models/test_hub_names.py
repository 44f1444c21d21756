"""What a user pastes, what a listing may be called, how files become rows."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.models.hub_errors import retry_after
from qwqdesk.models.hub_files import RepoFile, choose, listed, quantizations
from qwqdesk.models.hub_http import Site
from qwqdesk.models.hub_names import HubName, is_repo, parse_name
from qwqdesk.models.hub_paths import is_safe, local_path
from qwqdesk.models.tokens import find_token


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("unsloth/QwQ-32B-GGUF", HubName("unsloth/QwQ-32B-GGUF")),
        (" unsloth/QwQ-32B-GGUF:Q4_K_M ", HubName("unsloth/QwQ-32B-GGUF", "Q4_K_M")),
        ("hf.co/a/b:*Q4*", HubName("a/b", "*Q4*")),
        ("https://hf.co/a/b", HubName("a/b")),
        ("https://huggingface.co/a/b/", HubName("a/b")),
        ("huggingface.co/a/b?x=1#y", HubName("a/b")),
        ("https://huggingface.co/a/b/tree/main", HubName("a/b")),
        ("https://huggingface.co/a/b/tree/v2", HubName("a/b", None, "v2")),
        ("https://huggingface.co/a/b/blob/main/x/m%20Q8.gguf", HubName("a/b", "x/m Q8.gguf")),
        ("https://huggingface.co/a/b/resolve/main/m.gguf?download=true", HubName("a/b", "m.gguf")),
        ("https://huggingface.co/a/b/discussions/3", HubName("a/b")),
        ("http://127.0.0.1:80/a/b", HubName("a/b")),
        ("https://huggingface.co/a/b.git", HubName("a/b")),
        ("git clone https://huggingface.co/a/b", HubName("a/b")),
        ("git@hf.co:a/b.git", HubName("a/b")),
        ("hf://a/b/", HubName("a/b")),
        ("a/b/", HubName("a/b")),
        ("hf.co/a/b:Q4_K_M/", HubName("a/b", "Q4_K_M")),
        ("HTTPS://HuggingFace.co/A/b", HubName("A/b")),
        ("https://www.huggingface.co/a/b", HubName("a/b")),
        ("https://huggingface.co:443/a/b", HubName("a/b")),
        ("https://user@huggingface.co/a/b", HubName("a/b")),
        ("https://hf-mirror.com/a/b/tree/main/", HubName("a/b")),
        ("https://hf-mirror.com/a/b/resolve/main/m.gguf", HubName("a/b", "m.gguf")),
        ("https://huggingface.co/a/b/tree/main/UD-Q4_K_XL", HubName("a/b", "UD-Q4_K_XL/*")),
        ("https://huggingface.co/a/b/tree", HubName("a/b")),
        (
            "https://huggingface.co/a/b?show_file_info=m-Q4_K_M.gguf",
            HubName("a/b", "m-Q4_K_M.gguf"),
        ),
        (
            "https://huggingface.co/a/b/tree/main?show_file_info=x%2Fm.gguf",
            HubName("a/b", "x/m.gguf"),
        ),
        ("https://huggingface.co/a/b/raw/v1/m.gguf#L1", HubName("a/b", "m.gguf", "v1")),
        (
            "https://huggingface.co/a/b/blob/refs%2Fpr%2F1/m.gguf",
            HubName("a/b", "m.gguf", "refs/pr/1"),
        ),
        ("https://huggingface.co/a/b/commit/abc", HubName("a/b")),
    ],
)
def test_many_ways_to_name_a_repository(text: str, name: HubName) -> None:
    assert parse_name(text, "http://127.0.0.1:80") == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model",
        "a/b/c",
        "../b",
        "a/..",
        "a--b/c",
        "a/b..c",
        "https://example.com/a/b",
        "https://huggingface.co/",
        "https://huggingface.co.evil/a/b",
        "https://huggingface.co/datasets/a",
        "datasets/a/b",
        "a/b\n",
        "a b/c",
        "-a/b",
        "a/%2e%2e",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    if text.strip() != text:
        assert not is_repo(text)
        return
    with pytest.raises(UserError) as caught:
        parse_name(text)
    assert caught.value.code == "not_found"


@given(st.text(max_size=60))
def test_pasted_text_is_a_repository_or_an_error(text: str) -> None:
    with contextlib.suppress(UserError):
        assert is_repo(parse_name(text, "https://huggingface.co").repo)


@pytest.mark.parametrize(
    "path", ["m.gguf", "BF16/m-00001-of-00002.gguf", "é/ü 1.gguf", "모델.gguf"]
)
def test_ordinary_names_are_safe(path: str) -> None:
    assert is_safe(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/m.gguf",
        "../m.gguf",
        "a/../m.gguf",
        "./m.gguf",
        "a//m.gguf",
        "a/",
        "a\\m.gguf",
        "C:/m.gguf",
        "C:m.gguf",
        "m.gguf:stream",
        "nul\0.gguf",
        "line\n.gguf",
        "esc\x1b[2J.gguf",
        "CON",
        "con.gguf",
        "a/Lpt1.gguf",
        "com¹.gguf",
        "NUL .gguf",
        "m.gguf.",
        "m.gguf ",
        " m.gguf",
        "dir./m.gguf",
        "．．/m.gguf",
        "a／..／m.gguf",
        "\u202egguf.m",
        "\ud800.gguf",
        "x" * 201,
        "/".join("abcdefghi"),
        "ü" * 120,
        "a?.gguf",
        "a*.gguf",
    ],
)
def test_other_names_are_not(path: str) -> None:
    assert not is_safe(path)
    assert listed(path, 4, None, None) is None


@given(st.text(max_size=40))
def test_a_safe_name_stays_in_its_folder(path: str) -> None:
    if is_safe(path):
        place = local_path(Path("/models"), "a/b", path)
        assert place.is_relative_to("/models/a/b")
        assert ".." not in place.parts
        assert "\0" not in str(place)


@pytest.mark.parametrize("size", [0, -1, None, True, 1.5, "4", 1 << 60])
def test_impossible_sizes_are_not_listed(size: object) -> None:
    assert listed("m.gguf", size, None, None) is None


def _rows(*paths: str) -> dict[str, tuple[int, tuple[str, ...]]]:
    found = quantizations(RepoFile(path, 10, None) for path in paths)
    return {row.label: (len(row.files), row.missing) for row in found}


def test_files_become_quantizations() -> None:
    assert _rows(
        "README.md",
        "m-Q4_K_M.gguf",
        "m-q4_k_m.GGUF",
        "m-fp16.gguf",
        "m-UD-Q4_K_XL.gguf",
        "BF16/m-BF16-00001-of-00002.gguf",
        "BF16/m-BF16-00002-of-00002.gguf",
        "Q8_0/m-00001-of-00003.gguf",
        "mmproj-F16.gguf",
        "m-imatrix.gguf",
        "m.Q6_K.gguf.part1of2",
        "odd.gguf",
    ) == {
        "Q4_K_M": (1, ()),
        "F16": (1, ()),
        "UD-Q4_K_XL": (1, ()),
        "BF16": (2, ()),
        "Q8_0": (1, ("Q8_0/m-00002-of-00003.gguf", "Q8_0/m-00003-of-00003.gguf")),
        "odd": (1, ()),
    }


def test_the_same_label_twice_names_its_file() -> None:
    assert sorted(_rows("a-Q8_0.gguf", "b-Q8_0.gguf")) == ["Q8_0 (a-Q8_0)", "Q8_0 (b-Q8_0)"]


def test_absurd_shards_are_no_row() -> None:
    assert _rows("m-00001-of-99999.gguf", "m-00000-of-00002.gguf") == {}


def test_a_pattern_takes_the_plain_label_first() -> None:
    rows = quantizations(RepoFile(p, 10, None) for p in ("m-Q4_K_M.gguf", "m-UD-Q4_K_M.gguf"))
    assert choose(rows, "*Q4_K_M*", "a/b").label == "Q4_K_M"
    assert choose(rows, "ud-q4_k_m", "a/b").label == "UD-Q4_K_M"
    with pytest.raises(UserError, match="several"):
        choose(rows, "*Q4*", "a/b")
    with pytest.raises(UserError, match="no GGUF files"):
        choose((), "Q4_K_M", "a/b")


def test_the_token_comes_from_its_places_and_is_never_shown(tmp_path: Path) -> None:
    home = tmp_path
    environ = {"HOME": str(home), "HF_HOME": str(home)}
    assert find_token(environ) is None
    (home / "token").write_text(" hf_file \n")
    found = find_token(environ)
    assert found is not None
    assert found.text == "hf_file"
    assert "hf_file" not in repr(found) + repr(Site(token=found))
    named = find_token({**environ, "HF_TOKEN": "hf_env"})
    assert named is not None
    assert named.text == "hf_env"
    assert find_token({**environ, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}) is None
    for bad in ("a\nb", "ü", "x" * 5000, ""):
        (home / "token").write_text(bad, encoding="utf-8")
        assert find_token({**environ, "HF_TOKEN": bad}) is None


def test_the_site_follows_the_variables() -> None:
    site = Site.find({"HF_ENDPOINT": "https://me:secret@mirror.example/", "HOME": "/nowhere"})
    assert site.endpoint == "https://me:secret@mirror.example"
    assert site.host == "mirror.example"
    assert "secret" not in site.page("a/b")
    assert Site.find({"HF_HUB_OFFLINE": "yes"}).offline
    assert not Site.find({"HF_HUB_OFFLINE": "0"}).offline
    for bad in ("huggingface.co", "ftp://x", "http://", "http://[::1"):
        with pytest.raises(UserError):
            Site.find({"HF_ENDPOINT": bad})


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after({"retry-after": "20"}) == 20
    assert retry_after({"retry-after": "-3"}) == 0
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    for bad in ("", "soon", "nan"):
        assert retry_after({"retry-after": bad}) is None


def test_a_mirror_below_a_path_is_read_from_its_own_addresses() -> None:
    mirror = "https://mirror.example/hf"
    assert parse_name(f"{mirror}/a/b/tree/main", mirror) == HubName("a/b")
    assert parse_name("mirror.example/hf/a/b:Q8_0", mirror) == HubName("a/b", "Q8_0")
    assert parse_name("https://huggingface.co/a/b", mirror) == HubName("a/b")
    with pytest.raises(UserError):
        parse_name("https://mirror.example.evil/hf/a/b", mirror)


def test_the_page_of_a_folder_means_what_is_in_it() -> None:
    files = [RepoFile(f"BF16/m-BF16-0000{n}-of-00002.gguf", 5, None) for n in (1, 2)]
    rows = quantizations([*files, RepoFile("m-Q4_K_M.gguf", 5, None)])
    name = parse_name("https://huggingface.co/a/b/tree/main/BF16")
    assert choose(rows, name.wanted, "a/b").label == "BF16"
