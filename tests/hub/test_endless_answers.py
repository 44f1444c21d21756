"""A server that sends a byte now and then is never silent: the whole time is limited."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.hub import Hub
from qwqdesk.models.hub_errors import Broken
from qwqdesk.models.hub_http import HubHttp, Site, Waits
from tests.hub.loopback_hub import LoopbackHub

QUICK = Waits(connect=2.0, read=2.0, listing=0.5, head=0.5)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = {
    "a header": (OK + b"X-A: ", b"a"),
    "headers": (OK, b"X-A: a\r\n"),
    "the first line": (b"HTTP/1.1 200 ", b"O"),
    "informational answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a body of blanks": (OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk's extension": (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a"),
}


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        yield hub


@pytest.mark.parametrize("name", ENDLESS)
def test_a_listing_that_does_not_end_is_given_up(hub: LoopbackHub, name: str) -> None:
    begin, byte = ENDLESS[name]
    hub.fault("trickle", on="api", times=99, begin=begin, byte=byte)
    begun = time.monotonic()
    with pytest.raises(UserError) as caught:
        Hub(Site(hub.endpoint), QUICK).search("x")
    assert caught.value.code in ("timeout", "network")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("name", ["a header", "headers", "the first line", "informational answers"])
def test_headers_that_do_not_end_are_cut_off(hub: LoopbackHub, name: str) -> None:
    begin, byte = ENDLESS[name]
    hub.fault("trickle", on="api", times=1, begin=begin, byte=byte)
    with HubHttp(Site(hub.endpoint), waits=QUICK) as http:
        begun = time.monotonic()
        with pytest.raises(Broken) as caught, http.get(f"{hub.endpoint}/api/models"):
            pass
        assert caught.value.code == "timeout"
        assert 0.4 < time.monotonic() - begun < 10
        with http.get(f"{hub.endpoint}/api/models") as answer:  # and the client goes on
            assert answer.status == 200


def test_a_slow_answer_that_ends_in_time_is_taken(hub: LoopbackHub) -> None:
    hub.fault("delay", on="api", seconds=0.2)
    with HubHttp(Site(hub.endpoint), waits=QUICK) as http:
        rows, _ = http.get_json(f"{hub.endpoint}/api/models", {}, "api/models")
    assert isinstance(rows, list)
