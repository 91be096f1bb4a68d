"""Why a change that somebody asked for is not made; each message is one sentence for them."""


class NotFound(LookupError):
    """The tenant has nothing of that id or name."""


class WrongState(RuntimeError):
    """The change does not fit what the schedule, the run or the dead letter is now."""


class NameTaken(ValueError):
    """The tenant has another one of that name."""


class BadSpan(ValueError):
    """A span of time asks for too many slots, for future ones, or for some older than what is kept."""
