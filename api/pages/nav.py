"""The dashboard's rooms, in the order of their doors."""

from typing import Final, NamedTuple

from api.access import Role, rank


class Door(NamedTuple):
    """A link of the navigation; who has less than `role` does not see it."""

    path: str
    label: str
    role: Role = "viewer"


GROUPS: Final[tuple[tuple[str, tuple[Door, ...]], ...]] = (
    (
        "Now",
        (
            Door("/", "Overview"),
            Door("/runs", "Runs"),
            Door("/deliveries", "Deliveries"),
            Door("/dead-letters", "Dead letters"),
        ),
    ),
    (
        "Work",
        (
            Door("/schedules", "Schedules"),
            Door("/alerts", "Alerts"),
            Door("/reports", "Reports"),
            Door("/pulses", "Pulses"),
            Door("/crew", "Crew"),
        ),
    ),
    (
        "Data and people",
        (
            Door("/sources", "Sources"),
            Door("/graphs", "Graphs"),
            Door("/dashboards", "Dashboards"),
            Door("/channels", "Channels"),
            Door("/templates", "Templates"),
            Door("/calendars", "Calendars"),
            Door("/silences", "Silences"),
            Door("/suppressions", "Suppressions"),
            Door("/webhooks", "Webhooks"),
        ),
    ),
    (
        "Administration",
        (
            Door("/members", "Members", "admin"),
            Door("/tokens", "Tokens", "admin"),
            Door("/audit-log", "Audit log", "admin"),
            Door("/limits", "Limits"),
            Door("/settings", "Settings", "admin"),
            Door("/docs", "API"),
            Door("/processes", "Processes", "operator"),
            Door("/tenants", "Tenants", "operator"),
        ),
    ),
)


def open_doors(doors: tuple[Door, ...], role: str) -> list[Door]:
    """The doors that somebody of this role sees."""
    return [door for door in doors if rank(role) >= rank(door.role)]


def is_here(door: Door, path: str) -> bool:
    """True for the door of the room that the page is in."""
    return path == door.path if door.path == "/" else path == door.path or path.startswith(f"{door.path}/")
