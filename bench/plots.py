"""Pictures of what was found, as SVG: `python -m bench --plots FOLDER`, or `python -m bench.plots RESULT.json FOLDER`."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

_WIDTH: Final = 900
_RIGHT: Final = 250
_CURVES_HEIGHT: Final = 300
_TOP: Final = 62
_ROW: Final = 17
_NAMES: Final = 210
_BARS: Final = 560
# Told by themselves, they would say the same again.
_WITH_BARS: Final = (
    "herd.last_started",
    "herd.last_finished",
    "lag.one.p50",
    "claim.one_expression",
    "claim.500_expressions",
    "claim.two_tickers",
    "ring",
)
_STYLE: Final = """
    svg { background: #fff; font: 12px system-ui, sans-serif; color: #222 }
    text { fill: currentColor } .quiet { opacity: .65 } .axis { stroke: currentColor; opacity: .18 }
    .even { stroke: currentColor; opacity: .6 } .curve { fill: none; stroke-width: 1.6 } .ours { stroke-width: 3.2 }
    .better { fill: #2e9e5b } .worse { fill: #d0662f }
    .c0 { stroke: #1668c7 } .c1 { stroke: #1668c7; stroke-dasharray: 5 4 } .c2 { stroke: #d0662f } .c3 { stroke: #2e9e5b }
    .c4 { stroke: #8e44ad } .c5 { stroke: #b8860b } .c6 { stroke: #c2378a } .c7 { stroke: #17968f } .c8 { stroke: #7a7f87 }
    .c9 { stroke: #a0522d } .c10 { stroke: #6a5acd }
    @media (prefers-color-scheme: dark) {
        svg { background: #14171a; color: #dfe3e7 } .c0, .c1 { stroke: #58a6ff }
    }
"""

Found = Mapping[str, Any]


class _Log(NamedTuple):
    """A logarithmic axis between two values, from `left` over `width`."""

    low: float
    high: float
    left: float
    width: float

    def x(self, value: float) -> float:
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.left + min(1.0, share) * self.width

    def marks(self) -> list[float]:
        """The powers of ten within."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def write(found: Sequence[Found], folder: Path) -> list[Path]:
    """Draws what there is to draw into the folder; returns the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    herds = next((each["details"]["herds"] for each in found if each["name"] == "herd.last_started"), None)
    beside = [each for each in found if each["name"] in _WITH_BARS and each["peers"]]
    where = f"{found[0]['machine']}; commit {found[0]['commit']}" if found else ""
    pictures = {
        "herd.svg": curves(herds, where) if herds else None,
        "beside.svg": bars(beside, where) if beside else None,
    }
    written = [folder / name for name, picture in pictures.items() if picture]
    for path in written:
        path.write_text(pictures[path.name] or "")
    return written


def curves(herds: Mapping[str, Sequence[Found]], where: str = "") -> str:
    """How many had begun, over the seconds since their instant: a line for everybody, their middle repetition."""
    middle = {name: _middle(each) for name, each in herds.items()}
    due = max(found["began"] for found in middle.values())
    seconds = [at for found in middle.values() for at in found["curve"] if at > 0]
    axis = _Log(10 ** math.floor(math.log10(max(0.01, min(seconds)))), 100, 50, _WIDTH - _RIGHT - 60)
    bottom = _TOP + _CURVES_HEIGHT
    title = f"{due:,} due at one instant: how many have begun"
    parts = [*_head(title, "over the seconds since, on a logarithmic scale", where, bottom + 46)]
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _CURVES_HEIGHT
        parts.append(f'<line class="axis" x1="{axis.left}" x2="{axis.left + axis.width}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{axis.left - 6}" y="{y + 4}" text-anchor="end" class="quiet">{due * share:,.0f}</text>')
    parts += _marks(axis, _TOP, bottom, " s")
    steps = max(len(found["curve"]) for found in middle.values()) - 1
    for number, (name, found) in enumerate(middle.items()):
        parts += _curve(found, axis, steps, number, name)
    for place, name in enumerate(sorted(middle, key=lambda name: _order(middle[name]))):
        parts += _legend(middle[name], place, list(middle).index(name), name)
    return "\n".join([*parts, "</svg>"]) + "\n"


def bars(results: Sequence[Found], where: str = "") -> str:
    """How many times as good ours is as each peer, a bar each, from an equal one on."""
    rows = sum(len(each["peers"]) + 1 for each in results)
    times = [_times(each, peer) for each in results for peer in each["peers"]]
    low, high = min(0.5, *times), max(2.0, *times)
    axis = _Log(low * 0.9, high * 1.1, _NAMES, _BARS)
    bottom = _TOP + rows * _ROW
    parts = [*_head("How many times as good as each peer", "on a logarithmic scale; 1 is equal", where, bottom + 46)]
    parts += _marks(axis, _TOP - 6, bottom, "x")
    y = _TOP + 8
    for each in results:
        parts.append(f'<text x="10" y="{y}" font-weight="600">{escape(each["name"])}</text>')
        y += _ROW
        for peer in each["peers"]:
            value, is_open = _times(each, peer), peer in each.get("notDone", {})
            x, one = axis.x(value), axis.x(1)
            sort = "better" if value >= 1 else "worse"
            parts.append(f'<text x="22" y="{y}">{escape(peer)}</text>')
            parts.append(
                f'<rect class="{sort}" x="{min(x, one):.1f}" y="{y - 9}" width="{max(1.0, abs(x - one)):.1f}" height="10"/>'
            )
            sign = "&gt; " if is_open else ""
            parts.append(f'<text x="{max(x, one) + 6:.1f}" y="{y}" class="quiet">{sign}{value:.3g}x</text>')
            y += _ROW
    one = axis.x(1)
    parts.append(f'<line class="even" x1="{one:.1f}" x2="{one:.1f}" y1="{_TOP - 6}" y2="{bottom}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _times(result: Found, peer: str) -> float:
    ratio: float = result["ratios"][peer]
    return ratio if result["better"] == "higher" else 1 / ratio


def _middle(herds: Sequence[Found]) -> Found:
    """The repetition whose end is the median one."""
    return sorted(herds, key=_order)[len(herds) // 2]


def _order(found: Found) -> tuple[bool, float]:
    """The soonest first; whoever did not get through comes last, by what it began."""
    return not found["isDone"], found["lastStarted"] if found["isDone"] else -found["began"]


def _head(title: str, below: str, where: str, height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<text x="10" y="22" font-size="16" font-weight="600">{escape(title)}</text>'
    yield f'<text x="10" y="40" class="quiet">{escape(below)}</text>'
    yield f'<text x="10" y="{height - 8:g}" class="quiet" font-size="9">{escape(where)}</text>'


def _marks(axis: _Log, top: float, bottom: float, unit: str) -> Iterator[str]:
    for mark in axis.marks():
        x = axis.x(mark)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="quiet">{mark:g}{unit}</text>'


def _curve(found: Found, axis: _Log, steps: int, number: int, name: str) -> Iterator[str]:
    points = [
        f"{axis.x(at):.1f},{_TOP + _CURVES_HEIGHT * (1 - place / max(1, steps)):.1f}"
        for place, at in enumerate(found["curve"])
    ]
    sort = "curve ours" if name.startswith("tocsin") else "curve"
    if points:
        joined = " ".join(points)
        yield f'<polyline class="{sort} c{number % 11}" points="{joined}"><title>{escape(name)}</title></polyline>'


def _legend(found: Found, place: int, number: int, name: str) -> Iterator[str]:
    x, y = _WIDTH - _RIGHT + 16, _TOP + 10 + place * 24
    last = found["lastStarted"]
    told = f"{last:.3g} s" if found["isDone"] and last is not None else f"{found['began']:,} began"
    sort = "curve ours" if name.startswith("tocsin") else "curve"
    yield f'<line class="{sort} c{number % 11}" x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}"/>'
    yield f'<text x="{x + 30}" y="{y}">{escape(name)} <tspan class="quiet">{told}</tspan></text>'


def main(argv: Sequence[str]) -> int:
    """Draws a kept result; returns 0, or 2 without both names."""
    if len(argv) != 2:
        print("usage: python -m bench.plots RESULT.json FOLDER", file=sys.stderr)
        return 2
    for path in write(json.loads(Path(argv[0]).read_text()), Path(argv[1])):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
