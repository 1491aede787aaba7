"""The ways to keep a process from running, each undone by a guard if we die: SIGSTOP, a tracer, a frozen cgroup."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from . import process
from .guard import Guard
from .waiting import wait_until

V1_FREEZER = Path("/sys/fs/cgroup/freezer")
TRACER = Path(__file__).with_name("tracer.py")


@contextmanager
def stopped(pid):
    """By SIGSTOP."""
    guard = Guard(f"kill -CONT {pid}")
    try:
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: process.state(pid) == "T", what=f"{pid} stopped")
        yield
    finally:
        guard.undo()


@contextmanager
def traced(pid):
    """By a process of its own, as a debugger does; its pid. Its end lets go."""
    tracer = subprocess.Popen([sys.executable, TRACER, str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert tracer.stdout.readline().strip() == "held"
        yield tracer.pid
    finally:
        tracer.stdin.close()
        tracer.wait(10)


def v2_root():
    """Where cgroup v2 is mounted, or None."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return Path(line.split()[4])
    return None


@contextmanager
def frozen(pid, root, file, freeze, thaw):
    """In a new cgroup below root; the cgroup's folder."""
    folder = root / f"pghangd-zoo-{pid}"
    before = cgroup_of(pid, root)
    folder.mkdir()
    guard = Guard(f"echo {thaw} >{folder}/{file}; echo {pid} >{before}/cgroup.procs; sleep 0.2; rmdir {folder}")
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        (folder / file).write_text(freeze)
        wait_until(lambda: is_frozen(folder), what=f"{folder} frozen")
        yield folder
    finally:
        guard.undo()
        wait_until(lambda: not folder.exists(), what=f"{folder} removed")


def is_frozen(folder):
    v1, v2 = folder / "freezer.state", folder / "cgroup.events"
    return v1.read_text().strip() == "FROZEN" if v1.exists() else "frozen 1" in v2.read_text()


def cgroup_of(pid, root):
    """The folder of the process's cgroup in the hierarchy mounted at root."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if (root == V1_FREEZER and controllers == "freezer") or (root != V1_FREEZER and number == "0"):
            return root / path.lstrip("/")
    return root


def frozen_v1(pid):
    return frozen(pid, V1_FREEZER, "freezer.state", "FROZEN", "THAWED")


def frozen_v2(pid):
    return frozen(pid, v2_root(), "cgroup.freeze", "1", "0")
