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


def what_it_is(head: bytes) -> str:
    """A guess from the first bytes, to say more than "not GGUF"."""
    if not head:
        return ": it is empty"
    if head[:4] in (b"lmgg", b"tjgg", b"fmgg", b"algg"):
        return ": it is an old GGML file"
    if head.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer, the model itself was not downloaded"
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html>") or head.lstrip().startswith(b"<htm"):
        return ": it is a web page"
    if head[:2] == b"PK":
        return ": it is a ZIP or PyTorch file"
    if head[8:9] == b"{":
        return ": it looks like a safetensors file"
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
