"""What a command is given as JSON: the body that the API takes, as a text or in a file, with names in place of ids."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tocsin.complaints import Complaint

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel

    from db.pool import Connection

    Body = TypeVar("Body", bound=BaseModel)


def given(text: str) -> dict[str, Any]:
    """The JSON object that the text is, or that is in the file behind its @. Raises Complaint."""
    # What reads it later may be called within a transaction, in which nothing is to be loaded.
    from api import dashboards, graphs, kpi_alerts, sources, templates  # noqa: F401

    try:
        found = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except OSError as error:
        raise Complaint(f"cannot read {text[1:]}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(f"takes a JSON object or @FILE, but this is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Complaint("takes a JSON object")
    return found


def read(model: "type[Body]", body: Mapping[str, Any]) -> "Body":
    """The body, read. Raises BadDefinition naming each field at fault."""
    from pydantic import ValidationError

    from api.refusals import of_model

    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise of_model(error) from None


def with_ids(conn: "Connection", tenant: "UUID", body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with `graph`, `graphs`, `dashboard`, `source`, `alert` and `template`, each by name or id, as the ids that the API takes."""
    from api import dashboards, graphs, kpi_alerts, sources, templates
    from api.nouns import Noun
    from scheduler.refusals import NotFound

    def source(name: str) -> "UUID":
        for each in sources.list_all(conn, tenant):
            if name in (each.name, str(each.id)):
                return each.id
        raise NotFound(f"there is no source {name}")

    nouns: dict[str, Noun[Any]] = {
        "graph": graphs.GRAPHS,
        "alert": kpi_alerts.KPI_ALERTS,
        "template": templates.TEMPLATES,
        "dashboard": dashboards.DASHBOARDS,
    }
    found = dict(body)
    if "source" in found:
        found["sourceId"] = source(str(found.pop("source")))
    for name, noun in nouns.items():
        if name in found:
            found[f"{name}Id"] = noun.named(conn, tenant, str(found.pop(name))).id
    if isinstance(found.get("graphs"), list):
        found["graphIds"] = [nouns["graph"].named(conn, tenant, str(each)).id for each in found.pop("graphs")]
    return found


def instant(option: str, text: str) -> "datetime":
    """The instant that an option gives. Raises Complaint."""
    from api.definitions import read_time

    try:
        return read_time(text)
    except ValueError as error:
        raise Complaint(f"{option}: {error}") from None
