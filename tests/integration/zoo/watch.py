"""The diagnosing side: a daemon that asks the hung backend to go, or `pghangd diagnose` where no connection shows it."""

import json
import os
import subprocess

from support.daemon import UNIT_CAPABILITIES, Daemon, as_user, rule
from support.waiting import wait_until


def daemon_for(hang, stage, binaries, folder, capabilities=UNIT_CAPABILITIES):
    """Not yet started."""
    action = "terminate" if hang.action == "observe" else hang.action
    mode = "observe" if hang.action == "observe" else "enforce"
    rules = [rule(hang.name, stage.application, action=action, grace="500ms", **hang.rule)]
    return Daemon(binaries, folder, stage.cluster.dsn("pghangd"), rules, mode, capabilities=capabilities)


def command(binaries, pid, *arguments):
    """What `pghangd diagnose` prints, with the unit's capabilities."""
    prefix = as_user(UNIT_CAPABILITIES) if os.geteuid() == 0 else []
    run = [*prefix, binaries / "pghangd", "diagnose", str(pid), *arguments]
    answer = subprocess.run(run, capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL)
    assert answer.stdout, answer.stderr
    return answer.stdout


def commands_diagnosis(binaries, pid):
    return json.loads(command(binaries, pid, "--json"))


def daemons_incident(daemon, hang, pid, timeout=20):
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
