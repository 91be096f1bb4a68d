"""A chart as SVG: the same numbers as in the PDF. It takes its colours from the page that it stands in."""

from html import escape
from pathlib import Path

from workers.formats import colors
from workers.formats.page import read, signed
from workers.formats.plot import Plot, Tick
from workers.formats.report import Artifact, Report

WIDTH, HEIGHT, FOOT, LETTER = 720.0, 230.0, 24.0, 6.4
STYLE = """
text{font:11px Inter,system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:var(--quiet)}
.rule{stroke:var(--rule);stroke-width:1}.zero{stroke:var(--axis);stroke-width:1}
.name{fill:var(--ink)}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
""" + "".join(f".s{n}{{stroke:var(--s{n})}}.f{n}{{fill:var(--s{n})}}" for n in range(4))


def render(report: Report, folder: Path) -> Artifact:
    """Return the chart of the first section that has one. Raises ValueError when none has."""
    drawn = [body for body in read(report, 0).bodies if body.plot]
    if not drawn or drawn[0].plot is None:
        raise ValueError("a picture takes a section with a chart")
    name = report.filename("svg")
    look = f"<style>{palette(report.brand.band_color)}{STYLE}</style>"
    (folder / name).write_text(draw(drawn[0].plot, look), encoding="utf-8")
    return Artifact(name, "image/svg+xml", folder / name, drawn[0].rows)


def palette(brand: str) -> str:
    """Return the colours of a page by day and by night, as CSS; each can be read on its ground."""
    day = _properties(brand, colors.WHITE, ("#101828", "#667085", "#e4e7ec", "#98a2b3", "#f9fafb"))
    night = _properties(brand, "#0c111d", ("#f5f5f6", "#94969c", "#1f242f", "#667085", "#161b26"))
    return f":root{{color-scheme:light dark;{day}}}@media(prefers-color-scheme:dark){{:root{{{night}}}}}"


def _properties(brand: str, ground: str, greys: tuple[str, str, str, str, str]) -> str:
    text = colors.readable(brand, ground, colors.FOR_TEXT)
    found = dict(zip(("ink", "quiet", "rule", "axis", "tint"), greys, strict=True)) | {"ground": ground, "brand": text}
    found |= {f"s{number}": color for number, color in enumerate(colors.series_colors(brand, ground))}
    found |= {"good": colors.readable("#067647", ground, 4.5), "bad": colors.readable("#b42318", ground, 4.5)}
    return "".join(f"--{name}:{color};" for name, color in found.items())


def draw(plot: Plot, look: str = "") -> str:
    """Return the chart as an SVG element, with its summary as the title; `look` is put in as it is."""
    height = HEIGHT if plot.kind != "names" else 24.0 * len(plot.names) + 8
    if plot.kind == "empty":
        inner, height = f'<text x="{WIDTH / 2}" y="34" text-anchor="middle">{escape(plot.summary)}</text>', 60.0
    else:
        inner = _named(plot) if plot.kind == "names" else _upright(plot)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img">{look}'
        f"<title>{escape(plot.summary)}</title>{inner}</svg>"
    )


def _upright(plot: Plot) -> str:
    left = max((len(tick.label) for tick in plot.y_ticks), default=2) * LETTER + 12
    width, bottom = WIDTH - left - 6, HEIGHT - FOOT

    def x(at: float) -> str:
        return f"{left + at * width:.1f}"

    def y(at: float) -> str:
        return f"{6 + (1 - at) * (bottom - 6):.1f}"

    drawn = [_rule(tick, plot.zero, left, y(tick.at)) for tick in plot.y_ticks]
    for tick in plot.x_ticks:
        half = len(tick.label) * LETTER / 2
        middle = min(max(left + tick.at * width, half), WIDTH - half)
        drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 6:g}" text-anchor="middle">{escape(tick.label)}</text>')
    for number, series in enumerate(plot.series):
        for piece in series.pieces:
            if len(piece) == 1:
                drawn.append(f'<circle class="f{number}" cx="{x(piece[0][0])}" cy="{y(piece[0][1])}" r="2.5"/>')
            else:
                points = " ".join(f"{x(a)},{y(b)}" for a, b in piece)
                drawn.append(f'<polyline class="line s{number}" points="{points}"/>')
        drawn += [
            f'<rect class="f{number}" x="{x(bar.start)}" y="{y(bar.high)}" width="{(bar.end - bar.start) * width:.1f}" '
            f'height="{(bar.high - bar.low) * (bottom - 6):.1f}"/>'
            for bar in series.bars
        ]
    return "".join(drawn)


def _rule(tick: Tick, zero: float | None, left: float, y: str) -> str:
    kind = "zero" if zero is not None and abs(tick.at - zero) < 1e-4 else "rule"
    return (
        f'<line class="{kind}" x1="{left:.1f}" x2="{WIDTH - 6:g}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 8:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{escape(signed(tick.label))}</text>'
    )


def _named(plot: Plot) -> str:
    left = min(max(len(bar.name) for bar in plot.names) * LETTER, 280.0) + 12
    width = WIDTH - left - max(len(bar.figure) for bar in plot.names) * 7.0 - 12
    drawn = []
    for number, bar in enumerate(plot.names):
        top = number * 24.0 + 4
        drawn.append(
            f'<text class="name" x="0" y="{top + 13:g}">{escape(bar.name)}</text>'
            f'<rect class="f0" x="{left + bar.start * width:.1f}" y="{top:g}" '
            f'width="{max((bar.end - bar.start) * width, 1):.1f}" height="16"/>'
            f'<text class="name" x="{WIDTH:g}" y="{top + 13:g}" text-anchor="end">{escape(signed(bar.figure))}</text>'
        )
    zero = left + (plot.zero or 0.0) * width
    drawn.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{24 * len(plot.names):g}"/>')
    return "".join(drawn)
