"""The backends that are looked at: each a context manager that makes one and undoes it."""

import os
import subprocess
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass

from support import process
from support.disk import Disk
from support.guard import Guard
from support.waiting import wait_until
from zoo.hangs.lwlock_holder_stopped import lwlock_holder_stopped
from zoo.stage import asleep

HOGS_PER_CORE = 2


@dataclass(frozen=True)
class Backend:
    title: str
    pid: int
    blocked: bool  # it sleeps in one system call, and must still be in the same one afterwards


@contextmanager
def in_epoll_wait(stage):
    one = stage.session().start("SELECT pg_sleep(3600)")
    try:
        asleep(one.pid, "ep_poll", "epoll_wait")
        yield Backend("blocked in epoll_wait (pg_sleep)", one.pid, True)
    finally:
        one.connection.cancel()
        one.wait()


@contextmanager
def in_futex(stage):
    with lwlock_holder_stopped.made(stage) as hang:
        yield Backend("blocked in futex (LWLock of an index page)", hang.pid, True)


@contextmanager
def spinning(stage, title="running (PL/Python loop), a core free"):
    """In calls of 0.2 s each, so that a cancel ends it."""
    one = stage.session().start("SELECT count(public.py_spin(0.2)) FROM generate_series(1, 100000)")
    try:
        wait_until(lambda: process.state(one.pid) == "R", what="the loop runs")
        yield Backend(title, one.pid, False)
    finally:
        one.connection.cancel()
        one.wait()


@contextmanager
def spinning_among_hogs(stage, seconds):
    with hogs(seconds), spinning(stage, f"running, every core saturated ({HOGS_PER_CORE} hogs per core)") as backend:
        yield backend


@contextmanager
def hogs(seconds):
    """Processes that compute; they end by themselves even if we do not come to end them."""
    command = ["timeout", str(seconds), "sh", "-c", "while :; do :; done"]
    running = [subprocess.Popen(command) for _ in range(HOGS_PER_CORE * len(os.sched_getaffinity(0)))]
    try:
        yield
    finally:
        for one in running:
            one.terminate()  # timeout(1) hands it on
            one.wait()


@contextmanager
def in_d_state(stage, count, seconds=90):
    """`count` backends whose write waits for a frozen file system, and a callable that thaws it. Whoever is found stopped
    after the thaw is let go at the end, and every statement must then finish."""
    disk = Disk()
    stage.later(disk.remove)
    cluster = stage.cluster
    cluster.sql(f"CREATE TABLESPACE bench LOCATION '{disk.folder('space')}'")
    for number in range(count):
        cluster.sql(f"CREATE TABLE public.bench_{number} (line text) TABLESPACE bench; GRANT ALL ON public.bench_{number} TO app")
    with ExitStack() as undo:
        frozen = ExitStack()
        frozen.enter_context(disk.frozen(seconds))
        undo.enter_context(frozen)
        sessions = [
            stage.session().start(f"INSERT INTO bench_{number} SELECT 'line' FROM generate_series(1, 100000)")
            for number in range(count)
        ]
        pids = [one.pid for one in sessions]
        let_go = Guard(f"fsfreeze --unfreeze {disk.mount}; sleep 1; kill -CONT {' '.join(map(str, pids))}", seconds)
        for pid in pids:
            asleep(pid, "percpu_rwsem", "sb_start_write")
        try:
            yield [Backend("in D state (write to a frozen ext4)", pid, True) for pid in pids], frozen.close
        finally:
            frozen.close()
            let_go.undo()
            for one in sessions:
                one.wait()
                assert one.error is None, one.error
