"""A graph as a run asks it: a named query on a source, with what its columns mean."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from config.zones import zone
from workers.alerting import series
from workers.alerting.lookback import Window
from workers.alerting.periods import Grain, begin, shifted
from workers.formats.numbers import Style
from workers.sources import Question

NOBODYS: Mapping[str, str] = {}


class Graph(NamedTuple):
    """A graph's row; its version rises with each edit. `is_failing`: it, or its source, is known to give no answer."""

    id: UUID
    name: str
    source_id: UUID
    query: str
    unit: str
    format: str
    decimals: int | None
    value_column: str | None
    time_dimension: str | None
    grain: Grain | None
    segment_by: list[str]
    version: int
    is_failing: bool

    def meaning(self, timezone: str) -> series.Graph:
        """What its columns mean, with its periods in this zone."""
        return series.Graph(
            value=self.value_column,
            time=self.time_dimension,
            segments=tuple(self.segment_by),
            grain=self.grain,
            zone=zone(timezone),
            style=self.style,
        )

    @property
    def style(self) -> Style:
        """How its figures are written."""
        return Style(self.unit, self.decimals, self.format)

    def question(
        self, slot_at: datetime, timezone: str, window: Window | None, context: Mapping[str, str] = NOBODYS
    ) -> Question:
        """What its source is asked at a slot, for a reader of this security context."""
        start, end = window or (None, None)
        return Question(self.query, slot_at, start=start, end=end, timezone=timezone, grain=self.grain, context=context)


def last_periods(graph: Graph, slot: datetime, timezone: str, periods: int) -> Window | None:
    """Return the last complete periods before a slot; None for a graph without times."""
    meaning = graph.meaning(timezone)
    if meaning.time is None:
        return None
    if meaning.grain is None:
        return Window(slot - timedelta(days=periods), slot)
    end = begin(slot, meaning.grain, meaning.zone)
    return Window(shifted(end, meaning.grain, meaning.zone, -periods), end)
