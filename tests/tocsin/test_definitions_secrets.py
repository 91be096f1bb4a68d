"""Credentials in a schedule's params are stored sealed, and shown to nobody."""

import base64
import os
from uuid import uuid4

from api.definitions import create_schedule, read_schedule
from api.shapes import schedule as shown
from config.seal import Place, Seal
from db.pool import Database
from tests import make
from workers.kinds import KINDS


def test_header_values_that_tell_a_secret_are_stored_sealed_and_shown_as_stars(database: str) -> None:
    seal = Seal((base64.b64encode(os.urandom(32)).decode(),))
    body = read_schedule(
        {
            "jobType": "http.call",
            "name": f"s-{uuid4().hex}",
            "intervalSeconds": 60,
            "jobPayload": {
                "url": "https://example.com/hook",
                "headers": {"Authorization": "Bearer canary-4711", "X-Team": "blue"},
            },
        }
    )
    with Database.at(database).connect("test") as conn:
        tenant = make.tenant(conn)
        created = create_schedule(conn, tenant, body, kinds=KINDS, seal=seal, retention_days=90)

        stored = make.value(conn, "select params from schedules where id = %s", created.id)
        whole = make.value(conn, "select string_agg(v::text, '') from schedule_versions as v")

    headers = stored["headers"]
    assert headers["X-Team"] == "blue"
    assert seal.open(headers["Authorization"], Place(tenant, "schedules", created.id, "params")) == "Bearer canary-4711"
    assert "canary" not in whole
    assert "sealed:" not in str(shown(created))
    assert "***" in str(shown(created))
