"""`/crew/endpoints`: what crews ask about users, and whether its circuit is open."""

from api.crew_endpoints import CrewEndpointIn, CrewEndpointPatch
from api.pages.rooms import Field, Room, routes
from api.routes import crew_endpoints

ROOM = Room(
    path="/crew/endpoints",
    title="Endpoints",
    one="endpoint",
    note="What crews ask about users, at which pace. Headers go in and never come out.",
    empty="An endpoint is an HTTP service that answers about one user at a time. A crew asks it about each of them, at the "
    "pace that it bears.",
    columns={},
    listed=crew_endpoints.list_crew_endpoints,
    got=crew_endpoints.get_crew_endpoint,
    made=crew_endpoints.create_crew_endpoint,
    taken=CrewEndpointIn,
    edited=crew_endpoints.edit_crew_endpoint,
    patched=CrewEndpointPatch,
    deleted=crew_endpoints.delete_crew_endpoint,
    listing="crew/endpoints.html.j2",
    show="crew/endpoint.html.j2",
    fields=(
        Field("name", "Name", required=True),
        Field("url", "Address", required=True, placeholder="https://crew.example.com/run-crew"),
        Field(
            "headers",
            "Headers",
            "json",
            'As JSON: {"Authorization": "Bearer …"}. They are sealed, and never shown again; left blank, they stay.',
            rows=3,
        ),
        Field(
            "protocol",
            "Speaks",
            "choice",
            choices=[("plain", "plain: it answers at once"), ("crewai", "crewai: it is started, and asked until it is done")],
        ),
        Field("timeoutSeconds", "Seconds for a call", "number"),
        Field("concurrency", "Calls at a time", "number", "Of all workers together."),
        Field("ratePerMinute", "Calls a minute", "number", "Evenly; blank: as many as there are.", may_be_null=True),
        Field("segments", "Segments", "lines", "One a line: whose users it is asked about. Blank: all that no other names.", rows=3),
    ),
    defaults={"timeoutSeconds": 60, "concurrency": 20, "protocol": "plain"},
)  # fmt: skip
router = routes(ROOM)
