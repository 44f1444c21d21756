"""Asks the hub what a file's checksum should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwqdesk.errors import UserError
from qwqdesk.models.hub_files import RepoFile
from qwqdesk.models.library_acts import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from qwqdesk.models.hub import Hub
    from qwqdesk.models.hub_http import Site, StopSwitch


def hub_publisher(site: Site) -> Publisher:
    """For `verify`: a file that the hub does not know has no checksum; offline nobody is asked."""

    def hub() -> Hub:
        from qwqdesk.models.hub import Hub

        return Hub(site)

    return publisher_of(hub)


def publisher_of(hub: Callable[[], Hub], stop: StopSwitch | None = None) -> Publisher:
    """The same for a hub that is made when it is first needed; `stop` ends the question."""

    def ask(repo: str, path: str) -> RepoFile | None:
        asked = hub()
        if asked.address.offline:
            return None
        try:
            found = asked.listing(repo, stop=stop)
        except UserError as error:
            if error.code == "not_found":
                return None
            raise
        rows = (file for row in found.quantizations for file in row.files)
        every = [*rows, *found.side_files]
        return next((file for file in every if file.path == path), None)

    return ask
