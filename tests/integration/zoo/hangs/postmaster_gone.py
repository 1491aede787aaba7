"""The postmaster was killed; a backend in PL/Python code notices nothing, and nobody can connect to ask it to go."""

import os
import signal
import subprocess

from support import process
from support.waiting import wait_until
from zoo.hang import Target, hang
from zoo.hangs.plpython_sleep import BODY
from zoo.stage import asleep, touch


@hang(
    title="orphan: the postmaster was killed, a backend goes on",
    terminate_says="nothing: there is no server to connect to, and none can start while the backend is there",
    pstack_does="shows the interpreter's frames, not that",
    pghangd_says="that its postmaster is gone, and that it keeps the data directory locked",
    cause="blocking_call",
    explanation="orphan",
    by="command",
)
def postmaster_gone(stage):
    cluster = stage.start()
    segment = (cluster.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
    stage.later(lambda: subprocess.run(["ipcrm", "-m", segment], capture_output=True))
    release = stage.path("release")
    function = stage.function("plpython3u", BODY, "release text")
    stuck = stage.session().start(f"SELECT {function}('{release}')")
    try:
        asleep(stuck.pid, "nanosleep")
        cluster.sql(f"SELECT pg_terminate_backend({stuck.pid})")
        postmaster = cluster.postmaster
        os.kill(postmaster, signal.SIGKILL)
        wait_until(lambda: not process.alive(postmaster), what="the postmaster's end")
        yield Target(stuck.pid)
    finally:
        touch(release)
        wait_until(lambda: not process.alive(stuck.pid), what="the orphan's end, for the cluster's stop will not find it")
