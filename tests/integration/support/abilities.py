"""What this machine lets us do to a process; each answers None, or why not."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from .sched_trace import SchedTrace
from .stopping import V1_FREEZER, v2_root


def root():
    return None if os.geteuid() == 0 else "needs root"


def loop_device():
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/loop-control").exists():
        return "no loop devices here"
    return None if shutil.which("mkfs.ext4") and shutil.which("fsfreeze") else "needs mkfs.ext4 and fsfreeze"


def cgroup_v1_freezer():
    if os.geteuid() != 0:
        return "needs root"
    return None if os.access(V1_FREEZER / "cgroup.procs", os.W_OK) else "no cgroup v1 freezer is mounted"


def cgroup_v2():
    if os.geteuid() != 0:
        return "needs root"
    mounted = v2_root()
    return None if mounted and os.access(mounted / "cgroup.procs", os.W_OK) else "no writable cgroup v2 is mounted"


def scheduler_trace(system_calls=False):
    """Whether the scheduler's trace of our own pid namespace can be had, and that of system calls that were broken off.

    Found out by one event of this very process. The kernel's trace has the pids of the first pid namespace: in another one
    it can be read as well, but what it says of a number is about some other process, or nothing."""
    if os.geteuid() != 0:
        return "needs root"
    if "\ttracefs\n" not in Path("/proc/filesystems").read_text():
        return "this kernel has no tracefs"
    try:
        with SchedTrace(os.getpid()) as trace:
            if system_calls and not trace.has_system_calls():
                return "this kernel's trace has no system calls (raw_syscalls)"
            time.sleep(0.02)  # it leaves its CPU for that
            if not trace.saw_switch(Path("/proc/self/comm").read_text().rstrip("\n")):
                return "the scheduler's trace does not show our own pid: this is another pid namespace than the kernel's first"
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"the scheduler's trace cannot be had: {(getattr(error, 'stderr', None) or str(error)).strip()}"
