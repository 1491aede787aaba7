"""The tools that are measured beside pghangd: how each is called, and the frames that its output names."""

import json
import re
import shutil
from dataclasses import dataclass
from typing import Callable

STRACE_SECONDS = 0.3  # strace -c watches until it is told to stop


@dataclass(frozen=True)
class NamedFrame:
    """A frame as a tool prints it, innermost first in a list."""

    address: int | None  # None: the tool does not print it (gdb: an inlined call, or the first instruction of a line)
    name: str | None  # None: the tool says that it does not know


@dataclass(frozen=True)
class Peer:
    name: str
    command: Callable  # of a pid
    frames: Callable  # of the standard output
    interrupt_after: float | None = None
    needs: str = ""  # program and Debian package

    def missing(self):
        return None if shutil.which(self.needs) else f"{self.needs} is not installed"


def gdb_frames(out):
    frames = []
    for line in out.splitlines():
        match = re.match(r"#\d+\s+(?:(0x[0-9a-f]+) in )?(<signal handler called>|\S+)(?: \(|$)", line)
        if match:
            frames.append(NamedFrame(int(match[1], 16) if match[1] else None, None if match[2] == "??" else match[2]))
    return frames


def eu_stack_frames(out):
    frames = []
    for line in out.splitlines():
        match = re.match(r"#\d+\s+(0x[0-9a-f]+)(?: - 1)?(?:\s+(\S+))?", line)
        if match:
            frames.append(NamedFrame(int(match[1], 16), match[2].split("@")[0] if match[2] else None))
    return frames


def pghangd_frames(out):
    if not out.startswith("{"):
        return []
    stack = json.loads(out)["stack"]
    return [NamedFrame(int(frame["address"], 16), frame["function"]) for frame in stack["frames"]]


def complete(frames):
    """The outermost function of a program was reached."""
    return bool(frames) and frames[-1].name in ("_start", "clone", "clone3")


def addresses(frames):
    """Return addresses: those of all frames but the innermost, which gdb does not always print. gdb's are more: it makes up
    frames for inlined functions and for tail calls."""
    return frozenset(frame.address for frame in frames[1:] if frame.address is not None)


def gdb(pid):
    quiet = ["-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "set backtrace past-main on"]
    return ["gdb", *quiet, "-ex", "bt", "-p", pid]


GDB = Peer("gdb -batch -ex bt", gdb, gdb_frames, needs="gdb")
EU_STACK = Peer("eu-stack", lambda pid: ["eu-stack", "-n", "0", "-p", pid], eu_stack_frames, needs="eu-stack")
STRACE = Peer("strace -c", lambda pid: ["strace", "-c", "-p", pid], lambda out: [], STRACE_SECONDS, needs="strace")
PEERS = (GDB, EU_STACK, STRACE)


def diagnose(binaries, prefix=()):
    """`pghangd diagnose` as a whole command, with a cold sampler."""
    return Peer(
        "pghangd diagnose", lambda pid: [*prefix, binaries / "pghangd", "diagnose", pid, "--json"], pghangd_frames, needs="true"
    )
