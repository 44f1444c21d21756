"""What a file is, by its header: models are told from everything else that is GGUF."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.details import read_details
from qwqdesk.models.gguf import read_header
from qwqdesk.models.library_acts import take_in
from qwqdesk.models.loadable import FileKind, kind_of
from qwqdesk.models.parts import is_joined, model_files, read_model_header
from qwqdesk.models.tensor_types import TENSOR_TYPES, TensorType
from tests.unit.models.gguf_writer import I32, U16, U32, GgufFile, small_model


def adapter() -> GgufFile:
    file = GgufFile().string("general.type", "adapter").string("general.architecture", "qwen2")
    file.string("adapter.type", "lora").scalar("adapter.lora.alpha", 6, 16.0)
    file.tensor("blk.0.attn_q.weight.lora_a", (256, 8), "F32")
    return file.tensor("blk.0.attn_q.weight.lora_b", (8, 256), "F32")


def untyped_adapter() -> GgufFile:
    file = GgufFile().string("general.architecture", "llama")
    return file.tensor("blk.0.attn_q.weight.lora_a", (256, 8), "F32")


def projector(kind: str = "") -> GgufFile:
    file = GgufFile().string("general.architecture", "clip").string("clip.projector_type", "mlp")
    if kind:
        file.string("general.type", kind)
    return file.tensor("v.patch_embd.weight", (14, 14), "F32")


def imatrix() -> GgufFile:
    file = GgufFile().string("general.type", "imatrix").scalar("imatrix.chunk_count", U32, 10)
    file.tensor("blk.0.attn_q.weight.in_sum2", (256,), "F32")
    return file.tensor("blk.0.attn_q.weight.counts", (1,), "F32")


def control_vector() -> GgufFile:
    file = GgufFile().string("general.architecture", "controlvector")
    file.string("controlvector.model_hint", "qwen2").scalar("controlvector.layer_count", I32, 2)
    return file.tensor("direction.1", (256,), "F32")


def vocabulary() -> GgufFile:
    file = small_model()
    file.tensors = []
    return file


def draft_head(architecture: str) -> GgufFile:
    return GgufFile().string("general.architecture", architecture).tensor("fc.weight", (8,), "F32")


def nextn_alone() -> GgufFile:
    file = small_model()
    file.tensors = [("blk.48.nextn.eh_proj.weight", (256, 256), TENSOR_TYPES[0].number)]
    return file


def image_model() -> GgufFile:
    file = GgufFile().string("general.architecture", "flux")
    return file.tensor("double_blocks.0.img_attn.proj.weight", (256, 256), "Q8_0")


OTHERS: dict[str, tuple[GgufFile, FileKind, str]] = {
    "adapter": (adapter(), "adapter", "this is an adapter"),
    "adapter without a type": (untyped_adapter(), "adapter", "this is an adapter"),
    "mmproj": (projector(), "projector", "this is a projector"),
    "mmproj with a type": (projector("mmproj"), "projector", "this is a projector"),
    "clip-vision": (projector("clip-vision"), "projector", "this is a projector"),
    "imatrix": (imatrix(), "imatrix", "this is an importance matrix"),
    "control vector": (control_vector(), "control", "this is a control vector"),
    "vocabulary": (vocabulary(), "vocabulary", "a vocabulary without weights"),
    "eagle3": (draft_head("eagle3"), "draft", "this is a draft head"),
    "assistant": (draft_head("gemma4-assistant"), "draft", "this is a draft head"),
    "mtp layers alone": (nextn_alone(), "draft", "this is a draft head"),
    "flux": (image_model(), "image", "makes images"),
    "nothing": (GgufFile().string("general.name", "?"), "other", "holds no model: no tensors"),
    "no architecture": (
        GgufFile().tensor("x", (8,), "F32"),
        "other",
        "holds no model: no architecture",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_model_is_named_wherever_it_is_opened(tmp_path: Path, name: str) -> None:
    file, kind, words = OTHERS[name]
    # Its name says nothing, or the opposite.
    path = file.write(tmp_path / "Qwen3-8B-Q4_K_M.gguf")
    assert kind_of(read_header(path)) == kind
    with pytest.raises(UserError, match=words) as opened:
        read_model_header(path)
    assert opened.value.code == "architecture"
    assert opened.value.what_to_do.endswith(".")
    with pytest.raises(UserError) as imported:
        take_in(path, tmp_path / "library")
    assert str(imported.value) == str(opened.value)
    inspected = read_details(path)
    assert inspected.error is None
    assert str(inspected.problem) == str(opened.value)


@pytest.mark.parametrize("name", ["adapter-lora.gguf", "mmproj-F16.gguf", "imatrix.gguf"])
def test_a_model_is_one_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = small_model().string("general.type", "model").write(tmp_path / name)
    assert kind_of(read_header(path)) == "model"
    assert read_model_header(path).metadata["general.architecture"] == "qwen2"
    assert read_details(path).problem is None


@pytest.mark.parametrize(
    ("number", "name"),
    [(31, "Q4_0_4_4"), (38, "IQ4_NL_8_8"), (137, "IQ2_K"), (223, "IQ4_XS_R8"), (60, "type 60")],
)
def test_types_that_this_llama_cpp_lacks_are_named(
    tmp_path: Path, number: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_model()
    monkeypatch.setitem(TENSOR_TYPES, number, TensorType(number, "x", 1, 4))
    file.tensors[2] = ("blk.0.attn_q.weight", (256, 256), number)
    path = file.write(tmp_path / "m.gguf")
    monkeypatch.undo()
    with pytest.raises(UserError, match=f"{name}: this llama.cpp cannot load them") as caught:
        read_model_header(path)
    assert (caught.value.code, "Q4_K_M" in caught.value.what_to_do) == ("load", True)


# ---------------------------------------------------------------- parts


def part(number: int, count: int, *, total: int | None = None) -> GgufFile:
    """A part of a model: the header is in the first, as llama-gguf-split does it."""
    file = small_model() if number == 1 else GgufFile()
    names = small_model().tensors
    each = -(-len(names) // count)
    file.tensors = names[(number - 1) * each : number * each]
    file.scalar("split.no", U16, number - 1).scalar("split.count", U16, count)
    return file.scalar("split.tensors.count", I32, len(names) if total is None else total)


def write_parts(folder: Path, count: int, stem: str = "m") -> list[Path]:
    return [
        part(number, count).write(folder / f"{stem}-{number:05d}-of-{count:05d}.gguf")
        for number in range(1, count + 1)
    ]


def test_parts_are_one_model(tmp_path: Path) -> None:
    parts = write_parts(tmp_path, 3)
    header = read_model_header(parts[0])
    assert [tensor.name for tensor in header.tensors] == [each[0] for each in small_model().tensors]
    assert model_files(parts[0], header) == tuple(parts)
    assert not is_joined(parts[0], read_header(parts[0]))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("name", ["m.gguf", "m-Q4_K_M.gguf", "m-00001-of-00003.gguf"])
def test_parts_joined_with_cat_are_told_and_how_to_join_them(
    tmp_path: Path, order: tuple[int, ...], name: str
) -> None:
    parts = write_parts(tmp_path / "parts", 3)
    path = tmp_path / name
    path.write_bytes(b"".join(parts[number].read_bytes() for number in order))
    with pytest.raises(UserError, match="joined with cat") as caught:
        read_model_header(path)
    assert caught.value.code == "shard"
    assert "llama-gguf-split --merge" in caught.value.what_to_do
    assert "joined with cat" in str(read_details(path).problem)


def test_a_first_part_without_tensors_can_be_joined_as_well(tmp_path: Path) -> None:
    first = small_model().scalar("split.no", U16, 0).scalar("split.count", U16, 2)
    first.tensors = []
    path = tmp_path / "m.gguf"
    path.write_bytes(first.build() + part(2, 2).build())
    with pytest.raises(UserError, match="joined with cat"):
        read_model_header(path)


def test_a_first_part_that_lost_its_number_is_no_other_part(tmp_path: Path) -> None:
    first, *_ = write_parts(tmp_path, 2)
    renamed = first.rename(tmp_path / "model.gguf")
    with pytest.raises(UserError, match=r"is the first part .* 2 parts, but its name") as caught:
        read_model_header(renamed)
    assert "-00001-of-00002.gguf" in caught.value.what_to_do


def test_parts_under_each_others_names_are_told(tmp_path: Path) -> None:
    _, second, third = write_parts(tmp_path, 3)
    spare = second.rename(tmp_path / "spare.gguf")
    third.rename(second)
    spare.rename(third)
    with pytest.raises(UserError, match=r"m-00002-of-00003\.gguf is part 3 of 3, not part 2 of 3"):
        read_model_header(tmp_path / "m-00001-of-00003.gguf")


def test_a_whole_model_under_the_name_of_a_part_is_told(tmp_path: Path) -> None:
    first, second = write_parts(tmp_path, 2)
    small_model().write(second)
    with pytest.raises(UserError, match="is no part of a model, not part 2 of 2"):
        read_model_header(first)


def test_parts_of_two_files_do_not_belong_together(tmp_path: Path) -> None:
    first, second = write_parts(tmp_path, 2)
    part(1, 2).without("split.no").scalar("split.no", U16, 1).write(second)
    with pytest.raises(UserError, match="do not belong together: 3 tensors are in two"):
        read_model_header(first)
    part(1, 2, total=40).write(first)
    part(2, 2).write(second)
    with pytest.raises(UserError, match="do not belong together: they hold 6 of 40"):
        read_model_header(first)


# ---------------------------------------------------------------- no GGUF at all


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <HTML><body>", "a web page"),
        (b"<?xml version='1.0'?><Error>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a Git LFS pointer"),
        (b"# xet version 0\nfilesize = 5", "a Xet pointer"),
        (b"PK\x03\x04" + bytes(20), "a ZIP or PyTorch file"),
        (b"\x80\x02\x8a\nl\xfc", "a PyTorch file"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "an archive, unpack it first"),
        (b"\x90\x01\x00\x00\x00\x00\x00\x00" + b'{"__metadata__":{}', "a safetensors file"),
        (b'{"error":"Invalid credentials in Authorization header"}', "a server's error message"),
        (b"Entry not found", 'a text that begins with "Entry not found"'),
        (b"tjgg" + bytes(60), "an old GGML file"),
        (bytes(64), "its download was not finished"),
    ],
)
def test_what_is_not_gguf_at_all_is_named(tmp_path: Path, head: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(head)
    with pytest.raises(UserError, match="is not a GGUF file") as caught:
        read_model_header(path)
    assert words in caught.value.what
    assert caught.value.code == "not_gguf"
