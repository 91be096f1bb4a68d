"""How a tenant's mail looks: its name on a band of its colour, and the lines at its end."""

from typing import NamedTuple

SLATE = "#344054"
BLACK, WHITE = "#000000", "#ffffff"


class Branding(NamedTuple):
    """What a tenant says of it; empty where it says nothing. `color` is `#rrggbb`, `footer` plain text of some lines."""

    name: str = ""
    color: str = ""
    footer: str = ""

    @property
    def band_color(self) -> str:
        """The colour that the name stands on."""
        return self.color or SLATE

    @property
    def text_color(self) -> str:
        """Black or white, whichever is read better on the band: at least 4.58 to 1 on any colour."""
        return max((BLACK, WHITE), key=lambda text: contrast(self.band_color, text))


def contrast(one: str, other: str) -> float:
    """How far apart two colours `#rrggbb` are in brightness, from 1 to 21. Source: WCAG 2.2, contrast ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
