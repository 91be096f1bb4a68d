"""What must hold of every history, each as a function from a case to its counter-examples, in O(n log n) or better."""

from collections.abc import Callable, Iterator, Mapping

from proof.invariants import effects, lag, leases, slots
from proof.invariants.case import Case
from proof.records import Violation

Invariant = Callable[[Case], Iterator[Violation]]

# I17 compares two histories: proof.invariants.same.
INVARIANTS: Mapping[str, Invariant] = {
    "I1": slots.no_lost_slot,
    "I2": slots.no_double_slot,
    "I3": slots.no_phantom,
    "I4": leases.one_owner,
    "I5": leases.no_zombie_write,
    "I6": leases.progress,
    "I7": leases.bounded_tries,
    "I8": effects.no_lost_effect,
    "I9": effects.no_double_effect,
    "I10": effects.intent_first,
    "I11": effects.same_bytes,
    "I12": effects.honest_state,
    "I13": lag.in_time,
    "I14": effects.own_tenant,
    "I15": leases.legal_moves,
    "I16": slots.only_forward,
    "I18": slots.nothing_miscounted,
}
