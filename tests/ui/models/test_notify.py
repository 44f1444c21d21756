"""A notification reaches a service on a session bus of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qwqdesk.ui.models.notify import notify

ROOT = Path(__file__).resolve().parents[3]
_SERVICE = """
import threading
from jeepney import DBusAddress, MessageType, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection
from qwqdesk.ui.models.notify import notify

bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
assert not notify("nobody listens")
service = open_dbus_connection(bus="SESSION")
name = "org.freedesktop.Notifications"
service.send_and_get_reply(new_method_call(bus, "RequestName", "su", (name, 0)))

def serve():
    while True:
        call = service.receive()
        if call.header.message_type == MessageType.method_call:
            print(call.body[3], "|", call.body[4], flush=True)
            service.send(new_method_return(call, "u", (1,)))
            return

thread = threading.Thread(target=serve)
thread.start()
assert notify("Q4_K_M is in the library", "a <b> & c")
thread.join()
service.close()
"""


@pytest.mark.skipif(shutil.which("dbus-run-session") is None, reason="there is no D-Bus here")
def test_a_service_gets_the_words_and_no_markup() -> None:
    command = ["dbus-run-session", "--", sys.executable, "-c", _SERVICE]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "Q4_K_M is in the library | a &lt;b&gt; &amp; c\n", done.stderr


def test_on_macos_names_of_strangers_are_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def run(*command: str, seconds: float) -> int:
        asked.append(command)
        return 0

    monkeypatch.setattr("qwqdesk.ui.models.notify.sys.platform", "darwin")
    monkeypatch.setattr("qwqdesk.ui.models.notify.run_program", run)
    name = '" & (do shell script "true") & "'
    assert notify(name, "is in the library")
    assert asked[0][0] == "/usr/bin/osascript"
    assert asked[0][-2:] == (name, "is in the library")
    assert not any(name in word for word in asked[0][:-2])


def test_on_windows_nothing_is_shown_and_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qwqdesk.ui.models.notify.sys.platform", "win32")
    assert not notify("done")
