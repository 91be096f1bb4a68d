"""Real figures for the demo: employment in the United States, month by month, from 2006 to 2015.

Source: the Current Employment Statistics program of the U.S. Bureau of Labor Statistics, seasonally adjusted, in
thousands of jobs; in the public domain as a work of the U.S. government. The file is the one that the package
vega_datasets (MIT licence) ships as us-employment.csv, with the month-to-month change added by its authors.
"""

import csv
import importlib.util
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

PACKAGE = "vega_datasets"
FILE = "_data/us-employment.csv"
SCHEMA = "demo"
TABLE = "demo_us_employment"
# The file's own slip of the pen.
SPELLING = {"trade_transportation_utilties": "trade_transportation_utilities"}


class Figures(NamedTuple):
    """The file's columns after the first, and its rows: the first day of a month and thousands of jobs by sector."""

    sectors: tuple[str, ...]
    rows: list[tuple[date, tuple[Decimal, ...]]]


def read() -> Figures:
    """The figures of the file, oldest month first. Raises FileNotFoundError when the package is not installed."""
    with _file().open(newline="") as lines:
        header, *rows = csv.reader(lines)
    sectors = tuple(SPELLING.get(name, name) for name in header[1:])
    months = [(date.fromisoformat(month), tuple(map(Decimal, values))) for month, *values in rows]
    return Figures(sectors, sorted(months))


def load(conn: psycopg.Connection[Any], schema: str = SCHEMA) -> int:
    """Makes the table `demo_us_employment` in the schema, filled anew, and returns its number of rows (months).

    Its columns are `month` (a date, the primary key) and one numeric for each sector, in thousands of jobs:
    nonfarm, private, manufacturing, government and so on. All of it is one transaction.
    """
    figures = read()
    table = sql.Identifier(schema, TABLE)
    columns = sql.SQL(", ").join(
        sql.SQL("{} numeric not null").format(sql.Identifier(name)) for name in figures.sectors
    )
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        cursor.execute(sql.SQL("drop table if exists {}").format(table))
        cursor.execute(sql.SQL("create table {} (month date primary key, {})").format(table, columns))
        with cursor.copy(sql.SQL("copy {} from stdin").format(table)) as copy:
            for month, values in figures.rows:
                copy.write_row((month, *values))
        cursor.execute(sql.SQL("analyze {}").format(table))
    return len(figures.rows)


def _file() -> Path:
    # Found without importing the package, which would want pandas.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError(
            f"the package {PACKAGE}, which holds the demo's figures, is not installed; run `make setup`"
        )
    return Path(found.origin).parent / FILE
