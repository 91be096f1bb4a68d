"""`/members`: the people of the tenant, and what each may."""

from api.members import MemberIn, MemberPatch
from api.pages.rooms import Field, Room, routes
from api.routes import members

_ROLES = [
    ("viewer", "viewer: reads"),
    ("editor", "editor: changes schedules, alerts, sources"),
    ("admin", "admin: members and tokens too"),
]

router = routes(
    Room(
        path="/members",
        title="Members",
        one="member",
        note="The people who sign in, own schedules and are told when something is wrong.",
        empty="Members sign in by OIDC or by a link, own what they make, and are told when it fails.",
        columns={"Address": "email", "Name": "name", "Role": "role", "Subject": "subject", "Disabled": "disabledAt"},
        listed=members.list_members,
        got=members.get_member,
        made=members.create_member,
        taken=MemberIn,
        edited=members.edit_member,
        patched=MemberPatch,
        deleted=members.delete_member,
        reads="admin",
        writes="admin",
        name_of="email",
        fields=(
            Field("email", "Address", required=True),
            Field("name", "Name", may_be_null=True),
            Field(
                "subject",
                "Subject",
                required=True,
                once=True,
                hint="The `sub` that the sign-in of your company gives them.",
            ),
            Field("role", "Role", "choice", choices=_ROLES),
            Field("isDisabled", "Disabled: let in nowhere", "flag", later=True, told_by="disabledAt"),
        ),
        defaults={"role": "viewer"},
    )
)
