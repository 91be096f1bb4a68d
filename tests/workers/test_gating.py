from decimal import Decimal
from typing import Any

import pytest

from workers.gating import Figures, Gate, Undecided, passes

KNOWN = Figures("Revenue", Decimal(50), None, 3)
BARE = Figures("Orders", None, None, 0)
TRUE = {"graph": "Revenue", "condition": "GREATER_THAN", "thresholdValue": 10}
FALSE = {"graph": "Revenue", "condition": "GREATER_THAN", "thresholdValue": 99}
NONE = {"graph": "Orders", "condition": "GREATER_THAN", "thresholdValue": 10}
GONE = {"graph": "Costs", "condition": "GREATER_THAN", "thresholdValue": 10}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"match": "any", "conditions": [NONE, TRUE]}, (True, "the gate is open")),
        ({"match": "any", "conditions": [NONE, FALSE]}, "Orders has no value"),
        ({"match": "any", "conditions": [FALSE, GONE]}, "there is no graph 'Costs'"),
        ({"match": "any", "conditions": [FALSE]}, (False, "Revenue: value 50 is not above 99")),
        ({"match": "all", "conditions": [NONE, FALSE]}, (False, "Revenue: value 50 is not above 99")),
        ({"match": "all", "conditions": [TRUE, NONE]}, "Orders has no value"),
        ({"match": "all", "conditions": [TRUE]}, (True, "the gate is open")),
        ({"conditions": [NONE], "expression": "revenue > 99"}, (False, "`revenue > 99` is false")),
        ({"conditions": [NONE], "expression": "revenue > 10"}, "Orders has no value"),
        ({"conditions": [NONE], "onlyIfChanged": True, "expression": "orders > 1"}, "`orders > 1`"),
    ],
)
def test_a_graph_without_a_figure_leaves_a_gate_undecided_only_if_the_rest_does_not_decide(
    fields: dict[str, Any], expected: tuple[bool, str] | str
) -> None:
    gate = Gate.model_validate(fields)
    if isinstance(expected, str):
        with pytest.raises(Undecided, match=expected):
            passes(gate, [KNOWN, BARE], has_changed=True)
    else:
        assert passes(gate, [KNOWN, BARE], has_changed=True) == expected
