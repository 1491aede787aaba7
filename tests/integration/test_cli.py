"""The commands as a person types them: output, exit codes, bad input."""

import json
import os

import pytest
from support import process
from support.cluster import ROOT, release_fifo
from support.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change user and capabilities")


@pytest.fixture
def blocked(cluster, session):
    """A backend that waits in openat, and the FIFO it waits for."""
    fifo = cluster.fifo("cli-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    wait_until(lambda: process.state(one.pid) == "S" and "fifo" in open(f"/proc/{one.pid}/wchan").read() or "wait_for_partner" in open(f"/proc/{one.pid}/wchan").read())
    yield one, fifo
    release_fifo(fifo)
    one.wait()
    fifo.unlink()


def test_no_command_is_usage_and_help_is_not(pghangd):
    assert pghangd().returncode == 64
    answer = pghangd("--help")
    assert answer.returncode == 0
    for command in ("run", "check-config", "plan", "diagnose", "replay", "incidents"):
        assert command in answer.stdout
    assert pghangd("--version").stdout.startswith("pghangd ")
    assert pghangd("run", "--nonsense").returncode == 64
    assert pghangd("diagnose", "-5").returncode == 64
    assert pghangd("diagnose", "1", "--interval", "20").returncode == 64


def test_the_shipped_configuration_is_valid(pghangd, cluster):
    copy = cluster.folder / "shipped.yaml"  # where the daemon's user may read
    copy.write_text((ROOT / "config/pghangd.yaml").read_text())
    copy.chmod(0o644)
    answer = pghangd("check-config", copy)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_problem_of_a_configuration_is_named_with_file_line_and_key(pghangd, cluster):
    path = cluster.folder / "bad.yaml"
    path.write_text("mode: enforced\npolling:\n  intervall: 5s\nrules:\n  - name: a\n    match: {query_age: 5}\n")
    answer = pghangd("check-config", path)
    assert answer.returncode == 78
    lines = answer.stdout.splitlines()
    assert any(line.startswith(f"{path}:1: mode: ") for line in lines), lines
    assert any(line.startswith(f"{path}:3: polling.intervall: ") and "interval" in line for line in lines), lines
    assert any(line.startswith(f"{path}:6: rules[0].match.query_age: ") for line in lines), lines
    assert pghangd("run", "--config.file", path).returncode == 78
    assert pghangd("check-config", cluster.folder / "absent.yaml").returncode == 78


def test_diagnose_explains_a_backend_without_a_database_connection(pghangd, blocked):
    one, fifo = blocked
    answer = pghangd("diagnose", one.pid)
    assert answer.returncode in (0, 1), answer.stderr
    assert f'openat(AT_FDCWD, "{fifo}", O_RDONLY' in answer.stdout
    assert "BeginCopyFrom" in answer.stdout and "_start" in answer.stdout
    assert process.state(one.pid) == "S"


def test_diagnose_json_has_the_contract_s_fields(pghangd, blocked):
    one, _ = blocked
    report = json.loads(pghangd("diagnose", one.pid, "--json").stdout)
    assert report["schema_version"] == 1 and report["pid"] == one.pid
    assert report["start_ticks"] == process.start_ticks(one.pid)
    expected = {
        "schema_version", "pid", "start_ticks", "captured_at", "missing", "server", "backend", "process", "interrupts",
        "syscall", "kernel_stack", "stack", "samples", "trace", "fingerprint", "wait_graph", "verdict",
    }
    assert expected <= set(report), expected - set(report)
    assert report["syscall"]["name"] == "openat"
    assert report["stack"]["frames"][0]["address"].startswith("0x")


def test_diagnose_works_on_the_postmaster(pghangd, cluster):
    answer = pghangd("diagnose", cluster.postmaster, "--json")
    assert answer.returncode in (0, 1), answer.stderr
    names = [frame["function"] for frame in json.loads(answer.stdout)["stack"]["frames"]]
    assert "PostmasterMain" in names, names


@needs_root
def test_without_capabilities_it_says_which_one_is_missing(pghangd, blocked):
    answer = pghangd("diagnose", blocked[0].pid, capabilities=())
    assert answer.returncode == 77, answer.stdout
    assert "CAP_SYS_PTRACE" in answer.stderr


def test_plan_shows_the_rule_and_what_would_be_sent_and_touches_nothing(pghangd, cluster, blocked, app_name):
    one, _ = blocked
    config = cluster.folder / "plan.yaml"
    config.write_text(
        f"mode: enforce\ntargets:\n  - {{name: main, dsn: '{cluster.dsn('pghangd')}'}}\n"
        f"rules:\n  - name: stuck\n    match: {{state: active, query_age: 10ms, application_name: '{app_name}'}}\n    action: terminate\n"
    )
    answer = pghangd("plan", "--config.file", config)
    assert answer.returncode == 0, answer.stderr
    line = next(l for l in answer.stdout.splitlines() if "rule stuck" in l)
    assert "cancel" in line and "terminate" in line
    assert f"pid {one.pid}" in answer.stdout
    assert process.state(one.pid) == "S"


def test_plan_without_a_server_says_so_and_hides_the_password(pghangd, cluster):
    answer = pghangd("plan", "--dsn", "host=/nonexistent user=x password=hunter2 dbname=postgres")
    assert answer.returncode == 2
    assert "hunter2" not in answer.stdout + answer.stderr
    assert "/nonexistent" in answer.stderr
