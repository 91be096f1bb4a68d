"""Times as a form takes them, by the clock of a zone and without its offset; and back again as instants."""

from datetime import datetime

from config.zones import BadZone, zone


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
