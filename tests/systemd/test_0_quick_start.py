"""A new user, a bare Debian 12, the package and README: the quick start leads to a page."""

import json
import os
import re
import shutil
import subprocess

import pytest
from machine import Machine, wait_until
from quick_start import blocks, packages
from root import bare_root

USER = "newcomer"
TERMINAL = f"/home/{USER}/terminal"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, package):
    """A booted Debian with nothing but sudo for the user, in whose home the package lies."""
    machine = Machine(tmp_path_factory.mktemp("fresh"))
    try:
        machine.prepare(bare_root())
        # Who types `sudo apt install` says yes to its question.
        machine.file("/etc/apt/apt.conf.d/yes").write_text('APT::Get::Assume-Yes "true";\n')
        machine.file("/etc/sudoers.d/newcomer").write_text(f"{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n")
        machine.file("/etc/hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
        subprocess.run(["chroot", machine.root, "useradd", "--create-home", "--shell=/bin/bash", USER], check=True)
        shutil.copy(package, machine.file(f"/home/{USER}/"))
        machine.fetch(f"/home/{USER}/{package.name}", *packages())
        machine.boot()
        yield machine
    finally:
        machine.power_off()
        shutil.rmtree(machine.work, ignore_errors=True)


class Shell:
    """The user's: one bash for all blocks, what is in the background included, and what their terminal shows."""

    def __init__(self, machine):
        self.machine = machine
        self.process = machine.start("bash", "-c", f"cd ~{USER} && exec bash > {TERMINAL} 2>&1", user=USER, stdin=subprocess.PIPE)
        self.done = 0

    def terminal(self):
        path = self.machine.file(TERMINAL)
        return path.read_text(errors="replace") if path.exists() else ""

    def type(self, block, seconds=120):
        """Each command has to succeed. What the terminal shows of the block."""
        before = len(self.terminal())
        self.done += 1
        end = f"== end of block {self.done}"
        # Commands may read: not what is typed after them.
        self.process.stdin.write(f"trap 'echo \"FAILED: $BASH_COMMAND\"' ERR\n{{\n{block}}} < /dev/null\ntrap - ERR; echo '{end}'\n")
        self.process.stdin.flush()
        wait_until(lambda: end in self.terminal(), seconds, f"the end of\n{block}\nthe terminal shows\n{self.terminal()[-3000:]}")
        shown = self.terminal()[before:]
        assert "FAILED: " not in shown, shown + self.machine.run("journalctl", "--no-pager", "--lines=60")
        return shown

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture(scope="module")
def shell(fresh):
    one = Shell(fresh)
    yield one
    print(one.terminal())
    one.close()


def block_with(words):
    found = [block for block in blocks() if words in block]
    assert len(found) == 1, (words, found)
    return found[0]


def test_the_package_brings_all_that_it_needs(shell, fresh):
    assert fresh.run("sh", "-c", "command -v psql curl python3", check=False) == "", "nothing of it is there already"
    shown = shell.type(block_with("apt install ./pghangd"))
    assert re.search(r"^pghangd \d+\.\d+\.\d+ \(git [0-9a-f]{12}\+?\)$", shown, re.M)
    for program in ("/usr/bin/pghangd", "/usr/libexec/pghangd/pghangd-sampler"):
        libraries = fresh.run("ldd", program)
        assert "libpq" in libraries or "libunwind" in libraries
        assert "not found" not in libraries


def test_without_a_server_the_doctor_says_what_to_do(fresh):
    told = json.loads(fresh.run("pghangd", "doctor", "--json", "--user", "pghangd", "--config.file", "/etc/pghangd/pghangd.yaml", check=False))
    failed = [check for check in told["checks"] if check["grade"] == "fail"]
    assert [check["check"] for check in failed] == ["main: connection"], failed
    assert failed[0]["fix"]


def test_the_server_and_the_role_are_made(shell, fresh):
    shell.type(block_with("apt install postgresql"))
    assert fresh.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'pghangd'") == "f"


def test_the_doctor_finds_nothing_amiss(shell):
    shown = shell.type(block_with("pghangd doctor"))
    assert "ok    main: connection" in shown and "FAIL" not in shown


def test_the_service_runs_and_can_be_scraped(shell, fresh):
    shown = shell.type(block_with("systemctl enable --now pghangd"))
    assert "Active: active (running)" in shown and "pghangd_build_info" in shown
    wait_until(lambda: fresh.show("StatusText").startswith("1 of 1 target up"), what="the target is up")


def test_prometheus_and_alertmanager_are_set_up(shell, fresh):
    shell.type(block_with("apt install --no-install-recommends prometheus"))
    assert {fresh.show("ActiveState", unit) for unit in ("prometheus.service", "prometheus-alertmanager.service")} == {"active"}


def test_a_hang_is_paged_with_its_cause_and_a_link_that_answers(shell, fresh):
    shell.type(block_with("mkfifo"))
    page = wait_until(lambda: re.search(r"^/page firing .*\n  link (\S+)\n  runbook_url (\S+)$", shell.terminal(), re.M), 120, "the page")
    assert "PghangdBackendUnkillable: 1 backend(s) of main on 127.0.0.1:10187 cannot be terminated: blocking_call" in page[0]
    status, html = fresh.get(page[1].removeprefix("http://127.0.0.1:10187"))
    assert status == 200 and "/tmp/fifo" in html and "timeout 5 tee -a /tmp/fifo" in html
    status, html = fresh.get(page[2].removeprefix("http://127.0.0.1:10187"))
    assert status == 200 and "<h1>blocking_call</h1>" in html


def test_what_the_report_advises_ends_the_hang(shell, fresh):
    shown = shell.type(block_with("tee -a /tmp/fifo"))
    assert 'pghangd_unresponsive_backends{cause="blocking_call",target="main"} 1' in shown
    assert '"cause": "blocking_call"' in shown
    wait_until(lambda: "FATAL:  terminating connection due to administrator command" in shell.terminal(), what="the client is told")
    wait_until(lambda: fresh.json("/api/v1/incidents")["incidents"][0]["stage"] == "resolved", what="resolved")
