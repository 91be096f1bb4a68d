"""What an alert's form still lacks, and its refusals by its own fields."""

import re
from collections.abc import Mapping

from api.pages.forms import Values
from api.problems import Refusal
from workers.alerting.conditions import RANGES

_WORD = re.compile(r"\w+")


def lacking(values: Values, days: str) -> str:
    """What of a rule is to be typed before it can be judged; blank where nothing is."""
    if not values["graphId"]:
        missing = "Choose a graph"
    elif values["threshold.measure"] == "noData":
        return ""
    elif values["threshold.thresholdValue"] == "":
        missing = "Type a threshold"
    elif values["threshold.condition"] in RANGES and values["threshold.thresholdHigh"] == "":
        missing = "Type the upper threshold too"
    else:
        return ""
    return f"{missing} and see what it would have told in {'a day' if days == '1' else f'{days or 90} days'}."


def at_fields(refusal: Refusal, values: Values, labels: Mapping[str, str]) -> Refusal:
    """The refusal by the form's fields, where the body has others: of its recipients, and of a rule as a whole."""
    found: dict[str, str] = {}
    for key, reason in refusal.errors.items():
        name, _, within = key.partition(".")
        if name == "recipients" and key not in labels:
            found[_of_recipient(within, values)] = reason
        else:
            at, said = _of_part(key, reason, labels)
            found[at] = said
    return refusal._replace(errors=found)


def _of_recipient(within: str, values: Values) -> str:
    """The field of a recipient, who is told by the number in the body's list: people, then roles, then those of a graph."""
    typed = values["recipients.people"]
    lines = typed.splitlines() if isinstance(typed, str) else typed
    people = [line for line in lines if line.strip()]
    number = within.partition(".")[0]
    if not number.isdecimal():
        return "recipients.people"
    at = int(number) - len(people)
    if at < 0:
        return f"recipients.people.{number}"
    return "recipients.roles" if at < len(values["recipients.roles"]) else "recipients.column"


def _of_part(key: str, reason: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """Of a part of the form the first of its fields that the reason names, and the reason with their labels."""
    own = {name.rpartition(".")[2]: name for name in labels if name.rpartition(".")[0] == key}
    # A name of one plain word is meant as a name only where the reason begins with it.
    words = _WORD.findall(reason)
    named = {word: own[word] for word in words if word in own and (word == words[0] or not word.islower())}
    if not named:
        return key, reason
    first = next(iter(named.values()))
    said = _WORD.sub(lambda found: f"“{labels[named[found[0]]]}”" if found[0] in named else found[0], reason)
    return first, said.removeprefix(f"“{labels[first]}” ")
