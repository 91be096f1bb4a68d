"""`/limits`: how much may run at once, and how often, against a source or a host."""

from api.pages.rooms import Field, Room, routes
from api.routes import limits
from api.routes.limits import LimitIn, LimitPatch

router = routes(
    Room(
        path="/limits",
        title="Limits",
        one="limit",
        note="How many runs may go at once, and how many a minute: against one source, one host, or of the whole tenant.",
        empty="A limit spreads a herd: of a source, of a host, or of the whole tenant only so many runs go at once or a minute.",
        columns={
            "Of": "name",
            "At once": "maxRunning",
            "A minute": "maxPerMinute",
            "Running": "running",
            "Waiting": "waiting",
        },
        listed=limits.list_limits,
        got=limits.get_limit,
        made=limits.create_limit,
        taken=LimitIn,
        edited=limits.edit_limit,
        patched=LimitPatch,
        deleted=limits.delete_limit,
        fields=(
            Field(
                "name",
                "Of",
                required=True,
                once=True,
                placeholder="host:api.example.com",
                hint="source:ID, host:NAME, or tenant (an operator's).",
            ),
            Field("maxRunning", "At once", "number", "Blank for no bound; 0 holds all back.", may_be_null=True),
            Field("maxPerMinute", "A minute", "number", "Blank for no bound.", may_be_null=True),
        ),
    )
)
