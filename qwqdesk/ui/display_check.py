"""Can a window be shown here? Decided before Qt starts, because Qt ends the process when not.

Only Linux needs this: Qt's xcb and wayland plugins abort when they cannot connect. The same
libraries that Qt uses are asked the same question first. No Qt is imported here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

from qwqdesk.errors import UserError

_NEED_A_DISPLAY = {"xcb", "wayland", "wayland-egl"}
_PLUGINS = {"xcb": "libqxcb.so", "wayland": "libqwayland.so", "wayland-egl": "libqwayland.so"}
APT_LINE = (
    "sudo apt install libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-xinerama0"
)


def reachable_platforms(environ: Mapping[str, str], system: str) -> tuple[str, ...]:
    """Which of Qt's platforms can be tried, in order; empty means that Qt may choose itself.

    Args:
        environ: the environment.
        system: `sys.platform`.

    Raises:
        UserError: code "no_display", when none is there.
    """
    asked = environ.get("QT_QPA_PLATFORM", "")
    wanted = [part.partition(":")[0] for part in asked.split(";") if part]
    if not system.startswith("linux") or any(name not in _NEED_A_DISPLAY for name in wanted):
        return ()
    found: list[str] = []
    if _x11_answers(environ):
        found.append("xcb")
    if _wayland_answers(environ):
        wayland_first = environ.get("XDG_SESSION_TYPE") == "wayland"
        found.insert(0 if wayland_first else len(found), "wayland")
    usable = [name for name in found if not wanted or name in {w[:7] for w in wanted}]
    if not usable:
        raise UserError(
            "There is no display to open a window on.",
            "Without one, use the command line: qwqdesk ask --help",
            code="no_display",
        )
    return tuple(usable)


def loadable_platforms(platforms: tuple[str, ...], plugins: Path) -> tuple[str, ...]:
    """Those of the platforms whose plugin finds all the libraries that it needs.

    Args:
        plugins: Qt's folder of platform plugins.

    Raises:
        UserError: code "qt", naming what is missing, when none of them does.
    """
    problem = ""
    usable: list[str] = []
    for name in platforms:
        try:
            ctypes.CDLL(str(plugins / _PLUGINS[name]))
            usable.append(name)
        except OSError as error:
            problem = str(error)
    if platforms and not usable:
        raise qt_missing(problem)
    return tuple(usable)


def qt_missing(problem: object) -> UserError:
    """Qt cannot be loaded: which library is missing, and how to get it."""
    library = str(problem).split(":")[0].strip()
    return UserError(
        f"Qt cannot start, because {library} is missing or cannot be loaded.",
        f"On Debian and Ubuntu: {APT_LINE}",
        code="qt",
    )


def _x11_answers(environ: Mapping[str, str]) -> bool:
    display = environ.get("DISPLAY", "")
    if not display:
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return _x11_socket_answers(display)
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    works = bool(xcb.xcb_connection_has_error(connection) == 0)
    xcb.xcb_disconnect(connection)
    return works


def _x11_socket_answers(display: str) -> bool:
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit():
        return False
    import socket

    if host in ("", "unix"):
        return _unix_answers(f"/tmp/.X11-unix/X{number}")
    try:
        with socket.create_connection((host, 6000 + int(number)), timeout=3):
            return True
    except OSError:
        return False


def _wayland_answers(environ: Mapping[str, str]) -> bool:
    name = environ.get("WAYLAND_DISPLAY", "")
    return bool(name) and _unix_answers(str(Path(environ.get("XDG_RUNTIME_DIR", "")) / name))


def _unix_answers(path: str) -> bool:
    import socket

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
            tried.settimeout(3)
            tried.connect(path)
    except (OSError, ValueError):
        return False
    return True
