"""Times as a form takes them, by the clock of a zone and without its offset; and back again as instants."""

from collections.abc import Sequence
from datetime import datetime

from config.zones import BadZone, zone

# The span that a list is filtered by, and the zone whose clock a browser's pickers go by.
SPAN = frozenset({"from", "to"})
ZONE = "zone"


def local_of(told: str | None, timezone: str) -> str:
    """The instant by the clock of the zone, as a field of the type datetime-local takes it."""
    if told is None:
        return ""
    local = datetime.fromisoformat(told).astimezone(zone(timezone)).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def with_offset(text: str, timezone: str) -> str:
    """The time with the offset that the zone's clock has then; whatever is no such time stays as it was typed.

    A time that comes twice is the first of the two, one that is left out lies as far behind the gap's start.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        return text if found.tzinfo is not None else found.replace(tzinfo=zone(timezone)).isoformat()
    except (ValueError, BadZone):
        return text


def picked(told: str, timezone: str) -> str:
    """The instant of a filter as its picker takes it; nothing of what is no instant or no zone."""
    try:
        return local_of(told or None, timezone or "UTC")
    except (ValueError, BadZone):
        return ""


def as_instants(fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of an address with its span as instants where its zone stands beside it; a zone alone is no filter."""
    timezone = next((value for name, value in fields if name == ZONE), None)
    if timezone is None:
        return [*fields]
    has_span = any(name in SPAN for name, _ in fields)
    return [
        (name, with_offset(value, timezone) if name in SPAN else value)
        for name, value in fields
        if has_span or name != ZONE
    ]
