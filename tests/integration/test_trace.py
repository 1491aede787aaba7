"""`diagnose --trace`: the system calls of real backends, by both ways, and that the backend is none the worse for it."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import psycopg2
import pytest
from support import process
from support.cluster import SPIN, release_fifo
from support.daemon import UNIT_CAPABILITIES
from support.waiting import wait_until

CALLS = 1000
PARANOID = int(Path("/proc/sys/kernel/perf_event_paranoid").read_text())

by_ptrace = pytest.param(
    "ptrace",
    marks=pytest.mark.skipif(PARANOID <= 1 or os.geteuid() != 0, reason="perf_event_paranoid lets everybody use perf, or not root"),
)
TRACEFS = Path("/sys/kernel/tracing")


@pytest.fixture(scope="module", autouse=True)
def tracefs():
    """Where systemd mounts it, if nothing has: the machine of a container or of CI may lack it."""
    mounted = (TRACEFS / "events").is_dir()
    if not mounted and os.geteuid() == 0:
        ours = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], capture_output=True).returncode == 0
    else:
        ours = False
    yield
    if ours:
        subprocess.run(["umount", TRACEFS], check=True)


@pytest.fixture(params=[by_ptrace, "perf"])
def way(request, tracefs):
    if request.param == "perf" and not (TRACEFS / "events/raw_syscalls").is_dir():
        pytest.skip("no tracefs can be mounted here, or not root")
    return request.param


@pytest.fixture
def only_ptrace():
    if PARANOID <= 1 or os.geteuid() != 0:
        pytest.skip("perf_event_paranoid lets everybody use perf, or not root")
    return "ptrace"


@pytest.fixture
def caller(cluster, session):
    """A backend that can make CALLS known system calls of two kinds."""
    cluster.sql(
        """CREATE OR REPLACE FUNCTION public.py_calls(n int) RETURNS void LANGUAGE plpython3u SECURITY DEFINER AS $$
import os
null = os.open("/dev/null", os.O_RDONLY)
for _ in range(n):
    os.getppid()
    os.pread(null, 16, 0)
