"""What channels are told: of a check what its mail says, of a report its headline figures. Plain text, without files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from workers.formats.page import read
from workers.formats.report import Report
from workers.kinds.threshold_mail import MOST_SHOWN, Told, members_of, subject_of
from workers.outcome import ChannelMessage, ChannelRef, Item

# Of a report that was written.
MOST_LINES, MOST_LETTERS, MOST_FIGURES = 6, 900, 8


class Channel(BaseModel):
    """A channel that is told; made by Tocsin out of the alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    type: str


Channels = Annotated[list[Channel], Field(max_length=20)]


def of_alert(told: Told, channels: Sequence[Channel]) -> ChannelMessage:
    """Return what a check tells: all that its mail tells of, and `resolved` once nothing of it is known to be wrong."""
    members = members_of(told)
    is_over = all(member["tone"] == "calm" for member in members)
    is_over = is_over and not any(each.row.told_trouble for each in told.decisions.values())
    is_bad = any(member["tone"] == "alarm" for member in members)
    items = tuple(
        Item(
            name=member["segment"],
            headline=member["headline"],
            text=member["sentence"],
            value=member["value"],
            is_open=member["tone"] != "calm",
            since=member["began"],
            until=told.local if member["tone"] == "calm" else None,
        )
        for member in members[:MOST_SHOWN]
    )
    return ChannelMessage(
        to=_refs(channels),
        title=subject_of(told, members),
        subject=told.alert_name,
        items=items,
        state="resolved" if is_over else "firing",
        severity="info" if is_over else "critical" if is_bad else "warning",
        thread=str(told.alert_id),
        facts=(("Graph", told.graph.name), ("Checked", f"{told.local:%Y-%m-%d %H:%M} {told.timezone}")),
        left_out=max(0, len(members) - MOST_SHOWN),
    )


def of_report(report: Report, timezone: str, channels: Sequence[Channel]) -> ChannelMessage:
    """Return a report's headline figures; one without any says so."""
    bare = replace(report, sections=tuple(replace(each, rows=[], chart=None) for each in report.sections))
    items = tuple(
        Item(tile.name, "", f"{tile.change} {tile.beside}".strip(), tile.value, is_open=False)
        for tile in read(bare, 1).tiles
    )
    facts = [("Slot", f"{report.slot:%Y-%m-%d %H:%M} {timezone}")]
    if report.data_as_of is not None:
        facts.append(("Data as of", f"{report.local(report.data_as_of):%Y-%m-%d %H:%M}"))
    return ChannelMessage(
        to=_refs(channels),
        title=f"{report.title}: {report.slot:%a} {report.slot.day} {report.slot:%b %Y}",
        subject=report.title,
        items=items or (Item("", "no headline figure", is_open=False),),
        facts=(*facts, *(("Note", note) for note in report.notes)),
    )


def of_pulse(report: Report, timezone: str, channels: Sequence[Channel], text: str, link: str) -> ChannelMessage:
    """Return the first lines of a report that was written, and its headline figures; `link` opens the whole, or is empty."""
    bare = of_report(report, timezone, channels)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = "\n".join(lines[:MOST_LINES])
    said = first if len(first) <= MOST_LETTERS else first[: MOST_LETTERS - 1].rstrip() + "…"
    figures = tuple(each for each in bare.items if each.name)
    return replace(bare, items=(Item("", "", said, is_open=False), *figures[:MOST_FIGURES]), link=link)


def _refs(channels: Sequence[Channel]) -> tuple[ChannelRef, ...]:
    return tuple(ChannelRef(each.id, each.type) for each in channels)
