"""Colours of a tenant that can be read: the brand's own hue, dark enough for what it is used for."""

from workers.branding import contrast

WHITE = "#ffffff"
NIGHT = "#101828"
# Beside the brand's own: hues that differ in brightness too, each at least 3 to 1 on white.
SERIES = ("#0e7490", "#b45309", "#7c3aed")
FOR_GRAPHICS, FOR_TEXT = 3.0, 4.5


def mixed(color: str, other: str, share: float) -> str:
    """Return a colour with a share of another in it."""
    parts = [round(int(color[at : at + 2], 16) * (1 - share) + int(other[at : at + 2], 16) * share) for at in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def readable(color: str, ground: str, ratio: float) -> str:
    """Return the colour, as little changed as it takes to stand out from the ground by the ratio."""
    pole = "#000000" if contrast(ground, "#000000") > contrast(ground, WHITE) else WHITE
    for step in range(21):
        found = mixed(color, pole, step / 20)
        if contrast(found, ground) >= ratio:
            return found
    return pole


def series_colors(brand: str, ground: str) -> list[str]:
    """Return the colours of a chart's series on a ground, the brand's own first."""
    return [readable(color, ground, FOR_GRAPHICS) for color in (brand, *SERIES)]
