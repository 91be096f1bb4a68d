"""How a table fits a page of paper: the width of each column in points, the size of its letters, and what is cut."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# The width of letters in the report's font, in ems: a figure is as wide as every other.
NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[] \N{NO-BREAK SPACE}"), frozenset("mwMW@%&—…")
PORTRAIT, LANDSCAPE = 499.0, 746.0
SMALLEST = 6.25
PADDING = 12.0
LEAST_TEXT, MOST_TEXT = 60.0, 240.0
MOST_AIR = 50.0
# Up to so many rows a table wraps its texts; a longer one has a line a row, and cuts them.
WRAPPED_ROWS = 150


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's measures in points; the columns beyond `widths` do not fit on the page."""

    widths: list[float]
    size: float
    is_landscape: bool


def fit(headings: Sequence[str], texts: Sequence[Sequence[str]], is_number: Sequence[bool]) -> Grid:
    """Return the widest layout that holds all columns: upright, then in smaller letters, then lying, then cut."""
    least: list[float] = []
    for is_landscape, size in ((False, 8.0), (False, 7.0), (True, 8.0), (True, 7.0), (True, SMALLEST)):
        room = LANDSCAPE if is_landscape else PORTRAIT
        wanted = _wanted(headings, texts, is_number, size, 0.0 if is_landscape else 0.6)
        least = [width if number else min(width, LEAST_TEXT) for width, number in zip(wanted, is_number, strict=True)]
        if sum(least) <= room:
            return Grid(_shared(wanted, least, room), size, is_landscape)
    widths: list[float] = []
    for width in least:
        if widths and sum(widths) + width > LANDSCAPE:
            break
        widths.append(min(width, LANDSCAPE))
    return Grid(widths, SMALLEST, is_landscape=True)


def cut(text: str, width: float, size: float) -> str:
    """Return as much of a text as a width holds on one line, with an ellipsis where more would follow."""
    room = (width - PADDING) / size
    if len(text) * 1.05 <= room or ems(text) <= room:
        return text
    used = 0.8
    for at, sign in enumerate(text):
        used += _ems(sign)
        if used > room:
            return text[:at].rstrip() + "…"
    return text


def breakable(text: str) -> str:
    """Return a text whose long words can be broken, so that an address does not run out of its column."""
    return re.sub(r"(\S{16})(?=\S{4})", "\\1\N{ZERO WIDTH SPACE}", text)


def ems(text: str) -> float:
    """Return about how wide a text is, in ems."""
    return sum(map(_ems, text))


def _ems(sign: str) -> float:
    if sign.isdigit() or sign == "-":
        return 0.64
    if sign in NARROW:
        return 0.36
    if sign in WIDE or sign.isupper():
        return 0.92 if sign in WIDE else 0.72
    return 1.05 if unicodedata.east_asian_width(sign) in "WF" or sign > "\u2fff" else 0.61


def _wanted(
    headings: Sequence[str], texts: Sequence[Sequence[str]], is_number: Sequence[bool], size: float, share: float
) -> list[float]:
    """Return the width that each column would like: a number's whole, a text's up to a limit.

    A heading asks for its longest word, and for a `share` of all of it: with 0.6 it takes two lines.
    """
    found = []
    for place, heading in enumerate(headings):
        word = max(map(ems, heading.split()), default=0.0) * 1.06
        body = max((ems(row[place]) for row in texts), default=0.0)
        most = max(body, word, ems(heading) * share if " " in heading else 0.0) * size + PADDING
        found.append(most if is_number[place] else min(most, MOST_TEXT))
    return found


def _shared(wanted: list[float], least: list[float], room: float) -> list[float]:
    """Return the widths that fill the room: what is left over is shared out, what lacks is taken from texts."""
    extra = room - sum(wanted)
    if wanted and extra >= 0:
        # A narrow table stays narrow: a number far from its name is hard to find.
        each = extra / len(wanted) if extra / len(wanted) <= MOST_AIR * 1.5 else MOST_AIR
        return [width + each for width in wanted]
    slack = [want - low for want, low in zip(wanted, least, strict=True)]
    return [want + extra * give / sum(slack) for want, give in zip(wanted, slack, strict=True)]
