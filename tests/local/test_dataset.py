from datetime import date
from decimal import Decimal

import psycopg

from local import dataset


def test_the_figures_are_loaded_month_by_month_and_again_without_doubling(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as conn:
        assert dataset.load(conn) == 120
        assert dataset.load(conn) == 120
        found = conn.execute("select count(*), min(month), max(month), min(nonfarm) from demo.demo_us_employment")
        assert found.fetchone() == (120, date(2006, 1, 1), date(2015, 12, 1), Decimal(129726))


def test_every_sector_adds_up_to_the_whole() -> None:
    figures = dataset.read()
    column = {name: place for place, name in enumerate(figures.sectors)}
    for month, values in figures.rows:
        assert values[column["private"]] + values[column["government"]] == values[column["nonfarm"]], month


def test_the_datas_package_is_not_imported() -> None:
    spec = dataset._file()
    assert spec.name == "us-employment.csv"
    assert spec.is_file()
