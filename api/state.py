"""What a web process holds while it runs, and how a handler gets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from api.gauges import Gauges
from api.settings import Settings
from db.pool import Pool
from workers.kind import Kind


@dataclass(frozen=True, slots=True)
class Web:
    """The settings, the connections and the kinds of one web process."""

    settings: Settings
    pool: Pool
    kinds: Mapping[str, Kind]
    gauges: Gauges


def web_of(request: Request) -> Web:
    """The web process that serves the request."""
    return cast(Web, request.app.state.web)
