"""Words about files: how large they are, and what those are that are not what they should be."""

from __future__ import annotations


def amount(there: int, needed: int) -> str:
    """Two sizes in the same unit, in bytes when the difference would not show."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if needed >= size and f"{there / size:.2f}" != f"{needed / size:.2f}":
            return f"{there / size:.2f} of {needed / size:.2f} {unit}"
    return f"{there} of {needed} bytes"


def short(text: str) -> str:
    """A name out of a file, quoted, cut and without control characters."""
    clean = "".join(char if char.isprintable() else "?" for char in text[:60])
    return f'"{clean}..."' if len(text) > 60 else f'"{clean}"'


# The first bytes of what is often taken for a model, or downloaded in place of one.
_BEGINNINGS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"lmgg", b"tjgg", b"fmgg", b"algg"), "it is an old GGML file"),
    (
        (b"version https://git-lfs",),
        "it is a Git LFS pointer, the model itself was not downloaded",
    ),
    ((b"# xet version",), "it is a Xet pointer, the model itself was not downloaded"),
    ((b"PK",), "it is a ZIP or PyTorch file"),
    ((b"\x80\x02", b"\x80\x04"), "it is a PyTorch file"),
    ((b"\x1f\x8b", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!"), "it is an archive, unpack it first"),
    ((b"%PDF-",), "it is a PDF"),
)


def what_it_is(head: bytes) -> str:
    """A guess from the first bytes, to say more than "not GGUF"."""
    if not head:
        return ": it is empty"
    for beginnings, words in _BEGINNINGS:
        if head.startswith(beginnings):
            return f": {words}"
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<htm", b"<head", b"<?xml")):
        return ": it is a web page"
    if head[8:9] == b"{":
        return ": it looks like a safetensors file"
    if not any(head):
        return ": it begins with zeros, its download was not finished"
    if text.startswith(b"{"):
        return ": it is JSON, perhaps a server's error message"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return f": it is a text that begins with {short(head.decode('ascii').strip()[:40])}"
    return ""


def size_words(count: int) -> str:
    """A size for people: three digits or so, in GB, MB or kB (powers of ten)."""
    for unit, size, digits in (("GB", 10**9, 2), ("MB", 10**6, 1), ("kB", 10**3, 0)):
        if count >= size:
            return f"{count / size:.{digits}f} {unit}"
    return f"{max(count, 0)} bytes"


def short_size(count: int) -> str:
    """A size where there is little room: 19.9 GB, 640 MB, 8.7 MB, 5 B (powers of ten)."""
    value = float(count)
    for unit, small in (("B", 0), ("kB", 0), ("MB", 1), ("GB", 1)):
        if value < 999.5:
            digits = small if unit == "GB" or value < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"
