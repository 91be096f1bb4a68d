"""A text in sentences and clauses, each with its place; pure."""

import re
from typing import NamedTuple

# A line that begins anew: heading, list, quote, row of a table, rule, fence.
_BEGINS = re.compile(r"\s*(?:#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>|\||```|~~~|-{3,}|={3,})")
_END = re.compile(r"[.!?…]+[\"'”\u2019)*_`\]]*(?=\s+[\"'“‘(*_`\[]*[A-Z0-9À-ÞΑ-ΩА-Я$€£¥~▲▼+\-−–])|[。！？]")  # noqa: RUF001
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|approx|ca|no|nos|inc|ltd|co|corp|st|mr|mrs|ms|dr|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov"
    r"|dec|fig|est|incl|excl|max|min|avg|u\.s|u\.k|a\.m|p\.m)|^\s*\d{1,3})$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;—]|,(?!\d)|\s[–-]\s|\b(?:while|whereas|whilst|but|although|though|however|and(?=\s+(?:\w+\s+){0,3}"  # noqa: RUF001
    r"(?:fell|rose|grew|dropped|declined|increased|decreased|was|were|is|are|stood|came|reached|gained|lost|up|down)\b))\b",
    re.IGNORECASE,
)
CHART = re.compile(r"^(`{3,}|~{3,})[ \t]*chart\b[^\n]*\n(.*?)(?:^\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


LONGEST = 1_000


class Span(NamedTuple):
    """From `start` up to, but without, `end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """What stands there."""
        return text[self.start : self.end]


def sentences(text: str) -> list[Span]:
    """Return the sentences in order; a heading, an item's or a table's line ends one too. Charts are no sentences."""
    charts = [Span(*match.span()) for match in CHART.finditer(text)]
    found: list[Span] = []
    for block in _blocks(text, charts):
        at = block.start
        for end in _END.finditer(text, block.start, block.end):
            if not _SHORT.search(text[max(at, end.start() - 8) : end.start()]):
                found.append(Span(at, end.end()))
                at = end.end()
        found.append(Span(at, block.end))
    short = [part for span in found for part in _parts(text, span)]
    return [tight for span in short if (tight := _tight(text, span)).start < tight.end]


def _parts(text: str, span: Span) -> list[Span]:
    """A sentence without an end in parts, each up to a space."""
    found: list[Span] = []
    while span.end - span.start > LONGEST:
        cut = text.rfind(" ", span.start + 1, span.start + LONGEST)
        cut = cut if cut > 0 else span.start + LONGEST
        found.append(Span(span.start, cut))
        span = Span(cut, span.end)
    return [*found, span]


def clauses(text: str, sentence: Span) -> list[Span]:
    """Return a sentence's clauses, in order."""
    ends = [match.start() for match in _CLAUSE.finditer(text, sentence.start, sentence.end)]
    return [Span(*pair) for pair in zip([sentence.start, *ends], [*ends, sentence.end], strict=True)]


def _blocks(text: str, charts: list[Span]) -> list[Span]:
    found: list[Span] = []
    at = 0
    is_open = False
    for line in text.splitlines(keepends=True):
        here = Span(at, at + len(line))
        at = here.end
        if not line.strip() or any(chart.start <= here.start < chart.end for chart in charts):
            is_open = False
        elif is_open and not _BEGINS.match(line):
            found[-1] = Span(found[-1].start, here.end)
        else:
            found.append(here)
            # What stands after a heading or a table's row is none of it.
            is_open = not re.match(r"\s*(?:#{1,6}\s|\|)", line)
    return found


def _tight(text: str, span: Span) -> Span:
    told = span.of(text)
    return Span(span.start + len(told) - len(told.lstrip()), span.end - len(told) + len(told.rstrip()))
