"""Recipients by role and by a graph's column: found when something is sent, each with how it got on the list."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.workers.kinds.contexts import GRAPH, Answering, Book, Journal, context
from tests.workers.kinds.test_scheduled_report import params_of
from workers.recipients import MOST, Found, Recipient, find
from workers.sources import Column, RowCap, SourceUnavailable, Table

RULE = {"graphId": str(GRAPH), "column": "email"}
BY_COLUMN = "the column email of the graph Seats"


def found(entries: list[Any], answer: list[Any] | Exception | None = None, more: tuple[str, ...] = ()) -> Found:
    book = Book()
    book.members = {"viewer": ["vic@example.com", "Ann@example.com"]}
    table = (
        answer
        if isinstance(answer, Exception)
        else Table((Column("email", "text"),), [(each,) for each in answer or []], None, 0)
    )
    ctx = context(params_of(), journal=Journal(Answering(table), book))
    return find(ctx, TypeAdapter(list[Recipient]).validate_python(entries), more)


def test_what_is_listed_stays_as_it_stands_and_is_recorded_as_nothing_else() -> None:
    assert found(["ann@example.com", "bob@EXAMPLE.com"]) == Found(("ann@example.com", "bob@example.com"), {}, (), None)


def test_a_role_and_a_column_add_theirs_each_once_in_the_spelling_that_is_listed() -> None:
    whom = found(
        ["ann@example.com", {"role": "viewer"}, RULE], ["Eve@example.com", "VIC@example.com"], ("eve@example.com",)
    )
    assert whom.addresses == ("ann@example.com", "vic@example.com", "eve@example.com")
    assert whom.kept["recipients"]["foundBy"] == {
        "members of the role viewer": ["vic@example.com", "ann@example.com"],
        BY_COLUMN: ["eve@example.com", "vic@example.com"],
    }


def test_what_is_no_address_is_left_out_with_its_reason() -> None:
    whom = found(["ann@example.com", RULE], ["nobody", "a@b\r\nBcc: c@d", None, 7])
    assert whom.addresses == ("ann@example.com",)
    assert [each["reason"] for each in whom.kept["recipients"]["skipped"]] == ["no e-mail address"] * 3
    assert whom.problems == ("3 of what was found is none of its recipients: no e-mail address",)


@pytest.mark.parametrize(
    ("answer", "said", "may_pass"),
    [
        (SourceUnavailable("the warehouse is down"), "the warehouse is down", True),
        (RowCap("too many", Table((), [], None, 0)), "it has more than 1,000 rows", False),
    ],
)
def test_a_graph_that_gives_no_addresses_is_a_problem_and_the_others_are_told(
    answer: Exception,
    said: str,
    may_pass: bool,
) -> None:
    whom = found(["ann@example.com", RULE], answer)
    assert (whom.addresses, whom.away is not None) == (("ann@example.com",), may_pass)
    assert whom.problems == (f"{BY_COLUMN}: {said}",)


def test_nobody_at_all_is_a_problem() -> None:
    whom = found([{"role": "admin"}])
    assert (whom.addresses, whom.problems) == (
        (),
        ("it has no recipient: members of the role admin came to nobody",),
    )


def test_no_rule_tells_more_than_a_thousand() -> None:
    whom = found(["ann@example.com", RULE], [f"r{number}@example.com" for number in range(MOST)])
    assert len(whom.addresses) == MOST
    assert [each["value"] for each in whom.kept["recipients"]["skipped"]] == [f"r{MOST - 1}@example.com"]


@pytest.mark.parametrize(
    "entry", [{"role": "owner"}, {"graphId": str(GRAPH)}, {**RULE, "role": "viewer"}, 7, "x", None]
)
def test_an_entry_is_an_address_or_one_of_the_rules(entry: Any) -> None:
    with pytest.raises(ValidationError, match="takes"):
        TypeAdapter(list[Recipient]).validate_python([entry])
