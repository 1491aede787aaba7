"""Namespaces of their own for a server: pids from 1 on, mounts and network that the host does not have."""

import os
import shutil
import subprocess

from . import process
from .waiting import wait_until

INIT = """
ip link set lo up
mount -t tmpfs -o mode=1777 inside /mnt
echo ready
while :; do sleep 1000 & wait; done
"""

LAST_PID = "/proc/sys/kernel/ns_last_pid"


def possible():
    """None, or why not."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [tool for tool in ("unshare", "nsenter", "ip") if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--pid", "--fork", "--mount", "--net", "--mount-proc", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


class Container:
    """Its init ends with it, and so does every process in there. /mnt is a tmpfs that only it sees; the rest of the
    file system is the host's."""

    def __init__(self):
        self.process = None
        self.init = None

    def start(self):
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--propagation", "private", "--mount-proc", "bash", "-c", INIT],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd="/",
        )
        assert self.process.stdout.readline() == "ready\n"
        self.init = process.children(self.process.pid)[0]
        return self

    def stop(self):
        """SIGKILL to its init ends all."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        wait_until(lambda: not process.alive(self.init), what="the container ended")

    def inside(self, *namespaces):
        """The prefix of a command that runs in there; by default in all of its namespaces."""
        names = namespaces or ("pid", "mount", "net")
        return ["nsenter", f"--target={self.init}", *(f"--{name}" for name in names), "--"]

    def run(self, *command):
        return subprocess.run([*self.inside(), *command], check=True, capture_output=True, text=True, cwd="/").stdout

    def cannot_choose_pids(self):
        """None, or why next_pid() does not work: a kernel without CONFIG_CHECKPOINT_RESTORE has no such file, and in a
        container of our own it may be read-only."""
        tried = subprocess.run(
            [*self.inside(), "bash", "-c", f"last=$(cat {LAST_PID}) && echo $last > {LAST_PID}"], capture_output=True, text=True, cwd="/"
        )
        return None if tried.returncode == 0 else f"pids cannot be chosen here: {tried.stderr.strip()}"

    def next_pid(self, pid):
        """The next process that starts in there gets this number, if it is free in there."""
        self.run("bash", "-c", f"echo {pid - 1} > {LAST_PID}")

    def host_pid(self, pid):
        """The pid on the host of its process `pid`, found without pghangd."""
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.readlink(f"/proc/{name}/ns/pid") == namespace and ns_pid(int(name)) == pid:
                    return int(name)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        raise AssertionError(f"no process {pid} in the container")


def ns_pid(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[-1] for line in status if line.startswith("NSpid:")))
