"""Reads the body of an answer in large pieces, straight from its socket where that is the same.

httpx2 hands a body over in pieces of at most 64 kB, each copied several times; for a model of many
GB that costs more than all the rest. The head and what came with it are still read by httpx2.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    import httpx2

PIECE = 256 << 10  # stays in the processor's cache on its way from the socket to the disk


def body_pieces(
    response: httpx2.Response, most: Callable[[], int] = lambda: PIECE
) -> Iterator[bytes | memoryview]:
    """The body as it arrives; a piece holds until the next one is taken.

    Args:
        most: asked before each read, how many bytes it may bring.

    Raises:
        The library's exceptions; OSError: the socket failed, or the body ended early.
    """
    length = _length(response)
    chunks = response.iter_raw()  # kept to the end: dropping it closes the connection
    source = _socket(response) if length is not None else None
    if source is None or length is None:
        yield from chunks
        return
    # After a piece of a body of known length the parser (h11) holds nothing back.
    first = next(chunks, b"")
    yield first
    left = length - len(first)
    buffer = memoryview(bytearray(min(PIECE, max(left, 1))))
    while left > 0:
        count = source.recv_into(buffer, min(left, len(buffer), max(most(), 1)))
        if not count:
            raise ConnectionError("it ended early")
        left -= count
        yield buffer[:count]


def _length(response: httpx2.Response) -> int | None:
    """The announced length of a plain body over HTTP/1.1; None when it comes in another way."""
    headers = response.headers
    text = headers.get("content-length", "")
    plain = "transfer-encoding" not in headers and response.http_version == "HTTP/1.1"
    return int(text) if plain and text.isascii() and text.isdigit() else None


def _socket(response: httpx2.Response) -> socket.socket | None:
    """The socket whose bytes are the body: not one below an encryption that it knows nothing of."""
    stream = response.extensions.get("network_stream")
    found: socket.socket | None = stream.get_extra_info("socket") if stream is not None else None
    if found is None:
        return None
    encrypted = response.request.url.scheme == "https"
    return found if encrypted == isinstance(found, ssl.SSLSocket) else None
