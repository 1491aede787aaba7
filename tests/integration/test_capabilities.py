"""DESIGN section 2's table, row by row: what an unprivileged user sees with exactly these capabilities."""

import json
import os
import subprocess

import pytest
from support import process
from support.cluster import release_fifo
from support.daemon import as_user
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change user and capabilities")

PTRACE, READ, ADMIN, NICE = "sys_ptrace", "dac_read_search", "sys_admin", "sys_nice"


@pytest.fixture
def look(binaries):
    def run(pid, *capabilities, arguments=()):
        answer = subprocess.run(
            [*as_user(capabilities), binaries / "pghangd", "diagnose", str(pid), "--json", *arguments],
            capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL,
        )
        report = json.loads(answer.stdout) if answer.stdout else None
        return answer, report

    return run


@pytest.fixture
def blocked(cluster, session):
    fifo = cluster.fifo("capabilities-fifo")
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] == "257")
    yield one
    release_fifo(fifo)
    one.wait()
    fifo.unlink()


def missing(report):
    """Without `peers`: there may be a process that nobody may look at, such as a sandbox's pid 1."""
    return {entry["evidence"]: entry["needs"] for entry in report["missing"] if entry["evidence"] != "peers"}


def test_without_a_capability_it_says_cap_sys_ptrace(look, blocked):
    answer, _ = look(blocked.pid)
    assert answer.returncode == 77
    assert "CAP_SYS_PTRACE" in answer.stderr


def test_sys_ptrace_alone_gives_state_signals_flags_and_wchan(look, blocked):
    answer, report = look(blocked.pid, PTRACE, arguments=["--no-stop"])
    assert answer.returncode == 1
    assert report["process"]["state"] == "S"
    assert report["process"]["caught_signals"]
    assert report["process"]["wchan"] not in ("", "0")
    assert report["interrupts"]["proc_die_pending"] == 0
    assert report["interrupts"]["interrupt_holdoff_count"] == 0
    gaps = missing(report)
    assert "CAP_DAC_READ_SEARCH" in gaps["syscall"]
    assert "CAP_DAC_READ_SEARCH" in gaps["io"]
    assert "CAP_DAC_READ_SEARCH" in gaps["user_stack"]
    assert "interrupts" not in gaps
    assert report["syscall"] is None and report["process"]["io"] is None


def test_with_dac_read_search_come_syscall_io_descriptors_and_the_stack(look, blocked):
    answer, report = look(blocked.pid, PTRACE, READ)
    assert report["syscall"]["name"] == "openat"
    assert report["process"]["io"] is not None
    assert report["stack"]["complete"] and report["stack"]["method"] == "in_place"
    gaps = missing(report)
    assert set(gaps) == {"kernel_stack"}, gaps
    assert gaps["kernel_stack"] == "CAP_SYS_ADMIN"
    assert report["kernel_stack"] == []
    assert answer.returncode == 1


def test_with_sys_admin_comes_the_kernel_stack_and_nothing_is_missing(look, blocked):
    answer, report = look(blocked.pid, PTRACE, READ, ADMIN)
    assert any("fifo_open" in line or "wait_for_partner" in line for line in report["kernel_stack"]), report["kernel_stack"]
    assert missing(report) == {}
    assert answer.returncode == (1 if report["missing"] else 0)


def test_sys_nice_is_what_a_short_hold_needs(look, session):
    one = session()
    one.start("SELECT py_spin(6)")
    wait_until(lambda: process.state(one.pid) == "R")
    _, without = look(one.pid, PTRACE, READ)
    assert without["stack"]["method"] == "ptrace_stop"
    assert missing(without).get("realtime") == "CAP_SYS_NICE"
    _, with_nice = look(one.pid, PTRACE, READ, NICE)
    assert with_nice["stack"]["method"] == "ptrace_stop"
    assert "realtime" not in missing(with_nice)
    process.assert_runs_free(one.pid)
    one.wait()


def test_descriptors_are_named_with_dac_read_search_only(look, cluster, session):
    """A backend reading from the pipe of COPY PROGRAM: the descriptor, and who holds the other end."""
    one = session()
    one.start("COPY t FROM PROGRAM 'sleep 5'")
    wait_until(lambda: process.children(one.pid) and open(f"/proc/{one.pid}/syscall").read().split()[0] == "0")
    _, without = look(one.pid, PTRACE, arguments=["--no-stop"])
    assert without["syscall"] is None
    assert [child["pid"] for child in without["process"]["children"]] == process.children(one.pid)
    _, report = look(one.pid, PTRACE, READ)
    assert report["syscall"]["name"] == "read"
    assert report["syscall"]["fd"]["kind"] == "pipe"
    holders = {peer["pid"] for peer in report["syscall"]["fd"]["peers"]}
    assert holders & set(process.children(one.pid)), report["syscall"]["fd"]
    one.wait()


def test_a_library_that_an_upgrade_deleted_is_read_with_checkpoint_restore_only(look, cluster, session):
    library = cluster.folder / "upgraded.so"
    library.write_bytes(open(f"{pkglibdir(cluster)}/plpython3.so", "rb").read())
    library.chmod(0o755)
    one = session(user="postgres")
    one.execute(f"LOAD '{library}'")
    library.unlink()
    one.start("SELECT pg_sleep(5)")
    wait_until(lambda: open(f"/proc/{one.pid}/syscall").read().split()[0] == "232")
    _, without = look(one.pid, PTRACE, READ)
    gaps = {entry["evidence"]: entry for entry in without["missing"]}
    assert gaps["module"]["needs"] == "CAP_CHECKPOINT_RESTORE" and "upgraded.so" in gaps["module"]["error"]
    assert without["stack"]["complete"], "a module that is not on the stack costs nothing"
    _, report = look(one.pid, PTRACE, READ, "checkpoint_restore")
    assert "module" not in missing(report)
    one.wait()


def pkglibdir(cluster):
    return subprocess.run(
        [f"{cluster.settings['BINDIR']}/pg_config", "--pkglibdir"], capture_output=True, text=True, check=True
    ).stdout.strip()
