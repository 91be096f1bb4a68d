"""What the command prints: one JSON document for programs, plain aligned text for people."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


def with_json(parser: argparse.ArgumentParser) -> None:
    """Gives a command `--json`."""
    parser.add_argument("--json", action="store_true", dest="is_json", help="print one JSON document")


def with_tenant(parser: argparse.ArgumentParser) -> None:
    """Gives a command `--tenant`."""
    parser.add_argument("--tenant", metavar="SLUG", help="whose; without TOCSIN_HOSTING the one default tenant")


def with_limit(parser: argparse.ArgumentParser) -> None:
    """Gives a listing `--limit`."""
    parser.add_argument("--limit", type=between(1, 10_000), default=100, metavar="N", help="at most so many (100)")


def between(low: int, high: int) -> Any:
    """Reads a whole number from low to high."""

    def read(text: str) -> int:
        value = int(text) if text.lstrip("-").isdigit() else low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"takes a whole number from {low} to {high}, got {text!r}")
        return value

    return read


def show_json(value: Any) -> None:
    """Prints one JSON document."""
    from db.jsonb import dumps

    print(dumps(value))


def show_row(args: argparse.Namespace, row: NamedTuple, sentence: str) -> int:
    """Prints the row when JSON is wanted, else the sentence; returns the exit status."""
    from api import shapes

    if args.is_json:
        show_json(shapes.plain(row))
    else:
        print(sentence)
    return 0


def show_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Prints rows under headers in aligned columns, or the sentence for none."""
    if not rows:
        print(empty)
        return
    texts = [list(headers), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(headers))]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def show_facts(facts: Mapping[str, Any]) -> None:
    """Prints names and values, one a line, leaving out what there is not."""
    kept = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in kept), default=0)
    for name, value in kept.items():
        print(f"{name.ljust(width)}  {cell(value)}")


def cell(value: Any) -> str:
    """A value on one line."""
    from db.jsonb import dumps, rfc3339

    if value is None:
        return "-"
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (dict, list)):
        return dumps(value)
    return " ".join(str(value).split())


def bar(fraction: float, width: int = 30) -> str:
    """How far something is, drawn and in per cent."""
    full = round(min(1.0, max(0.0, fraction)) * width)
    return f"{'█' * full}{'░' * (width - full)} {fraction:4.0%}"


def short(text: str | None, longest: int = 60) -> str:
    """The beginning of a text, for a column."""
    line = " ".join((text or "").split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
