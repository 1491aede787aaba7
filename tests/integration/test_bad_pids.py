"""`diagnose` of what is no PostgreSQL process that can be looked at: one clear line, and the right exit code.

A process that is not PostgreSQL gets a whole report all the same: where it waits and who is at the other end is as true
of it, and somebody who mistook a pid sees at once whose it is. The line says that it is not PostgreSQL, and the exit
code is 1, for the flags that a verdict rests on are missing.
"""

import json
import os
import signal
import subprocess
import time

import pytest
from support import process
from support.daemon import as_user
from support.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change user and capabilities")


@pytest.fixture
def sleeper():
    other = subprocess.Popen(["sleep", "60"])
    yield other
    other.kill()
    other.wait()


def the_line(answer):
    """What it says on stderr: one line."""
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert answer.stderr.startswith("pghangd: "), answer.stderr
    return answer.stderr.rstrip("\n")


def test_no_such_process(pghangd):
    gone = subprocess.Popen(["true"])
    gone.wait()
    answer = pghangd("diagnose", gone.pid)
    assert answer.returncode == 2 and answer.stdout == ""
    assert the_line(answer) == f"pghangd: pid {gone.pid}: no such process"


@pytest.mark.parametrize("pid", ["-5", "0", "abc", "12x", "1.5", "99999999999", "", "--", "1 2"])
def test_what_is_no_pid_is_usage(pghangd, pid):
    answer = pghangd("diagnose", pid)
    assert answer.returncode == 64 and answer.stdout == ""
    the_line(answer)


def test_a_pid_beyond_every_process(pghangd):
    answer = pghangd("diagnose", 2147483647)
    assert answer.returncode == 2
    assert the_line(answer) == "pghangd: pid 2147483647: no such process"


def test_a_process_that_is_not_postgresql(pghangd, sleeper):
    answer = pghangd("diagnose", sleeper.pid)
    assert answer.returncode == 1
    assert the_line(answer).startswith(f"pghangd: pid {sleeper.pid} (sleep) is not a PostgreSQL process")
    assert "clock_nanosleep" in answer.stdout
    report = json.loads(pghangd("diagnose", sleeper.pid, "--json").stdout)
    assert report["verdict"]["cause"] == "unknown" and report["verdict"]["explanation"] == "not_postgres"


def test_init_is_not_postgresql(pghangd):
    answer = pghangd("diagnose", 1)
    assert answer.returncode == 1
    assert the_line(answer).startswith(f"pghangd: pid 1 ({process.comm(1)}) is not a PostgreSQL process") or (
        # An init that lets nobody look, whatever capabilities they have.
        the_line(answer).startswith(f"pghangd: pid 1 ({process.comm(1)}): it cannot be told whether it is a PostgreSQL process: ")
    )
    assert process.state(1) in ("S", "R")


def test_pghangd_itself(binaries):
    command = f"exec {binaries}/pghangd diagnose $$"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30)
    assert answer.returncode == 64 and "this pghangd itself" in the_line(answer)


@pytest.mark.parametrize("capabilities", [("sys_ptrace", "dac_read_search", "sys_nice"), ()])
@needs_root
def test_a_kernel_thread(pghangd, capabilities):
    if process.comm(2) != "kthreadd":
        pytest.skip("no kernel threads in this pid namespace")
    answer = pghangd("diagnose", 2, capabilities=capabilities)
    assert answer.returncode == 2 and answer.stdout == ""
    assert the_line(answer) == "pghangd: pid 2: a kernel thread (kthreadd): it runs no program, and no signal ends it"


@pytest.mark.parametrize("json_too", [False, True])
def test_a_zombie_and_whose(pghangd, json_too):
    zombie = subprocess.Popen(["true"])
    try:
        wait_until(lambda: process.state(zombie.pid) == "Z")
        answer = pghangd("diagnose", zombie.pid, *(["--json"] if json_too else []))
    finally:
        zombie.wait()
    assert answer.returncode == 0 and answer.stderr == "", answer.stderr
    says = f"it is a zombie until its parent, {process.comm(os.getpid())} (pid {os.getpid()}), collects it."
    assert says in " ".join(answer.stdout.split())
    if json_too:
        report = json.loads(answer.stdout)
        assert report["verdict"]["cause"] == "gone" and report["verdict"]["explanation"] == "zombie"
        assert report["process"]["state"] == "Z" and report["process"]["ppid"] == os.getpid()
        assert report["missing"] == []


@needs_root
def test_another_user_s_process_without_the_capability(pghangd, sleeper):
    answer = pghangd("diagnose", sleeper.pid, capabilities=())
    assert answer.returncode == 77 and answer.stdout == ""
    assert f"pid {sleeper.pid}: " in the_line(answer) and "needs CAP_SYS_PTRACE" in answer.stderr


def test_one_s_own_process_needs_no_capability(binaries):
    if os.geteuid() != 0:
        pytest.skip("needs root to change user")
    prefix = as_user(())
    own = subprocess.Popen([*prefix, "sleep", "60"], cwd="/")
    try:
        wait_until(lambda: process.comm(own.pid) == "sleep")
        answer = subprocess.run(
            [*prefix, binaries / "pghangd", "diagnose", str(own.pid)], capture_output=True, text=True, timeout=30, cwd="/"
        )
    finally:
        own.kill()
        own.wait()
    assert answer.returncode == 1 and "is not a PostgreSQL process" in the_line(answer)


def capturing(command):
    return any(process.is_named(pid, "pghangd-capture") for pid in process.descendants(command.pid))


def test_one_that_ends_while_it_is_looked_at(start_pghangd, sleeper):
    command = start_pghangd("diagnose", sleeper.pid, "--samples", "20", "--interval", "1s")
    wait_until(lambda: capturing(command), every=0.01)
    time.sleep(2)  # into the samples
    assert capturing(command)
    sleeper.kill()
    sleeper.wait()
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2 and out == ""
    assert err == f"pghangd: pid {sleeper.pid}: it ended while it was looked at\n"


def test_a_backend_terminated_while_it_is_looked_at(start_pghangd, cluster, session):
    one = session()
    command = start_pghangd("diagnose", one.pid, "--samples", "20", "--interval", "1s")
    wait_until(lambda: capturing(command), every=0.01)
    time.sleep(2)
    os.kill(one.pid, signal.SIGTERM)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2 and out == ""
    assert err == f"pghangd: pid {one.pid}: it ended while it was looked at\n"
