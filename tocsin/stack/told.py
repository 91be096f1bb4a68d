"""Who receives what: of each alert, pulse, report and webhook whom it tells. Two such tables tell who starts and stops. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from tocsin.stack.names import Fields
from tocsin.stack.plan import Key, Step

TELLS = ("kpiAlerts", "pulses", "scheduledReports", "webhooks")
# What of a channel's options says how a message is filed, and not where it arrives.
_MANNERS = frozenset({"labels", "priority", "severity", "tags"})


class Told(NamedTuple):
    """Somebody is told by something, and how: by mail, by a channel, or for their role."""

    who: str
    section: str
    name: str
    how: str


def told(says: Mapping[Key, Fields], roles: Mapping[str, list[str]]) -> set[Told]:
    """Everybody who is told by what is said; `roles` are the addresses of the members who are not disabled."""
    found = set()
    for (word, name), fields in says.items():
        if word in TELLS and fields.get("isActive", True) and fields.get("enabled", True):
            found |= {Told(who, word, name, how) for who, how in _of(word, name, fields, roles)}
    return found


def moved(steps: Iterable[Step], kept: AbstractSet[Told]) -> set[Told]:
    """Of those who go on being told the ones whose address the steps change: what was here arrives elsewhere."""
    gone = set()
    for step in steps:
        one = {"channels": "channel", "webhooks": "webhook"}.get(step.section)
        if one and step.verb == "change" and any(_is_address(each.path) for each in step.differences):
            gone.add(f"the {one} {step.name}")
    return {each for each in kept if each.who in gone}


def _is_address(path: tuple[str, ...]) -> bool:
    return path[0] in ("credential", "url") or (path[0] == "options" and not _MANNERS & {*path[1:2]})


def _of(word: str, name: str, fields: Fields, roles: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    if word == "webhooks":
        yield from ((f"the webhook {name}", f"the event {event}") for event in fields["events"])
        return
    if word == "scheduledReports":
        if fields["emailEnabled"]:
            for field, how in (("emailRecipients", "to"), ("emailCcRecipients", "cc"), ("emailBccRecipients", "bcc")):
                yield from ((each, f"mail ({how})") for each in fields[field])
        return
    for each in fields["recipients"] or ():
        yield from _recipient(each, roles)
    for audience in (fields.get("schedule") or {}).get("audiences") or ():
        yield from ((each, "mail") for each in audience["recipients"])
    yield from ((f"the channel {each}", "channel") for each in fields["channels"])


def _recipient(each: Any, roles: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    if isinstance(each, str):
        yield each, "mail"
    elif "role" in each:
        yield from ((address, f"mail, as {each['role']}") for address in roles.get(each["role"], []))
    else:
        yield f"whoever the column {each['column']} of the graph {each['graph']} names", "mail"
