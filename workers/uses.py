"""What runs use, by the names that limits have: `host:api.example.com`, `source:<id>`."""

from uuid import UUID

import httpx

from workers.http import BadUrl, check_url


def host(url: str) -> str:
    """The name of the host that a URL calls, in lower case, with its port where that is not the scheme's own.

    Raises BadUrl.
    """
    parsed = httpx.URL(check_url(url))
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"host:{parsed.netloc.decode().rpartition('@')[2].removesuffix(port).rstrip('.').lower()}{port}"


def host_named(text: str) -> str | None:
    """The same of a host as somebody writes it, with its port or without; None where that is no host."""
    if set(text) & set("/?#@ "):
        return None
    try:
        return host(f"https://{text}/")
    except BadUrl:
        return None


def source(source_id: UUID) -> str:
    """The name of a source."""
    return f"source:{source_id}"
