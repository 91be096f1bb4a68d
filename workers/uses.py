"""What runs use, by the names that limits have: `host:api.example.com`, `source:<id>`."""

from uuid import UUID

import httpx

from workers.http import BadUrl, check_url

# More than any host has, and what an index takes.
LONGEST = 260


def host(url: str) -> str:
    """The name of the host that a URL calls, in lower case, with its port unless that is 80 or 443.

    Raises BadUrl.
    """
    parsed = httpx.URL(check_url(url))
    shown = "" if parsed.port is None else f":{parsed.port}"
    name = parsed.netloc.decode().removesuffix(shown).rstrip(".").lower()
    return f"host:{name}{'' if parsed.port in (80, 443) else shown}"


def host_named(text: str) -> str | None:
    """The same of a host as somebody writes it, with its port or without; None where that is no host."""
    if set(text) & set("/?#@ "):
        return None
    try:
        name = host(f"https://{text}/")
    except BadUrl:
        return None
    return name if len(name) <= LONGEST else None


def source(source_id: UUID) -> str:
    """The name of a source."""
    return f"source:{source_id}"
