"""A refused form names each field by the label that stands at it, whatever made the form."""

import re
from html import unescape

import pytest

from api.pages.refusals import labelled
from tests.api.conftest import Api
from tests.pages.test_rooms import EVIL, post


def lines_of(page: str) -> list[str]:
    """What the box of a refusal says, a line each."""
    [box] = re.findall(r'<div class="refused".*?</div>', page, re.DOTALL)
    lines = re.findall(r"<(?:p|li)>.*?</(?:p|li)>", box)
    return [" ".join(unescape(re.sub(r"<[^>]*>", "", each)).split()) for each in lines]


@pytest.mark.parametrize(
    ("path", "typed", "told"),
    [
        ("/silences/new", {"durationSeconds:number": "x"}, "For takes a number"),
        ("/calendars/new", {}, "Name is required"),
        (
            "/schedules/new",
            {"kind": "test.noop", "how": "interval", "intervalSeconds:number": "x"},
            "Every so many seconds takes a number",
        ),
        ("/webhooks/new", {"name": EVIL}, "Told of is required"),
    ],
)
def test_a_form_names_the_field_by_its_label(api: Api, path: str, typed: dict[str, str], told: str) -> None:
    page = post(api, path, *typed.items())
    assert page.status_code == 422
    first, *found = lines_of(page.text)
    assert first == "Not saved."
    assert [each for each in found if each.startswith(told)], found
    assert EVIL not in page.text


def test_what_is_refused_within_a_field_is_told_by_where_it_lies_in_it() -> None:
    label = '<label for="f-threshold-also">Conditions <span class="soft">JSON</span></label>'
    for key, told in {
        "threshold.also": '<a href="#f-threshold-also">Conditions JSON</a>',
        "threshold.also.2": '<a href="#f-threshold-also">Conditions JSON</a>, no. 3',
        "threshold.also.0.measure": '<a href="#f-threshold-also">Conditions JSON</a> <code>0.measure</code>',
        "threshold.other": '<b data-of="threshold.other">Other</b>',
        "": '<b data-of="">Other</b>',
    }.items():
        assert labelled(f'<b data-of="{key}">Other</b>{label}') == told + label
