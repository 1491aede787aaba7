"""What gdb says of a stack, and which of its names are really covered by a symbol."""

import json
import os
import re
import select
import subprocess
import tempfile
import time
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from . import process
from .waiting import wait_until

SIGNAL_FRAME = "<signal handler called>"
RIP = re.compile(r"^rip\s+(0x[0-9a-f]+)", re.M)
BATCH = ("gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "set backtrace past-main on")
BACKTRACE = ("-ex", "info registers rip", "-ex", "bt")
ATTACH_SECONDS = 20  # gdb reads the symbols of all that is loaded first
STOP_SECONDS = 10  # between two stops of a process that only has to come to its next system call


def backtrace(pid):
    """[(address or None, name or None)], innermost first. Attaches: never for a process that is in D state, frozen or
    traced, where gdb does not return or leaves it stopped."""

    def attached():
        run = [*BATCH, *BACKTRACE, "-p", str(pid)]
        out = subprocess.run(run, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL).stdout
        return out if RIP.search(out) else None

    # A daemon that captures a running backend holds it for microseconds; gdb cannot attach within them.
    return frames_of(wait_until(attached, what=f"gdb attaches to {pid}"))


def backtraces_at(pid, syscall, start, times=3):
    """Lets the process run until it enters a system call, and looks at it there, so many times. `start()` makes it do
    so, once gdb waits for it. A call counts twice: gdb stops where it begins and where it returns. Fails soon when the
    process does not make so many."""
    stops = ["-ex", "continue", "-ex", "echo stop\\n", *BACKTRACE] * times
    with tempfile.TemporaryFile() as errors:  # apart: they must not break a line of a backtrace
        gdb = subprocess.Popen(
            [*BATCH, "-ex", f"catch syscall {syscall}", "-ex", "echo ready\\n", *stops, "-p", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )
        said = bytearray()

        def words():
            errors.seek(0)
            return (said + errors.read()).decode(errors="replace")

        try:
            ready = read_until(gdb.stdout, said, lambda: b"ready\n" in said, ATTACH_SECONDS)
            assert ready, f"gdb did not attach to {pid} within {ATTACH_SECONDS} s; it said:\n{words()}"
            start()
            for number in range(1, times + 1):
                seen = read_until(gdb.stdout, said, lambda: said.count(b"stop\n") >= number, STOP_SECONDS)
                assert seen, f"{pid} stopped {number - 1} times at {syscall}, not {times}: no other time in {STOP_SECONDS} s; gdb said:\n{words()}"
            read_until(gdb.stdout, said, lambda: False, STOP_SECONDS)  # the last backtrace, until gdb ends
        finally:
            gdb.kill()  # the process runs free then
            gdb.wait()
            gdb.stdout.close()
            process.cont(pid)  # unless gdb died amid its attach, the SIGSTOP of which outlives it
        parts = said.decode(errors="replace").split("stop\n")[1:]
        # Once the process has ended gdb goes through the rest of its commands, and has no stack to show.
        looks = sum(RIP.search(part) is not None for part in parts)
        assert looks == times, f"gdb saw {looks} stacks of {pid} at {syscall}, not {times}; it said:\n{words()}"
        return [frames_of(part) for part in parts]


def read_until(pipe, said, done, seconds):
    """Adds what comes out of a pipe to `said`. False when it ends, or time is over, before done()."""
    deadline = time.monotonic() + seconds
    while not done():
        if not select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        piece = os.read(pipe.fileno(), 1 << 16)
        if not piece:
            return False
        said += piece
    return True


def frames_of(out):
    top = int(RIP.search(out)[1], 16)
    frames = []
    for line in out.splitlines():
        if SIGNAL_FRAME in line:
            frames.append((None, SIGNAL_FRAME))
            continue
        match = re.match(r"#\d+\s+(?:(0x[0-9a-f]+) in )?(\S+) \(", line)
        if match:
            frames.append((int(match[1], 16) if match[1] else top, None if match[2] == "??" else match[2]))
    return frames


@lru_cache(maxsize=None)
def symbols(path):
    """Sorted [(start, end, name)] of the functions in a file and in its separate debug file."""
    found = []
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True).stdout
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)
    debug = build_id and f"/usr/lib/debug/.build-id/{build_id[1][:2]}/{build_id[1][2:]}.debug"
    tables = [("--dyn-syms", path), ("--symbols", path)] + ([("--symbols", debug)] if debug and Path(debug).exists() else [])
    for table, file in tables:
        out = subprocess.run(["readelf", "-W", table, file], capture_output=True, text=True).stdout
        for line in out.splitlines():
            parts = line.split()
            if len(parts) >= 8 and parts[3] in ("FUNC", "IFUNC", "NOTYPE") and parts[6] != "UND":
                size = int(parts[2], 0)
                start = int(parts[1], 16)
                if size:
                    name = parts[7].split("@")[0]
                    # DWARF, and so gdb, calls GCC's copies (`f.constprop.0`) what the source does.
                    found += [(start, start + size, one) for one in {name, name.split(".")[0] or name}]
    return sorted(set(found))


@lru_cache(maxsize=None)
def first_load(path):
    """(file offset, address) of each PT_LOAD."""
    out = subprocess.run(["readelf", "-W", "-l", path], capture_output=True, text=True).stdout
    return [(int(m[1], 16), int(m[2], 16), int(m[3], 16)) for m in re.finditer(r"LOAD\s+(0x\S+) (0x\S+) 0x\S+ (0x\S+)", out)]


def covering_names(pid, address, is_return_address):
    """Names of all symbols that cover an address of a process."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        parts = line.split(maxsplit=5)
        low, high = (int(x, 16) for x in parts[0].split("-"))
        if low <= address < high and len(parts) == 6 and parts[5].startswith("/"):
            file_offset = address - low + int(parts[2], 16)
            for offset, virtual, size in first_load(parts[5]):
                if offset <= file_offset < offset + size:
                    looked_up = file_offset - offset + virtual - (1 if is_return_address else 0)
                    table = symbols(parts[5])
                    end = bisect_right(table, (looked_up, 1 << 64, ""))
                    return {name for start, stop, name in table[max(0, end - 400) : end] if start <= looked_up < stop}
    return set()


FRAMES = """
import json
frames, frame = [], gdb.newest_frame()
while frame is not None:
    sal = frame.find_sal()
    frames.append({
        "address": frame.pc(),
        "name": frame.name(),
        "kind": {gdb.NORMAL_FRAME: "normal", gdb.INLINE_FRAME: "inlined", gdb.SIGTRAMP_FRAME: "signal"}.get(frame.type(), "other"),
        "file": sal.symtab.filename if sal.symtab else None,
        "line": sal.line or None,
    })
    frame = frame.older()
print("FRAMES " + json.dumps(frames))
"""


def source_frames(pid, debuginfod=None, cache=None):
    """Every frame with name, kind, file and line, innermost first. Frames that gdb makes up for tail calls are left out."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("DEBUGINFOD")}
    if debuginfod:
        env.update(DEBUGINFOD_URLS=debuginfod, DEBUGINFOD_CACHE_PATH=str(cache))
    commands = [f"set debuginfod enabled {'on' if debuginfod else 'off'}", "set backtrace past-main on", f"attach {pid}", f"python exec({FRAMES!r})"]
    out = subprocess.run(
        ["gdb", "-batch", "-nx", *[word for command in commands for word in ("-ex", command)]],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=env,
    )
    line = next((line for line in out.stdout.splitlines() if line.startswith("FRAMES ")), None)
    assert line, out.stdout + out.stderr
    return [frame for frame in json.loads(line[7:]) if frame["kind"] != "other"]