os.close(null)
$$"""
    )
    one = session()
    one.execute("SELECT py_calls(1)")  # the interpreter starts with calls of its own
    return one


class Traced:
    """A `diagnose --trace` under way."""

    def __init__(self, start_pghangd, pid, way, duration="2s"):
        capabilities = UNIT_CAPABILITIES if way == "ptrace" else None
        self.pid = pid
        self.way = way
        self.command = start_pghangd("diagnose", pid, "--json", "--trace", duration, capabilities=capabilities)

    def begun(self):
        wait_until(self.is_under_way, what="the trace")
        return self

    def is_under_way(self):
        if self.way == "ptrace":
            # Not that of the capture before it, which stops one that runs for moments.
            return process.is_named(process.tracer(self.pid), "pghangd-trace")
        return any(holds_perf_event(pid) for pid in process.descendants(self.command.pid))

    def report(self):
        out, err = self.command.communicate(timeout=60)
        assert self.command.returncode in (0, 1), err
        return json.loads(out)


def holds_perf_event(pid):
    try:
        return any("perf_event" in os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def counts(trace):
    return {call["name"]: call["calls"] for call in trace["calls"]}


def by_strace(pid, run):
    """The same by `strace -c`: calls by name."""
    strace = subprocess.Popen(["strace", "-c", "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: process.tracer(pid) != 0, what="strace")
        run()
        wait_until(lambda: "poll" in process.wchan(pid), what="it waits again")
    finally:
        strace.send_signal(signal.SIGINT)
        table = strace.communicate(timeout=20)[1]
    rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", table, re.MULTILINE)
    return {name: int(calls) for calls, name in rows}


def test_it_counts_as_strace_does(start_pghangd, caller, way):
    traced = Traced(start_pghangd, caller.pid, way).begun()
    caller.execute(f"SELECT py_calls({CALLS})")
    trace = traced.report()["trace"]
    assert trace["method"] == way and trace["ended_by"] == "duration", trace
    ours = counts(trace)
    assert ours["getppid"] == CALLS and ours["pread64"] == CALLS, ours
    theirs = by_strace(caller.pid, lambda: caller.execute(f"SELECT py_calls({CALLS})"))
    assert {name: theirs.get(name) for name in ("getppid", "pread64", "sendto", "recvfrom")} == {
        name: ours.get(name) for name in ("getppid", "pread64", "sendto", "recvfrom")
    }, (ours, theirs)
    receive = next(call for call in trace["calls"] if call["name"] == "recvfrom")
    assert receive["errors"] == [{"name": "EAGAIN", "count": receive["errors"][0]["count"]}], receive
    assert abs(sum(call["share"] for call in trace["calls"]) - 1) < 1e-6
    assert trace["unfinished"]["name"] == "epoll_wait"
    if way == "perf":
        assert trace["stops"] == 0 and trace["held_us"] == 0 and trace["interrupted"] is None
    else:
        assert trace["stops"] > 4 * CALLS and trace["held_us"] > 0 and trace["interrupted"] == "epoll_wait"
        assert "CAP_PERFMON" in trace["no_perf"]


def test_an_idle_backend_makes_no_call(start_pghangd, session, way):
    one = session()
    trace = Traced(start_pghangd, one.pid, way, "500ms").report()["trace"]
    assert trace["calls"] == []
    assert trace["unfinished"]["name"] == "epoll_wait" and trace["unfinished"]["seconds"] >= 0.45
    assert trace["state_after"] == "S" and trace["tracer_after"] is None
    one.execute("SELECT 1")


def test_a_backend_blocked_on_a_fifo_stays_so_and_goes_on_afterwards(start_pghangd, cluster, session, way):
    fifo = cluster.fifo(f"trace-fifo-{way}")
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    wait_until(lambda: process.wchan(one.pid) == "wait_for_partner")
    try:
        trace = Traced(start_pghangd, one.pid, way, "500ms").report()["trace"]
        assert trace["unfinished"]["name"] == "openat" and trace["calls"] == []
        assert process.state(one.pid) == "S"
        wait_until(lambda: process.wchan(one.pid) == "wait_for_partner")
        assert one.error is None and one.thread.is_alive()
    finally:
        release_fifo(fifo)
        one.wait()
        fifo.unlink()
    assert one.error is None
    one.execute("SELECT 1")


def test_a_cancel_meanwhile_is_delivered_exactly_once(start_pghangd, cluster, session, way):
    one = session()
    one.start("SELECT pg_sleep(60)").active()
    traced = Traced(start_pghangd, one.pid, way).begun()
    assert cluster.sql(f"SELECT pg_cancel_backend({one.pid})") == [(True,)]
    one.wait()
    assert isinstance(one.error, psycopg2.errors.QueryCanceled), one.error
    for _ in range(20):
        one.execute("SELECT pg_sleep(0.01)")  # a second SIGINT would cancel one of them
    trace = traced.report()["trace"]
    assert trace["signals"] == (1 if way == "ptrace" else 0)
    one.execute("SELECT 1")


def test_a_stop_meanwhile_leaves_it_stopped(start_pghangd, session, way):
    one = session()
    traced = Traced(start_pghangd, one.pid, way, "1s").begun()
    process.send(one.pid, signal.SIGSTOP)
    try:
        trace = traced.report()["trace"]
        assert process.state(one.pid) == "T"
        assert trace["state_after"] == "T"
    finally:
        process.cont(one.pid)
    one.execute("SELECT 1")


def test_the_tracer_killed_in_the_middle_leaves_the_backend_running(start_pghangd, cluster, session, only_ptrace):
    one = session()
    one.start(SPIN).active()
    for _ in range(5):
        traced = Traced(start_pghangd, one.pid, only_ptrace, "20s").begun()
        os.kill(process.tracer(one.pid), signal.SIGKILL)
        out, err = traced.command.communicate(timeout=30)
        assert traced.command.returncode == 1, err
        assert json.loads(out)["trace"] is None
        assert f"pghangd: pid {one.pid}: not traced: " in err and "killed by signal 9" in err
        process.assert_runs_free(one.pid)
    os.kill(Traced(start_pghangd, one.pid, only_ptrace, "20s").begun().command.pid, signal.SIGKILL)
    wait_until(lambda: process.tracer(one.pid) == 0, what="the tracer gone with its command")
    process.assert_runs_free(one.pid)
    cluster.sql(f"SELECT pg_terminate_backend({one.pid})")


def test_a_busy_backend_is_let_go_at_the_bound(start_pghangd, session, caller, only_ptrace):
    caller.start("SELECT py_calls(3000000)").active()
    trace = Traced(start_pghangd, caller.pid, only_ptrace, "10s").report()["trace"]
    assert trace["ended_by"] == "stops" and trace["stops"] == 20_000 and trace["seconds"] < 10
    process.assert_runs_free(caller.pid)
    caller.wait(60)
    assert caller.error is None


def test_the_table_says_what_it_cost(pghangd, caller, only_ptrace):
    answer = pghangd("diagnose", caller.pid, "--trace", "300ms")
    assert answer.returncode in (0, 1), answer.stderr
    table = answer.stdout[answer.stdout.index("System calls (ptrace, ") :]
    assert "unfinished    epoll_wait, for 0." in table
    assert "2 stops, held stopped for at least " in table
    assert "broke off its epoll_wait" in table
    assert "afterwards    state S" in table


def test_what_may_not_be_stopped_is_refused_in_one_line(pghangd, session):
    one = session()
    process.send(one.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: process.state(one.pid) == "T")
        answer = pghangd("diagnose", one.pid, "--trace", "1s")
    finally:
        process.cont(one.pid)
    assert answer.returncode == 1
    assert answer.stderr == f"pghangd: pid {one.pid}: not traced: a process in state T is left alone\n"
    other = subprocess.Popen(["sleep", "60"])
    try:
        answer = pghangd("diagnose", other.pid, "--trace", "1s")
    finally:
        other.kill()
        other.wait()
    assert answer.returncode == 1
    assert f"pghangd: pid {other.pid}: not traced: it is not a PostgreSQL process\n" in answer.stderr


def test_a_duration_out_of_range_is_usage(pghangd):
    for duration in ("99ms", "61s", "2", "soon", "-1s"):
        answer = pghangd("diagnose", "1", f"--trace={duration}")
        assert answer.returncode == 64 and answer.stderr.count("\n") == 1, (duration, answer.stderr)
    assert "epoll_wait and semop return EINTR" in " ".join(pghangd("diagnose", "--help").stdout.split())
