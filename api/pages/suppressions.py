"""`/suppressions`: whom the tenant mails no more, and why."""

from api.pages.rooms import Field, Room, routes
from api.routes import suppressions
from api.routes.suppressions import SuppressionIn

router = routes(
    Room(
        path="/suppressions",
        title="Suppressions",
        one="suppression",
        note="Addresses that are mailed no more: they bounced, complained, unsubscribed, or somebody said so.",
        empty="Nobody is held back. Who unsubscribes, complains or can't be reached stands here, and is mailed no more.",
        columns={"Address": "recipient", "Why": "reason", "Said by": "source", "Note": "note", "Since": "createdAt"},
        listed=suppressions.list_suppressions,
        got=suppressions.get_suppression,
        made=suppressions.create_suppression,
        taken=SuppressionIn,
        deleted=suppressions.delete_suppression,
        delete_word="Release",
        delete_ask="Mail this address again?",
        name_of="recipient",
        listing="suppressions/list.html.j2",
        filters=("recipient", "reason"),
        fields=(
            Field("recipient", "Address", required=True),
            Field("note", "Why", hint="For whoever reads it later."),
        ),
    )
)
