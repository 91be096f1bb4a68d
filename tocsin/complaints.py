"""What the command says when something is wrong: one line, and never a password."""

import re
from urllib.parse import unquote, urlsplit

_HINT = re.compile(r" ?Is the server running [^?]*\?")


class Complaint(Exception):
    """The command cannot do what it was asked; the message is the whole line."""


def known() -> tuple[type[Exception], ...]:
    """The errors that are somebody's to mend and no bugs of ours."""
    from api.refusals import BadDefinition, Busy
    from config.environ import BadSetting
    from config.seal import SealError
    from config.zones import BadZone
    from db.migrate import SchemaError
    from db.pool import DatabaseError
    from scheduler.refusals import BadSpan, NameTaken, NotFound, WrongState
    from scheduler.slots import BadRecurrence

    ours = (BadDefinition, Busy, BadSetting, SealError, BadZone, SchemaError, BadSpan, NameTaken, NotFound, WrongState)
    return (Complaint, *ours, BadRecurrence, DatabaseError)


def line(error: Exception) -> str:
    """The error in one line."""
    from db.pool import DatabaseError

    if isinstance(error, DatabaseError):
        return f"the database: {of_database(error)}"
    return _one_line(error)


def of_database(error: Exception) -> str:
    """What Postgres or its driver said, in one line without passwords and without libpq's question at the end."""
    return without_passwords(_HINT.sub("", _one_line(error)).removeprefix("connection failed: "))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def without_passwords(text: str) -> str:
    """The text with the passwords of the addresses in our settings struck out; libpq quotes what it cannot read."""
    from config.environ import SETTINGS, BadSetting, read

    for name in (name for name, setting in SETTINGS.items() if setting.is_secret):
        try:
            password = urlsplit(str(read((name,))[name] or "")).password
        except (BadSetting, ValueError):
            continue
        for form in {password, unquote(password)} if password else ():
            text = text.replace(form, "***")
    return text
