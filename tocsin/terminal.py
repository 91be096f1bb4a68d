"""What the command prints: one JSON document for programs, plain aligned text for people."""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")

_NARROWEST = 8
_BETWEEN_DRAWS = 0.1
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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
    """Prints rows under headers in aligned columns, or the sentence for none; on a terminal no wider than that is."""
    if not rows:
        print(empty)
        return
    texts = [list(headers), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(headers))]
    if sys.stdout.isatty():
        widths = fitting(widths, [_is_id(row[place] for row in texts[1:]) for place in range(len(headers))], columns())
    for row in texts:
        print("  ".join(short(text, width).ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def fitting(widths: Sequence[int], kept: Sequence[bool], room: int) -> list[int]:
    """The widths of columns with two blanks between, the widest made narrower until all of it fits; `kept` ones stay."""
    found = list(widths)
    over = sum(found) + 2 * (len(found) - 1) - room
    for _ in range(over):
        narrower = [place for place, width in enumerate(found) if width > _NARROWEST and not kept[place]]
        if not narrower:
            break
        found[max(narrower, key=lambda place: found[place])] -= 1
    return found


def columns() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size().columns


def _is_id(texts: Iterable[str]) -> bool:
    """Whether a column holds ids alone: somebody is about to copy one."""
    return all(_ID.fullmatch(text) or text == "-" for text in texts)


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


def with_yes(parser: argparse.ArgumentParser) -> None:
    """Gives a command `--yes`, for what can't be undone."""
    parser.add_argument("--yes", action="store_true", dest="is_agreed", help="do not ask; a pipe is never asked")


def is_refused(args: argparse.Namespace, question: str) -> bool:
    """Whether the person at the terminal is asked and does not agree; with --yes, --json and in a pipe nobody is asked."""
    asks = not (args.is_agreed or args.is_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if not asks or agrees(question):
        return False
    print("nothing was done")
    return True


def agrees(question: str) -> bool:
    """Whether the person at the terminal says yes; who says nothing, or ends the input, does not."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        # The question's line is still open.
        print()
        return False


def bar(fraction: float, width: int = 30) -> str:
    """How far something is, drawn and in per cent."""
    full = round(min(1.0, max(0.0, fraction)) * width)
    return f"{'█' * full}{'░' * (width - full)} {fraction:4.0%}"


def counted(items: Sequence[Item], words: str) -> Iterator[Item]:
    """The items one by one, with a bar on standard error of how far that is; on a terminal alone."""
    with counting(len(items), words) as tell:
        for place, item in enumerate(items):
            tell(place)
            yield item


@contextmanager
def counting(count: int, words: str) -> Iterator[Callable[[int], None]]:
    """Takes how many of a count are done, and draws a bar of it on standard error; on a terminal alone."""
    drawn = 0.0

    def tell(done: int) -> None:
        nonlocal drawn
        if sys.stderr.isatty() and time.monotonic() - drawn > _BETWEEN_DRAWS:
            draw(done / max(count, 1), f"{words} {done} of {count}")
            drawn = time.monotonic()

    try:
        yield tell
    finally:
        if drawn:
            undraw()


def draw(fraction: float, words: str) -> None:
    """Draws a bar over the last line of standard error, which is a terminal."""
    print(f"\r\x1b[K{short(f'{bar(fraction)}  {words}', columns() - 1)}", end="", file=sys.stderr, flush=True)


def undraw() -> None:
    """Takes the bar away."""
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def short(text: str | None, longest: int = 60) -> str:
    """The beginning of a text, for a column."""
    line = " ".join((text or "").split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
