"""KPI alerts as the API makes them, from one flat body: what is asked, what counts as an alarm, and who is told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg

from api import graphs, kpi_alerts
from api.edits import edit_schedule
from api.graphs import GraphIn
from api.kpi_alert_bodies import KpiAlertIn
from api.kpi_alert_rows import KpiAlert
from api.sources import list_all
from config.seal import Seal
from workers.kinds import KINDS

OF_THE_GRAPH = ("query", "unit", "valueColumn", "timeDimension", "grain", "segmentBy")
OF_THE_ALERT = ("alertName", "recipients")


def make_alert(conn: "psycopg.Connection[Any]", tenant: UUID, body: Mapping[str, Any], **of_schedule: Any) -> KpiAlert:
    """An alert on a graph of its own, of the source that `source` names; `of_schedule` is then changed of its schedule."""
    [source] = [each for each in list_all(conn, tenant) if body["source"] in (each.name, str(each.id))]
    asked = {name: body[name] for name in OF_THE_GRAPH if name in body}
    graph = graphs.create(conn, tenant, GraphIn.model_validate({"name": uuid4().hex, "sourceId": source.id, **asked}))
    threshold = {
        name: value for name, value in body.items() if name not in (*OF_THE_GRAPH, *OF_THE_ALERT, "source", "timezone")
    }
    whole = {name: body[name] for name in OF_THE_ALERT} | {"graphId": graph.id, "threshold": threshold}
    if "timezone" in body:
        threshold["timezone"] = body["timezone"]
    made = kpi_alerts.create(conn, tenant, KpiAlertIn.model_validate(whole), retention_days=90)
    if of_schedule:
        edit_schedule(conn, tenant, made.schedule_id, of_schedule, kinds=KINDS, seal=Seal(()))
    return kpi_alerts.KPI_ALERTS.get(conn, tenant, made.id)
