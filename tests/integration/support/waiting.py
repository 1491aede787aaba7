"""Waiting for something to become true, with a deadline and the last thing seen in the message."""

import time


def wait_until(probe, timeout=15.0, what="the condition", every=0.05):
    """Returns the first truthy value of probe(); fails with what was last seen."""
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        last = probe()
        if last:
            return last
        time.sleep(every)
    raise AssertionError(f"{what} did not happen within {timeout} s; last seen: {last!r}")
