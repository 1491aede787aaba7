"""The diagnosing side: a daemon that asks the hung backend to go, and what it then says."""

from support.daemon import rule
from support.waiting import wait_until


def rules(hang, application):
    return [rule(hang.name, application, action="terminate" if hang.action == "observe" else hang.action, grace="500ms", **hang.rule)]


def mode(hang):
    return "observe" if hang.action == "observe" else "enforce"


def diagnosis(daemon, hang, pid, timeout=20):
    """The incident with the first capture after the backend was found unresponsive: no later one, however much better."""

    def probe():
        incident = daemon.incident(pid)
        if incident is None or incident["diagnosis"] is None:
            return None
        if hang.action == "observe":
            return incident
        found = [entry["at"] for entry in incident["timeline"] if entry["stage"] == "unresponsive"]
        return incident if found and incident["diagnosis"]["captured_at"] > found[0] else None

    try:
        return wait_until(probe, timeout, f"a diagnosis of {pid}", every=0.03)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{daemon.log()}") from None
