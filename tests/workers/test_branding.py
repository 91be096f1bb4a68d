"""How a tenant's mail looks: what it set is found, and its name can be read on any colour."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.pool import Database, Pool
from tests import make
from workers.branding import Branding, contrast
from workers.journal import GET_BRANDING


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    """A worker's connections."""
    with Database.at(database).open_pool("test", 2) as found:
        yield found


@given(st.integers(0, 0xFFFFFF))
def test_a_name_can_be_read_on_any_colour(number: int) -> None:
    brand = Branding(color=f"#{number:06x}")

    assert contrast(brand.band_color, brand.text_color) >= 4.5


@pytest.mark.parametrize(
    ("color", "text", "ratio"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#000000", 4.69),
        ("#1d4ed8", "#ffffff", 6.70),
        ("#ffd400", "#000000", 14.67),
        ("", "#ffffff", 10.46),
    ],
)
def test_text_is_black_or_white_whichever_stands_out_more(color: str, text: str, ratio: float) -> None:
    brand = Branding(color=color)

    assert brand.text_color == text
    assert contrast(brand.band_color, text) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, Branding()),
        ({"branding": {"footer": "x"}}, Branding(footer="x")),
        ({"branding": {"color": "#ffd400"}}, Branding("A tenant", "#ffd400")),
        (
            {"branding": {"name": "Acme", "color": "#ffd400", "footer": "x\ny"}},
            Branding("Acme", "#ffd400", "x\ny"),
        ),
    ],
)
def test_a_tenant_is_branded_as_it_said(pool: Pool, settings: dict[str, Any], found: Branding) -> None:
    with pool.connection() as conn:
        assert GET_BRANDING.one(conn, tenant_id=make.tenant(conn, settings=settings)) == found
