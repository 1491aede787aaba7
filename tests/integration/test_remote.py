"""A server on another host: it gets the signals, and none of its pids is ever looked up here."""

import os
import shutil
import signal
import subprocess

import pytest
from support import container, process
from support.cluster import Cluster, Session, release_fifo
from support.daemon import rule
from support.relay import Relay
from support.waiting import wait_until

refusal = container.possible()
pytestmark = pytest.mark.skipif(refusal is not None, reason=str(refusal))


@pytest.fixture(scope="module")
def far_host():
    one = container.Container().start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def far(far_host):
    """A server of which pghangd sees nothing but a TCP port: its own processes are in `near_host`."""
    one = Cluster(["listen_addresses = '127.0.0.1'"], prefix=far_host.inside()).start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def near_host():
    """Where pghangd runs."""
    one = container.Container().start()
    if reason := one.cannot_choose_pids():
        one.stop()
        pytest.skip(reason)
    yield one
    one.stop()


@pytest.fixture
def remote(far, far_host, near_host, daemon):
    """Starts a pghangd of `near_host` that reaches `far` through a relay."""
    with Relay(far.settings["PGPORT"], far_host.inside("net")) as relay:
        started = []

        def start(rules, **more):
            dsn = far.dsn("pghangd", host="127.0.0.1", port=relay.port)
            started.append(daemon(rules, dsn=dsn, prefix=near_host.inside("pid", "mount"), **more))
            return started[-1]

        yield start
        for one in started:
            for child in process.children(one.process.pid):  # of nsenter
                os.kill(child, signal.SIGTERM)
            one.process.wait(5)


@pytest.fixture
def collision(far, near_host, tmp_path_factory, app_name):
    """A session of `far`, and a process of `near_host` of the same number, name and age. Yields session and that process's
    pid as the test counts."""
    program = tmp_path_factory.mktemp("decoy") / "postgres"
    shutil.copy(shutil.which("sleep"), program)
    program.parent.chmod(0o755)
    decoy = None
    for _ in range(20):
        session = Session(far, app_name)
        near_host.next_pid(session.pid)
        decoy = subprocess.Popen([*near_host.inside(), program, "1000"], stdin=subprocess.DEVNULL, cwd="/")
        try:
            child = wait_until(lambda: process.children(decoy.pid), timeout=5, what="the decoy runs")[0]
            if container.ns_pid(child) == session.pid:
                break
        except (AssertionError, FileNotFoundError):
            pass
        decoy.kill()
        decoy.wait()
        session.close()
        decoy = None
    assert decoy is not None, "its number was taken in the container each time"
    wait_until(lambda: process.comm(child) == "postgres", what="the decoy is named as a backend")
    yield session, child
    process.send(child, signal.SIGKILL)
    decoy.wait()
    session.close()


def test_a_local_process_with_a_remote_backends_pid_is_not_captured(collision, far, remote, app_name):
    session, child = collision
    before = process.stat_fields(child)
    fifo = far.fifo("remote-fifo")
    session.start(f"COPY t FROM '{fifo}'")
    try:
        pghangd = remote([rule("stuck", app_name)])
        incident = pghangd.wait_incident(session.pid, stage="unresponsive")
        incident = wait_until(lambda: (i := pghangd.incident(session.pid)) and i["capture_error"] and i, what="why there is no capture")
        assert incident["capture_error"].startswith("no local process: no process of this host is the one that serves"), incident
        assert incident["diagnosis"] is None
        assert [entry["signal"] for entry in incident["signals"]] == ["cancel", "terminate"]
        assert all(entry[f"{step}_seconds"] is None for entry in incident["signals"] for step in ("seen", "serviced"))
        (status,) = pghangd.json("/api/v1/status")["targets"]
        assert (status["local_process"], status["up"]) == (False, True)
        page = pghangd.get("/")[1]
        assert "no local process" in page and "no capture: no local process" in page
        assert pghangd.metric("pghangd_captures_total") == 0
        assert not pghangd.events("capture_failed")
        assert len(pghangd.events("no_local_process")) == 1 and len(pghangd.events("not_captured", pid=session.pid)) == 1
        assert process.state(child) == "S" and process.stat_fields(child)[19] == before[19]
    finally:
        release_fifo(fifo)
    session.wait()
    pghangd.wait_incident(session.pid, outcome="self_resolved")


def test_a_remote_backend_is_cancelled_and_terminated(far, remote, app_name):
    running, idle = Session(far, app_name), Session(far, app_name)
    idle.execute("BEGIN")
    running.start("SELECT pg_sleep(60)")
    pghangd = remote([
        rule("stuck", app_name),
        rule("idle", app_name, state="idle in transaction", query_age=None, state_age="300ms"),
    ])
    pghangd.wait_incident(running.pid, outcome="cancelled")
    incident = pghangd.wait_incident(idle.pid, outcome="terminated")
    assert incident["signals"][0]["gone_seconds"] > 0
    running.wait()
    running.close()
    idle.close()
