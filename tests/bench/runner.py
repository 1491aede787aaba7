"""Runs commands one at a time and says what each cost, all its descendants included: whoever loses its parent becomes
a child of this process, which reaps it and so gets to know its CPU time.

As a program it serves orders (JSON lines) of stdin; `Runner` is the other end."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
POLL = 0.0005
STRAGGLERS = 2.0  # seconds that descendants get to end after the command itself has


@dataclass(frozen=True)
class Ran:
    """One command. Times in microseconds; start and end are CLOCK_MONOTONIC."""

    returned: bool  # it ended before the timeout killed it
    status: int | None
    start: int
    end: int
    wall: int
    cpu: float
    out: str
    err: str


class Runner:
    """The process that runs them; ends with us."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def run(self, command, timeout, interrupt_after=None):
        """`interrupt_after`: seconds until SIGINT asks the command to end, as a user would."""
        order = {"command": [str(word) for word in command], "timeout": timeout, "interrupt_after": interrupt_after}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Ran(**json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def micros():
    return time.monotonic_ns() // 1000


def spawn(command, out, err):
    environment = {name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"}
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
        (os.POSIX_SPAWN_DUP2, err.fileno(), 2),
    ]
    # A session of its own: a tool that speaks to the terminal would be stopped for it.
    return os.posix_spawnp(command[0], command, environment, file_actions=actions, setsid=True)


class Reaper:
    """Reaps whatever ends and adds up what it used."""

    def __init__(self):
        self.cpu = 0.0
        self.statuses = {}

    def reap(self):
        """False when there is nobody left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.cpu += (usage.ru_utime + usage.ru_stime) * 1e6
            self.statuses[pid] = os.waitstatus_to_exitcode(status)

    def wait(self, done, until):
        while time.monotonic() < until:
            some_left = self.reap()
            if done() or not some_left:
                return
            time.sleep(POLL)


def serve(order):
    reaper = Reaper()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = micros()
        pid = spawn(order["command"], out, err)
        ended = lambda: pid in reaper.statuses
        if order["interrupt_after"] is not None:
            reaper.wait(ended, time.monotonic() + order["interrupt_after"])
            if not ended():
                os.kill(pid, signal.SIGINT)
        reaper.wait(ended, start / 1e6 + order["timeout"])
        end, returned = micros(), ended()
        if not returned:
            os.killpg(pid, signal.SIGKILL)
        reaper.wait(lambda: False, time.monotonic() + STRAGGLERS)
        out.seek(0)
        err.seek(0)
        ran = Ran(returned, reaper.statuses.get(pid), start, end, end - start, reaper.cpu, out.read(), err.read())
    return ran


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in sys.stdin:
        print(json.dumps(vars(serve(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
