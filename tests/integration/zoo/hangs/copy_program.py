"""COPY FROM PROGRAM whose program ignores SIGINT and SIGTERM and writes nothing: the backend reads its pipe."""

import os
import signal

from support import process
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.stage import asleep


@hang(
    title="`COPY FROM PROGRAM`, the program ignores signals and goes on",
    terminate_says="`t`, and it is still there",
    pstack_does="shows `read` below `CopyGetData`, not of whom",
    pghangd_says="the program's pid, and what ending it costs",
    cause="blocking_call",
    explanation="copy_program",
)
def copy_program(stage):
    stuck = stage.session().start("COPY t FROM PROGRAM 'trap \"\" INT TERM; exec sleep 600'")
    program = wait_until(lambda: next((c for c in process.children(stuck.pid) if process.comm(c) == "sleep"), None))
    try:
        asleep(stuck.pid, "pipe_read")
        yield Target(stuck.pid, root=program, says=(str(program),))
    finally:
        os.kill(program, signal.SIGKILL)
