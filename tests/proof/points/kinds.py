"""Kinds that end badly after they said that they began: their failures and deaths are crash points too."""

from proof.chaos.kinds import CALL, MAIL, WORK, Params, run
from workers.kind import Context, Kind
from workers.outcome import Later, Outcome, Rejected


def fail(ctx: Context[Params]) -> Outcome:
    """The first attempt raises, the second is put off, the third ends well."""
    outcome = run(ctx)
    if ctx.attempt == 1:
        raise ValueError("a bug of this kind")
    return Later(0.0, "not yet") if ctx.attempt == 2 else outcome


def reject(ctx: Context[Params]) -> Outcome:
    """It dies at its first attempt."""
    run(ctx)
    return Rejected("never")


FAIL = Kind("points.fail", Params, fail, "ends badly twice")
REJECT = Kind("points.reject", Params, reject, "is rejected")
NAMES = ",".join(
    (*(f"proof.chaos.kinds:{name}" for name in ("WORK", "MAIL", "CALL")), f"{__name__}:FAIL", f"{__name__}:REJECT")
)
"""What TOCSIN_KINDS is for a worker that runs them all."""
KINDS = {kind.name: kind for kind in (WORK, MAIL, CALL, FAIL, REJECT)}
