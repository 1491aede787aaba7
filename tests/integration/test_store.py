"""The store: read while it is written, and a disk that is damaged, full or hanging."""

import errno
import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import process
from support.cluster import release_fifo, remove_folder
from support.daemon import rule
from support.disk import Disk, run
from support.restart import kill, start_again, state_directory
from support.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def state():
    folder = state_directory()
    yield folder
    remove_folder(folder)


@pytest.fixture
def blocked(cluster, session, app_name):
    fifo = cluster.fifo(f"{app_name}-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'").active()
    wait_until(lambda: process.state(one.pid) == "S")
    yield one
    release_fifo(fifo)
    one.wait()
    fifo.unlink()


@pytest.fixture
def incidents(binaries):
    def run_it(*arguments, env=None):
        return subprocess.run(
            [binaries / "pghangd", "incidents", *map(str, arguments)],
            capture_output=True, text=True, timeout=30, cwd="/", env={**os.environ, **(env or {})},
        )

    return run_it


def start(daemon, folder, app_name, grace="700ms", **more):
    return daemon([rule("stuck", app_name, grace=grace)], env={"STATE_DIRECTORY": str(folder)}, **more)


def polls(pghangd):
    return pghangd.metric("pghangd_polls_total", result="success")


def wait_polls(pghangd, count=5):
    before = polls(pghangd)
    wait_until(lambda: polls(pghangd) >= before + count, what="polls go on")


def test_incidents_are_listed_shown_and_audited_while_the_daemon_runs(daemon, state, blocked, incidents, app_name):
    pghangd = start(daemon, state, app_name)
    live = pghangd.wait_incident(blocked.pid, stage="unresponsive", diagnosed=True)
    path = state / "pghangd.db"
    assert path.stat().st_mode & 0o777 == 0o600
    wait_until(lambda: "unresponsive" in incidents("show", live["id"], "--store", path).stdout)

    listed = incidents("list", "--config.file", pghangd.config, env={"STATE_DIRECTORY": str(state)})
    assert listed.returncode == 0, listed.stderr
    assert live["id"] in listed.stdout and "app@postgres on main" in listed.stdout

    def summary(*arguments):
        return [one["id"] for one in json.loads(incidents("list", "--json", "--store", path, *arguments).stdout)["incidents"]]

    assert summary() == [live["id"]]
    assert summary("--state", "open", "--since", "1s") == [live["id"]]
    assert summary("--state", "resolved") == []

    shown = incidents("show", live["id"], "--store", path).stdout
    for words in ("Timeline", "cancel accepted", "What would free it", "Signals sent", "terminate to pid"):
        assert words in shown, shown
    document = json.loads(incidents("show", live["id"], "--json", "--store", path).stdout)
    assert document["id"] == live["id"]
    assert document["diagnosis"]["verdict"]["cause"] == live["diagnosis"]["verdict"]["cause"]

    trail = json.loads(incidents("audit", "--json", "--store", path).stdout)["signals"]
    assert [(one["signal"], one["answer"], one["pid"]) for one in trail] == [
        ("cancel", "accepted", blocked.pid), ("terminate", "accepted", blocked.pid)]
    assert {(one["incident"], one["rule"], one["user"], one["application_name"]) for one in trail} == {
        (live["id"], "stuck", "app", app_name)}
    assert "query age" in trail[0]["why"]
    assert "cancel accepted" in trail[1]["why"]
    assert "terminate to pid" in incidents("audit", "--since", "1h", "--store", path).stdout


def test_what_cannot_be_read_is_said_in_one_line(incidents, state):
    path = state / "pghangd.db"
    missing = incidents("list", "--store", path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == f"pghangd: not_found: {path}: No such file or directory\n"
    path.write_text("x" * 10000)
    damaged = incidents("list", "--store", path)
    assert damaged.returncode == 2
    assert damaged.stderr.startswith(f"pghangd: malformed: {path}: ") and damaged.stderr.count("\n") == 1
    assert incidents("list", "--since", "soon", "--store", path).returncode == 64
    assert incidents("list", "--state", "ajar", "--store", path).returncode == 64
    assert incidents("list", "--config.file", state / "none.yaml").returncode == 78


def test_an_incident_that_is_not_there_is_said_so(daemon, state, incidents, app_name):
    start(daemon, state, app_name)
    path = state / "pghangd.db"
    wait_until(path.exists)
    answer = incidents("show", "20200101T000000Z-1", "--store", path)
    assert (answer.returncode, answer.stderr) == (2, "pghangd: not_found: 20200101T000000Z-1: no such incident\n")


def test_the_api_knows_the_incidents_of_past_daemons(cluster, daemon, state, session, app_name):
    sleeper = session()
    sleeper.start("SELECT pg_sleep(60)")
    pghangd = start(daemon, state, app_name)
    incident = pghangd.wait_incident(sleeper.pid, stage="resolved", outcome="cancelled")
    kill(pghangd)
    start_again(pghangd)
    again = pghangd.json(f"/api/v1/incidents/{incident['id']}")
    assert again == incident


def test_a_damaged_store_is_moved_aside_and_the_daemon_runs_on(daemon, state, blocked, app_name):
    path = state / "pghangd.db"
    path.write_bytes(os.urandom(100_000))
    path.chmod(0o666)
    pghangd = start(daemon, state, app_name)
    pghangd.wait_incident(blocked.pid, stage="unresponsive")
    told = wait_until(lambda: pghangd.events("store_moved_aside"))
    aside = list(state.glob("pghangd.db.damaged-*"))
    assert len(aside) == 1 and len(told) == 1
    assert str(aside[0]) in told[0]
    assert aside[0].stat().st_size == 100_000
    wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)


