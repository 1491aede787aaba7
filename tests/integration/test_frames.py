"""Frame by frame against gdb, on stock stripped binaries."""

import json
import os
import subprocess

import pytest
from support import gdb, process
from support.agreement import compare
from support.cluster import release_fifo
from support.daemon import UNIT_CAPABILITIES, as_user
from support.waiting import wait_until


def diagnose(binaries, pid):
    prefix = as_user(UNIT_CAPABILITIES) if os.geteuid() == 0 else []
    out = subprocess.run(
        [*prefix, binaries / "pghangd", "diagnose", str(pid), "--json"],
        capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL,
    )
    assert out.stdout, out.stderr
    return json.loads(out.stdout)["stack"]


BLOCKED = {
    "pg_sleep": "SELECT pg_sleep(20)",
    "plpython sleep": "SELECT py_sleep(20)",
    "lock wait": "LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
    "aggregate": "SELECT count(pg_sleep(20)) FROM generate_series(1, 2)",
}


@pytest.mark.parametrize("name", BLOCKED)
def test_a_blocked_backend_has_gdb_s_frames_without_being_stopped(session, binaries, name):
    holder = session()
    holder.connection.autocommit = False
    if name == "lock wait":
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    one = session()
    if name == "lock wait":
        one.connection.autocommit = False
    one.start(BLOCKED[name]).active()
    wait_until(lambda: process.state(one.pid) == "S")
    wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] not in ("running", "45", "-1"))
    stack = diagnose(binaries, one.pid)
    assert stack["method"] == "in_place" and stack["held_us"] == 0
    compare(one.pid, stack, gdb.backtrace(one.pid))
    holder.connection.rollback()
    one.connection.cancel()
    one.wait(25)


def test_copy_from_a_fifo_has_gdb_s_frames(cluster, session, binaries):
    fifo = cluster.fifo("frames-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    try:
        wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] == "257")
        stack = diagnose(binaries, one.pid)
        assert stack["method"] == "in_place"
        compare(one.pid, stack, gdb.backtrace(one.pid))
    finally:
        release_fifo(fifo)
    one.wait()


def test_a_spinning_interpreter_has_gdb_s_outer_frames(session, binaries):
    one = session()
    one.start("SELECT py_spin(6)")
    wait_until(lambda: process.state(one.pid) == "R")
    stack = diagnose(binaries, one.pid)
    assert stack["method"] == "ptrace_stop"
    theirs = gdb.backtrace(one.pid)
    # The interpreter's own innermost frames differ from one look to the next.
    python = next(i for i, frame in enumerate(reversed(stack["frames"])) if frame["function"] == "_PyEval_EvalFrameDefault")
    compare(one.pid, stack, theirs, skip=max(len(stack["frames"]), len(theirs)) - python - 1)
    one.wait()


def test_a_stopped_backend_has_gdb_s_frames_and_stays_stopped(session, binaries):
    import signal

    one = session()
    one.start("SELECT pg_sleep(3)").active()
    wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] == "232")
    os.kill(one.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: process.state(one.pid) == "T")
        stack = diagnose(binaries, one.pid)
        assert stack["method"] == "in_place"
        assert process.state(one.pid) == "T"
        compare(one.pid, stack, gdb.backtrace(one.pid))
    finally:
        process.cont(one.pid)
    one.wait()
