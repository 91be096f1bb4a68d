"""A signal that comes at any moment ends the wait."""

import subprocess
import sys

from config.signals import SignalEvent

# Raises the signal at the given step of the wait: each line of it and of what it calls is one.
SCRIPT = """
import signal, sys
from config.signals import SignalEvent, set_on

event, steps = SignalEvent(), int(sys.argv[1])
set_on(event)

def trace(*_):
    global steps
    steps -= 1
    if steps == 0:
        signal.raise_signal(signal.SIGTERM)
    return trace

sys.settrace(trace)
event.wait(1)
sys.settrace(None)
sys.exit(0 if event.is_set() or steps > 0 else 1)
"""


def test_a_signal_at_any_step_of_the_wait_is_kept_and_blocks_nobody() -> None:
    for step in range(1, 7):
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(step)], timeout=10, check=False)
        assert done.returncode == 0, f"step {step}"


def test_it_is_set_for_good() -> None:
    event = SignalEvent()
    assert not event.wait(0)
    event.set()
    event.set()
    assert event.is_set()
    assert event.wait()
