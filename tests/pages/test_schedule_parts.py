"""The parts of the schedules' pages by themselves: the fields of a kind's params, the plot of start lags, times of a zone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from api.charts.start_lag import Start, start_lag
from api.pages.params_fields import fields_of, texts_of
from api.pages.times import local_of, with_offset

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Inner(BaseModel):
    """A part."""

    part: str


class Params(BaseModel):
    """One of each."""

    plain: str
    long: str = Field("x", max_length=2000)
    maybe: str | None = None
    whole: int = 3
    share: float | None = None
    is_on: bool = True
    way: Literal["a", "b"] = "a"
    must: Literal["a", "b"]
    lines: list[str] = []
    numbers: list[int] = []
    inner: Inner | None = None
    anything: JsonValue = None


def test_each_kind_of_param_has_its_field() -> None:
    fields = {field.plain.partition(".")[2]: field for field in fields_of(Params.model_json_schema())}
    assert {name: (field.name.partition(":")[2], field.look) for name, field in fields.items()} == {
        "plain": ("", "text"), "long": ("", "long"), "maybe": ("", "text"), "whole": ("number", "number"),
        "share": ("number", "number"), "is_on": ("json", "choice"), "way": ("", "choice"), "must": ("", "choice"),
        "lines": ("lines", "lines"), "numbers": ("json", "json"), "inner": ("json", "json"),
        "anything": ("json", "json"),
    }  # fmt: skip
    assert fields["way"].choices == [("", "default (a)"), ("a", "a"), ("b", "b")]
    assert fields["must"].choices == [("a", "a"), ("b", "b")]
    assert fields["is_on"].choices == [("", "default (yes)"), ("true", "yes"), ("false", "no")]
    assert (fields["plain"].is_required, fields["maybe"].is_required) == (True, False)
    assert fields["whole"].placeholder == "3"


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"properties": {"a.b": {"type": "string"}}}, {"properties": []}]
)
def test_what_has_no_plain_fields_is_one_area_of_json(schema: dict[str, Any]) -> None:
    [field] = fields_of(schema)
    assert field.name == "jobPayload:json"
    assert texts_of({"a": 1}, [field])["jobPayload"] == '{\n  "a": 1\n}'


def test_params_stand_in_their_fields_as_text() -> None:
    fields = fields_of(Params.model_json_schema())
    texts = texts_of({"plain": "x", "is_on": False, "lines": ["a", "b"], "inner": {"part": "p"}, "share": 0.5}, fields)
    assert [texts[f"jobPayload.{name}"] for name in ("plain", "is_on", "lines", "share", "maybe")] == [
        "x", "false", "a\nb", "0.5", "",
    ]  # fmt: skip
    assert texts["jobPayload.inner"] == '{\n  "part": "p"\n}'


def test_each_start_is_a_dot_that_says_what_it_is() -> None:
    starts = [
        Start(NOON + timedelta(hours=number), lag, "succeeded", "good") for number, lag in enumerate((0.004, 0.2, 40))
    ]
    plot = start_lag([*starts, Start(NOON, 9000, "<dead>", "bad")], "Europe/Paris")
    assert 'role="img"' in plot
    assert "Start lag of 4 runs, 2 h 30 min at most; times of Europe/Paris" in plot
    assert re.findall(r'<circle class="(\w+)"', plot) == ["good", "good", "good", "bad"]
    assert "10 Mar 2026, 13:00:00: started 4 ms later, succeeded" in plot
    assert "&lt;dead&gt;" in plot
    assert "style=" not in plot
    # Later is further right, and more is higher.
    places = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', plot)][:3]
    assert places[0][0] < places[1][0] < places[2][0]
    assert places[0][1] > places[1][1] > places[2][1]


@pytest.mark.parametrize("lag", [0.000001, 0.001, 5, 86400 * 400])
def test_a_plot_of_one_start_stands(lag: float) -> None:
    [(x, y)] = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', start_lag([Start(NOON, lag, "dead", "bad")], "UTC"))
    assert 62 <= float(x) <= 748
    assert 10 <= float(y) <= 164


def test_times_are_typed_by_the_clock_of_the_zone() -> None:
    assert with_offset("2026-03-29T09:00", "Europe/Paris") == "2026-03-29T09:00:00+02:00"
    assert with_offset("2026-01-29 09:00:30", "Europe/Paris") == "2026-01-29T09:00:30+01:00"
    # The first of the two, and as far behind the gap's start.
    assert with_offset("2026-10-25T02:30", "Europe/Paris") == "2026-10-25T02:30:00+02:00"
    assert datetime.fromisoformat(with_offset("2026-03-29T02:30", "Europe/Paris")) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    for kept in ("2026-03-29T09:00:00Z", "soon", ""):
        assert with_offset(kept, "Europe/Paris") == kept
    assert with_offset("2026-03-29T09:00", "Nowhere") == "2026-03-29T09:00"
    assert local_of("2026-03-29T01:00:00Z", "Europe/Paris") == "2026-03-29T03:00:00"
    assert local_of("2026-03-29T01:00:00.125Z", "UTC") == "2026-03-29T01:00:00.125"
    assert local_of(None, "UTC") == ""
