"""What this machine lets us do to a process; each answers None, or why not."""

import os
import shutil
import subprocess
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


def scheduler_trace():
    """Whether the scheduler's trace of our own pid namespace can be had."""
    if os.geteuid() != 0:
        return "needs root"
    if "\ttracefs\n" not in Path("/proc/filesystems").read_text():
        return "this kernel has no tracefs"
    try:
        with SchedTrace(os.getpid()):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"the scheduler's trace cannot be had: {getattr(error, 'stderr', None) or error}"
