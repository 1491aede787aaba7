"""Evidence kept as a file: the same report another day."""

import json
import stat
import subprocess

import pytest
from support import process
from support.cluster import release_fifo
from support.daemon import rule
from support.waiting import wait_until


@pytest.fixture
def blocked(cluster, session):
    fifo = cluster.fifo("bundle-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'").active()
    wait_until(lambda: process.state(one.pid) == "S")
    yield one
    release_fifo(fifo)
    one.wait()
    fifo.unlink()


@pytest.fixture
def pghangd(binaries):
    def run(*arguments):
        return subprocess.run([binaries / "pghangd", *map(str, arguments)], capture_output=True, text=True, timeout=30, cwd="/")

    return run


def test_a_saved_bundle_gives_the_same_report_and_json_again(pghangd, blocked, tmp_path):
    bundle = tmp_path / "hang.pghang"
    live = pghangd("diagnose", blocked.pid, "--save", bundle)
    assert live.returncode in (0, 1), live.stderr
    assert "holds the memory of the backend's stack" in live.stderr
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    again = pghangd("replay", bundle)
    assert again.returncode == 0, again.stderr
    assert again.stdout == live.stdout
    replayed = json.loads(pghangd("replay", bundle, "--json").stdout)
    assert replayed["pid"] == blocked.pid
    assert replayed["syscall"]["name"] == "openat"
    # Never over a file that is there.
    refused = pghangd("diagnose", blocked.pid, "--save", bundle)
    assert refused.returncode == 2
    assert "File exists" in refused.stderr


def test_several_bundles_are_headed_by_their_names_and_a_bad_one_costs_only_itself(pghangd, blocked, tmp_path):
    good = tmp_path / "good.pghang"
    assert pghangd("diagnose", blocked.pid, "--save", good).returncode in (0, 1)
    cut = tmp_path / "cut.pghang"
    cut.write_bytes(good.read_bytes()[:-7])
    answer = pghangd("replay", cut, good)
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [f"pghangd: malformed: {cut}: bundle is cut short or damaged"]
    assert answer.stdout.startswith(f"== {good}\n")
    missing = pghangd("replay", tmp_path / "none")
    assert missing.returncode == 2
    assert missing.stderr.splitlines() == [f"pghangd: not_found: {tmp_path}/none: No such file or directory"]


@pytest.mark.parametrize("stack_memory", [False, True])
def test_the_daemon_keeps_the_evidence_of_an_incident(pghangd, blocked, cluster, daemon, app_name, stack_memory):
    folder = cluster.folder / f"bundles-{stack_memory}"
    folder.mkdir()
    folder.chmod(0o777)
    extra = f'bundle: {{directory: "{folder}", stack_memory: {str(stack_memory).lower()}}}'
    running = daemon([rule("stuck", app_name)], extra=extra)
    incident = running.wait_incident(blocked.pid, stage="unresponsive", diagnosed=True)
    wait_until(lambda: (running.metric("pghangd_bundles_total", result="written") or 0) >= 1)
    first = folder / f"{incident['id']}.pghang"
    assert first.exists()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    replayed = json.loads(pghangd("replay", first, "--json").stdout)
    assert replayed["pid"] == blocked.pid
    assert replayed["verdict"]["cause"] in ("blocking_call", "not_stuck")
    raw = json.loads(pghangd("replay", first, "--json").stdout)
    assert raw["backend"]["activity"]["user"] == "app"
    assert running.events("bundle_written")
    size = first.stat().st_size
    assert size < 64 * 1024, size


def test_a_directory_that_is_not_there_is_said_once_and_hurts_nothing(blocked, daemon, app_name):
    running = daemon([rule("stuck", app_name)], extra="bundle: {directory: /nonexistent/pghangd}")
    running.wait_incident(blocked.pid, stage="unresponsive", diagnosed=True)
    wait_until(lambda: (running.metric("pghangd_bundles_total", result="failed") or 0) >= 1)
    # The log has a thread of its own and may come later than the metric.
    wait_until(lambda: running.events("bundle_lost"))
    assert len(running.events("bundle_lost")) == 1, running.log()
    assert "No such file or directory" in running.log()
