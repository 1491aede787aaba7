"""What the scheduler did with one process, from the kernel's own trace: when it stood stopped, and which system calls
of its were interrupted. Times are CLOCK_MONOTONIC in microseconds, as `time.monotonic_ns() // 1000` has them."""

import os
import re
import subprocess
import tempfile
import time
import uuid
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KILOBYTES = 1024  # of each CPU's buffer: 15,000 events; a process that shares its CPU has 1,000 a second
INTERRUPTED = {-4: "EINTR", -512: "ERESTARTSYS", -513: "ERESTARTNOINTR", -514: "ERESTARTNOHAND", -516: "ERESTART_RESTARTBLOCK"}

_LINE = re.compile(r"\s+(\d+)\.(\d{6}): (sched_switch|sched_waking|sys_exit): (.*)$")
_SWITCH = re.compile(r"prev_pid=(\d+) prev_prio=\d+ prev_state=(\S+) ==> .*next_pid=(\d+) next_prio=\d+$")
_WAKING = re.compile(r" pid=(\d+) prio=\d+ target_cpu=\d+$")


@dataclass(frozen=True)
class Stop:
    """The process left its CPU in state T (stopped) or t (traced), and was let go on; None: not yet."""

    left: int
    woken: int | None

    @property
    def held(self):
        """Microseconds until somebody let it go on."""
        return None if self.woken is None else self.woken - self.left


@dataclass(frozen=True)
class Interrupted:
    """A system call was left before it was done, with this (kernel-internal) error."""

    at: int
    error: str


@dataclass(frozen=True)
class Events:
    """In time order."""

    stops: tuple = ()
    interrupted: tuple = ()

    def between(self, start, end):
        """Those that began within [start, end)."""
        return Events(
            tuple(s for s in self.stops if start <= s.left < end),
            tuple(i for i in self.interrupted if start <= i.at < end),
        )

    @property
    def held(self):
        """Microseconds of all stops together; None when one has not ended."""
        return None if any(s.woken is None for s in self.stops) else sum(s.held for s in self.stops)


class SchedTrace:
    """Watches one pid while it is entered. A mount and a trace instance of its own: it changes nobody else's trace."""

    def __init__(self, pid, system_calls=False):
        self.pid = pid
        self.system_calls = system_calls
        self.mount = None
        self.instance = None
        self.enabled = []

    def __enter__(self):
        self.mount = Path(tempfile.mkdtemp(prefix="pghangd-trace-", dir="/tmp"))
        try:
            subprocess.run(["mount", "-t", "tracefs", "nodev", self.mount], check=True, capture_output=True, text=True)
            folder = self.mount / "instances" / f"pghangd-{os.getpid()}-{uuid.uuid4().hex[:6]}"
            folder.mkdir()
            self.instance = folder
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", str(KILOBYTES))
            self._enable("sched/sched_switch", f"prev_pid == {self.pid} || next_pid == {self.pid}")
            self._enable("sched/sched_waking", f"pid == {self.pid}")
            if self.system_calls:
                errors = " || ".join(f"ret == {number}" for number in INTERRUPTED)
                self._enable("raw_syscalls/sys_exit", f"common_pid == {self.pid} && ({errors})")
            self._write("tracing_on", "1")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_):
        self._remove()

    def take(self):
        """What happened since the last take. Call it while nobody looks at the process: what happens meanwhile may be
        lost. Fails when the buffer did not suffice."""
        text = (self.instance / "trace").read_text()
        lost = [n for cpu in self._per_cpu("stats") for n in re.findall(r"^(?:overrun|dropped events): ([1-9]\d*)", cpu, re.M)]
        self._write("trace", "")
        assert not lost, f"the trace lost events: {lost}"
        return parse(text, self.pid)

    def has_system_calls(self):
        return (self.instance / "events/raw_syscalls/sys_exit/enable").exists()

    def saw_switch(self, comm):
        """Whether the process, by name and pid, was seen to leave a CPU. By both: the same number may be another's."""
        return f"prev_comm={comm} prev_pid={self.pid} " in (self.instance / "trace").read_text()

    def _per_cpu(self, name):
        return [path.read_text() for path in self.instance.glob(f"per_cpu/cpu*/{name}")]

    def _enable(self, event, condition):
        self._write(f"events/{event}/filter", condition)
        self.enabled.append(event)
        self._write(f"events/{event}/enable", "1")

    def _write(self, name, text):
        (self.instance / name).write_text(text)

    def _remove(self):
        """Every step is tried, whatever became of those before it: an instance that is left behind traces on for ever. Never
        raises, so that a test fails by what it found; says what is left."""
        instance, self.instance = self.instance, None
        left = []
        if instance is not None:
            for name in ("tracing_on", *(f"events/{event}/enable" for event in self.enabled)):
                with suppress(OSError):
                    (instance / name).write_text("0")
            left += [] if _removed(instance) else [instance]
        for umount in (["umount"], ["umount", "--lazy"]):
            with suppress(OSError):
                if self.mount.is_mount():
                    subprocess.run([*umount, self.mount], capture_output=True)
        left += [] if _removed(self.mount) else [self.mount]
        if left:
            warnings.warn(f"the scheduler's trace could not remove {', '.join(map(str, left))}")


def _removed(folder):
    """Tried for a second: an instance is busy while the kernel still ends what was read of it."""
    for _ in range(20):
        try:
            folder.rmdir()
            return True
        except FileNotFoundError:
            return True
        except OSError:
            time.sleep(0.05)
    return False


def parse(text, pid):
    """Events of a process, from the text of an instance's `trace`.

    A machine may hide some tasks from its trace (the agent of a virtual machine was seen to be): then the switch from one
    of those to our process is missing. So a stop is over at the latest when the process is seen to leave a CPU again."""
    stops, interrupted = [], []
    left = woken = None

    def ends(at):
        nonlocal left, woken
        if left is not None:
            stops.append(Stop(left, woken or at))
        left = woken = None

    for line in text.splitlines():
        match = _LINE.search(line)
        if not match:
            continue
        at, event, rest = int(match[1]) * 1_000_000 + int(match[2]), match[3], match[4]
        if event == "sys_exit":
            number = int(rest.rsplit("= ", 1)[1])
            interrupted.append(Interrupted(at, INTERRUPTED.get(number, str(number))))
        elif event == "sched_waking":
            if int(_WAKING.search(rest)[1]) == pid and left is not None:
                woken = woken or at
        else:
            switch = _SWITCH.search(rest)
            if pid in (int(switch[1]), int(switch[3])):
                ends(at)
            if int(switch[1]) == pid and set(switch[2]) & set("Tt"):
                left = at
    if left is not None:
        stops.append(Stop(left, woken))
    return Events(tuple(stops), tuple(interrupted))
