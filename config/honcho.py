"""What honcho asks of us: it starts every line of the Procfile at once, `release` among them, and ends all when one ends."""

from config.environ import variable
from config.signals import SignalEvent, set_off, set_on

# What it calls each process that it starts, such as release.1; nobody else sets it.
_NAME = "HONCHO_PROCESS_NAME"


def starts_all() -> bool:
    """True when honcho started this process: the release's migrations may run beside it."""
    return variable(_NAME) is not None


def is_release() -> bool:
    """True in honcho's line `release`, whose end would end every other process, whatever its status."""
    return (variable(_NAME) or "").partition(".")[0] == "release"


def stay() -> None:
    """Returns at SIGTERM."""
    stopping = SignalEvent()
    set_on(stopping)
    stopping.wait()
    set_off()
