"""What /proc says of a process, for reading a target's state back."""

import os
import signal
from pathlib import Path


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


def alive(pid):
    return state(pid) not in (None, "Z")


def tracer(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    return 0


def comm(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def send(pid, number):
    os.kill(pid, number)


def cont(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass
