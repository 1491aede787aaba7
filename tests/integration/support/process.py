"""What /proc says of a process, for reading a target's state back."""

import os
import signal
import time
from pathlib import Path

from support.waiting import wait_until


def stat_fields(pid):
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def state(pid):
    """The letter of /proc/PID/stat, or None when there is no such process."""
    try:
        return stat_fields(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def start_ticks(pid):
    return int(stat_fields(pid)[19])


def parent(pid):
    return int(stat_fields(pid)[1])


def children(pid):
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def is_named(pid, name):
    """False for one that is gone; comm holds 15 characters."""
    try:
        return comm(pid) == name[:15]
    except (FileNotFoundError, ProcessLookupError):
        return False


def alive(pid):
    return state(pid) not in (None, "Z")


def tracer(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    return 0


def assert_runs_free(pid):
    """A backend on CPU runs and nobody traces it. One that was let go stays in `t` until it is next scheduled, and a
    daemon that goes on capturing holds it for moments: neither lasts, one left behind does."""
    wait_until(lambda: state(pid) == "R" and tracer(pid) == 0, timeout=3, every=0.01, what=f"{pid} running untraced")


def named(prefix):
    """Living processes whose comm starts with prefix."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            if alive(pid) and comm(pid).startswith(prefix):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def wchan(pid):
    """The kernel function that the process sleeps in; empty when it does not, or is gone."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cmdline(pid):
    """The process's title; empty for one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def comm(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def send(pid, number):
    os.kill(pid, number)


def cont(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def machine_busy(seconds):
    """Share of all CPU time that somebody used meanwhile."""

    def read():
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(fields[:8]), fields[3] + fields[4]

    all_before, idle_before = read()
    time.sleep(seconds)
    all_after, idle_after = read()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)
