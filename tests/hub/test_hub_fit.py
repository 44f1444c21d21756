"""Headers of a repository: one for each model in it, with every failure told."""

from __future__ import annotations

import threading
import time

import pytest

from qwqdesk.hub_fit import read_headers
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_http import StopSwitch
from tests.hub.hub_fixture import REPO, Bench
from tests.unit.models.gguf_writer import small_model

MODEL = small_model().build()


def test_one_header_serves_all_quantizations_of_a_model(bench: Bench) -> None:
    repo = "tiny/Many-GGUF"
    for folder in ("v1", "v2"):
        for label in ("Q4_K_M", "Q8_0", "UD-Q4_K_XL"):
            bench.hub.put(repo, f"{folder}/M-{label}.gguf", MODEL + folder.encode())
    found = bench.client().repository(repo)
    read = read_headers(bench.client(), found)
    assert set(read.shapes) == {row.label for row in found.quantizations}
    assert len(read.shapes) == 6
    assert read.problem is None
    assert len(set(read.parameters.values())) == 1
    assert len(bench.hub.asked("hub")) == 1


def test_what_stands_in_the_way_is_told(bench: Bench) -> None:
    client = bench.client()
    found = client.repository(REPO)  # its file is noise behind the first letters
    read = read_headers(client, found)
    assert not read.shapes
    assert read.problem is not None
    bench.hub.repos[REPO].gated = "auto"
    gated = read_headers(client, found)
    assert gated.problem is not None
    assert gated.problem.code == "gated_login"


def test_a_reading_that_is_no_longer_wanted_ends_at_once(bench: Bench) -> None:
    client = bench.client()
    found = client.repository(REPO)
    bench.hub.fault("stall", on="cdn", times=-1, seconds=30)
    bench.hub.fault("delay", on="hub", times=-1, seconds=30)
    stop = StopSwitch()
    threading.Timer(0.2, stop.throw).start()
    begun = time.monotonic()
    with pytest.raises(Stopped):
        read_headers(client, found, stop)
    assert time.monotonic() - begun < 2