def test_a_store_that_may_not_be_written_costs_only_the_store(daemon, state, blocked, app_name):
    state.chmod(0o555)
    pghangd = start(daemon, state, app_name)
    pghangd.wait_incident(blocked.pid, stage="unresponsive")
    wait_until(lambda: pghangd.events("store_failed"))
    assert pghangd.metric("pghangd_store_up") == 0
    wait_polls(pghangd, 10)
    assert len(pghangd.events("store_failed")) == 1, "once, not per try"
    state.chmod(0o777)
    wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
    wait_until(lambda: pghangd.events("store_opened_late"))


@contextmanager
def small_tmpfs(kilobytes):
    folder = Path(tempfile.mkdtemp(prefix="pghangd-tmpfs-", dir="/tmp"))
    run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0777", "tmpfs", folder)
    try:
        yield folder
    finally:
        run("umount", "--lazy", folder)
        folder.rmdir()


def fill(path):
    """Until not a page is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(descriptor, b"x" * 4096) > 0:
            pass
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(descriptor)


@needs_root
def test_a_full_disk_stops_nothing_and_is_caught_up_with(daemon, blocked, incidents, app_name):
    with small_tmpfs(2048) as folder:
        pghangd = daemon(
            [rule("stuck", app_name, query_age="3s")], env={"STATE_DIRECTORY": str(folder)}
        )
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
        ballast = folder / "ballast"
        fill(ballast)
        live = pghangd.wait_incident(blocked.pid, stage="unresponsive", diagnosed=True)
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 0)
        assert pghangd.metric("pghangd_store_failures_total") >= 1
        assert pghangd.metric("pghangd_signals_unrecorded_total") >= 1
        wait_polls(pghangd)
        assert len(pghangd.events("store_failed")) == 1, pghangd.log()
        ballast.unlink()
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
        assert pghangd.events("store_works_again")
        shown = json.loads(incidents("show", live["id"], "--json", "--store", folder / "pghangd.db").stdout)
        assert shown["stage"] == "unresponsive"
        trail = json.loads(incidents("audit", "--json", "--store", folder / "pghangd.db").stdout)["signals"]
        assert [one["answer"] for one in trail] == ["accepted", "accepted"]
        pghangd.stop()


@needs_root
def test_a_disk_that_hangs_stops_neither_polls_nor_signals(daemon, blocked, incidents, app_name):
    disk = Disk(megabytes=16)
    try:
        pghangd = daemon(
            [rule("stuck", app_name, query_age="3s")], env={"STATE_DIRECTORY": str(disk.mount)}
        )
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
        with disk.frozen():
            live = pghangd.wait_incident(blocked.pid, stage="unresponsive", diagnosed=True)
            assert [entry["stage"] for entry in live["timeline"]][:3] == ["matched", "cancel_sent", "terminate_sent"]
            assert pghangd.metric("pghangd_store_up") == 0
            assert pghangd.metric("pghangd_signals_unrecorded_total") >= 1
            wait_polls(pghangd)
            assert len(pghangd.events("store_failed")) == 1, pghangd.log()
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
        path = disk.mount / "pghangd.db"
        wait_until(lambda: "unresponsive" in incidents("show", live["id"], "--store", path).stdout)
        pghangd.stop()
    finally:
        disk.remove()


@needs_root
def test_a_disk_that_hangs_at_the_start_delays_it_by_seconds_only(daemon, blocked, app_name):
    disk = Disk(megabytes=16)
    try:
        with disk.frozen():
            started = time.monotonic()
            pghangd = start(daemon, disk.mount, app_name)
            assert time.monotonic() - started < 15
            pghangd.wait_incident(blocked.pid, stage="unresponsive")
            assert pghangd.metric("pghangd_store_up") == 0
        wait_until(lambda: pghangd.metric("pghangd_store_up") == 1)
        wait_until(lambda: pghangd.events("store_opened_late"))
        pghangd.stop()
    finally:
        disk.remove()
